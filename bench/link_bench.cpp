// What a frame costs on its way through memory, and through a bad link.
#include <array>
#include <string>

#include <benchmark/benchmark.h>

#include "link/impairment.hpp"
#include "link/memory_pair.hpp"

namespace handfast::link {
namespace {

constexpr u32 header_bytes = 52;

void memory_pair_batch(benchmark::State& state) {
  const u32 payload_bytes = to<u32>(state.range(0));
  const std::string payload(payload_bytes, 'x');
  MemoryPair pair({.caps = {.mtu = 65'535}});
  std::array<Received, batch_max> in;
  for (auto _ : state) {
    const auto room = pair.left().room();
    for (wire::Frame& frame : room) {
      frame.header = frame.header.first(header_bytes);
      frame.payload[0] = as_bytes(payload);
    }
    pair.left().transmit(batch_max, Instant{});
    benchmark::DoNotOptimize(pair.right().receive(in, Instant{}));
    pair.right().release();
  }
  state.SetItemsProcessed(state.iterations() * batch_max);
  state.SetBytesProcessed(state.iterations() * batch_max * (header_bytes + payload_bytes));
}
BENCHMARK(memory_pair_batch)->Arg(0)->Arg(1448)->Arg(60'000);

// 1,000 frames are under way all the time.
void impairment_frame(benchmark::State& state) {
  Impairment link({.delay = 1ms,
                   .jitter = 100us,
                   .loss = {2, 100},
                   .duplicate = {1, 100},
                   .corrupt = {1, 100},
                   .reorder = {2, 100},
                   .reorder_delay = 200us},
                  Rng(1));
  const std::string frame(1500, 'x');
  Instant now{};
  for (auto _ : state) {
    now += 1us;
    link.on_frame(as_bytes(frame), now);
    while (const auto out = link.poll(now)) benchmark::DoNotOptimize(out->frame.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(impairment_frame);

}  // namespace
}  // namespace handfast::link
