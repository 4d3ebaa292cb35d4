// The numbers of TLS that go over the wire, and their names (RFC 8446 §4, §5 and appendix B; the
// registries of IANA). A value from the wire may be one that has no name here.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/types.hpp"
#include "crypto/aead.hpp"
#include "crypto/hash.hpp"

namespace handfast::tls {

enum class Version : u16 {
  ssl_2 = 0x0002,
  ssl_3 = 0x0300,
  tls_1_0 = 0x0301,
  tls_1_1 = 0x0302,
  tls_1_2 = 0x0303,
  tls_1_3 = 0x0304,
};
/// "TLS 1.3", "SSL 3.0", "0x7f1c".
std::string to_string(Version version);

enum class ContentType : u8 {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23,
};

enum class HandshakeType : u8 {
  hello_request = 0,
  client_hello = 1,
  server_hello = 2,
  new_session_ticket = 4,
  end_of_early_data = 5,
  encrypted_extensions = 8,
  certificate = 11,
  server_key_exchange = 12,
  certificate_request = 13,
  server_hello_done = 14,
  certificate_verify = 15,
  client_key_exchange = 16,
  finished = 20,
  certificate_status = 22,
  key_update = 24,
  compressed_certificate = 25,
  message_hash = 254,
};
/// "ClientHello", "a message of type 99".
std::string to_string(HandshakeType type);

enum class ExtensionType : u16 {
  server_name = 0,
  status_request = 5,
  supported_groups = 10,
  ec_point_formats = 11,
  signature_algorithms = 13,
  alpn = 16,
  padding = 21,
  extended_master_secret = 23,
  compress_certificate = 27,
  record_size_limit = 28,
  session_ticket = 35,
  pre_shared_key = 41,
  early_data = 42,
  supported_versions = 43,
  cookie = 44,
  psk_key_exchange_modes = 45,
  certificate_authorities = 47,
  post_handshake_auth = 49,
  signature_algorithms_cert = 50,
  key_share = 51,
  quic_transport_parameters = 57,
  renegotiation_info = 0xff01,
};
/// "key_share", "0x1234".
std::string to_string(ExtensionType type);

enum class CipherSuite : u16 {
  aes_128_gcm_sha256 = 0x1301,
  aes_256_gcm_sha384 = 0x1302,
  chacha20_poly1305_sha256 = 0x1303,
  // TLS 1.2 by ECDHE (RFC 5289, RFC 7905).
  ecdsa_aes_128_gcm_sha256 = 0xc02b,
  ecdsa_aes_256_gcm_sha384 = 0xc02c,
  rsa_aes_128_gcm_sha256 = 0xc02f,
  rsa_aes_256_gcm_sha384 = 0xc030,
  rsa_chacha20_poly1305_sha256 = 0xcca8,
  ecdsa_chacha20_poly1305_sha256 = 0xcca9,
  // By DHE (RFC 5288, RFC 7905).
  dhe_rsa_aes_128_gcm_sha256 = 0x009e,
  dhe_rsa_aes_256_gcm_sha384 = 0x009f,
  dhe_rsa_chacha20_poly1305_sha256 = 0xccaa,
  // By RSA key transport (RFC 5288).
  rsa_transport_aes_128_gcm_sha256 = 0x009c,
  rsa_transport_aes_256_gcm_sha384 = 0x009d,
};
/// Neither is in a Config unless somebody puts it there: RFC 9325 §4.1 would rather not see DHE,
/// and who gets a server's key reads all that RSA key transport ever protected.
inline constexpr std::array dhe_suites{CipherSuite::dhe_rsa_aes_128_gcm_sha256,
                                       CipherSuite::dhe_rsa_aes_256_gcm_sha384,
                                       CipherSuite::dhe_rsa_chacha20_poly1305_sha256};
inline constexpr std::array rsa_transport_suites{CipherSuite::rsa_transport_aes_128_gcm_sha256,
                                                 CipherSuite::rsa_transport_aes_256_gcm_sha384};
/// Not suites, but signals in the list of them (RFC 5746 §3.3, RFC 7507).
inline constexpr auto signals_renegotiation_info = static_cast<CipherSuite>(0x00ff);
inline constexpr auto signals_fallback = static_cast<CipherSuite>(0x5600);

/// How both ends come to a secret (RFC 5246 §7.4.3); TLS 1.3 leaves that to the extensions.
enum class Exchange : u8 { tls13, ecdhe, dhe, rsa };
/// What kind of key the server has; TLS 1.3 leaves that to the signature schemes.
enum class SuiteKey : u8 { any, ecdsa, rsa };
struct Suite {
  CipherSuite code;
  std::string_view name;  // as IANA has it
  Version version;
  Exchange exchange;
  SuiteKey key;
  crypto::AeadAlgorithm aead;
  crypto::HashAlgorithm hash;
  /// Records that one key may seal (RFC 8446 §5.5): after these the key is updated.
  u64 records_max;
};
/// Null where it is not one of ours.
const Suite* find_suite(CipherSuite code);
/// "TLS_AES_128_GCM_SHA256"; of what is refused too, where it has a name, else "0x1234".
std::string to_string(CipherSuite code);

/// RFC 8701: 0x0a0a, 0x1a1a, …, 0xfafa mean nothing, and are there to be ignored.
constexpr bool is_grease(u16 value) {
  return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

}  // namespace handfast::tls
