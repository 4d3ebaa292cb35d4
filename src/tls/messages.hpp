// RFC 8446 §4.3 to §4.6: the messages of TLS 1.3 after the hellos. What is parsed points into the
// message; parsing takes a body without its header, and emitting gives a whole message.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "crypto/signature_scheme.hpp"
#include "tls/alert.hpp"
#include "tls/codes.hpp"
#include "tls/hello.hpp"

namespace handfast::tls {

inline constexpr u32 message_header_size = 4;
/// Of one chain (a limit of ours).
inline constexpr u32 certificates_max = 16;

/// §4.3.1. `stray` is an extension that has no place here.
struct EncryptedExtensions {
  CodeList<crypto::Group> groups;
  std::optional<u16> record_size_limit;
  bool server_name = false;
  bool early_data = false;
  std::optional<std::string_view> protocol;  // ALPN
  std::optional<Bytes> quic_parameters;
  std::optional<ExtensionType> stray;
};
Result<EncryptedExtensions, Error> parse_encrypted_extensions(Bytes body);
std::vector<u8> emit(const EncryptedExtensions& it);

/// §4.3.2.
struct CertificateRequest {
  Bytes context;
  CodeList<crypto::SignatureScheme> schemes;
  CodeList<crypto::SignatureScheme> certificate_schemes;
  CodeList<crypto::CertificateCompression> compressions;
  Bytes authorities;  // DistinguishedName …, where it was sent
};
Result<CertificateRequest, Error> parse_certificate_request(Bytes body);
std::vector<u8> emit(const CertificateRequest& it);

/// §4.4.2: leaf first.
struct CertificateEntry {
  Bytes der;
  std::optional<Bytes> ocsp_response;
};
struct CertificateMessage {
  Bytes context;
  std::array<CertificateEntry, certificates_max> storage{};
  u32 count = 0;
  std::optional<ExtensionType> stray;

  std::span<const CertificateEntry> entries() const { return {storage.data(), count}; }
};
Result<CertificateMessage, Error> parse_certificate(Bytes body);
std::vector<u8> emit(const CertificateMessage& it);

/// RFC 8879 §4: the body of a Certificate, packed.
struct CompressedCertificate {
  crypto::CertificateCompression algorithm{};
  u32 length = 0;  // unpacked
  Bytes packed;
};
Result<CompressedCertificate, Error> parse_compressed_certificate(Bytes body);
std::vector<u8> emit(const CompressedCertificate& it);

/// §4.4.3.
struct CertificateVerify {
  crypto::SignatureScheme scheme{};
  Bytes signature;
};
Result<CertificateVerify, Error> parse_certificate_verify(Bytes body);
std::vector<u8> emit(const CertificateVerify& it);
/// What is signed: 64 spaces, a text that names the role, a zero, the transcript's hash.
std::vector<u8> signed_content(bool by_server, Bytes transcript_hash);

/// §4.6.1.
struct NewSessionTicket {
  u32 lifetime_s = 0;
  u32 age_add = 0;
  Bytes nonce;
  Bytes ticket;
  std::optional<u32> early_data_max;
};
Result<NewSessionTicket, Error> parse_new_session_ticket(Bytes body);
std::vector<u8> emit(const NewSessionTicket& it);

/// §4.6.3.
struct KeyUpdate {
  bool update_requested = false;
};
Result<KeyUpdate, Error> parse_key_update(Bytes body);
std::vector<u8> emit(const KeyUpdate& it);

/// A message that is its header and `body` (Finished, EndOfEarlyData).
std::vector<u8> emit_plain(HandshakeType type, Bytes body);

}  // namespace handfast::tls
