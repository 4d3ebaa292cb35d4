// RFC 9293 §3.10.7.2, LISTEN, and RFC 4987: what becomes of a SYN, and of the ACK that ends the
// handshake. Unfinished handshakes are records, or cookies while there are too many; finished ones
// wait in the accept queue.
#include <algorithm>

#include "host/tcp_layer.hpp"
#include "tcp/edges.hpp"

namespace handfast::host {

using tcp::FastOpenCookie;
using tcp::State;
using tcp::SynCookies;
using tcp::SynCookieUse;
using wire::Drop;
using wire::TcpFlags;

namespace {

constexpr u32 half_open_min = 8;  // however short the backlog is

/// As Linux has it: as many as the backlog says, and one.
bool is_full(const ListenerSlot& listener) { return listener.queue.size() > listener.backlog; }

}  // namespace

void TcpLayer::on_listener(Listen handle, const wire::Flow& flow, const Arrival& arrival,
                           const wire::TcpSegment& segment) {
  const wire::TcpHeader& h = segment.header;
  const Instant now = arrival.now;
  if (h.has(TcpFlags::ack) && !h.has(TcpFlags::rst) &&
      on_cookie_answer(handle, flow, arrival, segment))
    return;
  note_received(flow, segment, now);
  // "First, check for a RST: An incoming RST segment could not be valid".
  if (h.has(TcpFlags::rst)) return network_.drop(Drop::bad_rst, arrival.packet, now);
  // "Second, check for an ACK: Any acknowledgment is bad if it arrives on a connection still in
  // the LISTEN state", but for those above that answer a cookie.
  if (h.has(TcpFlags::ack)) {
    network_.drop(Drop::bad_ack, arrival.packet, now);
    return refuse(flow, arrival, segment);
  }
  if (!h.has(TcpFlags::syn)) return network_.drop(Drop::no_ack, arrival.packet, now);
  const auto hop = network_.routes.route(flow.remote.address, arrival.interface);
  if (!hop || hop->cast != Cast::unicast) return network_.drop(Drop::no_route, arrival.packet, now);
  take_syn(handle, flow, *hop, arrival, segment);
}

u32 TcpLayer::half_open_limit(const ListenerSlot& listener) const {
  return std::min(context_.config.half_open_max, std::max(listener.backlog, half_open_min));
}

void TcpLayer::take_syn(Listen handle, const wire::Flow& flow, const Hop& hop,
                        const Arrival& arrival, const wire::TcpSegment& segment) {
  ListenerSlot& listener = *listeners_.find(handle);
  const Instant now = arrival.now;
  count_syn(handle, listener, flow.remote.address, now);
  if (is_full(listener)) {
    ++context_.counters.listen_overflows;
    ++context_.counters.listen_drops;
    return network_.drop(Drop::accept_queue_full, arrival.packet, now);
  }
  const u32 mtu = tcp_mtu(hop, flow.remote.address, now);
  tcp::HalfOpen record(context_, listener.settings->value, flow, segment, mtu, now);
  record.came_with(arrival.header.ecn());
  if (wants_cookie(listener)) {
    record.become_cookie(context_, now);
    ++context_.counters.syn_cookies_sent;
    if (listener.flood) listener.flood->on_cookie_sent();
    listener.cookies_until = after(now, SynCookies::lifetime);
    return send_control(flow, record.syn_ack(context_, now), hop, {"SYN cookie"}, now);
  }
  if (take_fast_open(handle, record, hop, segment, now)) return;
  if (listener.half_open >= half_open_limit(listener) && !evict_half_open(listener, now)) {
    ++context_.counters.listen_drops;
    return network_.drop(Drop::syn_queue_full, arrival.packet, now);
  }
  remember_syn(handle, record, hop, now);
  wire::TcpHeader answer = record.syn_ack(context_, now);
  if (const auto cookie = fast_open_answer(listener, flow, segment))
    cookie->put_into(answer.options);
  send_control(flow, answer, hop, {}, now);
}

void TcpLayer::remember_syn(Listen handle, tcp::HalfOpen& record, const Hop& hop, Instant now) {
  ListenerSlot& listener = *listeners_.find(handle);
  const wire::Flow& flow = record.flow();
  const u32 index = half_open_.emplace(record, handle, hop, Links{}).index;
  ++listener.half_open;
  listener.half_open_order.push_back(half_open_, index);
  flows_.insert(flow, {FlowEntry::Kind::half_open, index});
  half_open_timers_.set(index, record.deadline());
  tcp::take_edge(context_, State::listen, State::syn_received, flow, now,
                 {"SYN accepted, backlog {}/{}", listener.half_open + listener.queue.size(),
                  listener.backlog});
}

const tcp::FastOpenKeys& TcpLayer::fast_open_keys(const ListenerSlot& listener) const {
  return listener.fast_open_keys ? *listener.fast_open_keys : context_.fast_open_keys;
}

// RFC 7413 §4.1.2: what goes back to a SYN that asked for a cookie, or came with a bad one.
std::optional<FastOpenCookie> TcpLayer::fast_open_answer(const ListenerSlot& listener,
                                                         const wire::Flow& flow,
                                                         const wire::TcpSegment& segment) {
  const auto wanted = FastOpenCookie::of(segment.header.options);
  const u32 early_max = listener.settings->value.fast_open_max;
  if (!wanted || listener.early >= early_max) return std::nullopt;
  ++(wanted->size == 0 ? context_.counters.fast_open_cookies_asked
                       : context_.counters.fast_open_passive_fails);
  return fast_open_keys(listener).make(flow, wanted->experimental);
}

// RFC 7413 §4.2.2: with a good cookie the connection begins at once, with what the SYN carries.
bool TcpLayer::take_fast_open(Listen handle, const tcp::HalfOpen& record, const Hop& hop,
                              const wire::TcpSegment& segment, Instant now) {
  ListenerSlot& listener = *listeners_.find(handle);
  const tcp::Settings& settings = listener.settings->value;
  const auto cookie = FastOpenCookie::of(segment.header.options);
  if (settings.fast_open_max == 0 || (!cookie && segment.payload.empty())) return false;
  if (listener.early >= settings.fast_open_max) {
    if (cookie) ++context_.counters.fast_open_overflows;
    return false;
  }
  auto match = tcp::FastOpenKeys::Match::none;
  if (cookie) match = fast_open_keys(listener).check(record.flow(), *cookie);
  if (match == tcp::FastOpenKeys::Match::none && !settings.fast_open_no_cookie) return false;
  if (connections_.size() >= network_.config.connections_max) return false;
  ++context_.counters.fast_open_passive;
  const wire::Flow& flow = record.flow();
  tcp::take_edge(context_, State::listen, State::syn_received, flow, now, {"Fast Open cookie"});
  const Conn made = make_connection(handle, record, hop, now);
  flows_.insert(flow, {FlowEntry::Kind::connection, made.index});
  ConnectionSlot& slot = *connections_.find(made);
  slot.early = true;
  ++listener.early;
  wire::TcpHeader answer = record.syn_ack(context_, now);
  answer.acknowledgment += slot.connection.take_early(segment.payload, now);
  if (match == tcp::FastOpenKeys::Match::backup)
    fast_open_keys(listener).make(flow, cookie->experimental).put_into(answer.options);
  send_control(flow, answer, hop, {"Fast Open"}, now);
  settle(made, slot, now);
  return true;
}

// Cookies begin when the records are used up, and end when half of them are free again and the
// flood is over.
bool TcpLayer::wants_cookie(ListenerSlot& listener) {
  switch (context_.config.syn_cookies) {
    case SynCookieUse::off: return false;
    case SynCookieUse::always: return true;
    case SynCookieUse::automatic: break;
  }
  const u32 limit = half_open_limit(listener);
  if (listener.half_open >= limit) {
    listener.sends_cookies = true;
  } else if (listener.half_open <= limit / 2 && !listener.flood) {
    listener.sends_cookies = false;
  }
  return listener.sends_cookies;
}

bool TcpLayer::evict_half_open(ListenerSlot& listener, Instant now) {
  if (!context_.config.half_open_evict || listener.half_open_order.empty()) return false;
  ++context_.counters.half_open_evicted;
  ++context_.counters.attempt_fails;
  end_half_open(listener.half_open_order.front(), State::listen, {"a newer SYN takes its place"},
                now);
  return true;
}

// True where the segment has been dealt with.
bool TcpLayer::on_cookie_answer(Listen handle, const wire::Flow& flow, const Arrival& arrival,
                                const wire::TcpSegment& segment) {
  ListenerSlot& listener = *listeners_.find(handle);
  const Instant now = arrival.now;
  if (now > listener.cookies_until || segment.header.has(TcpFlags::syn)) return false;
  const auto hop = network_.routes.route(flow.remote.address, arrival.interface);
  if (!hop || hop->cast != Cast::unicast) return false;
  const u32 mtu = tcp_mtu(*hop, flow.remote.address, now);
  const auto record =
      tcp::HalfOpen::from_cookie(context_, listener.settings->value, flow, segment, mtu, now);
  ++(record ? context_.counters.syn_cookies_valid : context_.counters.syn_cookies_invalid);
  if (listener.flood) listener.flood->on_cookie(record.has_value());
  if (!record) {
    // Text behind the first of a handshake that only the peer knows of: the first comes again.
    if (segment.payload.empty()) return false;
    note_received(flow, segment, now);
    network_.drop(Drop::bad_ack, arrival.packet, now);
    return true;
  }
  if (listener.unfinished > 0) --listener.unfinished;
  if (!may_finish(listener)) {
    // Silence makes the peer try again; the cookie stays good for a while.
    note_received(flow, segment, now);
    network_.drop(Drop::accept_queue_full, arrival.packet, now);
    if (context_.config.abort_on_overflow) refuse(flow, arrival, segment);
    return true;
  }
  tcp::take_edge(context_, State::listen, State::syn_received, flow, now, {"SYN cookie came back"});
  const Conn made = make_connection(handle, *record, *hop, now);
  flows_.insert(flow, {FlowEntry::Kind::connection, made.index});
  on_connection(made.index, arrival, segment);
  return true;
}

bool TcpLayer::may_finish(const ListenerSlot& listener) {
  if (!is_full(listener) && connections_.size() < network_.config.connections_max) return true;
  ++context_.counters.listen_overflows;
  ++context_.counters.listen_drops;
  return false;
}

Conn TcpLayer::make_connection(Listen handle, const tcp::HalfOpen& record, const Hop& hop,
                               Instant now) {
  const wire::Flow& flow = record.flow();
  const u32 mtu = tcp_mtu(hop, flow.remote.address, now);
  const ListenerSlot& listener = *listeners_.find(handle);
  const Conn made = connections_.emplace(context_, flow, mtu, hop, listener.settings);
  ConnectionSlot& slot = *connections_.find(made);
  slot.listener = handle;
  slot.connection.accept(record, now);
  return made;
}

// The last ACK of the handshake: the record becomes a connection, which then sees the segment.
void TcpLayer::promote(u32 half_open, const Arrival& arrival, const wire::TcpSegment& segment) {
  HalfOpenSlot& half = *half_open_.at(half_open);
  ListenerSlot& listener = *listeners_.find(half.listener);  // it takes its entries with it
  const wire::Flow flow = half.record.flow();
  const Instant now = arrival.now;
  if (!may_finish(listener)) {
    // The SYN,ACK will be repeated, or what the peer has to say will: then there may be room.
    note_received(flow, segment, now);
    network_.drop(Drop::accept_queue_full, arrival.packet, now);
    if (!context_.config.abort_on_overflow) return;
    ++context_.counters.attempt_fails;
    end_half_open(half_open, State::listen, {"the accept queue is full"}, now);
    return refuse(flow, arrival, segment);
  }
  if (listener.unfinished > 0) --listener.unfinished;
  if (listener.flood) listener.flood->on_finished();
  const Conn made = make_connection(half.listener, half.record, half.hop, now);
  flows_.replace(flow, {FlowEntry::Kind::half_open, half_open},
                 {FlowEntry::Kind::connection, made.index});
  remove_half_open(half_open);
  on_connection(made.index, arrival, segment);
}

void TcpLayer::count_syn(Listen handle, ListenerSlot& listener, const wire::IpAddress& source,
                         Instant now) {
  if (now - listener.second >= 1s) {
    listener.second = now;
    listener.unfinished = 0;
  }
  ++listener.unfinished;
  const u32 limit = half_open_limit(listener);
  if (!listener.flood && (listener.half_open >= limit || listener.unfinished >= limit))
    begin_flood(handle, listener, now);
  if (listener.flood) listener.flood->on_syn(source);
}

void TcpLayer::begin_flood(Listen handle, ListenerSlot& listener, Instant now) {
  listener.flood = std::make_unique<SynFlood>(flood_key_, listener.unfinished, now);
  // Those that used the records up are part of it.
  for (u32 i = listener.half_open_order.front(); i != Links::nil; i = half_open_.at(i)->links.next)
    listener.flood->on_syn(half_open_.at(i)->record.flow().remote.address);
  ++context_.counters.syn_floods;
  flooded_.push_back(handle);
  flood_tick_ = std::min(flood_tick_, after(now, SynFlood::tick));
  tell_flood(listener, "began", now);
}

void TcpLayer::tell_flood(const ListenerSlot& listener, std::string_view state, Instant now) {
  for (trace::Sink* sink : {context_.sink, alarms_})
    if (sink != nullptr) sink->on(now, listener.flood->event(listener.local, state, now));
}

void TcpLayer::on_flood_tick(Instant now) {
  std::erase_if(flooded_, [&](Listen handle) {
    ListenerSlot* listener = listeners_.find(handle);
    if (listener == nullptr) return true;
    switch (listener->flood->on_tick(half_open_limit(*listener) / 8, now)) {
      case SynFlood::Verdict::silent: return false;
      case SynFlood::Verdict::tell: tell_flood(*listener, "goes on", now); return false;
      case SynFlood::Verdict::over: break;
    }
    tell_flood(*listener, "ended", now);
    listener->flood.reset();
    return true;
  });
  flood_tick_ = flooded_.empty() ? never : after(now, SynFlood::tick);
}

}  // namespace handfast::host
