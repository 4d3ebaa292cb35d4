// Forged segments at every state: nothing crashes, and a connection that should live completes.
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/attacker.hpp"
#include "sim/pair.hpp"
#include "support/seeds.hpp"
#include "support/segment.hpp"
#include "tcp/connection.hpp"
#include "wire/print.hpp"

namespace handfast::test {
namespace {

using sim::Attacker;
using sim::Forgery;
using sim::Pair;
using tcp::State;

constexpr u16 port = 80;
constexpr u16 client_port = 40000;

/// Two ends of one connection that live through a seed's script while they are attacked.
class Victims {
 public:
  explicit Victims(u64 seed) : rng_(seed), pair_(seed), attacker_(pair_, rng_.fork()) {}

  std::string run() {
    open();
    for (u32 step = 0; step < 400 && !(done_[0] && done_[1]); ++step) {
      attack();
      act();
      attack();
      if (!deliver(to<u32>(rng_.below(2))) && !deliver(0) && !deliver(1)) pair_.wait(1min);
      accept();
    }
    attacking_ = false;
    for (u32 i = 0; i < 2000 && !(done_[0] && done_[1] && pair_.is_clean()); ++i) {
      deliver_all();
      accept();
      act();
      deliver_all();
      pair_.wait(5min);
    }
    return verdict();
  }

  const std::set<State>& attacked() const { return attacked_; }
  u64 forgeries() const { return forgeries_; }

 private:
  void open() {
    simultaneous_ = rng_.chance({1, 4});
    for (u32 end = 0; end < 2; ++end) sends_[end] = to<u32>(rng_.below(8000));
    for (bool& waits : closes_late_) waits = rng_.chance({1, 3});
    if (closes_late_[0]) closes_late_[1] = false;
    if (!simultaneous_) listener_ = *pair_.host(1).listen(here(1), 4, pair_.now());
    connection_[0] = *pair_.host(0).connect(here(1), pair_.now(), here(0));
    if (simultaneous_) connection_[1] = *pair_.host(1).connect(here(0), pair_.now(), here(1));
    pair_.collect();
  }

  static wire::Endpoint here(u32 end) {
    return {Pair::address(end), end == 0 ? client_port : port};
  }

  tcp::Connection* find(u32 end) { return pair_.host(end).find(connection_[end]); }

  void accept() {
    if (connection_[1] || !listener_) return;
    if (const auto accepted = pair_.host(1).accept(*listener_)) connection_[1] = *accepted;
  }

  /// Both applications read, write and close as far as they can.
  void act() {
    for (u32 end = 0; end < 2; ++end) {
      tcp::Connection* const mine = find(end);
      if (mine == nullptr || done_[end]) continue;
      write(end, *mine);
      read(end, *mine);
      const bool sent_all = sent_[end] == sends_[end];
      const bool may_close = !closes_late_[end] || mine->peer_has_closed();
      const bool is_open = tcp::is_synchronized(mine->state());
      if (is_open && sent_all && may_close && rng_.chance({1, 2})) mine->close(pair_.now());
      const bool over = mine->state() == State::closed || mine->state() == State::time_wait;
      pair_.host(end).touch(connection_[end], pair_.now());
      if (over && mine->received_size() == 0) {
        if (mine->error() != tcp::Errc::none)
          problem_ = "an end was told: " + std::string(tcp::to_string(mine->error()));
        pair_.host(end).release(connection_[end], pair_.now());
        done_[end] = true;
        if (end == 1 && listener_) pair_.host(1).close(*listener_, pair_.now());
      }
      pair_.collect();
    }
  }

  void write(u32 end, tcp::Connection& mine) {
    const MutBytes space = mine.send_space(std::min<u32>(sends_[end] - sent_[end], 1000));
    fill_stream(space, sent_[end]);
    if (!space.empty()) mine.send(to<u32>(space.size()));
    sent_[end] += to<u32>(space.size());
  }

  void read(u32 end, tcp::Connection& mine) {
    while (mine.received_size() > 0) {
      const Bytes bytes = mine.received();
      if (!is_stream(bytes, received_[end])) problem_ = "wrong bytes were received";
      received_[end] += to<u32>(bytes.size());
      mine.consume(to<u32>(bytes.size()), pair_.now());
    }
  }

  void attack() {
    if (!attacking_) return;
    for (u32 victim = 0; victim < 2; ++victim) {
      const wire::Flow flow{here(victim), here(1 - victim)};
      for (u64 n = rng_.below(4); n > 0; --n) {
        const tcp::Connection* const target = find(victim);
        const auto kind = static_cast<Forgery>(rng_.below(to<u64>(Forgery::count_)));
        const auto forged = attacker_.forge(kind, victim, flow, target);
        if (!forged) continue;
        if (target != nullptr) attacked_.insert(target->state());
        if (target == nullptr && pair_.host(victim).census().half_open > 0)
          attacked_.insert(State::syn_received);
        ++forgeries_;
        say("forged: " + std::string(sim::to_string(kind)), victim, *forged);
        pair_.inject(victim, *forged);
      }
    }
  }

  /// The conversation of a seed that is replayed.
  void say(const std::string& what, u32 to_end, const Pair::Packet& packet) const {
    if (!verbose_) return;
    fmt::print("{:10.3f} to {} {}: {}\n",
               std::chrono::duration<double>(pair_.now().time_since_epoch() - 1h).count(), to_end,
               what, wire::describe_ip(packet));
  }

  bool deliver(u32 end) {
    if (!pair_.under_way(end).empty()) say("", end, pair_.under_way(end).front());
    return pair_.deliver_one(end);
  }
  void deliver_all() {
    while (deliver(0) || deliver(1)) {
    }
  }

  std::string verdict() const {
    if (!problem_.empty()) return problem_;
    for (u32 end = 0; end < 2; ++end)
      if (received_[end] != sends_[1 - end])
        return "end " + std::to_string(end) + " received " + std::to_string(received_[end]) +
               " of " + std::to_string(sends_[1 - end]) + " bytes";
    if (!done_[0] || !done_[1]) return "an end did not close";
    if (!pair_.is_clean()) return "something is left of the connection";
    return {};
  }

  Rng rng_;
  Pair pair_;
  Attacker attacker_;
  bool attacking_ = true;
  bool verbose_ = is_replay();
  bool simultaneous_ = false;
  std::optional<host::Listen> listener_;
  std::array<host::Conn, 2> connection_{};
  std::array<u32, 2> sends_{}, sent_{}, received_{};
  std::array<bool, 2> closes_late_{}, done_{};
  std::set<State> attacked_;
  u64 forgeries_ = 0;
  std::string problem_;
};

constexpr u64 shards = 4;
class Hostile : public testing::TestWithParam<u64> {};

TEST_P(Hostile, segments_at_every_state_neither_crash_nor_wedge_a_connection_that_should_live) {
  const SeedRange seeds = seeds_of_shard(GetParam(), shards, 2000);
  if (seeds.first == seeds.last) GTEST_SKIP() << "no seed for this shard";
  std::set<State> attacked;
  u64 forgeries = 0;
  for (u64 seed = seeds.first; seed < seeds.last; ++seed) {
    Victims victims(seed);
    ASSERT_EQ(victims.run(), "") << replay_command(
        seed, "sim_tests",
        "Seeds/Hostile.segments_at_every_state_neither_crash_nor_wedge_a_"
        "connection_that_should_live");
    attacked.insert(victims.attacked().begin(), victims.attacked().end());
    forgeries += victims.forgeries();
  }
  if (seeds.last - seeds.first < 40) return;
  for (const State state :
       {State::syn_sent, State::syn_received, State::established, State::fin_wait_1,
        State::fin_wait_2, State::close_wait, State::closing, State::last_ack, State::time_wait})
    EXPECT_TRUE(attacked.contains(state)) << "never attacked in " << tcp::to_string(state);
  EXPECT_GT(forgeries, 100 * (seeds.last - seeds.first));
}

INSTANTIATE_TEST_SUITE_P(Seeds, Hostile, testing::Range(u64{0}, shards));

}  // namespace
}  // namespace handfast::test
