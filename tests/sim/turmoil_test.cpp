// Random applications in random weather, with partitions that heal or do not, links that clog, and
// a host that loses its power: nothing may arrive that was not sent, nobody may wait for ever, and
// when all is over nothing may be left.
#include "sim/turmoil.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "sim/world.hpp"
#include "support/printer.hpp"
#include "support/seeds.hpp"

namespace handfast::test {
namespace {

using sim::Link;
using sim::Node;
using sim::Turmoil;
using sim::World;

constexpr u64 memory_usual = 1u << 30;  // bytes of buffers, a host

Duration draw_time(Rng& rng, Duration max) {
  return Duration(to<i64>(rng.below(to<u64>(max.count()) + 1)));
}

/// What happens to the two hosts and the wire between them, drawn from the seed.
struct Fate {
  struct Trouble {
    enum class Kind : u8 { partition, clog, crash };
    Kind kind = Kind::partition;
    Duration at{};
    Duration lasts{};
    bool heals = true;
    bool of_server = false;
  };
  std::vector<Trouble> troubles;
  bool breaks = false;  // something happened that a connection need not survive
};

/// `mild`: nothing that a connection need not survive, for hosts that would not find out.
Fate draw_fate(Rng& rng, bool mild) {
  using Kind = Fate::Trouble::Kind;
  Fate fate;
  const u64 count = rng.below(3);
  for (u64 i = 0; i < count; ++i) {
    Fate::Trouble trouble;
    trouble.at = draw_time(rng, 40s);
    switch (mild ? 1 + rng.below(2) : rng.below(4)) {
      case 0:
        trouble.kind = Kind::crash;
        trouble.lasts = draw_time(rng, rng.chance({1, 2}) ? 2s : 5min);
        trouble.of_server = rng.chance({1, 2});
        fate.breaks = true;
        break;
      case 1:
        trouble.kind = Kind::clog;
        trouble.lasts = draw_time(rng, 10s);
        break;
      default:
        trouble.lasts = draw_time(rng, !mild && rng.chance({1, 3}) ? 30min : 20s);
        trouble.heals = mild || !rng.chance({1, 4});
        fate.breaks = fate.breaks || !trouble.heals || trouble.lasts > 20s;
    }
    fate.troubles.push_back(trouble);
  }
  return fate;
}

link::ImpairmentOptions draw_wire(Rng& rng) {
  const auto some = [&](u64 percent_max) {
    return rng.chance({1, 2}) ? Ratio{to<u32>(rng.below(percent_max * 10)), 1000} : Ratio{};
  };
  link::ImpairmentOptions wire;
  wire.delay = draw_time(rng, 50ms);
  wire.jitter = draw_time(rng, 5ms);
  wire.reorder_delay = 1ms + draw_time(rng, 40ms);
  if (rng.chance({1, 3})) wire.rate = 200'000 + rng.below(20'000'000);
  if (rng.chance({1, 4})) wire.queue_bytes = 6'000 + to<u32>(rng.below(100'000));
  wire.loss = some(12);
  wire.duplicate = some(10);
  wire.reorder = some(10);
  wire.corrupt = some(6);
  return wire;
}

host::Config draw_host(std::string_view name, u8 number, trace::LinkType link_type, Rng& rng) {
  host::Config config = sim::host_config(name, number, link_type);
  tcp::Config& tcp = config.tcp;
  // As in two_hosts_test.cpp: what is rare by chance must not look like a fault.
  tcp.syn_retries_max = tcp.syn_ack_retries_max = 12;
  config.neighbour_tries_max = 120;
  tcp.msl = 2min;
  tcp.sack = rng.chance({3, 4});
  tcp.timestamps = rng.chance({3, 4});
  tcp.window_scaling = rng.chance({3, 4});
  tcp.no_delay = rng.chance({1, 2});
  tcp.tail_loss_probe = rng.chance({3, 4});
  if (rng.chance({1, 3})) tcp.congestion = tcp::Algorithm::reno;
  // A peer that is gone must be found by who only listens.
  tcp.keepalive = rng.chance({3, 4});
  tcp.keepalive_idle = 2min + draw_time(rng, 10min);
  tcp.keepalive_interval = 10s + draw_time(rng, 60s);
  if (rng.chance({1, 3})) tcp.user_timeout = 10min + draw_time(rng, 10min);
  if (rng.chance({1, 4})) {
    tcp.receive_buffer_max = to<u32>(2048 + rng.below(16384));
    tcp.receive_window_initial = tcp.receive_buffer_max;
  }
  if (rng.chance({1, 4})) tcp.send_buffer_max = to<u32>(2048 + rng.below(16384));
  tcp.buffers_max = rng.chance({1, 8}) ? 16'384 + rng.below(400'000) : memory_usual;
  return config;
}

bool finds_out(const Node& node) { return node.config().tcp.keepalive; }

class Chaos {
 public:
  explicit Chaos(u64 seed)
      : world_(seed),
        rng_(world_.fork_rng()),
        link_type_(rng_.chance({1, 4}) ? trace::LinkType::ethernet : trace::LinkType::ip),
        client_(add("client", 1)),
        server_(add("server", 2)),
        link_(world_.connect(client_, server_, draw_wire(rng_), draw_wire(rng_))),
        fate_(draw_fate(rng_, !finds_out(client_) || !finds_out(server_))),
        scarce_(client_.config().tcp.buffers_max < memory_usual ||
                server_.config().tcp.buffers_max < memory_usual),
        options_{.ipv6 = rng_.chance({1, 3}), .polite = !finds_out(client_) || !finds_out(server_)},
        turmoil_(world_, client_, server_, options_, rng_.fork()) {}

  /// What went wrong; empty: nothing.
  std::string run() {
    for (const Fate::Trouble& trouble : fate_.troubles) plan(trouble);
    run_until_over();
    if (!turmoil_.problem().empty()) return turmoil_.problem();
    if (!turmoil_.done()) return "an application waits for ever";
    if (!fate_.breaks && !scarce_)
      if (std::string missing = turmoil_.missing(); !missing.empty()) return missing;
    link_.heal();
    const auto is_clean = [&] { return complaint().empty(); };
    if (!world_.run_until(is_clean, 6h)) return complaint();
    return try_again();
  }
  u64 digest() const { return world_.digest(); }
  const Turmoil& turmoil() const { return turmoil_; }

 private:
  struct Moment {
    Duration at;
    Fate::Trouble trouble;
    bool begins;
  };

  Node& add(const char* name, u8 number) {
    printers_.push_back(std::make_unique<Printer>(name));
    return world_.add(draw_host(name, number, link_type_, rng_),
                      is_replay() ? printers_.back().get() : nullptr);
  }

  void plan(const Fate::Trouble& trouble) {
    moments_.push_back({trouble.at, trouble, true});
    if (trouble.heals) moments_.push_back({trouble.at + trouble.lasts, trouble, false});
  }

  void run_until_over() {
    std::ranges::stable_sort(moments_, {}, &Moment::at);
    for (const Moment& moment : moments_) {
      world_.run_for(std::max(0ns, moment.at - world_.now().time_since_epoch()));
      happen(moment);
    }
    world_.run_until([&] { return turmoil_.done() || !turmoil_.problem().empty(); }, 12h);
  }

  void happen(const Moment& moment) {
    using Kind = Fate::Trouble::Kind;
    Node& victim = moment.trouble.of_server ? server_ : client_;
    switch (moment.trouble.kind) {
      case Kind::partition: moment.begins ? link_.partition() : link_.heal(); return;
      case Kind::clog:
        if (!moment.begins) return;
        link_.forward().impairment().clog(world_.now() + moment.trouble.lasts);
        return;
      case Kind::crash:
        if (moment.begins) return victim.crash();
        victim.reboot();
        if (moment.trouble.of_server) turmoil_.serve();
    }
  }

  std::string complaint() {
    for (Node* node : {&client_, &server_}) {
      const host::Host::Census left = node->host().census();
      if (left.connections + left.half_open + left.time_wait != 0)
        return node->name() + ": not every connection came to an end";
      if (left.buffer_bytes != 0) return node->name() + ": buffers are still lent out";
    }
    return {};
  }

  /// Whatever happened, both hosts can still be used.
  std::string try_again() {
    sim::TurmoilOptions fresh = options_;
    fresh.polite = true;
    fresh.port = 81;
    fresh.first_client_port = 50000;
    fresh.connections_max = 1;
    Turmoil after(world_, client_, server_, fresh, Rng(1));
    world_.run_until([&] { return after.done(); }, 12h);
    if (!after.done()) return "a new connection waits for ever";
    return after.problem() + after.missing();
  }

  World world_;
  Rng rng_;
  trace::LinkType link_type_;
  std::vector<std::unique_ptr<Printer>> printers_;
  Node& client_;
  Node& server_;
  Link& link_;
  Fate fate_;
  bool scarce_;  // memory is, so that a connection may be given up
  sim::TurmoilOptions options_;
  Turmoil turmoil_;
  std::vector<Moment> moments_;
};

constexpr u64 shards = 8;
constexpr std::array expected{std::errc::connection_reset, std::errc::timed_out};
class Anything : public testing::TestWithParam<u64> {};

TEST_P(Anything, may_happen_and_nothing_is_wrong_nobody_stuck_and_nothing_left) {
  const SeedRange seeds = seeds_of_shard(GetParam(), shards, 4000);
  if (seeds.first == seeds.last) GTEST_SKIP() << "no seed for this shard";
  u32 fin = 0;
  std::array<u32, expected.size()> errors{};
  for (u64 seed = seeds.first; seed < seeds.last; ++seed) {
    Chaos chaos(seed);
    EXPECT_EQ(chaos.run(), "") << replay_command(
        seed, "sim_tests",
        "Seeds/Anything.may_happen_and_nothing_is_wrong_nobody_stuck_and_nothing_left");
    fin += chaos.turmoil().ended_by_fin();
    for (u32 i = 0; i < errors.size(); ++i) errors[i] += chaos.turmoil().ended_by(expected[i]);
    if (seed % 50 != 0) continue;
    Chaos again(seed);
    EXPECT_EQ(again.run(), "");
    EXPECT_EQ(chaos.digest(), again.digest()) << "the same seed gave other frames";
  }
  if (seeds.last - seeds.first < 100) return;
  // What should happen to some did.
  EXPECT_GT(fin, 100u);
  for (u32 i = 0; i < errors.size(); ++i)
    EXPECT_GT(errors[i], 0u) << std::make_error_code(expected[i]).message();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Anything, testing::Range(u64{0}, shards));

}  // namespace
}  // namespace handfast::test
