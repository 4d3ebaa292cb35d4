// What the sessions of one kind have in common. It outlives them, and they do not change it.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/types.hpp"
#include "crypto/certificate_cache.hpp"
#include "crypto/certificate_compression.hpp"
#include "crypto/key_exchange.hpp"
#include "crypto/signature_scheme.hpp"
#include "tls/codes.hpp"
#include "tls/identity.hpp"
#include "tls/replay_guard.hpp"
#include "tls/session_store.hpp"
#include "tls/ticket.hpp"

namespace handfast::tls {

/// Whether a server wants to know who the client is.
enum class ClientAuth : u8 { none, request, require };

struct Config {
  /// TLS 1.2 and 1.3 are there.
  Version version_min = Version::tls_1_2;
  Version version_max = Version::tls_1_3;
  // By preference. A server goes by its own order, a client's goes to the server.
  std::vector<CipherSuite> suites{
      CipherSuite::aes_128_gcm_sha256,          CipherSuite::aes_256_gcm_sha384,
      CipherSuite::chacha20_poly1305_sha256,    CipherSuite::ecdsa_aes_128_gcm_sha256,
      CipherSuite::rsa_aes_128_gcm_sha256,      CipherSuite::ecdsa_aes_256_gcm_sha384,
      CipherSuite::rsa_aes_256_gcm_sha384,      CipherSuite::ecdsa_chacha20_poly1305_sha256,
      CipherSuite::rsa_chacha20_poly1305_sha256};
  /// What libcrypto does not have at run time is left out (X25519MLKEM768 before OpenSSL 3.5).
  std::vector<crypto::Group> groups{crypto::Group::x25519_mlkem768, crypto::Group::x25519,
                                    crypto::Group::secp256r1,       crypto::Group::secp384r1,
                                    crypto::Group::ffdhe2048,       crypto::Group::ffdhe3072};
  /// Client: for so many of them, the first ones, a key share goes out at once. One with ML-KEM
  /// does not count: not every server has it.
  u32 key_shares = 1;
  /// By which the peer may sign.
  std::vector<crypto::SignatureScheme> schemes{crypto::SignatureScheme::ecdsa_secp256r1_sha256,
                                               crypto::SignatureScheme::ed25519,
                                               crypto::SignatureScheme::rsa_pss_rsae_sha256,
                                               crypto::SignatureScheme::ecdsa_secp384r1_sha384,
                                               crypto::SignatureScheme::rsa_pss_rsae_sha384,
                                               crypto::SignatureScheme::ecdsa_secp521r1_sha512,
                                               crypto::SignatureScheme::rsa_pss_rsae_sha512,
                                               crypto::SignatureScheme::rsa_pss_pss_sha256,
                                               crypto::SignatureScheme::rsa_pss_pss_sha384,
                                               crypto::SignatureScheme::rsa_pss_pss_sha512,
                                               crypto::SignatureScheme::rsa_pkcs1_sha256,
                                               crypto::SignatureScheme::rsa_pkcs1_sha384,
                                               crypto::SignatureScheme::rsa_pkcs1_sha512};
  /// ALPN (RFC 7301), such as "http/1.1". Empty: the extension is neither sent nor heeded.
  std::vector<std::string> protocols{};
  /// A server chooses by name and signature scheme, and takes the first where none has the name.
  std::vector<Identity> identities{};

  ClientAuth client_auth = ClientAuth::none;
  /// RFC 8879, TLS 1.3: how certificates may come, and ours may go out; by preference. Empty:
  /// plain.
  std::vector<crypto::CertificateCompression> certificate_compression{
      crypto::CertificateCompression::brotli, crypto::CertificateCompression::zstd,
      crypto::CertificateCompression::zlib};
  /// Peers' certificates that were read before. Outlives the sessions.
  crypto::CertificateCache* certificates = nullptr;
  /// Client: ask for a stapled OCSP response (RFC 6066 §8).
  bool ask_for_ocsp = true;
  /// RFC 8446 appendix D.4: look like a resumed TLS 1.2 session to what stands in between.
  bool middlebox_compatibility = true;
  /// QUIC's transport parameters (RFC 9001 §8.2): with them `Client` and `Server` do a handshake of
  /// QUIC, where an application protocol is a must, nothing is there for middleboxes, and keys are
  /// not updated by a message. Only with TLS 1.3 alone, and not for a `Session`.
  std::optional<std::vector<u8>> quic_parameters{};
  bool is_quic() const { return quic_parameters.has_value(); }
  /// RFC 8701: offer what does not exist, so that servers stay used to ignoring it.
  bool grease = true;
  /// Emit KeyLogLine events (NSS's key log format).
  bool key_log = false;
  /// Server: tell the client the groups that it takes (RFC 8446 §4.2.7), for its next connection.
  bool announce_groups = false;
  /// The most bytes of a record that the peer may send, with its type (RFC 8449): 64…16385.
  std::optional<u16> record_size_limit{};

  /// Server: gives tickets under these; none without. Must outlive the sessions.
  TicketIssuer* ticket_keys = nullptr;
  u32 tickets_per_session = 2;
  /// Server, TLS 1.2: keeps the sessions of clients that take no tickets here. Must outlive the
  /// sessions.
  SessionStore* sessions = nullptr;
  /// TLS 1.2: a session that was resumed gets a new ticket.
  bool renews_tickets = true;
  /// Offer, and take, a resumption without a new key exchange (psk_ke): no forward secrecy.
  bool psk_without_key_exchange = false;

  /// Client: offer early data (0-RTT, RFC 8446 §2.3) with a ticket that allows it. It has no
  /// forward secrecy, and whoever sees it can send it again.
  bool offers_early_data = false;
  /// Server: takes so many bytes of early data from a session that was resumed by a ticket given
  /// under the same setting; 0: none. Needs `replay_guard`.
  u32 early_bytes_max = 0;
  /// Outlives the sessions.
  ReplayGuard* replay_guard = nullptr;
  bool takes_early_data() const {
    return !is_quic() && early_bytes_max > 0 && replay_guard != nullptr;
  }

  /// What the peer is told: `groups`, without the one that needs a newer libcrypto than is here.
  std::vector<crypto::Group> told_groups() const {
    std::vector<crypto::Group> told = groups;
    std::erase_if(told, [](crypto::Group group) {
      return group == crypto::Group::x25519_mlkem768 && !crypto::is_known(group);
    });
    return told;
  }
  bool speaks(Version version) const { return version_min <= version && version <= version_max; }

  u32 message_bytes_max = 128 << 10;
  u32 key_updates_in_a_row_max = 32;
  u32 empty_records_in_a_row_max = 32;
  u32 warnings_max = 4;
  /// Server: of early data that it does not take and has to skip.
  u32 early_bytes_skipped_max = 64 << 10;
  /// Where it is lower than the suite's own limit (RFC 8446 §5.5).
  u64 records_per_key_max = std::numeric_limits<u64>::max();

  /// Client: sent instead of ClientHellos of its own making, the second after a
  /// HelloRetryRequest. For tests, and to break a handshake on purpose.
  std::vector<std::vector<u8>> client_hellos{};
};

}  // namespace handfast::tls
