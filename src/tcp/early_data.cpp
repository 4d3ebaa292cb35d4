// RFC 7413: data in the SYN, from both ends of a connection.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using wire::TcpFlags;

u32 Connection::early_room(Instant now) const {
  if (state_ != State::syn_sent || snd_.nxt != snd_.iss || !settings().fast_open) return 0;
  const FastOpenPeers::Peer peer = context_.fast_open_peers.find(flow_.remote.address, now);
  if (peer.paused || (peer.cookie.size == 0 && !settings().fast_open_no_cookie)) return 0;
  // §4.1.3: the MSS that the server named last, less all the room that options may take.
  u32 mss = mss_for(mtu_);
  if (peer.mss != 0) mss = std::min<u32>(mss, peer.mss);
  return mss > wire::tcp_options_size_max ? mss - wire::tcp_options_size_max : 0;
}

// The first SYN: with data, with the wish for a cookie, or plain.
void Connection::transmit_first_syn(Out& out, Instant now) {
  const u32 length = std::min(early_room(now), send_ring_.size());
  record_sent(snd_.iss, snd_.iss + 1, now);
  Transmit& syn = out.emplace();
  fill_syn(syn.header, TcpFlags::syn, now);
  const FastOpenPeers::Peer peer = context_.fast_open_peers.find(flow_.remote.address, now);
  if (!settings().fast_open || peer.paused) return note_sent(syn, {}, now);
  fast_open_ = true;
  fast_open_experimental_ = peer.cookie.experimental;
  if (!settings().fast_open_no_cookie) peer.cookie.put_into(syn.header.options);
  if (length > 0) {
    record_sent(snd_.nxt, snd_.nxt + length, now);
    early_ = true;
    // If the server does not take it, it goes again in segments of its own.
    traffic().record_ends.push_back(snd_.nxt);
    context_.counters.bytes_out += length;
    text_sent_at_ = now;
    syn.payload = send_ring_.view(0, length);
  }
  note_sent(syn, length > 0 ? trace::Why{"data in the SYN"} : trace::Why{}, now);
}

// A SYN,ACK has come and been acknowledged; `repeated`: our SYN had to be sent more than once.
void Connection::note_early_answer(const wire::TcpHeader& syn_ack, bool repeated, Instant now) {
  if (!fast_open_) return;
  const bool data_left = early_ && flight_ != nullptr && !flight_->empty();
  std::optional<FastOpenCookie> cookie = FastOpenCookie::of(syn_ack.options);
  if (settings().fast_open_no_cookie) cookie.reset();  // nobody asked for it
  context_.fast_open_peers.learn(flow_.remote.address, peer_mss_, cookie, !repeated && !early_,
                                 fast_open_experimental_);
  if (repeated && data_left && !cookie)
    context_.fast_open_peers.pause(flow_.remote.address, now + context_.config.fast_open_pause);
  if (data_left) {
    // §4.2: what the server did not take goes again, at once and without any blame on the path.
    ++context_.counters.fast_open_active_fails;
    for (u32 i = 0; i < flight_->size(); ++i) mark_lost(i);
  } else if (early_) {
    ++context_.counters.fast_open_active;
    early_acked_ = true;
  }
  // Data says what an ACK of its own would, and a writer who waits has some.
  const bool unsent = data_start() + send_ring_.size() != snd_.nxt;
  if (!data_left && !unsent && !more_coming_) return;
  open_ack_ = false;
  if (data_left) return;
  traffic().acks.on_open(ack_circumstances(now));
  if (unsent) return;
  ack_now_ = false;
  set_timer(Timer::delayed_ack, now + 200ms);
}

void Connection::note_early_timeout(bool last, Instant now) {
  if (!fast_open_ || state_ != State::syn_sent || !(last || retries_ == 2)) return;
  context_.fast_open_peers.pause(flow_.remote.address, now + context_.config.fast_open_pause);
}

u32 Connection::take_early(Bytes text, Instant now) {
  ASSERT(state_ == State::syn_received);
  early_ = true;
  early_acked_ = !text.empty();
  // The SYN,ACK acknowledges it, and offers a whole window behind it.
  const u32 before = rcv_.nxt;
  if (!text.empty()) take_in_order(text, true, now);
  rcv_.right_edge = rcv_.nxt + std::min<u32>(rcv_.limit, 65535);
  rcv_.last_ack_sent = rcv_.nxt;
  ack_now_ = false;
  stop_timer(Timer::delayed_ack);
  return rcv_.nxt - before;
}

}  // namespace handfast::tcp
