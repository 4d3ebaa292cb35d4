// Who we say we are: a chain of certificates and the key that proves it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "crypto/certificate.hpp"
#include "crypto/certificate_compression.hpp"
#include "crypto/key_exchange.hpp"
#include "crypto/private_key.hpp"
#include "tls/codes.hpp"
#include "tls/messages.hpp"
#include "tls/reader.hpp"

namespace handfast::tls {

/// RFC 8422 §5.1: in TLS 1.2 the groups that a client lists are the curves of certificates too.
bool is_within(const crypto::PublicKey& key, const CodeList<crypto::Group>& groups);

class Identity {
 public:
  /// `chain` is DER, our own certificate first. Without a `key`, NeedSignature asks for each
  /// signature. Refuses a certificate that cannot be read and a key that is not its own.
  static Result<Identity, crypto::KeyError> make(std::vector<std::vector<u8>> chain,
                                                 std::optional<crypto::PrivateKey> key);
  /// The same from the texts of two PEM files, which may be one.
  static Result<Identity, crypto::KeyError> from_pem(std::string_view chain, std::string_view key);

  const std::vector<std::vector<u8>>& chain() const { return chain_; }
  const crypto::PrivateKey* key() const { return key_ ? &*key_ : nullptr; }
  const std::vector<u8>& ocsp_response() const { return ocsp_response_; }
  /// What is stapled where the peer asks for it (RFC 6066 §8): an OCSPResponse.
  void set_ocsp_response(std::vector<u8> der) {
    ocsp_response_ = std::move(der);
    compressed_.clear();
  }
  /// RFC 8879: a CompressedCertificate, or a Certificate where that is not longer. It is made once.
  const std::vector<u8>& compressed_certificate(crypto::CertificateCompression algorithm,
                                                bool with_ocsp) const;

  /// The certificate names `server_name`, perhaps by a wildcard.
  bool is_for(std::string_view server_name) const;
  /// By which it signs, the best first. Empty, as at first: by any that the key can, and the peer's
  /// order counts.
  void set_schemes(std::vector<crypto::SignatureScheme> schemes) { schemes_ = std::move(schemes); }
  /// The scheme among `offered` by which the key signs in this version.
  std::optional<crypto::SignatureScheme> choose_scheme(
      const CodeList<crypto::SignatureScheme>& offered, Version version) const;
  /// A suite of TLS 1.2 takes this kind of key. RSA key transport needs the key itself, and a
  /// certificate that allows it.
  bool fits(const Suite& suite) const;
  bool is_within(const CodeList<crypto::Group>& groups) const {
    return tls::is_within(public_key_, groups);
  }

 private:
  Identity(std::vector<std::vector<u8>> chain, std::optional<crypto::PrivateKey> key,
           const crypto::Certificate& certificate);

  std::vector<std::vector<u8>> chain_;
  std::optional<crypto::PrivateKey> key_;
  crypto::PublicKey public_key_;
  std::optional<crypto::SubjectNames> names_;
  bool may_encipher_;
  std::vector<u8> ocsp_response_;
  std::vector<crypto::SignatureScheme> schemes_;

  struct Compressed {
    crypto::CertificateCompression algorithm;
    bool with_ocsp;
    std::vector<u8> message;
  };
  mutable std::vector<Compressed> compressed_;
};

/// The chain of `identity` as it goes out.
CertificateMessage certificate_message(const Identity& identity, bool with_ocsp);

/// RFC 8446 §4.2.3: one that we know; TLS 1.3 signs no handshake by PKCS #1 v1.5.
bool is_usable(crypto::SignatureScheme scheme, Version version);
/// RFC 5246 §7.4.2, RFC 8422 §5.10: the key is of the kind that the suite names.
bool fits(const crypto::PublicKey& key, const Suite& suite);

}  // namespace handfast::tls
