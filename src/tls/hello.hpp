// RFC 8446 §4.1: ClientHello, ServerHello and HelloRetryRequest, with the extensions that we know.
// What is parsed points into the message.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "crypto/certificate_compression.hpp"
#include "crypto/key_exchange.hpp"
#include "crypto/signature_scheme.hpp"
#include "tls/alert.hpp"
#include "tls/codes.hpp"
#include "tls/reader.hpp"

namespace handfast::tls {

inline constexpr u32 random_size = 32;
inline constexpr u32 session_id_size_max = 32;
/// Of one message. Nobody needs as many, and telling duplicates apart takes time.
inline constexpr u32 extensions_max = 64;

struct KeyShare {
  crypto::Group group{};
  Bytes share;
};

/// RFC 8446 §4.2.11.
struct PskIdentity {
  Bytes identity;
  u32 obfuscated_age = 0;
};

/// §4.1.2. An extension that is not there is an empty list or no value.
struct ClientHello {
  Version legacy_version = Version::tls_1_2;
  Bytes random;
  Bytes session_id;
  CodeList<CipherSuite> suites;
  Bytes compression_methods;

  std::optional<std::string_view> server_name;
  std::optional<Bytes> renegotiation_info;
  CodeList<crypto::Group> groups;
  std::optional<Bytes> point_formats;
  std::optional<Bytes> session_ticket;
  bool extended_master_secret = false;
  bool status_request = false;
  std::optional<Bytes> alpn;        // the ProtocolNameList; see each_protocol()
  std::optional<Bytes> key_shares;  // KeyShareEntry …; see each_share()
  bool early_data = false;
  CodeList<Version> versions;
  CodeList<crypto::SignatureScheme> schemes;
  CodeList<crypto::SignatureScheme> certificate_schemes;
  CodeList<crypto::CertificateCompression> compressions;  // RFC 8879
  std::optional<Bytes> cookie;
  std::optional<Bytes> psk_modes;
  bool post_handshake_auth = false;
  std::optional<u16> record_size_limit;
  std::optional<Bytes> quic_parameters;
  std::optional<u32> padding;
  std::optional<u16> grease_extension;
  std::optional<Bytes> psk_identities;  // see each_identity()
  std::optional<Bytes> psk_binders;     // see binder()

  bool offers(Version version) const { return versions.contains(version); }
};

/// `body` is the message without its header.
Result<ClientHello, Error> parse_client_hello(Bytes body);
/// The whole message. What is parsed from it equals `hello`.
std::vector<u8> emit_client_hello(const ClientHello& hello);
/// How many bytes at the end of a ClientHello are the binders and their length (§4.2.11.2).
u32 binders_size(const ClientHello& hello);

/// Walks lists that parsing found well-formed. `visit` returns true to go on.
template <class Visit>
void each_share(Bytes key_shares, Visit visit) {
  Reader reader(key_shares);
  while (!reader.empty()) {
    const auto group = static_cast<crypto::Group>(reader.number16());
    if (!visit(KeyShare{group, reader.vector16()})) return;
  }
}
template <class Visit>
void each_identity(Bytes identities, Visit visit) {
  Reader reader(identities);
  while (!reader.empty()) {
    const Bytes identity = reader.vector16();
    if (!visit(PskIdentity{identity, reader.number32()})) return;
  }
}
template <class Visit>
void each_protocol(Bytes list, Visit visit) {
  Reader reader(list);
  while (!reader.empty())
    if (!visit(as_text(reader.vector8()))) return;
}
/// The binder at `index`.
Bytes binder(Bytes binders, u32 index);

/// §4.1.3, and §4.1.4 where is_retry. In a retry `share` has a group only.
struct ServerHello {
  bool is_retry = false;
  Version legacy_version = Version::tls_1_2;
  Bytes random;
  Bytes session_id;
  CipherSuite suite{};
  u8 compression_method = 0;

  std::optional<u16> psk;
  std::optional<KeyShare> share;
  std::optional<Bytes> cookie;
  std::optional<Version> version;

  // TLS 1.2 only.
  std::optional<Bytes> renegotiation_info;
  bool extended_master_secret = false;
  bool session_ticket = false;
  bool status_request = false;
  bool server_name = false;
  std::optional<Bytes> point_formats;
  std::optional<std::string_view> protocol;  // ALPN
  std::optional<u16> record_size_limit;

  /// An extension that has no place in it: the peer is told.
  std::optional<ExtensionType> stray;
};
Result<ServerHello, Error> parse_server_hello(Bytes body);
std::vector<u8> emit_server_hello(const ServerHello& hello);

/// SHA-256 of "HelloRetryRequest": the random that makes a ServerHello one.
extern const std::array<u8, random_size> retry_random;
/// The last bytes of a server's random that speaks 1.2 although it could do 1.3 (§4.1.3).
extern const std::array<u8, 8> downgrade_to_1_2;
/// The same for versions before 1.2.
extern const std::array<u8, 8> downgrade_to_1_1;

}  // namespace handfast::tls
