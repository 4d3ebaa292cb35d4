// One stack on a clock of its own, as packetdrill drives it: from a main thread that moves packets
// and time, and a second one for calls that block.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "host/host.hpp"
#include "io/posix/environment.hpp"
#include "io/posix/sockets.hpp"
#include "options.hpp"

namespace handfast::packetdrill {

/// Descriptors start here, far from those of the process.
inline constexpr int first_descriptor = 100'000;

class Instance final : private io::posix::Environment {
 public:
  explicit Instance(const char* flags);

  /// Runs `call(sockets)` as one of the application's calls.
  template <class Call>
  auto run(Call call) {
    std::unique_lock lock(mutex_);
    lock_ = &lock;
    auto result = call(sockets());
    pump();
    let_woken_finish(lock);
    return result;
  }
  bool owns(int fd);

  /// A packet for the stack.
  void deliver(Bytes packet);
  struct Sent {
    std::vector<u8> bytes;
    i64 time_us;
  };
  /// The next packet from the stack. Time moves until there is one; none where there never will
  /// be.
  std::optional<Sent> next_sent();
  /// Lets time pass.
  void sleep(Duration time);
  /// The clock, which every look moves by 1 µs: who spins on it gets on.
  i64 read_clock_us();

 private:
  // io::posix::Environment
  Instant now() override { return now_; }
  void changed() override { pump(); }
  bool wait(Instant deadline) override;

  io::posix::Sockets& sockets();
  void pump();
  bool step(Instant limit);
  void advance(std::unique_lock<std::mutex>& lock, Instant end);
  void let_woken_finish(std::unique_lock<std::mutex>& lock);
  void fetch_sent();
  void leave(std::vector<u8> bytes, const wire::Frame& frame);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable told_;
  std::unique_lock<std::mutex>* lock_ = nullptr;
  const Options options_;
  const std::thread::id main_ = std::this_thread::get_id();
  Instant now_;
  std::unique_ptr<host::Host> host_;  // made with the first socket, when the sysctls are set
  std::unique_ptr<io::posix::Sockets> sockets_;
  std::deque<Sent> sent_;
  std::vector<u8> frame_headers_;

  // The thread that blocks, if any.
  bool blocked_ = false;
  bool running_ = false;                // it was woken, and has not looked at the clock since
  std::atomic<bool> returned_ = false;  // a call on the other thread is over
  Instant wait_deadline_ = never;
  u64 changes_ = 0;
  u64 looked_at_ = 0;  // which of them it knows of
};

/// The instance in use, for calls that come by way of the C library's names; null where none is.
Instance* current_instance();
void set_current_instance(Instance* instance);

}  // namespace handfast::packetdrill
