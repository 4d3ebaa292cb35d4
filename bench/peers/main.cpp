// bench-peers: Handfast beside lwIP in one program and one run, per CPU-second, both ends of every
// connection in one thread: MTU 1500, checksums made and verified, payload copied in and out.
// Rounds of the two take turns, so that what else the machine does touches both; the median
// counts. The arguments name the parts to run (bulk open exchange crowded tun); none: all.
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <time.h>

#include <fmt/format.h>

#include "base/types.hpp"
#include "handfast_pair.hpp"
#include "lwip_pair.hpp"
#include "tun_peer.hpp"

namespace {

using namespace handfast;
using bench::HandfastPair;
namespace lwip_pair = bench::lwip_pair;

constexpr u32 rounds = 5;

double cpu_seconds() {
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return to<double>(spent.tv_sec) + 1e-9 * to<double>(spent.tv_nsec);
}

/// What `work` does a CPU-second; it returns how much it did.
template <class Work>
double rate(Work work) {
  const double begin = cpu_seconds();
  const double done = to<double>(work());
  return done / (cpu_seconds() - begin);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Pairs {
  double lwip = 0;
  double ours = 0;
};

template <class Lwip, class Ours>
Pairs measure(Lwip lwip, Ours ours) {
  std::vector<double> first;
  std::vector<double> second;
  for (u32 i = 0; i < rounds; ++i) {
    first.push_back(rate(lwip));
    second.push_back(rate(ours));
  }
  return {median(first), median(second)};
}

void head() {
  fmt::print("{:<46}{:>10}{:>10}{:>9}{:>9}\n", "", "lwIP", "handfast", "ratio", "target");
}

void line(const std::string& what, double lwip, double ours, double ratio, double target) {
  fmt::print("{:<46}{:>10}{:>10.3f}{:>8.2f}x{:>8.2f}x{}\n", what,
             lwip > 0 ? fmt::format("{:.3f}", lwip) : "", ours, ratio, target,
             ratio >= target ? "" : "  missed");
}

void bulk(HandfastPair& pair) {
  constexpr u64 bytes = 512u << 20;
  const Pairs r = measure([] { return lwip_pair::bulk(bytes); }, [&] { return pair.bulk(bytes); });
  line("bulk, Gbit/s", 8e-9 * r.lwip, 8e-9 * r.ours, r.ours / r.lwip, 1.0);
}

// Who of them does best at how many connections at a time is not the same: the best counts.
double open_close(HandfastPair& pair) {
  constexpr u32 count = 64'000;
  Pairs best;
  for (const u32 slots : {1u, 8u, 64u}) {
    const Pairs r = measure(
        [&] {
          lwip_pair::open_close(count, slots);
          return count;
        },
        [&] {
          pair.open_close(count, slots);
          return count;
        });
    best.lwip = std::max(best.lwip, r.lwip);
    line(fmt::format("open + close, {} at a time, M/s", slots), 1e-6 * r.lwip, 1e-6 * r.ours,
         r.ours / best.lwip, 0.4);
    best.ours = r.ours;
  }
  return best.ours;
}

void crowded(HandfastPair& pair, double alone) {
  constexpr u32 count = 64'000;
  constexpr u32 crowd = 100'000;
  pair.keep_idle(crowd);
  pair.keep_time_wait(crowd);
  std::vector<double> rates;
  for (u32 i = 0; i < rounds; ++i)
    rates.push_back(rate([&] {
      pair.open_close(count, 64);
      return count;
    }));
  const host::Host::Census census = pair.census();
  const double now = median(rates);
  line(fmt::format("the same beside {} idle, {} TIME-WAIT", census.connections, census.time_wait),
       0, 1e-6 * now, now / alone, 0.9);
}

void exchange(HandfastPair& pair) {
  double best = 0;
  for (const u32 active : {1u, 64u, 1000u}) {
    const u64 lwip_count = active == 1000 ? 40'000 : 400'000;
    const u64 count = 400'000;
    const Pairs r = measure(
        [&] {
          lwip_pair::exchange(lwip_count, active);
          return lwip_count;
        },
        [&] {
          pair.exchange(count, active);
          return count;
        });
    best = std::max(best, r.lwip);
    const std::string what = fmt::format("64-byte request and answer, {} active, M/s", active);
    line(what, 1e-6 * r.lwip, 1e-6 * r.ours, r.ours / best, 0.5);
    if (active == 1000)
      line("  beside lwIP's own with as many", 1e-6 * r.lwip, 1e-6 * r.ours, r.ours / r.lwip, 20);
  }
}

void tun() {
  const auto rates = bench::measure_tun();
  if (!rates) {
    fmt::print("TUN: left out, this process may not make a network namespace\n");
    return;
  }
  fmt::print("\n{:<46}{:>10}{:>10}{:>9}{:>9}\n", "kernel's TCP over TUN, one core", "bare", "ours",
             "ratio", "target");
  line("bulk out, Gbit/s", 8e-9 * rates->bare_out, 8e-9 * rates->out, rates->out / rates->bare_out,
       0.6);
  line("  beside one that is heard on the other core", 8e-9 * rates->bare_heard, 8e-9 * rates->out,
       rates->out / rates->bare_heard, 0.6);
  line("bulk in, Gbit/s", 8e-9 * rates->bare_in, 8e-9 * rates->in, rates->in / rates->bare_in, 0.6);
}

}  // namespace

int main(int count, char** arguments) {
  const std::span words(arguments, to<std::size_t>(count));
  const auto wanted = [&](std::string_view part) {
    return count < 2 || std::ranges::find(words.subspan(1), part) != words.end();
  };
  lwip_pair::start();
  HandfastPair pair;
  fmt::print(
      "per CPU-second, both ends in one thread; median of {} rounds; ratio: to lwIP's best\n",
      rounds);
  head();
  if (wanted("bulk")) bulk(pair);
  const double alone = wanted("open") || wanted("crowded") ? open_close(pair) : 0;
  if (wanted("exchange")) exchange(pair);
  if (wanted("crowded")) crowded(pair, alone);
  if (wanted("tun")) tun();
}
