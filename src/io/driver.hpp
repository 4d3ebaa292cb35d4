// Drives a stack in real time: frames between it and a device with a file descriptor, deadlines
// from the steady clock, all on one Asio executor. Works as well for a device that wraps one, such
// as link::Impaired or link::Tapped over link::Tun.
//
// One round: frames that are there go in as a batch, the handlers that they woke run, and only then
// is the stack asked for what to send. So one ACK serves the batch, and an answer carries it.
#pragma once

#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "io/stack.hpp"
#include "link/device.hpp"

namespace handfast::io {

/// The steady clock as an Instant: the `now` to construct a real-time stack with.
Instant steady_now();
/// A generator seeded by the operating system; throws std::system_error where it cannot.
Rng system_rng();

/// A device that the kernel wakes us for.
template <class D>
concept HasDescriptor = requires(const D& d) {
  { d.fd() } -> std::same_as<int>;  // non-blocking; readable when receive() has something
};

template <link::Device Device>
class Driver {
 public:
  /// For interface `on` of `stack`. `stack` and `device` must outlive this. It takes stack's wake
  /// and clock for itself, so a stack has one driver.
  Driver(Stack& stack, Device& device, host::Interface on = 0)
    requires HasDescriptor<Device>
      : Driver(stack, device, device, on) {}
  /// The same where `device` wraps `wire`, which has the descriptor.
  template <HasDescriptor Wire>
  Driver(Stack& stack, Device& device, Wire& wire, host::Interface on = 0)
      : loop_(std::make_shared<Loop>(stack, device, wire.fd(), on)) {
    if constexpr (requires { wire.fault()->what; })
      loop_->fault = [&wire] {
        return wire.fault() ? std::optional(wire.fault()->what) : std::nullopt;
      };
  }
  ~Driver() {
    // What cannot be sent any more is lost with the device; a destructor has nobody to tell.
    try {
      stop();
    } catch (const std::exception&) {
      loop_->running = false;
    }
  }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  /// Begins; the rest happens in the executor of the stack.
  void start() { loop_->start(); }
  /// Sends what the stack has to send now, and ends for good. What waits on the stack goes on
  /// waiting: Stack::stop() or its end aborts it.
  void stop() { loop_->stop(); }
  /// Called once when the device is of no use any more (somebody removed it), with what happened.
  /// Driver and stack have stopped by then.
  void on_fault(std::function<void(const std::string&)> told) { loop_->told = std::move(told); }

 private:
  // Kept by the handlers that are under way, which may outlast the driver.
  struct Loop : std::enable_shared_from_this<Loop> {
    Loop(Stack& of, Device& over, int fd, host::Interface on)
        : stack(of),
          device(over),
          interface(on),
          executor(of.get_executor()),
          descriptor(executor, fd),
          timer(executor) {}
    // The descriptor stays the device's.
    ~Loop() { let_go(); }

    void start() {
      stack.set_clock(&steady_now);
      stack.set_wake([this] { schedule_flush(); });
      running = true;
      wait_readable();
      schedule_flush();
    }

    void stop() {
      if (!running) return;
      transmit(steady_now());
      running = false;
      stack.set_wake({});
      stack.set_clock({});
      timer.cancel();
      let_go();
    }

    void let_go() {
      if (descriptor.is_open()) descriptor.release();
    }

    void wait_readable() {
      descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                            [self = this->shared_from_this()](std::error_code error) {
                              if (!error) self->readable();
                            });
    }

    void readable() {
      if (!running) return;
      const u32 count = take_in(steady_now());
      if (fault)
        if (const auto what = fault()) return fail(*what);
      schedule_flush();
      if (count < link::batch_max) return wait_readable();
      // There may be more: but first what has come is dealt with.
      asio::post(executor, [self = this->shared_from_this()] { self->readable(); });
    }

    u32 take_in(Instant now) {
      std::array<link::Received, link::batch_max> batch;
      const u32 count = device.receive(batch, now);
      for (u32 i = 0; i < count; ++i) {
        if (i + host::Host::ahead < count)
          stack.expect(interface, batch[i + host::Host::ahead].frame);
        stack.on_frame(interface, batch[i].frame, now, batch[i].checksum_verified);
      }
      device.release();
      return count;
    }

    // Behind the handlers that are about to run.
    void schedule_flush() {
      if (std::exchange(flush_scheduled, true)) return;
      asio::post(executor, [self = this->shared_from_this()] {
        self->flush_scheduled = false;
        if (self->running) self->flush();
      });
    }

    void flush() {
      const Instant now = steady_now();
      if (stack.deadline() <= now) stack.on_deadline(now);
      transmit(now);
      arm();
    }

    void transmit(Instant now) {
      while (true) {
        const std::span<wire::Frame> room = device.room();
        if (room.empty()) return wait_writable();
        const u32 count = stack.poll_transmit(interface, room, now);
        if (count == 0) return;
        device.transmit(count, now);
      }
    }

    void wait_writable() {
      if (std::exchange(waiting_for_room, true)) return;
      descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                            [self = this->shared_from_this()](std::error_code error) {
                              self->waiting_for_room = false;
                              if (!error && self->running) self->schedule_flush();
                            });
    }

    // A timer that is set for earlier stays: it fires early, and is set anew.
    void arm() {
      const Instant when = std::min(stack.deadline(), device.deadline());
      if (when >= armed) return;
      armed = when;
      using Clock = std::chrono::steady_clock;
      timer.expires_at(
          Clock::time_point(std::chrono::ceil<Clock::duration>(when.time_since_epoch())));
      timer.async_wait([self = this->shared_from_this()](std::error_code error) {
        if (!error && self->running) self->timer_fired();
      });
    }

    void timer_fired() {
      armed = never;
      const Instant now = steady_now();
      if (device.deadline() <= now) take_in(now);
      schedule_flush();
    }

    void fail(const std::string& what) {
      stop();
      stack.stop();
      if (told) std::exchange(told, {})(what);
    }

    Stack& stack;
    Device& device;
    const host::Interface interface;
    asio::any_io_executor executor;
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer timer;
    Instant armed = never;
    bool running = false;
    bool flush_scheduled = false;
    bool waiting_for_room = false;
    std::function<std::optional<std::string>()> fault;
    std::function<void(const std::string&)> told;
  };

  std::shared_ptr<Loop> loop_;
};

}  // namespace handfast::io
