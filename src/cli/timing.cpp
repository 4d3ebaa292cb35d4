#include "cli/timing.hpp"

#include <fmt/format.h>

namespace handfast::cli {

namespace {

std::string row(const char* name, Duration time, const std::string& trips) {
  return fmt::format("  {:<16}{:>10}  {:>11}\n", name, time_text(time), trips);
}

std::string trips_of_transfer(const io::HttpTiming& timing) {
  if (!timing.round_trip || *timing.round_trip <= Duration{}) return "?";
  return fmt::format("about {}", (timing.transfer + *timing.round_trip / 2) / *timing.round_trip);
}

}  // namespace

std::string time_text(Duration time) {
  const double us = std::chrono::duration<double, std::micro>(time).count();
  if (us < 1000) return fmt::format("{:.0f} us", us);
  if (us < 1e5) return fmt::format("{:.2f} ms", us / 1000);
  if (us < 1e6) return fmt::format("{:.1f} ms", us / 1000);
  return fmt::format("{:.2f} s", us / 1e6);
}

std::string timing_table(const io::HttpResult& result) {
  const io::HttpTiming& timing = result.timing;
  std::string text = fmt::format("{} {}\n  {:<16}{:>10}  {:>11}\n", result.url.text(),
                                 result.status, "", "time", "round trips");
  const io::HttpOpening& opening = timing.opening;
  if (opening.is_reused) {
    text += "  (a connection that was open already)\n";
  } else {
    text += row("name resolution", opening.name, std::to_string(opening.name_trips));
    text += row("TCP", opening.tcp, std::to_string(opening.tcp_trips));
    if (result.url.is_secure) text += row("TLS", opening.tls, std::to_string(opening.tls_trips));
  }
  text += row("first byte", timing.first_byte, "1");
  text += row("transfer", timing.transfer, trips_of_transfer(timing));
  const Duration total =
      opening.name + opening.tcp + opening.tls + timing.first_byte + timing.transfer;
  text += row("total", total, "");
  if (timing.round_trip)
    text += fmt::format("  one round trip takes {}", time_text(*timing.round_trip));
  if (opening.attempts > 1)
    text +=
        fmt::format("{}{} addresses were tried", timing.round_trip ? "; " : "  ", opening.attempts);
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

}  // namespace handfast::cli
