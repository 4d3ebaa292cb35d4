// What `handfast demo` says below its ladder.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/demo_world.hpp"
#include "trace/round_trips.hpp"

namespace handfast::cli {

namespace {

using Table = trace::ConnectionTable;

u64 sum(const Table& table, u64 Table::Row::* field) {
  u64 all = 0;
  for (const Table::Row& row : table.rows()) all += row.*field;
  return all;
}

std::string counted(u64 n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

std::string describe_end(std::string_view name, const Table& table) {
  if (table.rows().empty()) return fmt::format("{}: no connection\n", name);
  std::string text =
      fmt::format("{}: {} bytes sent, {} received, {}", name, sum(table, &Table::Row::bytes_sent),
                  sum(table, &Table::Row::bytes_received),
                  counted(sum(table, &Table::Row::retransmissions), "retransmission"));
  if (table.rows().size() > 1)
    return text + fmt::format("; {}\n", counted(table.rows().size(), "connection"));
  const Table::Row& row = table.rows().front();
  return text + fmt::format("; {}: {}\n", row.state, row.why);
}

/// All phases with one name.
struct Kind {
  std::string what;
  u32 times = 0;
  u32 round_trips = 0;
  Duration time{};
};

std::vector<Kind> kinds(const std::vector<trace::Phase>& phases) {
  std::vector<Kind> all;
  for (const trace::Phase& phase : phases) {
    if (phase.end == never) continue;
    auto kind = std::ranges::find(all, phase.what, &Kind::what);
    if (kind == all.end()) kind = all.insert(kind, Kind{phase.what});
    ++kind->times;
    kind->round_trips += phase.round_trips;
    kind->time += phase.end - phase.begin;
  }
  return all;
}

}  // namespace

std::string milliseconds(Duration time) {
  const auto us = time.count() / 1000;
  return us % 1000 == 0 ? fmt::format("{} ms", us / 1000)
                        : fmt::format("{}.{:03} ms", us / 1000, us % 1000);
}

u32 Demo::round_trips() const {
  u32 all = 0;
  for (const trace::Phase& phase : ladder_.phases())
    if (phase.end != never) all += phase.round_trips;
  return all;
}

std::string Demo::costs() const {
  std::vector<Kind> rows = kinds(ladder_.phases());
  std::size_t width = std::string_view("to the last byte").size();
  for (const Kind& kind : rows) width = std::max(width, kind.what.size());
  std::string text;
  const auto line = [&](std::string_view what, std::string_view times, std::string_view trips,
                        std::string_view time) {
    text += fmt::format("{:<{}} {:>5}  {:>11}  {:>12}\n", what, width, times, trips, time);
  };
  line("", "times", "round trips", "time");
  for (const Kind& kind : rows)
    line(kind.what, fmt::to_string(kind.times), fmt::to_string(kind.round_trips),
         milliseconds(kind.time));
  line("to the last byte", "", fmt::to_string(round_trips()), milliseconds(time()));
  return text;
}

std::string Demo::summary() const {
  const auto& arrows = ladder_.arrows();
  std::size_t lost = 0;
  for (const auto& arrow : arrows) lost += arrow.fate == trace::ladder::Arrow::Fate::lost ? 1 : 0;

  std::string text;
  const auto* row = client_table_.rows().empty() ? nullptr : &client_table_.rows().front();
  if (row != nullptr && row->established != never)
    text += fmt::format("open after {}", milliseconds(row->established - row->opened));
  if (answered_ != never)
    text += fmt::format(", page of {} bytes complete after {}", options_.size,
                        milliseconds(answered_ - Instant{}));
  if (row != nullptr && row->smoothed_rtt != 0ns)
    text += fmt::format(", round trip {}", milliseconds(row->smoothed_rtt));
  if (!text.empty()) text += "\n";
  text += describe_end("client", client_table_) + describe_end("server", server_table_);
  text += fmt::format("{} segments, {} lost; seed {}, digest {:016x}\n", arrows.size(), lost,
                      options_.seed, digest_);
  return text;
}

std::string compare(const Demo& kept_alive, const Demo& closed, u32 requests) {
  const auto describe = [](const Demo& demo) {
    return fmt::format("{}, {}", trace::round_trips_text(demo.round_trips()),
                       milliseconds(demo.time()));
  };
  std::string text = fmt::format("{} on one connection: {}; on {} (Connection: close): {}\n",
                                 counted(requests, "request"), describe(kept_alive),
                                 counted(requests, "connection"), describe(closed));
  if (closed.round_trips() < kept_alive.round_trips() || closed.time() < kept_alive.time())
    return text;
  return text +
         fmt::format("kept alive saves {} and {}\n",
                     trace::round_trips_text(closed.round_trips() - kept_alive.round_trips()),
                     milliseconds(closed.time() - kept_alive.time()));
}

}  // namespace handfast::cli
