// Prints what a host does, for whoever replays a seed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "trace/event.hpp"
#include "wire/print.hpp"

namespace handfast::test {

class Printer final : public trace::Sink {
 public:
  explicit Printer(std::string name) : name_(std::move(name)) {}

  void on(Instant now, const trace::Event& event) override {
    if (const auto* sent = std::get_if<trace::FrameSent>(&event)) {
      std::vector<u8> frame;
      for (const Bytes piece : sent->pieces) frame.insert(frame.end(), piece.begin(), piece.end());
      line(now, "sends " + describe(sent->link_type, frame));
    } else if (const auto* came = std::get_if<trace::FrameReceived>(&event)) {
      line(now, "gets  " + describe(came->link_type, came->frame));
    } else if (const auto* change = std::get_if<trace::StateChanged>(&event)) {
      line(now, fmt::format("{} -> {}: {}", change->from, change->to, to_string(change->why)));
    } else if (const auto* timer = std::get_if<trace::TimerFired>(&event)) {
      line(now, fmt::format("timer {}: {}", timer->timer, to_string(timer->why)));
    } else if (const auto* drop = std::get_if<trace::PacketDropped>(&event)) {
      line(now, fmt::format("drops it: {}", wire::to_string(drop->reason)));
    }
  }

 private:
  static std::string describe(trace::LinkType type, Bytes frame) {
    return type == trace::LinkType::ethernet ? wire::describe_ethernet(frame)
                                             : wire::describe_ip(frame);
  }
  void line(Instant now, const std::string& text) const {
    const double at = std::chrono::duration<double>(now.time_since_epoch()).count();
    fmt::print("{:12.6f} {:8} {}\n", at, name_, text);
  }

  std::string name_;
};

}  // namespace handfast::test
