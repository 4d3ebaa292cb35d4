#include "cli/demo_tls.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/byte_order.hpp"
#include "cli/command.hpp"
#include "crypto/certificate_builder.hpp"

namespace handfast::cli {

namespace {

/// When the demonstration takes place, for dates in certificates.
constexpr WallTime today{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

template <class T, class E>
T must(Result<T, E> made, std::string_view what) {
  if (!made) throw Failure(fmt::format("cannot make {}", what), "", std::string(made.error().why));
  return std::move(*made);
}

std::array<u8, 8> bytes_of(u64 seed) {
  std::array<u8, 8> bytes{};
  store_be(bytes.data(), seed);
  return bytes;
}

/// RFC 8410 §7: an Ed25519 key in PKCS #8 is this and 32 bytes that are drawn.
crypto::PrivateKey draw_key(crypto::Random& random) {
  std::vector<u8> der{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                      0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
  const std::size_t prefix = der.size();
  der.resize(prefix + 32);
  random.fill(MutBytes(der).subspan(prefix));
  return must(crypto::PrivateKey::from_der(der), "a key");
}

crypto::CertificateTemplate certificate(crypto::CertificateRole role, std::string name) {
  crypto::CertificateTemplate wanted;
  wanted.role = role;
  wanted.common_name = std::move(name);
  wanted.not_before = today - std::chrono::days{1};
  wanted.not_after = today + std::chrono::days{90};
  return wanted;
}

}  // namespace

DemoTls::DemoTls(const DemoTlsOptions& options, u64 seed, const std::function<Instant()>& clock)
    : random_(bytes_of(seed)) {
  for (io::TlsContext* context : {&client_, &server_}) {
    context->random_source = &random_;
    context->clock = clock;
    context->wall_clock = [] { return today; };
    context->config.protocols = {"http/1.1"};
    context->config.grease = false;  // a ladder for people, who have nothing to get used to
    context->config.middlebox_compatibility = false;
    // The same messages with each libcrypto, and a Certificate that is one.
    context->config.groups = {crypto::Group::x25519, crypto::Group::secp256r1};
    context->config.certificate_compression.clear();
    if (options.tls12) context->config.version_max = tls::Version::tls_1_2;
  }
  client_.config.ask_for_ocsp = false;
  if (options.is_resumed()) server_.give_tickets();
  if (options.early_data) {
    constexpr u32 early_bytes_max = 16 << 10;
    server_.take_early_data(early_bytes_max);
    client_.config.offers_early_data = true;
  }
  server_.config.tickets_per_session = 1;
  if (options.rsa)
    for (io::TlsContext* context : {&client_, &server_})
      context->config.suites.assign(tls::rsa_transport_suites.begin(),
                                    tls::rsa_transport_suites.end());
  make_certificates(options.rsa);
}

void DemoTls::log_keys(std::function<void(const std::string&)> write) {
  client_.config.key_log = true;
  client_.on_key_log = std::move(write);
}

void DemoTls::make_certificates(bool rsa) {
  using crypto::CertificateRole;
  const crypto::PrivateKey ca_key = draw_key(random_);
  const auto ca = must(crypto::issue(certificate(CertificateRole::ca, "Demo CA"),
                                     ca_key.public_key(), nullptr, ca_key),
                       "a CA");
  crypto::PrivateKey key =
      rsa ? must(crypto::PrivateKey::generate(crypto::KeyType::rsa), "an RSA key")
          : draw_key(random_);
  crypto::CertificateTemplate wanted = certificate(CertificateRole::server, "");
  wanted.dns = {server_name};
  const auto own = must(crypto::issue(wanted, key.public_key(), &ca, ca_key), "a certificate");
  server_.config.identities.push_back(
      must(tls::Identity::make({own.der()}, std::move(key)), "an identity"));
  crypto::TrustStore store;
  store.add(ca);
  client_.verifier.emplace(std::move(store));
}

}  // namespace handfast::cli
