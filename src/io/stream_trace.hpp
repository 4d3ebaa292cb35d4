// What the engine of a stream tells (TLS, HTTP), with the time and both ends, which it does not
// know itself.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/time.hpp"
#include "trace/event.hpp"
#include "trace/stream_event.hpp"
#include "wire/address.hpp"

namespace handfast::io {

class StreamTrace final : public trace::StreamSink {
 public:
  StreamTrace(trace::Sink& sink, std::function<Instant()> clock, const wire::Flow& flow)
      : sink_(sink), clock_(std::move(clock)), flow_(flow) {}

  void on(const trace::StreamEvent& event) override {
    sink_.on(clock_(), trace::StreamTold{flow_, event});
  }

 private:
  trace::Sink& sink_;
  std::function<Instant()> clock_;
  wire::Flow flow_;
};

/// Null, and so silence, where there is no `sink`. `stream` has both of its ends.
template <class Stream>
std::unique_ptr<StreamTrace> trace_stream(trace::Sink* sink, const std::function<Instant()>& clock,
                                          const Stream& stream) {
  if (sink == nullptr) return nullptr;
  return std::make_unique<StreamTrace>(
      *sink, clock, wire::Flow{stream.local_endpoint(), stream.remote_endpoint()});
}

}  // namespace handfast::io
