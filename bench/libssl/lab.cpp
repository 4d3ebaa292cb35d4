#include "lab.hpp"

#include <chrono>
#include <utility>

#include "base/assert.hpp"

namespace handfast::bench {
namespace {

WallTime today() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

Lab::Lab() : now(today()) {}

Lab::Made Lab::make(crypto::CertificateRole role, const char* name, const Made* issuer) {
  auto key = crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
  ASSERT(key);
  crypto::CertificateTemplate wanted;
  wanted.role = role;
  wanted.common_name = name;
  if (role == crypto::CertificateRole::server) wanted.dns = {name};
  wanted.not_before = today() - std::chrono::days{1};
  wanted.not_after = today() + std::chrono::days{1};
  auto certificate =
      issue(wanted, key->public_key(), issuer == nullptr ? nullptr : &issuer->certificate,
            issuer == nullptr ? *key : issuer->key);
  ASSERT(certificate);
  return {std::move(*key), std::move(*certificate)};
}

}  // namespace handfast::bench
