// A host and the operations that wait on it, whoever drives it: io::Driver with a device and a
// clock, or a simulated world with made-up time.
//
// One thread at a time: a Stack, what was made on it, and cancellation of its operations are used
// from one thread or one strand. Handlers are always posted, never called from inside a call.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include <asio/async_result.hpp>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "host/host.hpp"
#include "io/detail/core.hpp"

namespace handfast::io {

class Stack {
 public:
  using executor_type = asio::any_io_executor;

  /// Handlers without an executor of their own run on `executor`, whose context must outlive the
  /// stack. `rng` seeds every secret of the host; `now` starts its time.
  Stack(executor_type executor, host::Config config, Instant now, Rng rng,
        trace::Sink* sink = nullptr);
  /// Everything that waits completes with operation_aborted. Streams, listeners and sockets that
  /// outlive the stack stay safe: every operation on them fails so.
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // The driver's side. `now` never goes back.
  /// As host::Host::expect().
  void expect(host::Interface in, Bytes frame) const;
  /// A frame came in. Does what it makes possible for waiting operations.
  void on_frame(host::Interface in, Bytes frame, Instant now, bool checksum_verified = false);
  /// deadline() has come.
  void on_deadline(Instant now);
  /// When on_deadline() is due: of the host, of sleepers and of time limits. Ask again after every
  /// call and after the handlers ran.
  Instant deadline() const;
  /// As host::Host::poll_transmit(). Call it until it gives 0, once the frames that came together
  /// were handed in and the handlers that they woke have run: then one ACK serves them all.
  u32 poll_transmit(host::Interface on, std::span<wire::Frame> out, Instant now);
  /// `wake` is called when the application made work outside of a call of the driver: there may be
  /// something to transmit, or an earlier deadline. It must only take note (post, set a flag).
  void set_wake(std::function<void()> wake);
  /// Asked for the time whenever the application calls in, so that what it starts between two
  /// rounds of the driver is timed from then. Without it the time is what the driver said last.
  void set_clock(std::function<Instant()> clock);

  /// The time as the driver said it last.
  Instant now() const;
  /// Everything that waits completes with operation_aborted; all later operations too.
  void stop();

  // The application's side.
  executor_type get_executor() const { return core_->executor(); }
  /// Completes after `wait` of the stack's time. Signature: void(std::error_code).
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_sleep(Duration wait, Token&& token = {}) {
    return asio::async_initiate<Token, void(std::error_code)>(
        [](auto&& handler, std::shared_ptr<detail::Core> core, Duration time) {
          using Handler = decltype(handler);
          if (core->host() == nullptr)
            return detail::post_outcome(std::forward<Handler>(handler), core->executor(),
                                        std::tuple(core->stopped_error()));
          core->sleep(*detail::make_operation<detail::SleepOperation>(
                          std::forward<Handler>(handler), core->executor(), *core),
                      time);
        },
        token, core_, wait);
  }
  /// What the host knows and counts: configuration, counters, census. Its verbs are for those who
  /// also call settle() afterwards. Must not be called once the stack is stopped.
  host::Host& host();
  /// After verbs straight on host(): completes what they made possible and wakes the driver.
  void settle();

  /// For what is built on a stack.
  const std::shared_ptr<detail::Core>& core() const { return core_; }

 private:
  std::shared_ptr<detail::Core> core_;
};

}  // namespace handfast::io
