// The seam for congestion control: a closed set of algorithms as one value, no virtual call.
#pragma once

#include <variant>

#include "tcp/config.hpp"
#include "tcp/congestion/cubic.hpp"
#include "tcp/congestion/reno.hpp"

namespace handfast::tcp {

/// Forwards to the algorithm of this connection. All sizes in bytes.
class CongestionControl {
 public:
  CongestionControl(Algorithm algorithm, u32 mss, u32 initial_segments)
      : algorithm_(Cubic(mss, initial_segments)) {
    if (algorithm == Algorithm::reno) algorithm_ = Reno(mss, initial_segments);
  }

  u32 window() const {
    return std::visit([](const auto& a) { return a.window(); }, algorithm_);
  }
  u32 threshold() const {
    return std::visit([](const auto& a) { return a.threshold(); }, algorithm_);
  }
  bool in_slow_start() const { return window() < threshold(); }
  /// New data was acknowledged outside of fast recovery while the window was in full use.
  void on_ack(const AckSample& ack) {
    std::visit([&](auto& a) { a.on_ack(ack); }, algorithm_);
  }
  /// A loss began an episode of fast recovery.
  void on_loss(u32 mss, Instant now) {
    std::visit([&](auto& a) { a.on_loss(mss, now); }, algorithm_);
  }
  /// The retransmission timer ran out for the first time since the last progress.
  void on_timeout(u32 mss, Instant now) {
    std::visit([&](auto& a) { a.on_timeout(mss, now); }, algorithm_);
  }
  /// The last on_loss() or on_timeout() was a mistake.
  void undo() {
    std::visit([](auto& a) { a.undo(); }, algorithm_);
  }
  /// Another algorithm goes on from where this one is.
  void change(Algorithm algorithm, u32 mss) {
    const u32 window_now = window();
    const u32 threshold_now = threshold();
    *this = CongestionControl(algorithm, mss, 1);
    set_window(window_now);
    set_threshold(threshold_now);
  }
  void set_threshold(u32 bytes) {
    std::visit([&](auto& a) { a.set_threshold(bytes); }, algorithm_);
  }
  /// Bytes a second at which the algorithm wants to send; zero: it has no opinion. One that models
  /// the path (as BBR does) answers here and asks for pacing.
  u64 pacing_rate() const {
    return std::visit(
        [](const auto& a) -> u64 {
          if constexpr (requires { a.pacing_rate(); }) return a.pacing_rate();
          return 0;
        },
        algorithm_);
  }
  /// During and after recovery the window is what RFC 6937 says.
  void set_window(u32 bytes) {
    std::visit([&](auto& a) { a.set_window(bytes); }, algorithm_);
  }

 private:
  std::variant<Cubic, Reno> algorithm_;
};

}  // namespace handfast::tcp
