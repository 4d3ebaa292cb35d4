// The seam for congestion control: a closed set of algorithms as one value, no virtual call.
#pragma once

#include <variant>

#include "tcp/congestion/reno.hpp"

namespace handfast::tcp {

/// Forwards to the algorithm of this connection. All sizes in bytes.
class CongestionControl {
 public:
  CongestionControl(u32 mss, u32 initial_segments) : algorithm_(Reno(mss, initial_segments)) {}

  u32 window() const {
    return ask([](const auto& a) { return a.window(); });
  }
  u32 threshold() const {
    return ask([](const auto& a) { return a.threshold(); });
  }
  bool in_slow_start() const { return window() < threshold(); }
  /// `acked` new bytes were acknowledged outside of recovery while the window was in full use.
  void on_ack(u32 acked, u32 mss, Instant now) {
    tell([&](auto& a) { a.on_ack(acked, mss, now); });
  }
  /// A loss began an episode of fast recovery with `in_flight` bytes out.
  void on_loss(u32 in_flight, u32 mss, Instant now) {
    tell([&](auto& a) { a.on_loss(in_flight, mss, now); });
  }
  /// The retransmission timer ran out for the first time since the last progress.
  void on_timeout(u32 in_flight, u32 mss, Instant now) {
    tell([&](auto& a) { a.on_timeout(in_flight, mss, now); });
  }
  /// During and after recovery the window is what RFC 6937 says.
  void set_window(u32 bytes) {
    tell([&](auto& a) { a.set_window(bytes); });
  }
  /// RFC 5681 §4.1: nothing was sent for longer than an RTO.
  void on_idle(u32 restart_window) {
    if (window() > restart_window) set_window(restart_window);
  }

 private:
  template <class F>
  u32 ask(F f) const {
    return std::visit(f, algorithm_);
  }
  template <class F>
  void tell(F f) {
    std::visit(f, algorithm_);
  }
  std::variant<Reno> algorithm_;
};

}  // namespace handfast::tcp
