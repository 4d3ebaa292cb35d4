// One source of events, several who listen.
#pragma once

#include <initializer_list>
#include <vector>

#include "trace/event.hpp"

namespace handfast::trace {

/// Takes events and does nothing: for who wants the cost of tracing without its use.
class NullSink final : public Sink {
 public:
  void on(Instant, const Event&) override {}
};

/// Hands each event to every sink, in the order in which they were added. It owns none of them.
class Tee final : public Sink {
 public:
  Tee() = default;
  Tee(std::initializer_list<Sink*> sinks) : sinks_(sinks) {}
  void add(Sink& sink) { sinks_.push_back(&sink); }
  void on(Instant now, const Event& event) override {
    for (Sink* sink : sinks_) sink->on(now, event);
  }

 private:
  std::vector<Sink*> sinks_;
};

}  // namespace handfast::trace
