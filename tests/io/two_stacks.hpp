// Two stacks on a wire in memory, in virtual time, on one io_context: client 192.0.2.1 and
// server 192.0.2.2.
#pragma once

#include <array>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "io/stack.hpp"

namespace handfast::io {

inline constexpr wire::IpAddress client_address = wire::IpAddress::v4(192, 0, 2, 1);
inline constexpr wire::IpAddress server_address = wire::IpAddress::v4(192, 0, 2, 2);
inline constexpr wire::Endpoint server_at{server_address, 7};

class TwoStacks {
 public:
  explicit TwoStacks(const tcp::Config& tcp = {});
  ~TwoStacks();

  asio::io_context context{1};
  std::unique_ptr<Stack> client;
  std::unique_ptr<Stack> server;
  Duration delay = 5ms;  // one way
  /// While set, frames vanish.
  bool cut = false;
  u64 frames = 0;  // that arrived

  Instant now() const { return now_; }
  /// Lets time pass until `done` holds, nothing more will happen, or `limit` has passed. Returns
  /// whether `done` holds.
  bool run_until(const std::function<bool()>& done, Duration limit = 600s);
  void run_for(Duration time);
  /// Starts a coroutine; run_*() throws what it throws.
  void spawn(asio::awaitable<void> coroutine);
  /// Runs until all coroutines have ended; a failure where they do not within `limit`.
  void run_coroutines(Duration limit = 600s);
  u32 coroutines() const { return coroutines_; }

 private:
  struct Flying {
    Instant due;
    bool to_server;
    std::vector<u8> bytes;
  };
  bool step(Instant end);
  void settle();
  bool transmit(Stack* from, bool to_server);

  Instant now_{};
  std::deque<Flying> flying_;
  u32 coroutines_ = 0;
  std::exception_ptr thrown_;
};

/// A text of `size` bytes that does not repeat soon.
std::string pattern(std::size_t size, u64 seed = 1);

}  // namespace handfast::io
