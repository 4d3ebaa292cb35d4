// RFC 9293 §3.10.7.4 for TIME-WAIT, with RFC 1337 and RFC 6191.
#include "tcp/time_wait.hpp"

#include "tcp/sequence.hpp"

namespace handfast::tcp {

using wire::TcpFlags;

TimeWait::Verdict TimeWait::on_segment(const wire::TcpSegment& segment) const {
  const wire::TcpHeader& h = segment.header;
  if (h.has(TcpFlags::rst)) return Verdict::ignored;  // RFC 1337 §3, fix F1
  const bool stamped = last_.timestamps && h.options.timestamps.has_value();
  const u32 stamp = stamped ? h.options.timestamps->value : 0;
  if (h.has(TcpFlags::syn) && !h.has(TcpFlags::ack)) {
    // RFC 6191 §2: a timestamp that has moved on, or else a sequence number that has.
    const bool newer = stamped && stamp != last_.timestamp_recent
                           ? seq_gt(stamp, last_.timestamp_recent)
                           : seq_gt(h.sequence, last_.rcv_nxt);
    return newer ? Verdict::reuse : Verdict::acked;
  }
  if (stamped && seq_lt(stamp, last_.timestamp_recent)) return Verdict::acked;
  // "The only thing that can arrive in this state is a retransmission of the remote FIN.
  // Acknowledge it, and restart the 2 MSL timeout."
  if (h.has(TcpFlags::fin) && h.sequence + segment.sequence_length() == last_.rcv_nxt)
    return Verdict::restarted;
  const bool in_order = h.sequence == last_.rcv_nxt && segment.sequence_length() == 0;
  return in_order ? Verdict::ignored : Verdict::acked;
}

wire::TcpHeader TimeWait::ack(const Context& context, const wire::Flow& flow, Instant now) const {
  wire::TcpHeader h;
  h.source_port = flow.local.port;
  h.destination_port = flow.remote.port;
  h.sequence = last_.snd_nxt;
  h.acknowledgment = last_.rcv_nxt;
  h.flags = TcpFlags::ack;
  h.window = last_.window;
  if (last_.timestamps)
    h.options.timestamps = {to<u32>(now.time_since_epoch() / 1ms) + context.timestamp_offset(flow),
                            last_.timestamp_recent};
  return h;
}

}  // namespace handfast::tcp
