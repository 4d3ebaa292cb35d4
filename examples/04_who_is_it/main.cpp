// Who is at the other end? This makes a small certificate authority in memory, lets it vouch for a
// server, judges the server's chain as a client does, and shows what a person may do about a
// verdict.
#include <array>
#include <vector>

#include <fmt/format.h>

#include <handfast/crypto/certificate_builder.hpp>
#include <handfast/crypto/chain_verifier.hpp>

namespace crypto = handfast::crypto;
using handfast::Bytes;

int main() {
  // No clock is read: the time is an argument, everywhere.
  const handfast::WallTime now = std::chrono::sys_days{std::chrono::year{2030} / 1 / 1};

  const auto ca_key = crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::ed25519);
  if (!ca_key || !key) return 1;
  crypto::CertificateTemplate wanted{.role = crypto::CertificateRole::ca,
                                     .common_name = "Example CA",
                                     .not_before = now,
                                     .not_after = now + std::chrono::days{365}};
  const auto ca = crypto::issue(wanted, ca_key->public_key(), nullptr, *ca_key);
  if (!ca) return 1;
  wanted.role = crypto::CertificateRole::server;
  wanted.common_name = "";
  wanted.dns = {"example.org", "*.example.org"};
  const auto server = crypto::issue(wanted, key->public_key(), &*ca, *ca_key);
  if (!server) return 1;
  fmt::print("{}\n", describe(*server));

  crypto::TrustStore store;
  store.add(*ca);
  crypto::ChainVerifier verifier(std::move(store));
  const std::vector<handfast::u8> der = server->der();  // as a handshake brings it
  const std::array<Bytes, 1> chain{der};

  crypto::VerifyRequest request{.name = *crypto::PeerName::parse("www.example.org"), .now = now};
  const auto good = verifier.verify(chain, request);
  if (!good) return 1;
  fmt::print("accepted: {} certificates from the server to the root\n", good->path.size());

  request.name = *crypto::PeerName::parse("example.com");
  const auto bad = verifier.verify(chain, request);
  if (bad) return 1;
  fmt::print("refused ({}): {}\n", to_string(bad.error().rule), bad.error().sentence);

  // A person looked at it, and decided that this very certificate is example.com's.
  const crypto::CertificateException exception{server->fingerprint(), request.name};
  request.exception = &exception;
  const auto accepted = verifier.verify(chain, request);
  if (!accepted || !accepted->accepted) return 1;
  fmt::print("accepted knowingly, by its SHA-256\n");
}
