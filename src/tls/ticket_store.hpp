// What a client keeps of its sessions, by server name, in memory.
#pragma once

#include <deque>
#include <optional>
#include <string_view>

#include "tls/ticket.hpp"

namespace handfast::tls {

class TicketStore {
 public:
  explicit TicketStore(u32 tickets_max = 1024) : tickets_max_(tickets_max) {}

  /// The oldest goes where there are too many.
  void put(Ticket ticket);
  /// The newest that is good for `server_name`, which is gone from here then: each is for one use
  /// (RFC 8446 appendix C.4).
  std::optional<Ticket> take(std::string_view server_name, Instant now);
  std::size_t size() const { return tickets_.size(); }

 private:
  u32 tickets_max_;
  std::deque<Ticket> tickets_;
};

}  // namespace handfast::tls
