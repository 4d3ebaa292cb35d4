#include "connection_pair.hpp"

#include <algorithm>
#include <cstring>

#include "tcp/time_wait.hpp"

namespace handfast::tcp {

void ConnectionPair::open() {
  client.connection = std::make_unique<Connection>(client.context, client_flow_, 1500);
  client.connection->open(now);
}

void ConnectionPair::put(const Transmit& out, bool to_server) {
  ++segments;
  if (rng_.chance(options_.loss)) return;
  if (to_server && out.payload_length() > 0 && now < lose_until_) {
    if (lose_.passing > 0) {
      if (--lose_.passing == 0) lose_until_ = now + 1ms;
    } else if (lose_.count > 0) {
      --lose_.count;
      return;
    }
  }
  Copy copy{to_server, out.header, {}};
  for (const Bytes piece : out.payload)
    copy.payload.insert(copy.payload.end(), piece.begin(), piece.end());
  const int copies = rng_.chance(options_.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    const Duration extra = rng_.chance(options_.reorder) ? options_.delay : 0ns;
    flying_.emplace(now + options_.delay + extra, copy);
  }
}

void ConnectionPair::drain(End& end, bool to_server) {
  if (end.connection == nullptr) return;
  application(end);
  while (std::optional<Transmit> out = end.connection->poll_transmit(0, now)) put(*out, to_server);
  application(end);
}

void ConnectionPair::application(End& end) {
  Connection& c = *end.connection;
  while (const std::optional<Event> event = c.poll_event()) {
    end.events.push_back(*event);
    if (*event == Event::peer_closed && end.close_on_peer_close) end.close_when_sent = true;
  }
  while (end.reads && c.received_size() > 0) {
    const Bytes piece = c.received();
    end.received.append(as_text(piece));
    c.consume(to<u32>(piece.size()), now);
  }
  while (!end.to_send.empty()) {
    const MutBytes space = c.send_space(to<u32>(end.to_send.size()));
    if (space.empty()) break;
    const std::size_t n = std::min(space.size(), end.to_send.size());
    std::memcpy(space.data(), end.to_send.data(), n);
    c.send(to<u32>(n));
    end.to_send.erase(0, n);
  }
  // CLOSE in SYN-SENT would give up the open (RFC 9293 §3.10.4).
  if (end.close_when_sent && end.to_send.empty() && c.state() != State::syn_sent) c.close(now);
}

void ConnectionPair::slow_down(Duration more) {
  options_.delay += more;
  std::multimap<Instant, Copy> later;
  for (auto& [at, copy] : flying_) later.emplace(at + more, std::move(copy));
  flying_ = std::move(later);
}

void ConnectionPair::deliver(const Copy& copy) {
  wire::TcpSegment segment{copy.header, copy.payload};
  segment.header.options.raw = {};
  End& end = copy.to_server ? server : client;
  if (copy.to_server && end.connection == nullptr) {
    deliver_to_listener(segment);
    return;
  }
  if (end.connection->state() != State::time_wait) {
    end.connection->on_segment(segment, 0, now);
    return;
  }
  const TimeWait record(end.connection->remembered(), now + 60s);
  const TimeWait::Verdict verdict = record.on_segment(segment);
  Transmit answer;
  answer.header = record.ack(end.context, end.connection->flow(), now);
  if (verdict == TimeWait::Verdict::acked || verdict == TimeWait::Verdict::restarted)
    put(answer, !copy.to_server);
}

void ConnectionPair::deliver_to_listener(const wire::TcpSegment& segment) {
  const wire::Flow flow{client_flow_.remote, client_flow_.local};
  Transmit answer;
  if (!server.half_open) {
    if (!segment.header.has(wire::TcpFlags::syn)) return;
    server.half_open.emplace(server.context, server.context.config, flow, segment, 1500, now);
    answer.header = server.half_open->syn_ack(server.context, now);
    put(answer, false);
    return;
  }
  switch (server.half_open->on_segment(server.context, segment, now)) {
    case HalfOpen::Verdict::answer:
      answer.header = server.half_open->syn_ack(server.context, now);
      put(answer, false);
      return;
    case HalfOpen::Verdict::challenge:
      answer.header = server.half_open->challenge_ack(server.context, now);
      put(answer, false);
      return;
    case HalfOpen::Verdict::established:
      server.connection = std::make_unique<Connection>(server.context, flow, 1500);
      server.connection->accept(*server.half_open, now);
      server.connection->on_segment(segment, 0, now);
      return;
    case HalfOpen::Verdict::stays:
    case HalfOpen::Verdict::deferred:
    case HalfOpen::Verdict::reset:
    case HalfOpen::Verdict::refuse: return;
  }
}

bool ConnectionPair::step(Instant limit) {
  drain(client, true);
  drain(server, false);
  Instant next = flying_.empty() ? never : flying_.begin()->first;
  for (const End* end : {&client, &server})
    if (end->connection != nullptr) next = std::min(next, end->connection->deadline());
  const bool half_open = server.half_open && server.connection == nullptr;
  if (half_open) next = std::min(next, server.half_open->deadline());
  if (next > limit) return false;
  now = std::max(now, next);
  if (!flying_.empty() && flying_.begin()->first <= now) {
    const Copy copy = std::move(flying_.begin()->second);
    flying_.erase(flying_.begin());
    deliver(copy);
    return true;
  }
  if (half_open && server.half_open->deadline() <= now) {
    Transmit answer;
    if (!server.half_open->on_deadline(server.context, now)) {
      server.half_open.reset();
      return true;
    }
    answer.header = server.half_open->syn_ack(server.context, now);
    put(answer, false);
  }
  for (End* end : {&client, &server})
    if (end->connection != nullptr && end->connection->deadline() <= now)
      end->connection->on_deadline(now);
  return true;
}

void ConnectionPair::run(Duration limit) {
  const Instant end = now + limit;
  while (step(end)) {
  }
  now = std::max(now, end);
}

bool ConnectionPair::both_done() const {
  const auto done = [](const End& end) {
    return end.connection != nullptr && (end.connection->state() == State::closed ||
                                         end.connection->state() == State::time_wait);
  };
  return done(client) && done(server);
}

bool ConnectionPair::run_until_closed(Duration limit) {
  const Instant end = now + limit;
  while (!both_done())
    if (!step(end)) return both_done();
  return true;
}

}  // namespace handfast::tcp
