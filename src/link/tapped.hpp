// Any device, with every frame reported to a trace sink: what a pcapng file is made of. Neither the
// device nor the host knows of it.
#pragma once

#include <span>

#include "base/assert.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "link/device.hpp"
#include "trace/event.hpp"
#include "wire/frame.hpp"

namespace handfast::link {

template <Device D>
class Tapped {
 public:
  /// `interface` is the number under which the events come. `inner` and `sink` must outlive this.
  Tapped(D& inner, trace::Sink& sink, u16 interface = 0)
      : inner_(inner), sink_(sink), link_type_(inner.caps().link_type), interface_(interface) {}

  Caps caps() const { return inner_.caps(); }

  u32 receive(std::span<Received> in, Instant now) {
    const u32 count = inner_.receive(in, now);
    for (const Received& received : in.first(count))
      sink_.on(now, trace::FrameReceived{interface_, link_type_, received.frame});
    return count;
  }
  void release() { inner_.release(); }

  std::span<wire::Frame> room() { return room_ = inner_.room(); }
  void transmit(u32 count, Instant now) {
    ASSERT(count <= room_.size());
    for (const wire::Frame& frame : room_.first(count)) {
      const trace::FrameSent sent{
          interface_, link_type_, {frame.header, frame.payload[0], frame.payload[1]}};
      sink_.on(now, sent);
    }
    inner_.transmit(count, now);
    room_ = {};
  }

  Instant deadline() const { return inner_.deadline(); }

 private:
  D& inner_;
  trace::Sink& sink_;
  std::span<wire::Frame> room_;
  trace::LinkType link_type_;
  u16 interface_;
};

}  // namespace handfast::link
