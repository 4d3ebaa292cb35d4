// The host's hot paths: finding a segment's connection among many, and opening and closing.
#include "host/host.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/rng.hpp"
#include "host/flow_table.hpp"

namespace handfast {
namespace {

wire::Flow flow_number(u32 n, bool v4) {
  wire::Flow flow;
  flow.local = {wire::IpAddress::v4(192, 0, 2, 1), 80};
  flow.remote = {wire::IpAddress::v4(10, to<u8>(n >> 16), to<u8>(n >> 8), to<u8>(n)),
                 to<u16>(1024 + n % 60000)};
  if (!v4) {
    flow.local.address.octets[0] = 0x20;
    flow.remote.address.octets[0] = 0x20;
  }
  return flow;
}

// Shape: a lookup that hits, in random order, among `range(0)` flows; `range(1)` is the IP version.
void flow_table_lookup(benchmark::State& state) {
  const u32 count = to<u32>(state.range(0));
  const bool v4 = state.range(1) == 4;
  Rng rng(1);
  host::FlowTable table(SipKey::draw(rng));
  std::vector<wire::Flow> flows;
  for (u32 i = 0; i < count; ++i) {
    flows.push_back(flow_number(i, v4));
    table.insert(flows.back(), {host::FlowEntry::Kind::connection, i});
  }
  for (auto _ : state) {
    const u32 i = to<u32>(rng.below(count));
    auto found =
        table.find(flows[i], [&](host::FlowEntry e) { return flows[e.index] == flows[i]; });
    benchmark::DoNotOptimize(found);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(flow_table_lookup)->ArgsProduct({{100, 10'000, 1'000'000}, {4, 6}});

void flow_table_insert_and_erase(benchmark::State& state) {
  const u32 count = to<u32>(state.range(0));
  Rng rng(1);
  host::FlowTable table(SipKey::draw(rng));
  for (u32 i = 0; i < count; ++i)
    table.insert(flow_number(i, true), {host::FlowEntry::Kind::connection, i});
  u32 next = count;
  for (auto _ : state) {
    const wire::Flow flow = flow_number(next, true);
    table.insert(flow, {host::FlowEntry::Kind::half_open, next});
    table.erase(flow, {host::FlowEntry::Kind::half_open, next});
    ++next;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(flow_table_insert_and_erase)->Arg(100)->Arg(1'000'000);

host::Config config_number(u8 n) {
  host::InterfaceConfig interface;
  interface.addresses = {{wire::IpAddress::v4(192, 0, 2, n), 24}};
  host::Config config;
  config.interfaces = {interface};
  config.tcp.msl = 1ms;
  return config;
}

/// Carries frames between two hosts until neither has anything left to say.
void settle(host::Host& one, host::Host& two, Instant now) {
  std::array<u8, wire::Frame::header_room> room;
  std::array<u8, 2048> whole;
  bool spoke = true;
  while (spoke) {
    spoke = false;
    for (auto [from, into] : {std::pair(&one, &two), std::pair(&two, &one)}) {
      while (true) {
        wire::Frame frame{.header = room};
        if (from->poll_transmit(0, {&frame, 1}, now) == 0) break;
        auto at = std::ranges::copy(frame.header, whole.begin()).out;
        for (const Bytes piece : frame.payload) at = std::ranges::copy(piece, at).out;
        into->on_frame(0, Bytes(whole).first(frame.size()), now);
        spoke = true;
      }
    }
  }
  while (one.poll_event()) {
  }
  while (two.poll_event()) {
  }
}

// Both ends of one connection: open, close from both sides, TIME-WAIT over; frames included.
// `range(0)` other connections stay open the whole time.
void open_and_close(benchmark::State& state) {
  Instant now{1s};
  host::Host client(config_number(1), now, Rng(1));
  host::Host server(config_number(2), now, Rng(2));
  const wire::Endpoint where{wire::IpAddress::v4(192, 0, 2, 2), 80};
  const wire::Endpoint elsewhere{where.address, 81};
  const auto listener = *server.listen(where, 128, now);
  const auto other = *server.listen(elsewhere, 128, now);
  for (i64 i = 0; i < state.range(0); ++i) {
    (void)client.connect(elsewhere, now);
    settle(client, server, now);
    (void)server.accept(other);
  }
  for (auto _ : state) {
    const auto active = client.connect(where, now);
    settle(client, server, now);
    const auto passive = server.accept(listener);
    if (!active || !passive) {
      state.SkipWithError("no connection");
      break;
    }
    client.release(*active, now);
    settle(client, server, now);
    server.release(*passive, now);
    settle(client, server, now);
    now += 1ms;
    if (client.deadline() <= now) client.on_deadline(now);
    if (server.deadline() <= now) server.on_deadline(now);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(open_and_close)->Arg(0)->Arg(20'000);

}  // namespace
}  // namespace handfast
