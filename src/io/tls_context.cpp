#include "io/tls_context.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace handfast::io {
namespace {

class TlsCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "handfast.tls"; }
  std::string message(int code) const override {
    switch (static_cast<TlsErrc>(code)) {
      case TlsErrc::failed: return "the TLS connection failed";
      case TlsErrc::refused: return "the peer refused the TLS connection";
      case TlsErrc::truncated: return "the connection ended without TLS's close_notify";
      case TlsErrc::early_data_rejected:
        return "the server took no early data, and speaks another protocol than it was for";
    }
    return "unknown";
  }
};

}  // namespace

const std::error_category& tls_category() noexcept {
  static const TlsCategory category;
  return category;
}

TlsContext::TlsContext()
    : clock([] {
        return Instant(std::chrono::duration_cast<Duration>(
            std::chrono::steady_clock::now().time_since_epoch()));
      }) {
  config.certificates = &certificates_;
}

void TlsContext::give_tickets(const tls::TicketKeys::Config& how) {
  ticket_keys_.emplace(how, random(), clock());
  config.ticket_keys = &*ticket_keys_;
  tls::SessionStore::Config kept;
  kept.lifetime = std::min(how.lifetime, tls::session_lifetime_max);
  sessions_.emplace(kept);
  config.sessions = &*sessions_;
}

void TlsContext::take_early_data(u32 bytes_max, const tls::ReplayGuard::Config& how) {
  replay_guard_.emplace(how, random(), clock());
  config.replay_guard = &*replay_guard_;
  config.early_bytes_max = bytes_max;
}

void TlsContext::answer(tls::Session& session, const std::string& server_name) {
  while (auto event = session.poll_event()) {
    Result<void, tls::Error> good;
    if (std::holds_alternative<tls::NeedVerdict>(*event))
      good = session.on_verdict(judge(session, server_name), clock());
    if (std::holds_alternative<tls::NeedSignature>(*event))
      good = session.on_signature({}, clock());
    if (auto* ticket = std::get_if<tls::TicketReceived>(&*event))
      tickets.put(std::move(ticket->ticket));
    if (auto* line = std::get_if<tls::KeyLogLine>(&*event); line != nullptr && on_key_log)
      on_key_log(line->line);
    if (!good) return;  // and session.error() says it
  }
}

Result<void, tls::Error> TlsContext::judge(const tls::Session& session,
                                           const std::string& server_name) {
  if (accept_anybody) return {};
  if (!verifier)
    return tls::refuse(tls::Alert::internal_error, "there is no trust store to judge the peer by");
  const bool is_client = session.handshake().role() == tls::Role::client;
  const tls::Summary& summary = session.summary();
  crypto::VerifyRequest request;
  request.purpose = is_client ? crypto::Purpose::server : crypto::Purpose::client;
  request.now = wall_clock();
  request.staple = summary.peer_ocsp_response;
  request.staple_asked = is_client && config.ask_for_ocsp;
  if (is_client) {
    auto name = crypto::PeerName::parse(server_name);
    if (!name) return tls::refuse(tls::Alert::internal_error, name.error());
    request.name = std::move(*name);
  }
  const auto taken =
      std::ranges::find(exceptions, request.name, &crypto::CertificateException::name);
  if (taken != exceptions.end()) request.exception = &*taken;
  const std::vector<Bytes> chain(summary.peer_chain.begin(), summary.peer_chain.end());
  const auto verified = verifier->verify(chain, request);
  if (verified) return {};
  refused.reset();
  if (!chain.empty())
    if (auto own = crypto::Certificate::parse(chain.front()))
      refused = Refused{std::move(*own), verified.error().rule};
  return tls::refuse(alert_of(verified.error().rule), verified.error().sentence);
}

tls::Alert alert_of(crypto::CertificateRule rule) {
  using enum crypto::CertificateRule;
  switch (rule) {
    case unknown_issuer: return tls::Alert::unknown_ca;
    case expired:
    case not_yet_valid: return tls::Alert::certificate_expired;
    case revoked: return tls::Alert::certificate_revoked;
    case wrong_usage: return tls::Alert::unsupported_certificate;
    case no_staple:
    case bad_staple: return tls::Alert::bad_certificate_status_response;
    default: return tls::Alert::bad_certificate;
  }
}

}  // namespace handfast::io
