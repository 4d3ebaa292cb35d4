// How large a segment may be: RFC 1191 and RFC 8201 by what routers say, RFC 4821 and RFC 8899 by
// what arrives, RFC 9293 §3.7.1 by what the peer names.
#include "wire/path_mtu.hpp"

#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

namespace {

constexpr u32 mss_base = 1024;  // RFC 4821 §7.2: what nearly every path carries

u32 headers_size(const wire::Flow& flow) { return wire::tcp_ip_header_size(flow.remote.address); }

u32 mtu_floor(const wire::Flow& flow) { return wire::path_mtu_min(flow.remote.address.is_v4()); }

}  // namespace

u32 Tcb::mss_for(u32 mtu) const {
  const u32 path = mtu - std::min(headers_size(flow_), mtu - 1);
  return settings().mss_max != 0 ? std::min(settings().mss_max, path) : path;
}

u16 Tcb::find_mss() const {
  const u32 path = mss_for(std::min(mtu_, mtu_proven_));
  const u32 options = timestamps_ ? 12 : 0;  // RFC 6691: options come off the data
  const u32 mss = std::min<u32>(peer_mss_, path);
  return to<u16>(mss > options + 1 ? mss - options : 1);
}

void Connection::set_path_mtu(u32 mtu, Instant now) {
  // RFC 8201 §4, RFC 1191 §3: never below what every path carries.
  mtu = std::clamp<u32>(mtu, mtu_floor(flow_), 65535);
  const u32 before = mss_now();
  const bool early_too_big = state_ == State::syn_sent && early_ && mtu < mtu_;
  mtu_ = to<u16>(mtu);
  settle_mss();
  if (traffic_ != nullptr) {
    traffic_->mtu_search.limit(mtu);
    trust_mtu_search();
  }
  if (mss_now() < before || early_too_big) resend_large(now);
}

void Connection::trust_mtu_search() {
  const MtuSearch& search = traffic_->mtu_search;
  mtu_proven_ = search.is_on() ? to<u16>(search.low()) : u16{0xffff};
  settle_mss();
}

// What was too big is gone: send it again in pieces, without calling it congestion.
void Connection::resend_large(Instant now) {
  if (flight_ == nullptr || flight_->empty()) return;
  if (state_ == State::syn_sent && early_) mark_lost(0);  // it was too big with data in it
  for (u32 i = 0; i < flight_->size(); ++i)
    if ((*flight_)[i].length() > mss_now()) mark_lost(i);
  recover_.force_retransmit = true;
  restart_retransmit_timer(now);
}

// After repeated time-outs: full-sized segments may be what does not pass, and whoever should say
// so be silent (a black hole).
void Connection::suspect_black_hole() {
  constexpr u32 patience = 3;  // time-outs, as Linux's tcp_retries1
  if (context_.config.mtu_probing == MtuProbing::off || retries_ < patience || traffic_ == nullptr)
    return;
  if ((*flight_)[0].length() < mss_now()) return;
  MtuSearch& search = traffic_->mtu_search;
  const u32 headers = headers_size(flow_);
  const u32 floor = mtu_floor(flow_);
  const u32 now_carries = search.is_on() ? search.low() : mtu_;
  if (now_carries <= floor) return;
  const u32 smaller = now_carries > mss_base + headers ? mss_base + headers : now_carries / 2;
  if (search.is_on()) {
    search.shrink(std::max(smaller, floor));
  } else {
    search.begin(std::max(smaller, floor), mtu_);
  }
  trust_mtu_search();
  ++context_.counters.black_holes_suspected;
}

void Connection::begin_mtu_search() {
  if (context_.config.mtu_probing != MtuProbing::always) return;
  const u32 low = std::max(mss_base + headers_size(flow_), mtu_floor(flow_));
  traffic_->mtu_search.begin(std::min<u32>(low, mtu_), mtu_);
  trust_mtu_search();
}

// RFC 4821 §7.4: a larger segment, where its loss would be mended at once. Its size as text, or 0.
u32 Connection::mtu_probe_size(u32 unsent, Instant now) const {
  const MtuSearch& search = traffic_->mtu_search;
  const u32 mtu = search.next(now);
  if (mtu == 0 || recover_.phase != LossRecovery::Phase::none || recover_.sacked_bytes > 0 ||
      is_urgent())
    return 0;
  const u32 mss = mss_now();
  const u32 overhead = headers_size(flow_) + (timestamps_ ? 12 : 0);
  const u32 size = std::min<u32>(mtu - overhead, peer_mss_);
  // Behind it as many segments must follow as show that it is missing.
  const u32 needed = size + 4 * mss;
  const u32 room = control_.window() - std::min(control_.window(), in_flight());
  if (size <= mss || unsent < needed || room < needed || control_.window() < 11 * mss ||
      window_room() < needed || text_max() != mss)
    return 0;
  return size;
}

bool Connection::transmit_mtu_probe(Out& out, u32 unsent, Instant now) {
  if (traffic_ == nullptr || !traffic_->mtu_search.is_on()) return false;
  const u32 size = mtu_probe_size(unsent, now);
  if (size == 0) return false;
  const u32 start = snd_.nxt;
  traffic_->mtu_search.on_sent(traffic_->mtu_search.next(now), start, start + size);
  ++context_.counters.mtu_probes;
  context_.counters.bytes_out += size;
  record_sent(start, start + size, now);
  text_sent_at_ = now;
  transmit_range(out, start, snd_.nxt, {"path MTU probe"}, now);
  out->segment_size = 0;  // in one piece, that is what it is for
  return true;
}

void Connection::judge_mtu_probe(Instant now) {
  if (traffic_ == nullptr || !traffic_->mtu_search.on_ack(snd_.una, now)) return;
  trust_mtu_search();
}

// True where what went missing is the probe, which says nothing about congestion.
bool Connection::forgive_mtu_probe(Instant now) {
  if (traffic_ == nullptr || !traffic_->mtu_search.is_probing() || flight_ == nullptr ||
      snd_.una != traffic_->mtu_search.probe_start() || !(*flight_)[0].lost)
    return false;
  traffic_->mtu_search.on_lost(now);
  ++context_.counters.mtu_probes_lost;
  recover_.force_retransmit = true;
  return true;
}

}  // namespace handfast::tcp
