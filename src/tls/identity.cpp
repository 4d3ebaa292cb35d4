#include "tls/identity.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "crypto/certificate_file.hpp"

namespace handfast::tls {

using crypto::KeyError;
using crypto::SignatureScheme;

bool is_usable(SignatureScheme scheme, Version version) {
  return crypto::is_known(scheme) &&
         (version == Version::tls_1_2 ||
          crypto::algorithm_of(scheme) != crypto::SignatureAlgorithm::rsa_pkcs1);
}

bool fits(const crypto::PublicKey& key, const Suite& suite) {
  if (suite.exchange == Exchange::rsa) return key.type() == crypto::KeyType::rsa;
  if (key.type() == crypto::KeyType::dsa || key.type() == crypto::KeyType::other) return false;
  const bool is_rsa = key.type() == crypto::KeyType::rsa || key.type() == crypto::KeyType::rsa_pss;
  return suite.key == SuiteKey::any || is_rsa == (suite.key == SuiteKey::rsa);
}

bool is_within(const crypto::PublicKey& key, const CodeList<crypto::Group>& groups) {
  if (groups.empty()) return true;
  constexpr crypto::Group secp521r1{0x0019};
  switch (key.type()) {
    case crypto::KeyType::ec_p256: return groups.contains(crypto::Group::secp256r1);
    case crypto::KeyType::ec_p384: return groups.contains(crypto::Group::secp384r1);
    case crypto::KeyType::ec_p521: return groups.contains(secp521r1);
    default: return true;
  }
}

bool Identity::fits(const Suite& suite) const {
  return tls::fits(public_key_, suite) &&
         (suite.exchange != Exchange::rsa || (may_encipher_ && key_.has_value()));
}

Result<Identity, KeyError> Identity::make(std::vector<std::vector<u8>> chain,
                                          std::optional<crypto::PrivateKey> key) {
  if (chain.empty()) return failure(KeyError{"there is no certificate"});
  const auto certificate = crypto::Certificate::parse(chain.front());
  if (!certificate) return failure(KeyError{certificate.error().sentence});
  if (key && key->public_key() != certificate->public_key())
    return failure(KeyError{fmt::format("the private key is not that of the certificate \"{}\"",
                                        certificate->subject())});
  return Identity(std::move(chain), std::move(key), *certificate);
}

Result<Identity, KeyError> Identity::from_pem(std::string_view chain, std::string_view key) {
  auto certificates = crypto::parse_certificates(as_bytes(chain));
  if (!certificates) return failure(KeyError{certificates.error().sentence});
  auto private_key = crypto::PrivateKey::from_pem(key);
  if (!private_key) return failure(private_key.error());
  std::vector<std::vector<u8>> der;
  der.reserve(certificates->size());
  for (const crypto::Certificate& certificate : *certificates) der.push_back(certificate.der());
  return make(std::move(der), std::move(*private_key));
}

Identity::Identity(std::vector<std::vector<u8>> chain, std::optional<crypto::PrivateKey> key,
                   const crypto::Certificate& certificate)
    : chain_(std::move(chain)),
      key_(std::move(key)),
      public_key_(certificate.public_key()),
      names_(certificate.names()),
      may_encipher_(certificate.allows(crypto::KeyUsage::key_encipherment)) {}

CertificateMessage certificate_message(const Identity& identity, bool with_ocsp) {
  CertificateMessage message;
  for (const std::vector<u8>& der : identity.chain()) {
    ASSERT(message.count < certificates_max);
    message.storage[message.count++] = {der, std::nullopt};
  }
  if (with_ocsp && !identity.ocsp_response().empty())
    message.storage[0].ocsp_response = identity.ocsp_response();
  return message;
}

const std::vector<u8>& Identity::compressed_certificate(crypto::CertificateCompression algorithm,
                                                        bool with_ocsp) const {
  const auto made = std::ranges::find_if(compressed_, [&](const Compressed& it) {
    return it.algorithm == algorithm && it.with_ocsp == with_ocsp;
  });
  if (made != compressed_.end()) return made->message;
  std::vector<u8> plain = emit(certificate_message(*this, with_ocsp));
  const Bytes body = Bytes(plain).subspan(message_header_size);
  const std::vector<u8> packed = crypto::compress(algorithm, body);
  std::vector<u8> message = emit(CompressedCertificate{algorithm, to<u32>(body.size()), packed});
  if (message.size() >= plain.size()) message = std::move(plain);
  compressed_.push_back({algorithm, with_ocsp, std::move(message)});
  return compressed_.back().message;
}

bool Identity::is_for(std::string_view server_name) const {
  const auto name = crypto::PeerName::parse(server_name);
  return name && names_ && names_match(*names_, *name);
}

std::optional<SignatureScheme> Identity::choose_scheme(const CodeList<SignatureScheme>& offered,
                                                       Version version) const {
  const auto is_good = [&](SignatureScheme scheme) {
    return is_usable(scheme, version) && public_key_.fits(scheme, version == Version::tls_1_2) &&
           public_key_.has_room_for(scheme);
  };
  for (const SignatureScheme scheme : schemes_)
    if (offered.contains(scheme) && is_good(scheme)) return scheme;
  if (!schemes_.empty()) return std::nullopt;
  for (u32 i = 0; i < offered.size(); ++i)
    if (is_good(offered[i])) return offered[i];
  return std::nullopt;
}

}  // namespace handfast::tls
