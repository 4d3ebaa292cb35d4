#include "host/tcp_layer.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "tcp/edges.hpp"

namespace handfast::host {

using tcp::State;

TcpLayer::TcpLayer(Network& network, Rng& rng, Instant now)
    : network_(network),
      context_(network.config.tcp, rng.fork(), network.sink),
      flows_(SipKey::draw(rng)),
      ephemeral_(SipKey::draw(rng), network.config.ephemeral_port_first,
                 network.config.ephemeral_port_last),
      connection_timers_(now),
      half_open_timers_(now),
      flood_key_(context_.key_for("SYN floods")),
      ready_(network.config.interfaces.size() + 1) {}

TcpLayer::~TcpLayer() = default;

Listen TcpLayer::find_listener(const wire::Endpoint& local) const {
  auto& self = const_cast<TcpLayer&>(*this);
  const u32 index = listener_ports_.find(
      local, [&](u32 i) -> const wire::Endpoint& { return self.listeners_.at(i)->local; });
  return index == HashIndex::none ? Listen{} : self.listeners_.handle_at(index);
}

void TcpLayer::settle_state(Conn handle, ConnectionSlot& slot, Instant now) {
  tcp::Connection& connection = slot.connection;
  if (slot.early) settle_early(slot);
  if (slot.listener && !slot.in_accept_queue) settle_accept(handle, slot);
  if (slot.in_table && connection.state() == State::time_wait) enter_time_wait(handle, slot, now);
  if (slot.in_table && connection.state() == State::closed) {
    flows_.erase(connection.flow(), {FlowEntry::Kind::connection, handle.index});
    slot.in_table = false;
  }
}

// A connection that came through a listener reaches the application by way of its accept queue.
void TcpLayer::settle_accept(Conn handle, ConnectionSlot& slot) {
  if (slot.connection.is_usable()) {
    ListenerSlot* listener = listeners_.find(slot.listener);
    ASSERT(listener != nullptr);
    slot.in_accept_queue = true;
    listener->queue.push_back(handle);
    if (!listener->event_queued) {
      listener->event_queued = true;
      events_.push_back({{}, slot.listener});
    }
  } else if (slot.connection.state() == State::closed) {
    slot.released = true;  // nobody ever heard of it
  }
}

// A Fast Open handshake has ended, in either way. Whose it was follows from the local endpoint; a
// listener that took the place of another counts none of that one's.
void TcpLayer::settle_early(ConnectionSlot& slot) {
  if (slot.connection.state() == State::syn_received) return;
  if (ListenerSlot* listener = listeners_.find(find_listener(slot.connection.flow().local))) {
    if (listener->early > 0) --listener->early;
    if (listener->unfinished > 0) --listener->unfinished;
    if (listener->flood) listener->flood->on_finished();
  }
  slot.early = false;
}

void TcpLayer::enter_time_wait(Conn handle, ConnectionSlot& slot, Instant now) {
  while (time_wait_.size() > 0 && time_wait_.size() >= context_.config.time_wait_max)
    end_time_wait(time_wait_order_.front(), {"TIME-WAIT table full"}, now);
  const wire::Flow& flow = slot.connection.flow();
  const Instant expiry = after(now, 2 * context_.config.msl);
  const u32 index = time_wait_
                        .emplace(SmallFlow(flow, network_.routes), slot.hop.interface,
                                 tcp::TimeWait(slot.connection.remembered(), expiry), Links{})
                        .index;
  time_wait_order_.push_back(time_wait_, index);
  flows_.replace(flow, {FlowEntry::Kind::connection, handle.index},
                 {FlowEntry::Kind::time_wait, index});
  slot.in_table = false;
}

void TcpLayer::end_time_wait(u32 index, trace::Why why, Instant now) {
  const wire::Flow flow = time_wait_.at(index)->flow.whole(network_.routes);
  tcp::take_edge(context_, State::time_wait, State::closed, flow, now, why);
  flows_.erase(flow, {FlowEntry::Kind::time_wait, index});
  time_wait_order_.remove(time_wait_, index);
  time_wait_.erase(time_wait_.handle_at(index));
}

// Records end long after anybody looked at them. So of several whose time has come first their
// places in the flow table are fetched.
void TcpLayer::end_due_time_waits(Instant now) {
  constexpr u32 batch_max = 16;
  while (true) {
    u32 count = 0;
    u32 next = time_wait_order_.front();
    for (; next != Links::nil && count < batch_max; ++count) {
      const TimeWaitSlot& slot = *time_wait_.at(next);
      if (slot.record.expiry() > now) break;
      flows_.prefetch(slot.flow.whole(network_.routes));
      next = slot.links.next;
    }
    if (count == 0) return;
    if (next != Links::nil) time_wait_.prefetch(next);
    for (; count > 0; --count) end_time_wait(time_wait_order_.front(), {"2 MSL passed"}, now);
  }
}

void TcpLayer::end_half_open(u32 index, State next, trace::Why why, Instant now) {
  const wire::Flow flow = half_open_.at(index)->record.flow();
  tcp::take_edge(context_, State::syn_received, next, flow, now, why);
  flows_.erase(flow, {FlowEntry::Kind::half_open, index});
  remove_half_open(index);
}

void TcpLayer::remove_half_open(u32 index) {
  ListenerSlot& listener = *listeners_.find(half_open_.at(index)->listener);
  --listener.half_open;
  listener.half_open_order.remove(half_open_, index);
  half_open_timers_.cancel(index);
  half_open_.erase(half_open_.handle_at(index));
}

// Called when everything it had to say has been sent.
void TcpLayer::free_if_over(Conn handle, ConnectionSlot& slot) {
  const State state = slot.connection.state();
  if (!slot.released || (state != State::closed && state != State::time_wait)) return;
  if (slot.orphan) --orphans_;
  connection_timers_.cancel(handle.index);
  connections_.erase(handle);
}

std::optional<Event> TcpLayer::poll_event() {
  while (!events_.empty()) {
    const Pending pending = events_.front();
    if (pending.listener) {
      events_.pop_front();
      ListenerSlot* listener = listeners_.find(pending.listener);
      if (listener == nullptr) continue;
      listener->event_queued = false;
      if (listener->queue.empty()) continue;
      return Event{.kind = Event::Kind::acceptable, .listener = pending.listener};
    }
    ConnectionSlot* slot = connections_.find(pending.connection);
    const bool heard = slot != nullptr && !slot->released;
    if (heard) {
      if (const auto event = slot->connection.poll_event()) {
        if (!slot->connection.has_event()) {
          slot->event_queued = false;
          events_.pop_front();
        }
        return Event{.kind = Event::Kind::tcp, .connection = pending.connection, .tcp = *event};
      }
    }
    if (slot != nullptr) slot->event_queued = false;
    events_.pop_front();
  }
  return std::nullopt;
}

Instant TcpLayer::deadline() const {
  Instant first = std::min({connection_timers_.next(), half_open_timers_.next(), flood_tick_});
  if (!time_wait_order_.empty()) {
    auto& records = const_cast<Slab<TimeWaitSlot>&>(time_wait_);
    first = std::min(first, records.at(time_wait_order_.front())->record.expiry());
  }
  return first;
}

void TcpLayer::on_deadline(Instant now) {
  while (const auto index = connection_timers_.pop_due(now)) {
    const Conn handle = connections_.handle_at(*index);
    ConnectionSlot& slot = *connections_.find(handle);
    if (slot.connection.deadline() <= now) {
      const u64 doubted = context_.counters.paths_doubted;
      slot.connection.on_deadline(now);
      if (context_.counters.paths_doubted != doubted) network_.doubt(slot.hop);
      mark_ready(handle, slot);
      mark_event(handle, slot);
    }
    settle(handle, slot, now);
  }
  while (const auto index = half_open_timers_.pop_due(now)) on_half_open_deadline(*index, now);
  if (flood_tick_ <= now) on_flood_tick(now);
  end_due_time_waits(now);
}

void TcpLayer::on_half_open_deadline(u32 index, Instant now) {
  HalfOpenSlot& slot = *half_open_.at(index);
  const wire::Flow flow = slot.record.flow();
  if (slot.record.on_deadline(context_, now)) {
    if (slot.record.is_unanswered()) {
      ++context_.counters.segments_retransmitted;
      send_control(flow, slot.record.syn_ack(context_, now), slot.hop,
                   {"retransmission {}, time-out", slot.record.retries()}, now);
    }
    half_open_timers_.set(index, slot.record.deadline());
    return;
  }
  ++context_.counters.attempt_fails;
  end_half_open(index, State::listen, {"no answer to {} SYN,ACKs", slot.record.retries() + u64{1}},
                now);
}

Host::Census TcpLayer::census() const {
  return {.connections = connections_.size(),
          .half_open = half_open_.size(),
          .time_wait = time_wait_.size(),
          .listeners = listeners_.size(),
          .udp_sockets = 0,
          .buffer_bytes = context_.buffers.bytes_lent()};
}

}  // namespace handfast::host
