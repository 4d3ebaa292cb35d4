// A client's work on a server's certificates: anew, and from the cache.
#include <vector>

#include <benchmark/benchmark.h>

#include "base/assert.hpp"
#include "crypto/certificate_builder.hpp"
#include "crypto/chain_verifier.hpp"

namespace handfast::crypto {
namespace {

constexpr WallTime now = std::chrono::sys_days{std::chrono::year{2030} / 6 / 15};

struct Made {
  Certificate certificate;
  PrivateKey key;
};

Made make(CertificateRole role, const std::string& name, KeyType type, const Made* issuer) {
  auto key = PrivateKey::generate(type);
  ASSERT(key);
  CertificateTemplate wanted;
  wanted.role = role;
  wanted.common_name = name;
  if (role == CertificateRole::server) wanted.dns = {name};
  wanted.not_before = now - std::chrono::days{1};
  wanted.not_after = now + std::chrono::days{1};
  auto certificate =
      issue(wanted, key->public_key(), issuer == nullptr ? nullptr : &issuer->certificate,
            issuer == nullptr ? *key : issuer->key);
  ASSERT(certificate);
  return {std::move(*certificate), std::move(*key)};
}

/// Root, intermediate and server, as on most of the web.
void verify_chain(benchmark::State& state, KeyType type, u32 cached_chains_max) {
  const Made root = make(CertificateRole::ca, "Root", type, nullptr);
  const Made ca = make(CertificateRole::ca, "CA", type, &root);
  const Made server = make(CertificateRole::server, "www.example.org", type, &ca);
  TrustStore store;
  store.add(root.certificate);
  ChainVerifier verifier(std::move(store), {.cached_chains_max = cached_chains_max});
  const std::vector<std::vector<u8>> ders{server.certificate.der(), ca.certificate.der()};
  const std::vector<Bytes> sent(ders.begin(), ders.end());
  const VerifyRequest request{.name = *PeerName::parse("www.example.org"), .now = now};
  for (auto _ : state) {
    auto verdict = verifier.verify(sent, request);
    ASSERT(verdict);
    benchmark::DoNotOptimize(verdict);
  }
}

void verify_anew_p256(benchmark::State& state) { verify_chain(state, KeyType::ec_p256, 0); }
void verify_cached_p256(benchmark::State& state) { verify_chain(state, KeyType::ec_p256, 1); }
void verify_anew_rsa(benchmark::State& state) { verify_chain(state, KeyType::rsa, 0); }
void verify_cached_rsa(benchmark::State& state) { verify_chain(state, KeyType::rsa, 1); }
BENCHMARK(verify_anew_p256);
BENCHMARK(verify_cached_p256);
BENCHMARK(verify_anew_rsa);
BENCHMARK(verify_cached_rsa);

}  // namespace
}  // namespace handfast::crypto
