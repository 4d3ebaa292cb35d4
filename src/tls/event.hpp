// What a handshake wants done, and what a session tells.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/types.hpp"
#include "crypto/certificate_compression.hpp"
#include "crypto/key_exchange.hpp"
#include "crypto/secret.hpp"
#include "crypto/signature_scheme.hpp"
#include "tls/codes.hpp"
#include "tls/identity.hpp"
#include "tls/ticket.hpp"

namespace handfast::tls {

/// Which keys protect a message: an encryption level of QUIC (RFC 9001 §4.1.4).
enum class Level : u8 { initial, early_data, handshake, application };
enum class Direction : u8 { read, write };

// For the record layer, or for QUIC.
/// A whole handshake message goes out.
struct SendMessage {
  Level level{};
  std::vector<u8> bytes;
};
/// A ChangeCipherSpec record goes out, for middleboxes (RFC 8446 appendix D.4).
struct SendChangeCipherSpec {};
/// From here on records are protected by this traffic secret.
struct InstallKeys {
  Direction direction{};
  Level level{};
  const Suite* suite = nullptr;
  crypto::Secret secret;  // with TLS 1.2 the key itself
  crypto::Secret iv;      // TLS 1.2 only
};
/// A HelloRetryRequest came: what is sent next is not protected.
struct DropKeys {};
/// RFC 8446 §4.6.3: the next generation of the application's keys.
struct UpdateKeys {
  Direction direction{};
};

// For the application.
/// Both Finished are there: data may flow.
struct HandshakeDone {};
/// Is the peer who it must be? Summary::peer_chain has its certificates. Answer by on_verdict().
struct NeedVerdict {};
/// Sign `content` by `scheme` with the key of `identity`. Answer by on_signature().
struct NeedSignature {
  crypto::SignatureScheme scheme{};
  std::vector<u8> content;
  const Identity* identity = nullptr;
};
/// Client: resume by this. Each is for one use.
struct TicketReceived {
  Ticket ticket;
};
/// A line of a key log, without its end.
struct KeyLogLine {
  std::string line;
};
/// The peer's close_notify: all that it sent has come.
struct PeerClosed {};

using Action = std::variant<SendMessage, SendChangeCipherSpec, InstallKeys, DropKeys, UpdateKeys,
                            HandshakeDone, NeedVerdict, NeedSignature, TicketReceived, KeyLogLine>;
using Event =
    std::variant<HandshakeDone, NeedVerdict, NeedSignature, TicketReceived, KeyLogLine, PeerClosed>;

/// What became of early data (RFC 8446 §4.2.10). A client knows it when HandshakeDone comes: what
/// was rejected reached nobody, and has to be sent again.
enum class EarlyData : u8 { none, offered, accepted, rejected };

/// What both ends have agreed on.
struct Summary {
  Version version{};
  const Suite* suite = nullptr;
  std::optional<crypto::Group> group{};                  // none: psk_ke, RSA key transport
  std::optional<crypto::SignatureScheme> peer_scheme{};  // by which the peer signed
  std::string protocol{};                                // ALPN
  std::string server_name{};
  bool is_resumed = false;
  bool is_retried = false;  // there was a HelloRetryRequest
  EarlyData early_data = EarlyData::none;
  std::string early_protocol{};               // client: in which it was written (ALPN)
  std::vector<std::vector<u8>> peer_chain{};  // DER, the peer's own first
  std::vector<u8> peer_ocsp_response{};
  std::vector<u8> peer_quic_parameters{};
  /// By which the peer's certificates came.
  std::optional<crypto::CertificateCompression> peer_compression{};
  u16 record_size_limit = (1 << 14) + 1;  // that the peer set, with the type
};

}  // namespace handfast::tls
