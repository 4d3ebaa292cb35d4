#include "cli/watch.hpp"

#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "wire/drop.hpp"

namespace handfast::cli {

namespace {

/// Segments that open or close a connection; all the others would be too many.
std::string segment_line(std::string_view arrow, const wire::Endpoint& peer,
                         const wire::TcpHeader& header, u32 payload) {
  using wire::TcpFlags;
  std::string flags;
  const auto add = [&](u8 flag, std::string_view name) {
    if (header.has(flag)) flags += (flags.empty() ? "" : ",") + std::string(name);
  };
  add(TcpFlags::syn, "SYN");
  add(TcpFlags::fin, "FIN");
  add(TcpFlags::rst, "RST");
  if (flags.empty()) return {};
  add(TcpFlags::ack, "ACK");
  std::string line = fmt::format("{} {}  {}", arrow, wire::to_string(peer), flags);
  if (payload > 0) line += fmt::format(" and {} bytes", payload);
  return line;
}

std::string line_of(const trace::Event& event) {
  if (const auto* sent = std::get_if<trace::SegmentSent>(&event)) {
    std::string line = segment_line("->", sent->flow.remote, sent->header, sent->payload_length);
    if (!line.empty() && !sent->why.format.empty()) line += "  (" + to_string(sent->why) + ")";
    return line;
  }
  if (const auto* came = std::get_if<trace::SegmentReceived>(&event))
    return segment_line("<-", came->flow.remote, came->header, came->payload_length);
  if (const auto* change = std::get_if<trace::StateChanged>(&event))
    return fmt::format("{} -> {}  ({})", change->from, change->to, to_string(change->why));
  if (const auto* timer = std::get_if<trace::TimerFired>(&event))
    return timer->timer == "retransmit"
               ? fmt::format("{} timer  ({})", timer->timer, to_string(timer->why))
               : std::string{};
  if (const auto* drop = std::get_if<trace::PacketDropped>(&event))
    return fmt::format("dropped: {}", wire::to_string(drop->reason));
  if (const auto* neighbour = std::get_if<trace::NeighbourChanged>(&event))
    return fmt::format("neighbour {} {}", wire::to_string(neighbour->address), neighbour->state);
  if (const auto* flood = std::get_if<trace::SynFlood>(&event)) return to_string(*flood);
  return {};
}

}  // namespace

void Watch::on(Instant now, const trace::Event& event) {
  const std::string line = line_of(event);
  if (line.empty()) return;
  if (!begin_) begin_ = now;
  const double ms = std::chrono::duration<double, std::milli>(now - *begin_).count();
  fmt::print(stderr, "* {:9.3f} ms  {}\n", ms, line);
}

}  // namespace handfast::cli
