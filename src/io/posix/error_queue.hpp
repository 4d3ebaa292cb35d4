// What recvmsg(MSG_ERRQUEUE) gives: ICMP errors, and completions of what was sent.
#pragma once

#include <ctime>
#include <deque>
#include <optional>

#include <linux/errqueue.h>
#include <sys/socket.h>

#include "wire/address.hpp"
#include "wire/icmp.hpp"

namespace handfast::io::posix {

struct QueuedError {
  sock_extended_err error{};
  wire::Endpoint about{};  // the destination of the packet that caused it
  std::optional<scm_timestamping> times{};
  bool truncated = false;  // MSG_TRUNC: there is a packet to it, which is not given
};

class ErrorQueue {
 public:
  static constexpr std::size_t entries_max = 64;

  bool empty() const { return entries_.empty(); }
  /// Beyond entries_max the newest is lost.
  void push(const QueuedError& entry) {
    if (entries_.size() < entries_max) entries_.push_back(entry);
  }
  /// Extends the last entry where both are completions of neighbouring sends.
  void push_completion(u32 first, u32 last);
  /// As recvmsg(MSG_ERRQUEUE) for a socket of `family`: 0, or -EAGAIN where there is none.
  long receive(msghdr& message, int family);

 private:
  std::deque<QueuedError> entries_;
};

/// The errno that an ICMP error means to the application.
int errno_of(const wire::IcmpError& error);
/// The same as an entry of the queue; `v4`: it came by ICMPv4.
QueuedError queued(const wire::IcmpError& error, const wire::Endpoint& about, bool v4);

/// Appends one control message, if there is room; else sets MSG_CTRUNC.
class ControlWriter {
 public:
  explicit ControlWriter(msghdr& message);
  ~ControlWriter();
  ControlWriter(const ControlWriter&) = delete;
  ControlWriter& operator=(const ControlWriter&) = delete;
  void add(int level, int type, const void* data, std::size_t size);

 private:
  msghdr& message_;
  std::size_t used_ = 0;
};

}  // namespace handfast::io::posix
