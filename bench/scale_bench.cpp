// What a connection costs that does nothing: a million of them, both ends in this process.
#include <array>
#include <cstdio>
#include <cstring>

#include <benchmark/benchmark.h>

#include "host/host.hpp"

namespace {

using namespace handfast;

constexpr u16 first_port = 80;
constexpr double bytes_each_max = 600;  // all told
constexpr u16 listener_count = 64;      // one client has 28,232 ports for each

host::Config config_of(u8 number) {
  host::Config config;
  config.interfaces = {host::InterfaceConfig{
      .addresses = {{wire::IpAddress::v4(192, 0, 2, number), 24}}, .whole_frames = true}};
  return config;
}

/// Resident memory of this process, in bytes.
u64 resident_bytes() {
  unsigned long long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*u %llu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * 4096;
}

bool hand_over(host::Host& from, host::Host& into, Instant now) {
  static std::array<u8, 2048> slot;
  wire::Frame frame{.header = slot};
  if (from.poll_transmit(0, {&frame, 1}, now) == 0) return false;
  into.on_frame(0, frame.header, now);
  return true;
}

void settle(host::Host& left, host::Host& right, Instant now) {
  while (hand_over(left, right, now) || hand_over(right, left, now)) {
  }
  while (left.poll_event()) {
  }
  while (right.poll_event()) {
  }
}

// `range(0)` connections are opened and left alone; what one end of one of them takes is counted.
void idle_connections(benchmark::State& state) {
  const u32 count = to<u32>(state.range(0));
  const Instant now{1h};
  for (auto _ : state) {
    const u64 before = resident_bytes();
    host::Host left(config_of(1), now, Rng(1));
    host::Host right(config_of(2), now, Rng(2));
    std::array<host::Listen, listener_count> listeners;
    const auto endpoint = [](u32 i) {
      return wire::Endpoint{wire::IpAddress::v4(192, 0, 2, 2),
                            to<u16>(first_port + i % listener_count)};
    };
    for (u32 i = 0; i < listener_count; ++i) listeners[i] = *right.listen(endpoint(i), 16, now);
    for (u32 i = 0; i < count; ++i) {
      if (!left.connect(endpoint(i), now)) return state.SkipWithError("no connection");
      settle(left, right, now);
      right.accept(listeners[i % listener_count]);
    }
    const auto census = right.census();
    const u64 after = resident_bytes();
    const double bytes_each = to<double>(after - before) / (2.0 * count);
    state.counters["connections"] = census.connections;
    state.counters["bytes/end"] = bytes_each;
    if (bytes_each > bytes_each_max) state.SkipWithError("an idle connection takes too much");
    state.counters["buffer bytes"] = to<double>(census.buffer_bytes);
  }
}
BENCHMARK(idle_connections)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
