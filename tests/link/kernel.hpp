// A TUN or TAP device against the kernel, in a network namespace that ends with the test.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "link/frames.hpp"
#include "link/interface.hpp"
#include "link/tun.hpp"

namespace handfast::link {

inline constexpr int patience_ms = 3000;

/// Why these tests cannot run here, or nothing.
inline std::string obstacle() {
  if (access("/dev/net/tun", F_OK) != 0) return "there is no /dev/net/tun";
  if (geteuid() != 0) return "only root may create devices and network namespaces";
  return {};
}

/// Runs `body` in a thread that has a network namespace of its own; false where none is to be had.
template <class Body>
bool in_own_namespace(Body body) {
  bool entered = false;
  std::thread([&] {
    entered = unshare(CLONE_NEWNET) == 0;
    if (entered) body();
  }).join();
  return entered;
}

#define IN_OWN_NAMESPACE(...)                                                \
  if (const std::string why = obstacle(); !why.empty()) GTEST_SKIP() << why; \
  if (!in_own_namespace(__VA_ARGS__)) GTEST_SKIP() << "no network namespace to be had here"

inline bool readable(int fd) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, patience_ms) == 1;
}

/// The next frame that `wanted` takes, or none. The kernel also sends frames of its own.
template <class Wanted>
Octets next_frame(Tun& tun, Wanted wanted) {
  std::array<Received, batch_max> in;
  for (int tries = 0; tries < 100 && readable(tun.fd()); ++tries) {
    const u32 count = tun.receive(in, Instant{});
    for (u32 i = 0; i < count; ++i) {
      if (!wanted(in[i])) continue;
      Octets frame(in[i].frame.begin(), in[i].frame.end());
      tun.release();
      return frame;
    }
    tun.release();
  }
  return {};
}

inline void transmit(Tun& tun, Bytes frame) {
  const auto room = tun.room();
  const std::size_t head = std::min<std::size_t>(frame.size(), 40);
  std::memcpy(room[0].header.data(), frame.data(), head);
  room[0].header = room[0].header.first(head);
  room[0].payload[1] = frame.subspan(head);
  tun.transmit(1, Instant{});
}

inline Result<Tun, Error> open_configured(const TunOptions& options,
                                          const InterfaceOptions& interface) {
  auto tun = Tun::open(options);
  if (!tun) return tun;
  if (auto done = configure(tun->name(), interface); !done) return failure(done.error());
  return tun;
}

}  // namespace handfast::link
