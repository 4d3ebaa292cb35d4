#include "tls/codes.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace handfast::tls {
namespace {

using crypto::AeadAlgorithm;
using crypto::HashAlgorithm;

// RFC 8446 §5.5: "For AES-GCM, up to 2^24.5 full-size records"; for ChaCha20-Poly1305 the sequence
// number would wrap first, but there is no harm in a fresh key before that.
constexpr u64 records_of_gcm_max = u64{1} << 24;
constexpr u64 records_of_chacha20_max = u64{1} << 32;

constexpr Suite suite(CipherSuite code, std::string_view name, Exchange exchange, SuiteKey key,
                      AeadAlgorithm aead, HashAlgorithm hash) {
  const Version version = exchange == Exchange::tls13 ? Version::tls_1_3 : Version::tls_1_2;
  const bool is_gcm = aead != AeadAlgorithm::chacha20_poly1305;
  return {code, name, version, exchange,
          key,  aead, hash,    is_gcm ? records_of_gcm_max : records_of_chacha20_max};
}

using enum AeadAlgorithm;
using enum HashAlgorithm;
using enum CipherSuite;
constexpr auto tls13 = Exchange::tls13;
constexpr auto ecdhe = Exchange::ecdhe;
constexpr auto dhe = Exchange::dhe;
constexpr auto transport = Exchange::rsa;
constexpr auto any = SuiteKey::any;
constexpr auto ecdsa = SuiteKey::ecdsa;
constexpr auto rsa = SuiteKey::rsa;
constexpr std::array suites{
    suite(aes_128_gcm_sha256, "TLS_AES_128_GCM_SHA256", tls13, any, aes_128_gcm, sha256),
    suite(aes_256_gcm_sha384, "TLS_AES_256_GCM_SHA384", tls13, any, aes_256_gcm, sha384),
    suite(chacha20_poly1305_sha256, "TLS_CHACHA20_POLY1305_SHA256", tls13, any, chacha20_poly1305,
          sha256),
    suite(ecdsa_aes_128_gcm_sha256, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ecdhe, ecdsa,
          aes_128_gcm, sha256),
    suite(ecdsa_aes_256_gcm_sha384, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", ecdhe, ecdsa,
          aes_256_gcm, sha384),
    suite(ecdsa_chacha20_poly1305_sha256, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ecdhe,
          ecdsa, chacha20_poly1305, sha256),
    suite(rsa_aes_128_gcm_sha256, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", ecdhe, rsa, aes_128_gcm,
          sha256),
    suite(rsa_aes_256_gcm_sha384, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", ecdhe, rsa, aes_256_gcm,
          sha384),
    suite(rsa_chacha20_poly1305_sha256, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ecdhe, rsa,
          chacha20_poly1305, sha256),
    suite(dhe_rsa_aes_128_gcm_sha256, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", dhe, rsa, aes_128_gcm,
          sha256),
    suite(dhe_rsa_aes_256_gcm_sha384, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", dhe, rsa, aes_256_gcm,
          sha384),
    suite(dhe_rsa_chacha20_poly1305_sha256, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", dhe, rsa,
          chacha20_poly1305, sha256),
    suite(rsa_transport_aes_128_gcm_sha256, "TLS_RSA_WITH_AES_128_GCM_SHA256", transport, rsa,
          aes_128_gcm, sha256),
    suite(rsa_transport_aes_256_gcm_sha384, "TLS_RSA_WITH_AES_256_GCM_SHA384", transport, rsa,
          aes_256_gcm, sha384),
};

template <class Code>
struct Named {
  Code code;
  std::string_view name;
};

template <class Table, class Code>
std::string name_in(const Table& table, Code code) {
  const auto* row = std::ranges::find(table, code, &Named<Code>::code);
  return row == table.end() ? fmt::format("0x{:04x}", to<u16>(code)) : std::string(row->name);
}

}  // namespace

std::string to_string(Version version) {
  constexpr std::array names{
      Named{Version::ssl_2, "SSL 2.0"},   Named{Version::ssl_3, "SSL 3.0"},
      Named{Version::tls_1_0, "TLS 1.0"}, Named{Version::tls_1_1, "TLS 1.1"},
      Named{Version::tls_1_2, "TLS 1.2"}, Named{Version::tls_1_3, "TLS 1.3"}};
  return name_in(names, version);
}

std::string to_string(HandshakeType type) {
  switch (type) {
    case HandshakeType::hello_request: return "HelloRequest";
    case HandshakeType::client_hello: return "ClientHello";
    case HandshakeType::server_hello: return "ServerHello";
    case HandshakeType::new_session_ticket: return "NewSessionTicket";
    case HandshakeType::end_of_early_data: return "EndOfEarlyData";
    case HandshakeType::encrypted_extensions: return "EncryptedExtensions";
    case HandshakeType::certificate: return "Certificate";
    case HandshakeType::server_key_exchange: return "ServerKeyExchange";
    case HandshakeType::certificate_request: return "CertificateRequest";
    case HandshakeType::server_hello_done: return "ServerHelloDone";
    case HandshakeType::certificate_verify: return "CertificateVerify";
    case HandshakeType::client_key_exchange: return "ClientKeyExchange";
    case HandshakeType::finished: return "Finished";
    case HandshakeType::certificate_status: return "CertificateStatus";
    case HandshakeType::key_update: return "KeyUpdate";
    case HandshakeType::compressed_certificate: return "CompressedCertificate";
    case HandshakeType::message_hash: return "message_hash";
  }
  return fmt::format("a message of type {}", to<u8>(type));
}

std::string to_string(ExtensionType type) {
  using enum ExtensionType;
  constexpr std::array names{Named{server_name, "server_name"},
                             Named{status_request, "status_request"},
                             Named{supported_groups, "supported_groups"},
                             Named{ec_point_formats, "ec_point_formats"},
                             Named{signature_algorithms, "signature_algorithms"},
                             Named{alpn, "application_layer_protocol_negotiation"},
                             Named{padding, "padding"},
                             Named{extended_master_secret, "extended_master_secret"},
                             Named{compress_certificate, "compress_certificate"},
                             Named{record_size_limit, "record_size_limit"},
                             Named{quic_transport_parameters, "quic_transport_parameters"},
                             Named{session_ticket, "session_ticket"},
                             Named{pre_shared_key, "pre_shared_key"},
                             Named{early_data, "early_data"},
                             Named{supported_versions, "supported_versions"},
                             Named{cookie, "cookie"},
                             Named{psk_key_exchange_modes, "psk_key_exchange_modes"},
                             Named{certificate_authorities, "certificate_authorities"},
                             Named{post_handshake_auth, "post_handshake_auth"},
                             Named{signature_algorithms_cert, "signature_algorithms_cert"},
                             Named{key_share, "key_share"},
                             Named{renegotiation_info, "renegotiation_info"}};
  return name_in(names, type);
}

const Suite* find_suite(CipherSuite code) {
  const auto* found = std::ranges::find(suites, code, &Suite::code);
  return found == suites.end() ? nullptr : found;
}

}  // namespace handfast::tls
