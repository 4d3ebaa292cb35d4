#include "sim/exercise.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "tcp/connection.hpp"
#include "tcp/sequence.hpp"
#include "wire/ip.hpp"

namespace handfast::sim {

using tcp::seq_gt;
using tcp::seq_lt;
using wire::TcpFlags;

namespace {

constexpr u32 steps_max = 600;
constexpr u32 losses_max = 5;  // fewer than any end retries
constexpr u32 far = 1u << 24;  // bytes; farther back than anything that an exercise sends
constexpr u64 buffer_bytes_max = 64u << 20;

u8 stream_byte(u32 end, u32 offset) { return to<u8>(offset * 7 + offset / 251 + end); }

enum Option : u8 {
  simultaneous = 1,
  without_sack = 2,
  without_timestamps = 4,
  without_scaling = 8,
  small_receive_buffer = 16,
  with_reno = 32,
  with_keepalive = 64,
  small_send_buffer = 128,
};

tcp::Config config_for(u8 options) {
  tcp::Config config;
  config.sack = (options & without_sack) == 0;
  config.timestamps = (options & without_timestamps) == 0;
  config.window_scaling = (options & without_scaling) == 0;
  if ((options & small_receive_buffer) != 0)
    config.receive_buffer_max = config.receive_window_initial = 3000;
  if ((options & with_reno) != 0) config.congestion = tcp::Algorithm::reno;
  if ((options & with_keepalive) != 0) {
    config.keepalive = true;
    config.keepalive_idle = 30s;
  }
  if ((options & small_send_buffer) != 0) config.send_buffer_max = 3000;
  return config;
}

}  // namespace

void Witness::on(Instant /*now*/, const trace::Event& event) {
  if (const auto* out = std::get_if<trace::SegmentSent>(&event)) {
    const u32 end = out->flow.local.address == Pair::address(0) ? 0 : 1;
    sent(ends_[end], ends_[1 - end], out->header, out->payload_length);
  } else if (const auto* in = std::get_if<trace::SegmentReceived>(&event)) {
    const u32 end = in->flow.local.address == Pair::address(0) ? 0 : 1;
    heard(ends_[end], ends_[1 - end], in->header);
  }
}

void Witness::sent(End& self, const End& other, const wire::TcpHeader& header, u32 length) {
  if (header.has(TcpFlags::rst)) return;
  if (header.has(TcpFlags::syn)) {
    self.scale = header.options.window_scale;
    return;
  }
  const u32 last = header.sequence + length + (header.has(TcpFlags::fin) ? 1 : 0);
  if (!self.last || seq_gt(last, *self.last)) self.last = last;
  if (length > 0 && self.allowed && seq_gt(last, *self.allowed))
    problem_ = fmt::format("sent up to {}, allowed was {}", last, *self.allowed);
  const bool scaled = self.scale && other.scale;
  const u32 edge = header.acknowledgment + (u32{header.window} << (scaled ? *self.scale : 0));
  if (self.acknowledged && seq_lt(header.acknowledgment, *self.acknowledged))
    problem_ = fmt::format("ACK {} after {}", header.acknowledgment, *self.acknowledged);
  if (self.offered && seq_lt(edge, *self.offered) && !self.heard_fin)
    problem_ = fmt::format("the window shrank by {} bytes", *self.offered - edge);
  self.acknowledged = header.acknowledgment;
  self.offered = edge;
}

void Witness::heard(End& self, const End& other, const wire::TcpHeader& header) {
  if (!header.has(TcpFlags::ack) || header.has(TcpFlags::rst)) return;
  if (header.has(TcpFlags::fin)) self.heard_fin = true;
  if (self.last && *self.last - header.acknowledgment > far) return;  // of what was never sent
  const bool scaled = self.scale && other.scale && !header.has(TcpFlags::syn);
  const u32 edge = header.acknowledgment + (u32{header.window} << (scaled ? *other.scale : 0));
  if (!self.allowed || seq_gt(edge, *self.allowed)) self.allowed = edge;
}

Exercise::Exercise(Bytes input)
    : input_(input),
      seed_(input_.take<u16>()),
      options_(input_.take<u8>()),
      pair_(1, config_for(options_), &witness_),
      attacker_(pair_, Rng(seed_)),
      losses_left_(losses_max) {
  const bool both = (options_ & simultaneous) != 0;
  if (!both) listener_ = *pair_.host(1).listen(here(1), 4, pair_.now());
  connection_[0] = *pair_.host(0).connect(here(1), pair_.now(), here(0));
  if (both) connection_[1] = *pair_.host(1).connect(here(0), pair_.now(), here(1));
  pair_.collect();
}

std::string Exercise::run() {
  for (u32 step = 0; step < steps_max && !input_.empty() && problem_.empty(); ++step) {
    act(input_.take<u8>());
    accept();
    check();
  }
  if (!hurt_) finish_both();
  let_go();
  return problem_;
}

void Exercise::failed(std::string what) {
  if (problem_.empty()) problem_ = std::move(what);
}

void Exercise::accept() {
  if (connection_[1] || !listener_) return;
  if (const auto accepted = pair_.host(1).accept(*listener_)) connection_[1] = *accepted;
}

void Exercise::check() {
  for (u32 end = 0; end < 2; ++end) {
    if (const tcp::Connection* const mine = find(end))
      if (const std::string_view broken = mine->broken_invariant(); !broken.empty())
        failed(fmt::format("end {}, {}: {}", end, tcp::to_string(mine->state()), broken));
    const host::Host::Census census = pair_.host(end).census();
    if (census.connections > 2 || census.half_open > 4 || census.buffer_bytes > buffer_bytes_max)
      failed(fmt::format("end {} holds too much", end));
  }
  // What a forged segment makes a victim say is no promise of ours.
  if (!hurt_ && !witness_.problem().empty()) failed(witness_.problem());
}

void Exercise::act(u8 what) {
  const u32 end = what & 1;
  switch ((what >> 1) % 8) {
    case 0: pair_.deliver_one(end); return;
    case 1: write(end, input_.take<u16>()); return;
    case 2: read(end, input_.take<u16>()); return;
    case 3: wait(std::chrono::milliseconds(input_.take<u16>())); return;
    case 4: close(end); return;
    case 5: forge(end); return;
    case 6: inject(end); return;
    default: disturb(end, input_.take<u8>()); return;
  }
}

// Time passes, at most up to the next deadline. A network that holds everything back for minutes
// would be reason enough to give up.
void Exercise::wait(Duration limit) {
  const Instant before = pair_.now();
  if (held_back_ > 20s) pair_.deliver_all();
  pair_.wait(limit);
  held_back_ += pair_.now() - before;
}

void Exercise::write(u32 end, u32 n) {
  tcp::Connection* const mine = find(end);
  if (mine == nullptr) return;
  const MutBytes space = mine->send_space(std::min<u32>(n, 20'000));
  for (u8& byte : space) byte = stream_byte(end, sent_[end]++);
  if (!space.empty()) mine->send(to<u32>(space.size()));
  touched(end);
}

void Exercise::read(u32 end, u32 n) {
  tcp::Connection* const mine = find(end);
  if (mine == nullptr) return;
  const Bytes bytes = mine->received().first(std::min<std::size_t>(n, mine->received().size()));
  for (const u8 byte : bytes)
    if (byte != stream_byte(1 - end, received_[end]++) && !hurt_) failed("a wrong byte came");
  mine->consume(to<u32>(bytes.size()), pair_.now());
  touched(end);
}

void Exercise::close(u32 end) {
  tcp::Connection* const mine = find(end);
  if (mine == nullptr || !tcp::is_synchronized(mine->state())) return;
  mine->close(pair_.now());
  touched(end);
}

void Exercise::touched(u32 end) {
  pair_.host(end).touch(connection_[end], pair_.now());
  pair_.collect();
}

// A segment of a kind that must be survived.
void Exercise::forge(u32 victim) {
  const auto kind = static_cast<Forgery>(input_.take<u8>() % to<u8>(Forgery::count_));
  const auto forged = attacker_.forge(kind, victim, {here(victim), here(1 - victim)}, find(victim));
  if (forged) pair_.inject(victim, *forged);
}

// Any segment, near to where the victim stands: it may well end or confuse the connection.
void Exercise::inject(u32 victim) {
  hurt_ = true;
  const tcp::Connection* const target = find(victim);
  u32 expected = 0;
  u32 acceptable = 0;
  if (target != nullptr && target->state() != tcp::State::closed) {
    expected = target->remembered().rcv_nxt;
    acceptable = target->remembered().snd_nxt;
  }
  wire::TcpHeader header;
  header.source_port = here(1 - victim).port;
  header.destination_port = here(victim).port;
  header.sequence = expected + to<u32>(i32{input_.take<i16>()});
  header.acknowledgment = acceptable + to<u32>(i32{input_.take<i16>()});
  header.flags = input_.take<u16>() & 0x1ff;
  header.window = input_.take<u16>();
  const u8 options = input_.take<u8>();
  if ((options & 1) != 0) header.options.mss = input_.take<u16>();
  if ((options & 2) != 0) header.options.window_scale = input_.take<u8>();
  if ((options & 4) != 0)
    header.options.timestamps = wire::TcpTimestamps{input_.take<u32>(), input_.take<u32>()};
  header.options.sack_permitted = (options & 8) != 0;
  header.options.sack_count = (options >> 4) % 5;
  for (u8 i = 0; i < header.options.sack_count; ++i)
    header.options.sack[i] = {acceptable + to<u32>(i32{input_.take<i16>()}),
                              acceptable + to<u32>(i32{input_.take<i16>()})};
  const std::vector<u8> text(input_.take<u8>(), 0xa5);
  pair_.inject(victim, attacker_.segment(victim, header, text));
}

// The network loses, repeats or holds back a packet, the path narrows, or the application goes.
void Exercise::disturb(u32 end, u8 how) {
  tcp::Connection* const mine = find(end);
  if (how < 190) {
    if (!pair_.under_way(end).empty()) pair_.inject(end, pair_.under_way(end).front());
  } else if (how < 215) {
    if (losses_left_ > 0 && pair_.lose_one(end)) --losses_left_;
  } else if (how < 240) {
    pair_.hold_back_one(end);
  } else if (how < 250) {
    if (mine == nullptr) return;
    mine->set_path_mtu(600 + 100u * (how - 240), pair_.now());
    touched(end);
  } else {
    hurt_ = true;
    if (mine != nullptr) mine->abort(pair_.now());
    if (connection_[end]) touched(end);
  }
}

// Both applications read all there is and close; everything must have arrived.
void Exercise::finish_both() {
  const auto over = [this](u32 end) {
    const tcp::Connection* const mine = find(end);
    return mine != nullptr && received_[end] == sent_[1 - end] &&
           (mine->state() == tcp::State::closed || mine->state() == tcp::State::time_wait);
  };
  for (u32 i = 0; i < 20'000 && problem_.empty() && !(over(0) && over(1)); ++i) {
    for (u32 end = 0; end < 2; ++end) {
      read(end, 0xffff'ffff);
      close(end);
    }
    pair_.deliver_all();
    accept();
    check();
    pair_.wait(5min);
  }
  for (u32 end = 0; end < 2; ++end) {
    if (!over(end))
      failed(
          fmt::format("end {} is stuck with {} of {} bytes", end, received_[end], sent_[1 - end]));
    else if (find(end)->error() != tcp::Errc::none)
      failed(fmt::format("end {} was told: {}", end, tcp::to_string(find(end)->error())));
  }
}

void Exercise::let_go() {
  if (listener_) pair_.host(1).close(*listener_, pair_.now());
  for (u32 end = 0; end < 2; ++end)
    if (connection_[end]) pair_.host(end).release(connection_[end], pair_.now());
  pair_.collect();
  pair_.run_for(12h);
  if (!pair_.is_clean()) failed("something is left of the connection");
}

}  // namespace handfast::sim
