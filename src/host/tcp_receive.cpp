// RFC 9293 §3.10.7, SEGMENT ARRIVES: finding whom it is for, and the states that have no
// connection of their own: CLOSED, LISTEN, SYN-RECEIVED after a passive open, TIME-WAIT.
#include "base/assert.hpp"
#include "host/tcp_layer.hpp"
#include "tcp/edges.hpp"
#include "wire/plain_segment.hpp"

namespace handfast::host {

using tcp::State;
using wire::Drop;
using wire::TcpFlags;

void TcpLayer::on_segment(const Arrival& arrival, Bytes bytes) {
  const wire::IpHeader& ip = arrival.header;
  const auto segment = wire::parse_tcp(bytes, ip.source, ip.destination, arrival.checksum_verified);
  if (!segment) return network_.drop(segment.error(), arrival.packet, arrival.now);
  // RFC 9293 §3.9.2.3 (MUST-57): a SYN to a broadcast or multicast address is discarded; nothing
  // else could be meant for us either.
  if (arrival.cast != Cast::unicast || arrival.link_group)
    return network_.drop(Drop::bad_address, arrival.packet, arrival.now);

  const wire::Flow flow{{ip.destination, segment->header.destination_port},
                        {ip.source, segment->header.source_port}};
  const auto entry = find_flow(flow);
  if (!entry) return on_nobody(flow, arrival, *segment);
  switch (entry->kind) {
    case FlowEntry::Kind::connection: return on_connection(entry->index, arrival, *segment);
    case FlowEntry::Kind::half_open: return on_half_open(entry->index, arrival, *segment);
    case FlowEntry::Kind::time_wait: return on_time_wait(entry->index, flow, arrival, *segment);
  }
}

// Whoever opens a connection is new here, so the place of his flow is in no cache.
void TcpLayer::expect(Bytes packet) const {
  if (const auto flow = wire::flow_of_syn(packet)) flows_.prefetch(*flow);
}

// The usual segment of a connection, or of one that is about to be. Its source was found possible
// when that was made, so what remains to be seen is that it came in where its packets go out.
bool TcpLayer::on_plain(Interface in, Bytes packet, bool checksum_verified, Instant now) {
  wire::PlainSegment plain;
  if (!plain.parse(packet)) {
    // The cell is on its way while the general parser looks at the packet.
    if (plain.flow.local.port != 0) flows_.prefetch(plain.flow);
    return false;
  }
  const auto entry = find_flow(plain.flow);
  if (!entry || !network_.routes.is_address_of(in, plain.flow.local.address)) return false;
  wire::Checksum* unverified = checksum_verified ? nullptr : &plain.sum;
  switch (entry->kind) {
    case FlowEntry::Kind::time_wait: return false;
    case FlowEntry::Kind::half_open: {
      if (half_open_.at(entry->index)->hop.interface != in ||
          !(checksum_verified || plain.is_intact()))
        return false;
      const Bytes text = plain.segment.payload;
      Arrival arrival{
          .interface = in, .packet = {packet.data(), text.data() + text.size()}, .now = now};
      arrival.header.traffic_class = plain.ecn;
      on_half_open(entry->index, arrival, plain.segment);
      return true;
    }
    case FlowEntry::Kind::connection: break;
  }
  ConnectionSlot& slot = *connections_.at(entry->index);
  if (slot.hop.interface != in) return false;
  const Conn handle = connections_.handle_at(entry->index);
  switch (slot.connection.on_predicted(plain.segment, unverified, plain.ecn, now)) {
    case tcp::Predicted::corrupt: return false;
    case tcp::Predicted::taken:
      break;  // its state is what it was; its turn to send settles the rest
    case tcp::Predicted::no:
      if (!checksum_verified && !plain.is_intact()) return false;
      slot.connection.on_segment(plain.segment, plain.ecn, now);
      settle(handle, slot, now);
  }
  mark_ready(handle, slot);
  mark_event(handle, slot);
  return true;
}

void TcpLayer::on_connection(u32 index, const Arrival& arrival, const wire::TcpSegment& segment) {
  const Conn handle = connections_.handle_at(index);
  ConnectionSlot& slot = *connections_.find(handle);
  slot.connection.on_segment(segment, arrival.header.ecn(), arrival.now);
  settle(handle, slot, arrival.now);
  mark_ready(handle, slot);
  mark_event(handle, slot);
}

void TcpLayer::on_half_open(u32 index, const Arrival& arrival, const wire::TcpSegment& segment) {
  HalfOpenSlot& slot = *half_open_.at(index);
  const wire::Flow flow = slot.record.flow();
  const Instant now = arrival.now;
  switch (slot.record.on_segment(context_, segment, now)) {
    case tcp::HalfOpen::Verdict::stays:
      note_received(flow, segment, now);
      return network_.drop(segment.header.has(TcpFlags::rst) ? Drop::bad_rst : Drop::no_ack,
                           arrival.packet, now);
    case tcp::HalfOpen::Verdict::deferred: return note_received(flow, segment, now);
    case tcp::HalfOpen::Verdict::answer:
      note_received(flow, segment, now);
      half_open_timers_.set(index, slot.record.deadline());
      return send_control(flow, slot.record.syn_ack(context_, now), slot.hop, {"SYN came again"},
                          now);
    case tcp::HalfOpen::Verdict::established: return promote(index, arrival, segment);
    case tcp::HalfOpen::Verdict::reset:
      note_received(flow, segment, now);
      ++context_.counters.attempt_fails;
      return end_half_open(index, State::listen, {"RST from the peer"}, now);
    case tcp::HalfOpen::Verdict::refuse:
      note_received(flow, segment, now);
      return refuse(flow, arrival, segment);
    case tcp::HalfOpen::Verdict::challenge:
      note_received(flow, segment, now);
      if (context_.may_challenge(now))
        send_control(flow, slot.record.challenge_ack(context_, now), slot.hop, {"challenge ACK"},
                     now);
      return network_.drop(Drop::outside_window, arrival.packet, now);
  }
}

void TcpLayer::on_time_wait(u32 index, const wire::Flow& flow, const Arrival& arrival,
                            const wire::TcpSegment& segment) {
  TimeWaitSlot& slot = *time_wait_.at(index);
  const Instant now = arrival.now;
  const auto answer = [&](trace::Why why) {
    const auto hop = network_.routes.route(flow.remote.address, slot.interface);
    if (hop) send_control(flow, slot.record.ack(context_, flow, now), *hop, why, now);
  };
  switch (slot.record.on_segment(segment)) {
    case tcp::TimeWait::Verdict::ignored:
      note_received(flow, segment, now);
      return network_.drop(Drop::connection_closed, arrival.packet, now);
    case tcp::TimeWait::Verdict::acked:
      note_received(flow, segment, now);
      if (context_.may_challenge(now)) answer({"old segment in TIME_WAIT"});
      return;
    case tcp::TimeWait::Verdict::restarted:
      note_received(flow, segment, now);
      slot.record.restart(after(now, 2 * context_.config.msl));
      time_wait_order_.move_to_back(time_wait_, index);
      return answer({"FIN came again"});
    case tcp::TimeWait::Verdict::reuse:
      // Only for somebody who listens; else the record goes on keeping old segments out.
      if (!find_listener(flow.local)) {
        note_received(flow, segment, now);
        if (context_.may_challenge(now)) answer({"SYN in TIME_WAIT"});
        return;
      }
      end_time_wait(index, {"new SYN takes the port pair over"}, now);
      return on_nobody(flow, arrival, segment);
  }
}

void TcpLayer::on_nobody(const wire::Flow& flow, const Arrival& arrival,
                         const wire::TcpSegment& segment) {
  if (const Listen listener = find_listener(flow.local))
    return on_listener(listener, flow, arrival, segment);
  note_received(flow, segment, arrival.now);
  network_.drop(Drop::connection_closed, arrival.packet, arrival.now);
  refuse(flow, arrival, segment);
}

// §3.10.7.1: the RST that makes the other end give up what does not exist here.
void TcpLayer::refuse(const wire::Flow& flow, const Arrival& arrival,
                      const wire::TcpSegment& segment) {
  const wire::TcpHeader& h = segment.header;
  if (h.has(TcpFlags::rst)) return;
  const auto hop = network_.routes.route(flow.remote.address, arrival.interface);
  if (!hop || hop->cast != Cast::unicast || flow.remote.address.is_unspecified()) return;
  wire::TcpHeader reset{.source_port = flow.local.port, .destination_port = flow.remote.port};
  if (h.has(TcpFlags::ack)) {
    reset.sequence = h.acknowledgment;  // <SEQ=SEG.ACK><CTL=RST>
    reset.flags = TcpFlags::rst;
  } else {
    reset.acknowledgment = h.sequence + segment.sequence_length();
    reset.flags = TcpFlags::rst | TcpFlags::ack;  // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
  }
  ++network_.counters.resets_to_nobody;
  ++context_.counters.resets_out;
  send_control(flow, reset, *hop, {"nobody is here"}, arrival.now);
}

void TcpLayer::send_control(const wire::Flow& flow, const wire::TcpHeader& header, const Hop& hop,
                            trace::Why why, Instant now) {
  ++context_.counters.segments_out;
  if (context_.sink != nullptr) context_.sink->on(now, trace::SegmentSent{flow, header, 0, why});
  network_.send_tcp(flow, header, hop, now);
}

void TcpLayer::note_received(const wire::Flow& flow, const wire::TcpSegment& segment, Instant now) {
  ++context_.counters.segments_in;
  if (context_.sink != nullptr)
    context_.sink->on(
        now, trace::SegmentReceived{flow, segment.header, to<u32>(segment.payload.size())});
}

// RFC 5927 §4.1 again: only an error about our SYN,ACK counts. There is nothing to lose yet.
bool TcpLayer::on_half_open_error(u32 index, u32 sequence, const wire::IcmpError& error,
                                  Instant now) {
  using enum wire::IcmpProblem;
  const bool hopeless = error.problem == host_unreachable || error.problem == net_unreachable ||
                        error.problem == port_unreachable || error.problem == prohibited ||
                        error.problem == protocol_unreachable;
  if (!hopeless || sequence != half_open_.at(index)->record.iss()) return true;
  ++context_.counters.attempt_fails;
  end_half_open(index, State::listen, {"ICMP type {} code {}", error.type, error.code}, now);
  return true;
}

bool TcpLayer::on_error(const wire::Flow& flow, u32 sequence, const wire::IcmpError& error,
                        Instant now) {
  const auto entry = find_flow(flow);
  if (entry && entry->kind == FlowEntry::Kind::half_open)
    return on_half_open_error(entry->index, sequence, error, now);
  if (!entry || entry->kind != FlowEntry::Kind::connection) return false;
  const Conn handle = connections_.handle_at(entry->index);
  ConnectionSlot& slot = *connections_.find(handle);
  slot.connection.on_icmp(error, sequence, now);
  settle(handle, slot, now);
  mark_ready(handle, slot);
  mark_event(handle, slot);
  return true;
}

}  // namespace handfast::host
