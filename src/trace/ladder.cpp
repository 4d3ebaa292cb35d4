#include "trace/ladder.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "trace/ladder_draw.hpp"
#include "trace/names.hpp"
#include "wire/drop.hpp"
#include "wire/ethernet.hpp"
#include "wire/ip.hpp"

namespace handfast::trace {

using ladder::Arrow;
using ladder::none;
using ladder::Note;
using Tone = ladder::Note::Tone;
using wire::TcpFlags;

namespace {

std::string describe_options(const wire::TcpOptions& options) {
  std::string text;
  const auto add = [&text](std::string_view one) {
    if (!text.empty()) text += ", ";
    text += one;
  };
  if (options.mss) add(fmt::format("mss {}", *options.mss));
  if (options.sack_permitted) add("sack");
  if (options.timestamps) add("ts");
  if (options.window_scale) add(fmt::format("wscale {}", *options.window_scale));
  if (options.fast_open) add("fast open");
  return text;
}

bool holds(const Arrow& arrow, u32 sequence, u32 payload_length, u16 flags) {
  constexpr u16 openers = TcpFlags::syn | TcpFlags::rst;
  if ((arrow.flags & openers) != (flags & openers)) return false;
  if (arrow.payload_length == payload_length)
    return arrow.sequence == sequence && arrow.flags == flags;
  // A piece of a super-segment.
  return payload_length > 0 && sequence - arrow.sequence < arrow.payload_length &&
         sequence - arrow.sequence + payload_length <= arrow.payload_length;
}

}  // namespace

class Ladder::EndpointSink final : public Sink {
 public:
  EndpointSink(Ladder& ladder, u32 endpoint) : ladder_(ladder), endpoint_(endpoint) {}
  void on(Instant now, const Event& event) override { ladder_.on(endpoint_, now, event); }

 private:
  Ladder& ladder_;
  u32 endpoint_;
};

Ladder::Ladder() = default;
Ladder::~Ladder() = default;

Sink& Ladder::endpoint(std::string_view name) {
  const u32 number = to<u32>(record_.names.size());
  record_.names.emplace_back(name);
  record_.addresses.emplace_back();
  last_.emplace_back();
  return *sinks_.emplace_back(std::make_unique<EndpointSink>(*this, number));
}

Sink& Ladder::wire() { return *sinks_.emplace_back(std::make_unique<EndpointSink>(*this, none)); }

void Ladder::on(u32 endpoint, Instant now, const Event& event) {
  ++order_;
  if (const auto* impaired = std::get_if<FrameImpaired>(&event)) return on_impaired(now, *impaired);
  if (endpoint == none) return;
  settle_calls(endpoint, now);
  if (const auto* sent = std::get_if<SegmentSent>(&event)) {
    on_sent(endpoint, now, *sent);
  } else if (const auto* received = std::get_if<SegmentReceived>(&event)) {
    on_received(endpoint, now, *received);
  } else if (const auto* state = std::get_if<StateChanged>(&event)) {
    on_state(endpoint, now, *state);
    on_phase(endpoint, now, *state);
  } else if (const auto* told = std::get_if<StreamTold>(&event)) {
    on_stream(endpoint, now, *told);
  } else if (const auto* dropped = std::get_if<PacketDropped>(&event)) {
    on_dropped(endpoint, now, *dropped);
  } else if (const auto* timer = std::get_if<TimerFired>(&event)) {
    last_[endpoint].timer = timer->timer;
    last_[endpoint].timer_at = now;
  } else if (const auto* flood = std::get_if<SynFlood>(&event)) {
    record_.marks.push_back(
        {endpoint, now, order_, {.why = to_string(*flood), .tone = Tone::trouble}});
  }
}

/// State changes whose segment did not follow at once stand alone.
void Ladder::settle_calls(u32 endpoint, Instant now) {
  std::erase_if(last_[endpoint].calls, [&](const Call& call) {
    if (call.mark.at < now) record_.marks.push_back(call.mark);
    return call.mark.at < now;
  });
}

Ladder::Numbers& Ladder::numbers(const wire::Endpoint& from, const wire::Endpoint& to) {
  return numbers_[{from, to}];
}

Arrow Ladder::describe(const SegmentSent& event) {
  const wire::TcpHeader& header = event.header;
  Numbers& ours = numbers(event.flow.local, event.flow.remote);
  Numbers& theirs = numbers(event.flow.remote, event.flow.local);
  const u32 end = header.sequence + sequence_length(header, event.payload_length);

  Arrow arrow;
  arrow.flow = event.flow;
  arrow.flags = header.flags;
  arrow.sequence = header.sequence;
  arrow.payload_length = event.payload_length;
  const bool is_new_syn =
      header.has(TcpFlags::syn) && (!ours.begun || ours.first != header.sequence);
  if (is_new_syn || !ours.begun) {
    // Where the SYN was not seen, the first byte is shown as 1, as if it had been.
    ours = {true, header.sequence - (header.has(TcpFlags::syn) ? 0 : 1), header.sequence};
  }
  if (header.has(TcpFlags::ack) && !theirs.begun && !header.has(TcpFlags::rst))
    theirs = {true, header.acknowledgment - 1, header.acknowledgment};
  arrow.relative_sequence = header.sequence - ours.first;
  arrow.relative_acknowledgment = header.acknowledgment - theirs.first;
  // In a simultaneous open the SYN comes once more with an ACK: that is no repetition (figure 7).
  const bool gains_ack =
      header.has(TcpFlags::syn) && header.has(TcpFlags::ack) && !ours.syn_had_ack;
  if (header.has(TcpFlags::syn)) ours.syn_had_ack = header.has(TcpFlags::ack);
  arrow.is_repeat = end != header.sequence && !sequence_before(ours.sent_end, end) && !gains_ack;
  if (sequence_before(ours.sent_end, end)) ours.sent_end = end;

  if (header.has(TcpFlags::syn)) arrow.extra = describe_options(header.options);
  for (u32 i = 0; i < header.options.sack_count; ++i)
    arrow.extra +=
        fmt::format("{}sack {}:{}", i == 0 ? "" : ", ", header.options.sack[i].left - theirs.first,
                    header.options.sack[i].right - theirs.first);
  return arrow;
}

void Ladder::on_sent(u32 endpoint, Instant now, const SegmentSent& event) {
  auto& addresses = record_.addresses[endpoint];
  if (std::ranges::find(addresses, event.flow.local) == addresses.end())
    addresses.push_back(event.flow.local);
  Arrow arrow = describe(event);
  if (record_.arrows.size() == ladder::Record::arrows_max) {
    ++record_.arrows_left_out;
    return;
  }
  arrow.from = endpoint;
  arrow.sent = now;
  arrow.sent_order = order_;

  Last& last = last_[endpoint];
  constexpr u16 openers_and_closers = TcpFlags::syn | TcpFlags::fin | TcpFlags::rst;
  std::erase_if(last.calls, [&](Call& call) {
    const bool is_sent =
        call.sends_data ? arrow.payload_length != 0 : (arrow.flags & openers_and_closers) != 0;
    if (call.flow != event.flow || !is_sent) return false;
    arrow.at_sender.push_back(std::move(call.mark.note));
    return true;
  });
  arrow.steps = round_trips_.sent(endpoint, event.flow);
  std::string why = to_string(event.why);
  if (why.empty() && arrow.is_repeat) {
    why = "retransmission";
    if (last.timer_at == now) why += ", " + last.timer + " timer";
  }
  if (arrow.is_repeat && why.find("retransmission") == why.npos && why.find("probe") == why.npos)
    why = "retransmission: " + why;
  if (!why.empty())
    arrow.at_sender.push_back({"", why, arrow.is_repeat ? Tone::repeat : Tone::plain});

  last.sent = to<u32>(record_.arrows.size());
  last.sent_at = now;
  in_flight_.push_back(last.sent);
  record_.arrows.push_back(std::move(arrow));
}

/// The arrow of that flow (as its sender sees it) that carries this segment: one that is still in
/// flight, else one that has arrived not long ago (a duplicate). Of copies in flight the oldest
/// arrives first, for networks keep order more often than not; the newest is what was just sent.
u32 Ladder::find_arrow(const wire::Flow& flow, const wire::TcpHeader& header, u32 payload_length,
                       bool newest) const {
  const auto fits = [&](u32 i) {
    const Arrow& arrow = record_.arrows[i];
    return arrow.flow == flow && holds(arrow, header.sequence, payload_length, header.flags);
  };
  if (newest) {
    const auto newest_first = std::views::reverse(in_flight_);
    const auto found = std::ranges::find_if(newest_first, fits);
    if (found != newest_first.end()) return *found;
  } else {
    const auto found = std::ranges::find_if(in_flight_, fits);
    if (found != in_flight_.end()) return *found;
  }
  constexpr u32 look_back = 512;
  const u32 size = to<u32>(record_.arrows.size());
  for (u32 i = size; i-- > (size > look_back ? size - look_back : 0);)
    if (fits(i)) return i;
  return none;
}

void Ladder::arrive(u32 number, u32 endpoint, Instant now, u32 payload_length) {
  Arrow& arrow = record_.arrows[number];
  if (arrow.fate == Arrow::Fate::arrived && arrow.payload_arrived >= arrow.payload_length) {
    arrow.at_receiver.push_back({"", "arrives twice", Tone::trouble});
    return;
  }
  arrow.to = endpoint;
  arrow.fate = Arrow::Fate::arrived;
  arrow.payload_arrived += payload_length;
  if (arrow.arrived == never) {
    arrow.arrived = now;
    arrow.arrived_order = order_;
  }
  if (arrow.payload_arrived >= arrow.payload_length) std::erase(in_flight_, number);
}

void Ladder::on_received(u32 endpoint, Instant now, const SegmentReceived& event) {
  const wire::Flow as_sent{event.flow.remote, event.flow.local};
  const u32 number = find_arrow(as_sent, event.header, event.payload_length, false);
  last_[endpoint].received = number;
  last_[endpoint].received_at = now;
  if (number == none) return;
  arrive(number, endpoint, now, event.payload_length);
  round_trips_.received(endpoint, event.flow, record_.arrows[number].steps);
}

void Ladder::on_state(u32 endpoint, Instant now, const StateChanged& event) {
  Note note{std::string{short_state(event.to)}, to_string(event.why), Tone::plain};
  Last& last = last_[endpoint];
  if (entered_by_call(event.to)) {
    // The segment of the call may have been told already.
    constexpr u16 openers_and_closers = TcpFlags::syn | TcpFlags::fin;
    if (last.sent != none && last.sent_at == now) {
      Arrow& arrow = record_.arrows[last.sent];
      const bool is_free = std::ranges::all_of(arrow.at_sender, &std::string::empty, &Note::state);
      if ((arrow.flags & openers_and_closers) != 0 && arrow.flow == event.flow && is_free) {
        arrow.at_sender.insert(arrow.at_sender.begin(), std::move(note));
        return;
      }
    }
    last.calls.push_back({event.flow, {endpoint, now, order_, std::move(note)}});
    return;
  }
  if (last.received != none && last.received_at == now) {
    Arrow& arrow = record_.arrows[last.received];
    if (arrow.flow == wire::Flow{event.flow.remote, event.flow.local}) {
      arrow.at_receiver.push_back(std::move(note));
      return;
    }
  }
  // An ABORT sends its RST next.
  last.calls.push_back({event.flow, {endpoint, now, order_, std::move(note)}});
}

/// The handshake of TCP, as long as whoever opens it waits.
void Ladder::on_phase(u32 endpoint, Instant now, const StateChanged& event) {
  using enum RoundTrips::Kind;
  if (event.to == "SYN_SENT") round_trips_.begin(tcp, endpoint, event.flow, "TCP", now);
  if (event.to == "ESTABLISHED") round_trips_.end(tcp, endpoint, event.flow, now);
}

/// The arrow that carried this IP packet or Ethernet frame.
u32 Ladder::find_packet(Bytes packet, bool newest) const {
  auto ip = wire::parse_ip(packet);
  if (!ip && packet.size() > wire::ethernet_header_size)
    ip = wire::parse_ip(packet.subspan(wire::ethernet_header_size));
  if (!ip || ip->header.protocol != wire::protocol_tcp) return none;
  const auto segment =
      wire::parse_tcp(ip->payload, ip->header.source, ip->header.destination, true);
  if (!segment) return none;
  const wire::Flow flow{{ip->header.source, segment->header.source_port},
                        {ip->header.destination, segment->header.destination_port}};
  return find_arrow(flow, segment->header, to<u32>(segment->payload.size()), newest);
}

void Ladder::on_dropped(u32 endpoint, Instant now, const PacketDropped& event) {
  Note note{"", fmt::format("dropped: {}", wire::to_string(event.reason)), Tone::trouble};
  Last& last = last_[endpoint];
  u32 number = find_packet(event.packet, false);
  if (number == none && last.received_at == now) number = last.received;
  if (number == none) {
    record_.marks.push_back({endpoint, now, order_, std::move(note)});
    return;
  }
  Arrow& arrow = record_.arrows[number];
  arrow.to = endpoint;
  if (arrow.arrived == never) {
    arrow.arrived = now;
    arrow.arrived_order = order_;
    arrow.fate = Arrow::Fate::dropped;
    std::erase(in_flight_, number);
  }
  arrow.at_receiver.push_back(std::move(note));
}

void Ladder::on_impaired(Instant now, const FrameImpaired& event) {
  const bool is_gone = event.what == "lost" || event.what == "queue overflow";
  Note note{"", fmt::format("{} on the wire", event.what), Tone::trouble};
  if (event.what == "queue overflow") note.why = "lost: the queue is full";
  const u32 number = find_packet(event.frame, true);
  if (number == none) {
    if (record_.names.empty()) return;
    record_.marks.push_back({0, now, order_, std::move(note)});
    record_.marks.back().note.why = "a frame was " + std::string{event.what};
    return;
  }
  Arrow& arrow = record_.arrows[number];
  arrow.at_receiver.push_back(std::move(note));
  if (is_gone && arrow.fate == Arrow::Fate::in_flight && arrow.payload_arrived == 0) {
    arrow.fate = Arrow::Fate::lost;
    std::erase(in_flight_, number);
  }
}

std::string Ladder::render(const LadderOptions& options) const {
  ladder::Record record = record_;
  for (const Last& last : last_)
    for (const Call& call : last.calls) record.marks.push_back(call.mark);
  return ladder::draw(record, options);
}

}  // namespace handfast::trace
