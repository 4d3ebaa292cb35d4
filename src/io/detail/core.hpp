// What a Stack and everything made on it share. Streams may outlive their stack: then host() is
// null, and everything that they start fails.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "host/host.hpp"
#include "io/detail/operation.hpp"
#include "io/detail/timer_queue.hpp"

namespace handfast::io::detail {

/// What an event of the host is for. `Name` is the host's handle.
template <class Name>
class Waiter {
 public:
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  /// Something happened to what `name()` names: completes the operations that can complete now.
  virtual void progress() = 0;
  /// The stack stops: everything that waits here is aborted.
  virtual void stopped() = 0;
  Name name() const { return name_; }

 protected:
  Waiter() = default;
  ~Waiter() = default;
  Name name_{};
};

/// Finds the waiter of a handle; the host's handles are dense.
template <class Name>
class Registry {
 public:
  void add(Waiter<Name>& waiter) {
    const u32 index = waiter.name().index;
    if (index >= waiters_.size()) waiters_.resize(index + 1, nullptr);
    waiters_[index] = &waiter;
  }
  void remove(const Waiter<Name>& waiter) {
    if (find(waiter.name()) == &waiter) waiters_[waiter.name().index] = nullptr;
  }
  Waiter<Name>* find(Name name) const {
    if (name.index >= waiters_.size()) return nullptr;
    Waiter<Name>* found = waiters_[name.index];
    return found != nullptr && found->name() == name ? found : nullptr;
  }
  void stop() {
    for (Waiter<Name>* waiter : std::exchange(waiters_, {}))
      if (waiter != nullptr) waiter->stopped();
  }

 private:
  std::vector<Waiter<Name>*> waiters_;
};

class SleepOperation;

class Core {
 public:
  Core(Executor executor, host::Config config, Instant now, Rng rng, trace::Sink* sink);

  const Executor& executor() const { return executor_; }
  /// Null once stopped.
  host::Host* host() const { return host_.get(); }
  static std::error_code stopped_error() { return asio::error::operation_aborted; }
  Instant now() const { return now_; }
  /// The time of what the application does now.
  Instant tick();
  /// After the application's verbs: completes what they made possible and wakes the driver.
  void settle();

  void expect(host::Interface in, Bytes frame) const {
    if (host_) host_->expect(in, frame);
  }
  void on_frame(host::Interface in, Bytes frame, Instant now, bool checksum_verified);
  void on_deadline(Instant now);
  Instant deadline() const;
  u32 poll_transmit(host::Interface on, std::span<wire::Frame> out, Instant now);
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }
  void set_clock(std::function<Instant()> clock) { clock_ = std::move(clock); }
  void stop();

  void sleep(SleepOperation& operation, Duration wait);
  void set_timer(TimerNode& node, Instant deadline);
  void cancel_timer(TimerNode& node) { timers_.cancel(node); }

  Registry<host::Conn> connections;
  Registry<host::Listen> listeners;
  Registry<host::Udp> udp_sockets;

 private:
  void advance(Instant now) { now_ = std::max(now_, now); }
  bool drain_events();  // whether there were any
  void dispatch(const host::Event& event);

  Executor executor_;
  std::unique_ptr<host::Host> host_;
  TimerQueue timers_;
  Instant now_;
  std::function<void()> wake_;
  std::function<Instant()> clock_;
  bool in_driver_ = false;  // a call of the driver is under way: it will ask for output itself
};

/// A wait for nothing but time.
class SleepOperation : public Operation, public TimerNode {
 public:
  explicit SleepOperation(Core& core) : core_(core) {}
  void cancel() override;
  void expired() override { complete({}); }
  void stopped() override { complete(Core::stopped_error()); }

 protected:
  ~SleepOperation() = default;

 private:
  Core& core_;
};

}  // namespace handfast::io::detail
