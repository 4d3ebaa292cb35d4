#include "trace/connection_table.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "trace/names.hpp"

namespace handfast::trace {

namespace {

std::string rtt_text(Duration rtt) {
  if (rtt == 0ns) return "-";
  const auto us = rtt.count() / 1000;
  return fmt::format("{}.{:03} ms", us / 1000, us % 1000);
}

}  // namespace

std::pair<ConnectionTable::Row&, ConnectionTable::Progress&> ConnectionTable::at(
    const wire::Flow& flow) {
  const auto found = progress_.find(flow);
  // A new connection between the same endpoints is a row of its own.
  if (found != progress_.end()) return {rows_[found->second.row - forgotten_], found->second};
  if (rows_.size() >= rows_max_) forget_one();
  rows_.emplace_back().flow = flow;
  Progress& progress = progress_[flow];
  progress = {};
  progress.row = forgotten_ + to<u32>(rows_.size()) - 1;
  return {rows_.back(), progress};
}

void ConnectionTable::forget_one() {
  const auto of_row = progress_.find(rows_.front().flow);
  if (of_row != progress_.end() && of_row->second.row == forgotten_) progress_.erase(of_row);
  rows_.pop_front();
  ++forgotten_;
}

void ConnectionTable::on(Instant now, const Event& event) {
  if (const auto* sent = std::get_if<SegmentSent>(&event)) {
    on_sent(now, *sent);
  } else if (const auto* received = std::get_if<SegmentReceived>(&event)) {
    on_received(*received);
  } else if (const auto* state = std::get_if<StateChanged>(&event)) {
    on_state(now, *state);
  } else if (const auto* rtt = std::get_if<RttMeasured>(&event)) {
    at(rtt->flow).first.smoothed_rtt = rtt->smoothed;
  } else if (const auto* congestion = std::get_if<CongestionChanged>(&event)) {
    at(congestion->flow).first.congestion_window = congestion->congestion_window;
  } else if (const auto* flood = std::get_if<SynFlood>(&event)) {
    floods_[flood->listener] = to_string(*flood);
  }
}

void ConnectionTable::on_sent(Instant now, const SegmentSent& event) {
  auto [row, progress] = at(event.flow);
  ++row.segments_sent;
  if (event.header.has(wire::TcpFlags::ack))
    on_acknowledged(row, progress, event.header.acknowledgment);
  const u32 length = sequence_length(event.header, event.payload_length);
  if (event.header.has(wire::TcpFlags::syn) && row.opened == never) row.opened = now;
  if (length == 0) return;
  const u32 start = event.header.sequence;
  if (!progress.sent_any) progress.sent_end = start;
  progress.sent_any = true;
  const bool is_new = sequence_before(progress.sent_end, start + length);
  const u32 fresh = is_new ? start + length - progress.sent_end : 0;
  progress.sent_end += fresh;
  if (!is_new) ++row.retransmissions;
  row.bytes_sent += std::min(fresh, event.payload_length);
}

void ConnectionTable::on_acknowledged(Row& row, Progress& progress, u32 acknowledgment) {
  if (!progress.received_any || !sequence_before(progress.received_next, acknowledgment)) return;
  const bool is_over_fin = progress.received_fin && sequence_before(progress.fin, acknowledgment);
  row.bytes_received += acknowledgment - progress.received_next - (is_over_fin ? 1 : 0);
  progress.received_next = acknowledgment;
}

void ConnectionTable::on_received(const SegmentReceived& event) {
  auto [row, progress] = at(event.flow);
  const wire::TcpHeader& header = event.header;
  ++row.segments_received;
  if (!progress.received_any) {
    progress.received_any = true;
    progress.received_next = header.sequence + (header.has(wire::TcpFlags::syn) ? 1 : 0);
  }
  if (header.has(wire::TcpFlags::fin)) {
    progress.received_fin = true;
    progress.fin = header.sequence + event.payload_length;
  }
}

void ConnectionTable::on_state(Instant now, const StateChanged& event) {
  if (event.flow.remote == wire::Endpoint{}) return;  // a listener
  const bool opens = event.to == "SYN_SENT" || event.to == "SYN_RECEIVED";
  if (const auto old = progress_.find(event.flow); opens && old != progress_.end())
    if (rows_[old->second.row - forgotten_].closed != never) progress_.erase(old);
  auto [row, progress] = at(event.flow);
  row.state = event.to;
  row.why = to_string(event.why);
  if (event.to == "ESTABLISHED") row.established = now;
  if (event.to == "CLOSED") row.closed = now;
}

const ConnectionTable::Row* ConnectionTable::find(const wire::Flow& flow) const {
  const auto found = progress_.find(flow);
  return found == progress_.end() ? nullptr : &rows_[found->second.row - forgotten_];
}

std::string ConnectionTable::render() const {
  std::vector<std::array<std::string, 8>> lines{
      {"State", "Recv", "Sent", "Retrans", "RTT", "Local", "Peer", "Why"}};
  for (const Row& row : rows_)
    lines.push_back({std::string{short_state(row.state)}, fmt::to_string(row.bytes_received),
                     fmt::to_string(row.bytes_sent), fmt::to_string(row.retransmissions),
                     rtt_text(row.smoothed_rtt), wire::to_string(row.flow.local),
                     wire::to_string(row.flow.remote), row.why});
  std::array<std::size_t, 8> widths{};
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
      const bool is_number = i >= 1 && i <= 4;
      text += is_number ? fmt::format("{:>{}}  ", line[i], widths[i])
                        : fmt::format("{:<{}}  ", line[i], widths[i]);
    }
    text += line.back() + "\n";
  }
  for (const auto& [listener, flood] : floods_) text += flood + "\n";
  return text;
}

}  // namespace handfast::trace
