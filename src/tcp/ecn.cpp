// RFC 3168 and RFC 9768: a router marks instead of dropping. The receiver echoes the mark until the
// sender says that it has slowed down; the sender slows down once for each window of data.
#include "tcp/connection.hpp"

namespace handfast::tcp {

using wire::TcpFlags;
using Phase = LossRecovery::Phase;

namespace {

constexpr u8 ecn_field = 3;
constexpr u8 not_ect = 0;
constexpr u8 ect_0 = 2;
constexpr u8 ce = 3;

}  // namespace

u16 Connection::ecn_offer(const Settings& settings, u8 retries) {
  // §6.1.1.1: a host between that drops such SYNs must not keep the connection from coming about.
  // RFC 9768 §3.1.4.1 allows one more.
  if (settings.ecn < Ecn::active || retries > (settings.accurate_ecn ? 1 : 0)) return 0;
  return to<u16>(settings.accurate_ecn ? AccurateEcn::offer : TcpFlags::ece | TcpFlags::cwr);
}

void Connection::take_ecn_answer(const wire::TcpHeader& syn_ack, u8 ecn) {
  const u16 offered = ecn_offer(settings(), retries_);
  if (offered == AccurateEcn::offer && AccurateEcn::is_granted(syn_ack.flags)) {
    accurate_.start_client(syn_ack.flags, ecn);
    ecn_ = true;
  } else {
    // §6.1.1: ECE alone; a SYN,ACK with both only echoes what it does not understand.
    ecn_ = offered != 0 && syn_ack.has(TcpFlags::ece) && !syn_ack.has(TcpFlags::cwr);
  }
  if (ecn_) ++context_.counters.ecn_connections;
}

// Of a segment that came.
void Connection::note_mark(const wire::TcpSegment& segment, u8 ecn, Instant now) {
  ecn &= ecn_field;
  if (accurate_.is_on()) {
    if (ecn == not_ect) return;
    traffic().ecn_seen = true;
    if (ecn != ce) return;
    const u32 packets = packets_in(to<u32>(segment.payload.size()));
    context_.counters.ecn_marks_in += packets;
    accurate_.note_received(ecn, packets);
    if (!segment.payload.empty()) hurry_acks(2, now);
    return;
  }
  if (!ecn_ || segment.payload.empty()) return;
  Traffic& t = traffic();
  if (segment.header.has(TcpFlags::cwr)) {
    t.ecn_echo = false;
    ack_now_ = true;  // the peer's window may be one segment by now
  }
  if (ecn == not_ect) {
    if (t.ecn_seen) hurry_acks(2, now);  // a retransmission: the window there is small
    return;
  }
  t.ecn_seen = true;
  if (ecn != ce) return;
  ++context_.counters.ecn_marks_in;
  if (!t.ecn_echo) hurry_acks(2, now);
  t.ecn_echo = true;
}

// §6.1.2: what goes into the header and the IP header of a segment; `fresh`: with text that was
// never sent before. §6.1.5: nothing else is ECN-capable.
u8 Connection::mark_outgoing(wire::TcpHeader& header, bool fresh) {
  if (accurate_.is_on()) {
    // Here the marks of whatever is sent are told, so all of it is ECN-capable, as Linux has it.
    header.flags |= accurate_.flags();
    return ecn_ ? ect_0 : not_ect;
  }
  if (!ecn_ || traffic_ == nullptr) return 0;
  if (traffic_->ecn_echo) header.flags |= TcpFlags::ece;
  if (!fresh) return 0;
  if (traffic_->ecn_reduced) header.flags |= TcpFlags::cwr;
  traffic_->ecn_reduced = false;
  return ect_0;
}

// §6.1.2: "TCP should not react to congestion indications more than once every window of data".
void Connection::react_to_echo(const wire::TcpHeader& header, u32 una_before, u32 delivered,
                               Instant now) {
  if (!accurate_.is_on()) {
    if (!ecn_ || !header.has(TcpFlags::ece)) return;
    ++context_.counters.ecn_echoes_in;
  } else {
    // The third segment counts nothing, and an ACK that was overtaken has an old count.
    if (una_before == snd_.iss || (delivered == 0 && snd_.una == una_before)) return;
    const u32 marked = accurate_.take_feedback(header.flags);
    if (marked == 0 || !ecn_) return;
    context_.counters.ecn_echoes_in += marked;
    traffic().delivered_ce += marked;
  }
  if (recover_.phase != Phase::none || snd_.nxt == una_before) return;
  recover_.undoable = false;
  begin_reduction(now);
  recover_.phase = Phase::reduced;
  trace_window({"the peer echoes a congestion mark (ECN)"}, now);
}

}  // namespace handfast::tcp
