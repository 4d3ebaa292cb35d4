#include <utility>

#include "base/assert.hpp"
#include "ends.hpp"

namespace handfast::bench {
namespace {

constexpr Instant now{1h};

crypto::TrustStore store_of(const Lab& lab) {
  crypto::TrustStore store;
  store.add(lab.root.certificate);
  return store;
}

}  // namespace

OurEnds::OurEnds(const Lab& lab, tls::Role role)
    : ticket_keys_({}, random_, now), role_(role), verifier_(store_of(lab)) {
  config_.version_min = tls::Version::tls_1_3;
  config_.suites = {tls::CipherSuite::aes_128_gcm_sha256};
  config_.groups = {crypto::Group::x25519};
  config_.certificate_compression.clear();  // libssl 3.0 has none
  config_.tickets_per_session = 1;
  config_.certificates = &certificates_;
  request_.name = *crypto::PeerName::parse(server_name);
  request_.now = lab.now;
  if (role == tls::Role::client) return;
  config_.identities.push_back(*tls::Identity::make(lab.chain(), lab.server.key.clone()));
  config_.ticket_keys = &ticket_keys_;
}

tls::Session OurEnds::begin() {
  if (role_ == tls::Role::server) return tls::Session::server(config_, random_);
  return tls::Session::client(config_, server_name, random_, std::exchange(ticket, std::nullopt),
                              now);
}

void OurEnds::answer(tls::Session& session) {
  while (auto event = session.poll_event()) {
    if (auto* its = std::get_if<tls::TicketReceived>(&*event)) ticket = std::move(its->ticket);
    if (!std::holds_alternative<tls::NeedVerdict>(*event)) continue;
    const auto& ders = session.summary().peer_chain;
    const std::vector<Bytes> chain(ders.begin(), ders.end());
    ASSERT(verifier_.verify(chain, request_).has_value());
    ASSERT(session.on_verdict({}, now).has_value());
  }
}

void OurEnds::End::step(std::vector<u8>& in, std::vector<u8>& out) {
  for (u32 fed = 0; fed < in.size();) {
    const auto taken = session_.feed(MutBytes(in).subspan(fed), now);
    ASSERT(taken.has_value());
    fed += *taken;
    all_.answer(session_);
  }
  in.clear();
  while (session_.has_output()) {
    const std::size_t at = out.size();
    out.resize(at + 4096);
    out.resize(at + session_.take(MutBytes(out).subspan(at)));
  }
}

}  // namespace handfast::bench
