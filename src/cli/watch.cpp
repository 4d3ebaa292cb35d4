#include "cli/watch.hpp"

#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "trace/names.hpp"
#include "trace/stream_event.hpp"
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

std::string stream_line(const trace::StreamTold& told) {
  const std::string peer = wire::to_string(told.flow.remote);
  const auto arrow = [](trace::Way way) { return way == trace::Way::sent ? "->" : "<-"; };
  if (const auto* message = std::get_if<trace::TlsMessage>(&told.event))
    return fmt::format("{} {}  {}{}{}, {} bytes", arrow(message->way), peer,
                       in_brackets(message->protection, message->name),
                       message->fields.empty() ? "" : " ", message->fields, message->size);
  if (const auto* alert = std::get_if<trace::TlsAlert>(&told.event)) {
    const std::string name = in_brackets(alert->protection, "Alert");
    std::string line = fmt::format("{} {}  {} {}", arrow(alert->way), peer, name, alert->name);
    if (!alert->why.empty()) line += fmt::format("  ({})", alert->why);
    return line;
  }
  if (const auto* skipped = std::get_if<trace::TlsSkipped>(&told.event))
    return fmt::format("<- {}  {} passed over, {} bytes", peer, skipped->what, skipped->size);
  if (const auto* connected = std::get_if<trace::TlsConnected>(&told.event)) {
    std::string line = fmt::format("{} with {}: {}", connected->version, peer, connected->suite);
    for (const std::string_view more : {connected->group, connected->scheme, connected->protocol})
      if (!more.empty()) line += fmt::format(", {}", more);
    if (connected->is_resumed) line += ", resumed";
    return line + (connected->is_retried ? ", after a HelloRetryRequest" : "");
  }
  return {};
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
  if (const auto* told = std::get_if<trace::StreamTold>(&event)) return stream_line(*told);
  if (const auto* flood = std::get_if<trace::SynFlood>(&event)) return to_string(*flood);
  return {};
}

}  // namespace

void Watch::on(Instant now, const trace::Event& event) {
  const auto* told = std::get_if<trace::StreamTold>(&event);
  const bool is_summary =
      told != nullptr && std::holds_alternative<trace::TlsConnected>(told->event);
  if (is_summary && !tells_summaries_) return;
  const std::string line = line_of(event);
  if (line.empty()) return;
  if (!begin_) begin_ = now;
  const double ms = std::chrono::duration<double, std::milli>(now - *begin_).count();
  fmt::print(stderr, "* {:9.3f} ms  {}\n", ms, line);
}

}  // namespace handfast::cli
