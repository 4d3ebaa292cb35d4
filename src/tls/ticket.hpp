// RFC 8446 §4.6.1 and §2.2: resumption. What a client keeps of a session, and how a server hands
// its own part to the client, sealed.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"
#include "crypto/aead.hpp"
#include "crypto/random.hpp"
#include "crypto/secret.hpp"
#include "tls/codes.hpp"

namespace handfast::tls {

/// §4.6.1: "Servers MUST NOT use any value greater than 604800 seconds (7 days)".
inline constexpr Duration ticket_lifetime_max = std::chrono::seconds{604800};

/// A client's key to its next session with the same server. For one use (appendix C.4); a session
/// of TLS 1.2 that goes by its ID is told of again each time.
struct Ticket {
  CipherSuite suite{};
  crypto::Secret psk;
  std::vector<u8> ticket;
  std::vector<u8> session_id;  // TLS 1.2, where the server gave no ticket
  u32 age_add = 0;
  Instant received{};
  Duration lifetime{};
  std::string server_name;
  std::string protocol;     // ALPN
  u32 early_bytes_max = 0;  // that the server takes as early data

  bool is_usable(Instant now) const { return now < after(received, lifetime); }
};

/// What a server knows again when a ticket comes back.
struct SessionState {
  CipherSuite suite{};
  crypto::Secret psk;
  Instant issued{};
  u32 age_add = 0;
  std::string server_name;
  std::string protocol;
  u32 early_bytes_max = 0;                  // that the ticket allows
  std::vector<std::vector<u8>> peer_chain;  // the client's, DER

  /// How old its client says that the ticket is (§4.2.11.1).
  Duration age(u32 obfuscated) const { return std::chrono::milliseconds{obfuscated - age_add}; }
  SessionState clone() const;
};

/// How a server makes tickets of its sessions, and knows them again.
class TicketIssuer {
 public:
  virtual ~TicketIssuer() = default;
  /// Of a ticket; at most ticket_lifetime_max.
  virtual Duration lifetime() const = 0;
  /// A ticket for `state`; empty where it would be too long.
  virtual std::vector<u8> seal(const SessionState& state, Instant now) = 0;
  /// None where it is not ours, was changed, or is too old.
  virtual std::optional<SessionState> open(Bytes ticket, Instant now) const = 0;
};

/// Keys that seal tickets: a current one and the one before. Nothing is stored for a ticket, and
/// with its key it is forgotten.
class TicketKeys final : public TicketIssuer {
 public:
  struct Config {
    Duration lifetime = 2h;  // of a ticket; at most ticket_lifetime_max
    u32 ticket_bytes_max = 16 << 10;
  };
  TicketKeys(const Config& config, crypto::Random& random, Instant now);

  Duration lifetime() const override { return config_.lifetime; }
  std::vector<u8> seal(const SessionState& state, Instant now) override;
  std::optional<SessionState> open(Bytes ticket, Instant now) const override;

 private:
  static constexpr u32 name_size = 8;
  struct Key {
    std::array<u8, name_size> name{};
    crypto::Secret secret;
    Instant made{};
  };
  Key draw(Instant now);

  Config config_;
  crypto::Random& random_;
  Key current_;
  std::optional<Key> previous_;
};

}  // namespace handfast::tls
