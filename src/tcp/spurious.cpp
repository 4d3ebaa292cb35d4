// Was the loss one? An episode of recovery is taken back when the peer's timestamp echo (RFC 3522),
// its duplicate reports (RFC 2883, RFC 3708) or the answer to new data (RFC 5682) show that the
// segments were only late.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using Phase = LossRecovery::Phase;

void Connection::begin_episode(Instant /*now*/) {
  recover_.undoable = true;
  recover_.frto_step = 0;
  recover_.episode_start = snd_.una;
  recover_.first_stamp = 0;
  recover_.retransmitted_bytes = 0;
}

void Connection::note_duplicate_report(const wire::SackBlock& block) {
  if (!recover_.undoable || seq_lt(block.left, recover_.episode_start) ||
      seq_gt(block.right, recover_.point))
    return;
  const u32 bytes = std::min(block.right - block.left, recover_.retransmitted_bytes);
  recover_.retransmitted_bytes -= bytes;
}

void Connection::judge_episode(const wire::TcpHeader& header, const Progress& progress,
                               Instant now) {
  if (!recover_.undoable || recover_.first_stamp == 0) return;
  const bool stamped =
      timestamps_ && header.options.timestamps && header.options.timestamps->echo_reply != 0;
  // RFC 3522 §3.2: what was sent again first is acknowledged, and the echo is older than that
  // retransmission, so the original arrived. An ACK of less is about something that came late.
  if (recover_.phase != Phase::none && progress.acked > 0 && stamped &&
      seq_ge(snd_.una, recover_.first_end) &&
      seq_lt(header.options.timestamps->echo_reply, recover_.first_stamp)) {
    undo_episode(now, {"the original arrived: its timestamp is echoed"});
    return;
  }
  if (progress.reported_duplicate && recover_.retransmitted_bytes == 0) {
    undo_episode(now, {"every retransmission was a duplicate (DSACK)"});
    return;
  }
  if (recover_.frto_step == 0) return;
  // RFC 5682 §2.1 and §3.1.
  if (progress.acked == 0 && !progress.original_delivered) {
    if (progress.duplicate || progress.sacked > 0) recover_.frto_step = 0;
    return;
  }
  if (recover_.frto_step == 2) {
    undo_episode(now, {"data was acknowledged that was never sent again (F-RTO)"});
    return;
  }
  const bool unsent = data_start() + send_ring_.size() != snd_.nxt && !fin_sent_;
  const bool may_try = progress.acked > 0 && seq_lt(snd_.una, recover_.point) && unsent &&
                       window_room() >= mss_now();
  recover_.frto_step = may_try ? 2 : 0;
  if (may_try) control_.set_window(in_flight() + 2 * mss_now());
}

void Connection::undo_episode(Instant now, trace::Why why) {
  for (u32 i = 0; flight_ != nullptr && i < flight_->size(); ++i) (*flight_)[i].lost = false;
  recover_.lost_bytes = 0;
  // A fast retransmission that was not needed: what looked like a loss was other segments' haste.
  if (recover_.phase == Phase::fast) recover_.reordering_seen = true;
  recover_.phase = Phase::none;
  recover_.force_retransmit = false;
  recover_.undoable = false;
  recover_.frto_step = 0;
  recover_.duplicate_acks = 0;
  control_.undo();
  ++context_.counters.spurious_recoveries;
  if (context_.sink != nullptr)
    context_.sink->on(
        now, trace::CongestionChanged{flow_, control_.window(), control_.threshold(), why});
}

}  // namespace handfast::tcp
