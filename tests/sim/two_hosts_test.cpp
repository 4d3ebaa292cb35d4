// The property that everything else serves: whatever the network does, streams arrive whole and
// in order, and both ends come to CLOSED.
#include <gtest/gtest.h>

#include "sim/transfer.hpp"
#include "sim/world.hpp"
#include "support/printer.hpp"
#include "support/seeds.hpp"

namespace handfast::test {
namespace {

using sim::Link;
using sim::Node;
using sim::Transfer;
using sim::World;

struct Weather {
  Ratio loss{};
  Ratio duplicate{};
  Ratio reorder{};
  Ratio corrupt{};
};

struct Outcome {
  std::string problem;  // empty: all went well
  u64 digest = 0;
  u64 lost = 0;
  u64 reordered = 0;
  u64 duplicated = 0;
  u64 corrupted = 0;
};

link::ImpairmentOptions draw_wire(const Weather& weather, Rng& rng) {
  link::ImpairmentOptions wire;
  wire.delay = Duration(to<i64>(rng.below(40'000'000)));
  wire.jitter = Duration(to<i64>(rng.below(5'000'000)));
  wire.reorder_delay = Duration(to<i64>(1'000'000 + rng.below(30'000'000)));
  if (rng.chance({1, 3})) wire.rate = 1'000'000 + rng.below(50'000'000);
  wire.loss = weather.loss;
  wire.duplicate = weather.duplicate;
  wire.reorder = weather.reorder;
  wire.corrupt = weather.corrupt;
  return wire;
}

host::Config draw_host(std::string_view name, u8 number, trace::LinkType link_type, Rng& rng) {
  host::Config config = sim::host_config(name, number, link_type);
  // At such a loss the defaults of Linux give an open up once in some ten thousand seeds.
  config.tcp.syn_retries_max = config.tcp.syn_ack_retries_max = 12;
  config.neighbour_tries_max = 12;
  // RFC 9293's value: a repeated FIN should find TIME-WAIT even after some losses in a row. With
  // 30 s it once in ten thousand seeds finds nobody, and LAST-ACK ends by an honest RST.
  config.tcp.msl = 2min;
  config.tcp.sack = rng.chance({3, 4});
  config.tcp.timestamps = rng.chance({3, 4});
  config.tcp.window_scaling = rng.chance({3, 4});
  config.tcp.no_delay = rng.chance({1, 2});
  if (rng.chance({1, 4})) {
    config.tcp.receive_buffer_max = to<u32>(2048 + rng.below(16384));
    config.tcp.receive_window_initial = config.tcp.receive_buffer_max;
  }
  return config;
}

/// What is left on a host, or went wrong on it, when all should be over.
std::string complaint(Node& node) {
  const host::Host::Census left = node.host().census();
  const tcp::Counters& tcp = node.host().tcp_counters();
  if (left.connections + left.half_open + left.time_wait != 0)
    return node.name() + ": not every connection came to CLOSED";
  if (left.buffer_bytes != 0) return node.name() + ": buffers are still lent out";
  if (tcp.established_resets != 0) return node.name() + ": a connection was reset";
  return {};
}

Outcome run(u64 seed, const Weather& weather) {
  Outcome outcome;
  World world(seed);
  Rng rng = world.fork_rng();
  const auto link_type = rng.chance({1, 4}) ? trace::LinkType::ethernet : trace::LinkType::ip;
  std::array<Printer, 2> printers{Printer("client"), Printer("server")};
  const auto sink = [&](u32 end) { return is_replay() ? &printers[end] : nullptr; };
  Node& client = world.add(draw_host("client", 1, link_type, rng), sink(0));
  Node& server = world.add(draw_host("server", 2, link_type, rng), sink(1));
  Link& link = world.connect(client, server, draw_wire(weather, rng), draw_wire(weather, rng));
  const sim::TransferOptions options{.bytes_max = 256u << 10, .ipv6 = rng.chance({1, 3})};
  Transfer transfer(world, client, server, options, rng.fork());

  const auto all_closed = [&] {
    return transfer.done() && complaint(client).empty() && complaint(server).empty();
  };
  world.run_until([&] { return transfer.done(); }, 4h);
  outcome.problem = transfer.report();
  if (outcome.problem.empty() && !world.run_until(all_closed, 1h))
    outcome.problem = complaint(client) + " " + complaint(server);
  outcome.digest = world.digest();
  for (const sim::Pipe* pipe : {&link.forward(), &link.backward()}) {
    outcome.lost += pipe->impairment().counters().lost;
    outcome.reordered += pipe->impairment().counters().reordered;
    outcome.duplicated += pipe->impairment().counters().duplicated;
    outcome.corrupted += pipe->impairment().counters().corrupted;
  }
  return outcome;
}

constexpr u64 shards = 8;

class TwoHosts : public testing::TestWithParam<u64> {
 protected:
  void run_all(u64 count, const Weather& weather, const std::string& name) {
    const SeedRange seeds = seeds_of_shard(GetParam(), shards, count);
    if (seeds.first == seeds.last) GTEST_SKIP() << "no seed for this shard";
    Outcome all;
    for (u64 seed = seeds.first; seed < seeds.last; ++seed) {
      const Outcome first = run(seed, weather);
      ASSERT_EQ(first.problem, "") << replay_command(seed, "sim_tests", "Seeds/TwoHosts." + name);
      const Outcome second = run(seed, weather);
      ASSERT_EQ(first.digest, second.digest)
          << "the same seed gave other frames; "
          << replay_command(seed, "sim_tests", "Seeds/TwoHosts." + name);
      all.lost += first.lost;
      all.reordered += first.reordered;
      all.duplicated += first.duplicated;
      all.corrupted += first.corrupted;
    }
    // The weather was what its name says.
    EXPECT_EQ(all.lost > 0, weather.loss.numerator > 0);
    EXPECT_EQ(all.reordered > 0, weather.reorder.numerator > 0);
    EXPECT_EQ(all.duplicated > 0, weather.duplicate.numerator > 0);
    EXPECT_EQ(all.corrupted > 0, weather.corrupt.numerator > 0);
  }
};

TEST_P(TwoHosts, deliver_whole_and_in_order_and_close_through_loss_duplication_and_reordering) {
  run_all(2000, {.loss = {10, 100}, .duplicate = {10, 100}, .reorder = {10, 100}},
          "deliver_whole_and_in_order_and_close_through_loss_duplication_and_reordering");
}

TEST_P(TwoHosts, deliver_whole_and_in_order_and_close_through_corruption) {
  run_all(400, {.loss = {2, 100}, .reorder = {2, 100}, .corrupt = {8, 100}},
          "deliver_whole_and_in_order_and_close_through_corruption");
}

TEST_P(TwoHosts, deliver_whole_and_in_order_and_close_over_a_perfect_wire) {
  run_all(400, {}, "deliver_whole_and_in_order_and_close_over_a_perfect_wire");
}

INSTANTIATE_TEST_SUITE_P(Seeds, TwoHosts, testing::Range(u64{0}, shards));

TEST(Seeds, differ_in_their_digests) {
  const Weather weather{.loss = {1, 10}};
  EXPECT_NE(run(1, weather).digest, run(2, weather).digest);
}

}  // namespace
}  // namespace handfast::test
