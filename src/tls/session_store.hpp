// RFC 5246 §7.3 and appendix F.1.4: what a server of TLS 1.2 keeps of its sessions, by their IDs
// and in memory, for clients that take no tickets.
#pragma once

#include <array>
#include <list>
#include <map>

#include "base/time.hpp"
#include "base/types.hpp"
#include "tls/hello.hpp"
#include "tls/ticket.hpp"

namespace handfast::tls {

using SessionId = std::array<u8, session_id_size_max>;
/// Appendix F.1.4: "An upper limit of 24 hours is suggested for session ID lifetimes".
inline constexpr Duration session_lifetime_max = std::chrono::hours{24};

class SessionStore {
 public:
  struct Config {
    Duration lifetime = 2h;  // at most session_lifetime_max
    u32 sessions_max = 4096;
    /// Of the client's certificates: with more, a session is not kept.
    u32 chain_bytes_max = 16 << 10;
  };
  explicit SessionStore(const Config& config);

  /// The oldest goes where there are too many.
  void put(const SessionId& id, SessionState state);
  /// Null where it is not known, or too old. Good until the next change.
  const SessionState* find(Bytes id, Instant now) const;
  /// RFC 5246 §7.2.2: a connection of this session has failed.
  void forget(Bytes id);
  std::size_t size() const { return sessions_.size(); }

 private:
  struct Kept {
    SessionId id{};
    SessionState state;
  };
  Config config_;
  std::list<Kept> sessions_;  // by age
  std::map<SessionId, std::list<Kept>::iterator> by_id_;
};

}  // namespace handfast::tls
