// One rtnetlink request and its answer (RFC 3549), as small as bringing up an interface needs.
#pragma once

#include <array>
#include <cstring>

#include "base/assert.hpp"
#include "base/types.hpp"
#include "link/descriptor.hpp"

namespace handfast::link {

class NetlinkRequest {
 public:
  /// `type` is RTM_…; `flags` are NLM_F_… beside REQUEST and ACK, which are always set.
  NetlinkRequest(u16 type, u16 flags);

  /// Appends the fixed part that belongs to the type.
  template <class T>
  NetlinkRequest& body(const T& part) {
    std::memcpy(grow(sizeof part), &part, sizeof part);
    return *this;
  }
  NetlinkRequest& attribute(u16 type, Bytes value);
  NetlinkRequest& attribute(u16 type, u32 value);

  /// Sends it and waits for the kernel's answer: 0, or the errno. `reply` is filled with the
  /// beginning of what was asked for, behind the header.
  int transact(MutBytes reply = {});

 private:
  u8* grow(std::size_t size);

  alignas(8) std::array<u8, 512> buffer_{};
  u32 size_ = 0;
};

/// Hears of every change to the IPv6 routes from its construction on.
class RouteWatch {
 public:
  RouteWatch();

  /// Waits for one change; gives up after `timeout_ms`.
  void wait(int timeout_ms);

 private:
  Descriptor socket_;
};

}  // namespace handfast::link
