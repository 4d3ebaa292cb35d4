#include "io/detail/core.hpp"

namespace handfast::io::detail {

Core::Core(Executor executor, host::Config config, Instant now, Rng rng, trace::Sink* sink)
    : executor_(std::move(executor)),
      host_(std::make_unique<host::Host>(std::move(config), now, rng, sink)),
      now_(now) {}

Instant Core::tick() {
  if (clock_ && !in_driver_) advance(clock_());
  return now_;
}

void Core::settle() {
  drain_events();
  if (!in_driver_ && wake_) wake_();
}

void Core::on_frame(host::Interface in, Bytes frame, Instant now, bool checksum_verified) {
  if (!host_) return;
  advance(now);
  in_driver_ = true;
  host_->on_frame(in, frame, now_, checksum_verified);
  drain_events();
  in_driver_ = false;
}

void Core::on_deadline(Instant now) {
  if (!host_) return;
  advance(now);
  in_driver_ = true;
  if (host_->deadline() <= now_) host_->on_deadline(now_);
  drain_events();
  timers_.expire(now_);
  drain_events();
  in_driver_ = false;
}

Instant Core::deadline() const {
  return host_ ? std::min(host_->deadline(), timers_.deadline()) : never;
}

u32 Core::poll_transmit(host::Interface on, std::span<wire::Frame> out, Instant now) {
  if (!host_) return 0;
  advance(now);
  in_driver_ = true;
  const u32 count = host_->poll_transmit(on, out, now_);
  in_driver_ = false;
  // Nothing may touch the host before the frames are on their way: events wait for the call that
  // finds nothing more to send.
  if (count == 0 && drain_events() && wake_) wake_();
  return count;
}

void Core::stop() {
  if (!host_) return;
  in_driver_ = true;
  connections.stop();
  listeners.stop();
  udp_sockets.stop();
  timers_.stop();
  host_.reset();
  in_driver_ = false;
}

void Core::sleep(SleepOperation& operation, Duration wait) {
  set_timer(operation, after(tick(), std::max(wait, Duration::zero())));
}

void Core::set_timer(TimerNode& node, Instant deadline) {
  timers_.set(node, deadline);
  if (!in_driver_ && wake_) wake_();
}

bool Core::drain_events() {
  bool any = false;
  while (host_) {
    const auto event = host_->poll_event();
    if (!event) break;
    dispatch(*event);
    any = true;
  }
  return any;
}

void Core::dispatch(const host::Event& event) {
  using Kind = host::Event::Kind;
  const auto progress = [](auto* waiter) {
    if (waiter != nullptr) waiter->progress();
  };
  switch (event.kind) {
    case Kind::tcp: return progress(connections.find(event.connection));
    case Kind::acceptable: return progress(listeners.find(event.listener));
    case Kind::datagram:
    case Kind::udp_error: return progress(udp_sockets.find(event.udp));
  }
}

void SleepOperation::cancel() {
  core_.cancel_timer(*this);
  complete(asio::error::operation_aborted);
}

}  // namespace handfast::io::detail
