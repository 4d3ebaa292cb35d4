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
using bench::LwipPair;

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

/// Of lwIP built file by file and across files, and of ours; each is better when higher.
struct Rates {
  double by_file = 0;
  double across = 0;
  double ours = 0;
};

template <class Lwip, class Ours>
Rates measure(Lwip lwip, Ours ours) {
  std::vector<double> first;
  std::vector<double> second;
  std::vector<double> third;
  for (u32 i = 0; i < rounds; ++i) {
    first.push_back(rate([&] { return lwip(lwip_by_file); }));
    second.push_back(rate([&] { return lwip(lwip_across_files); }));
    third.push_back(rate(ours));
  }
  return {median(first), median(second), median(third)};
}

void head() {
  fmt::print("{:<46}{:>10}{:>10}{:>10}{:>9}{:>9}{:>9}\n", "", "lwIP", "with LTO", "handfast",
             "ratio", "to LTO", "target");
}

void line(const std::string& what, const Rates& rates, const Rates& best, double target) {
  const double ratio = rates.ours / best.by_file;
  const double harder = rates.ours / best.across;
  fmt::print("{:<46}{:>10.3f}{:>10.3f}{:>10.3f}{:>8.2f}x{:>8.2f}x{:>8.2f}x{}\n", what,
             rates.by_file, rates.across, rates.ours, ratio, harder, target,
             ratio < target    ? "  missed"
             : harder < target ? "  missed beside LTO"
                               : "");
}

void line_of_two(const std::string& what, double other, double ours, double target) {
  const double ratio = ours / other;
  fmt::print("{:<46}{:>10.3f}{:>10}{:>10.3f}{:>8.2f}x{:>9}{:>8.2f}x{}\n", what, other, "", ours,
             ratio, "", target, ratio < target ? "  missed" : "");
}

Rates scaled(Rates rates, double by) {
  return {by * rates.by_file, by * rates.across, by * rates.ours};
}

Rates better(const Rates& one, const Rates& other) {
  return {std::max(one.by_file, other.by_file), std::max(one.across, other.across), 0};
}

void bulk(HandfastPair& pair) {
  constexpr u64 bytes = 512u << 20;
  const Rates r = scaled(measure([](const LwipPair& lwip) { return lwip.bulk(bytes); },
                                 [&] { return pair.bulk(bytes); }),
                         8e-9);
  line("bulk, Gbit/s", r, r, 1.0);
}

// Who of them does best at how many connections at a time is not the same: the best counts.
double open_close(HandfastPair& pair) {
  constexpr u32 count = 64'000;
  Rates best;
  double ours = 0;
  for (const u32 slots : {1u, 8u, 64u}) {
    const Rates r = scaled(measure(
                               [&](const LwipPair& lwip) {
                                 lwip.open_close(count, slots);
                                 return count;
                               },
                               [&] {
                                 pair.open_close(count, slots);
                                 return count;
                               }),
                           1e-6);
    best = better(best, r);
    line(fmt::format("open + close, {} at a time, M/s", slots), r, best, 0.4);
    ours = r.ours;
  }
  return ours;
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
  fmt::print("the last of these beside {} idle connections and {} in TIME-WAIT, and alone:\n",
             census.connections, census.time_wait);
  line_of_two("  M/s", alone, 1e-6 * median(rates), 0.9);
}

void exchange(HandfastPair& pair) {
  Rates best;
  for (const u32 active : {1u, 64u, 1000u}) {
    const u64 lwip_count = active == 1000 ? 40'000 : 400'000;
    const u64 count = 400'000;
    const Rates r = scaled(measure(
                               [&](const LwipPair& lwip) {
                                 lwip.exchange(lwip_count, active);
                                 return lwip_count;
                               },
                               [&] {
                                 pair.exchange(count, active);
                                 return count;
                               }),
                           1e-6);
    best = better(best, r);
    line(fmt::format("64-byte request and answer, {} active, M/s", active), r, best, 0.5);
    if (active == 1000) line("  beside lwIP's own with as many", r, r, 20);
  }
}

void tun() {
  const auto rates = bench::measure_tun();
  if (!rates) {
    fmt::print("TUN: left out, this process may not make a network namespace\n");
    return;
  }
  fmt::print("\n{:<46}{:>10}{:>10}{:>10}{:>9}{:>9}{:>9}\n", "kernel's TCP over TUN, one core",
             "bare", "", "ours", "ratio", "", "target");
  line_of_two("bulk out, Gbit/s", 8e-9 * rates->bare_out, 8e-9 * rates->out, 0.6);
  line_of_two("  beside one that is heard on the other core", 8e-9 * rates->bare_heard,
              8e-9 * rates->out, 0.6);
  line_of_two("  beside one that a TCP socket takes", 8e-9 * rates->bare_taken, 8e-9 * rates->out,
              0.6);
  line_of_two("bulk in, Gbit/s", 8e-9 * rates->bare_in, 8e-9 * rates->in, 0.6);
}

}  // namespace

int main(int count, char** arguments) {
  const std::span words(arguments, to<std::size_t>(count));
  const auto wanted = [&](std::string_view part) {
    return count < 2 || std::ranges::find(words.subspan(1), part) != words.end();
  };
  lwip_by_file.start();
  lwip_across_files.start();
  HandfastPair pair;
  fmt::print(
      "per CPU-second, both ends in one thread; median of {} rounds; ratios: to lwIP's best\n",
      rounds);
  head();
  if (wanted("bulk")) bulk(pair);
  const double alone = wanted("open") || wanted("crowded") ? open_close(pair) : 0;
  if (wanted("exchange")) exchange(pair);
  if (wanted("crowded")) crowded(pair, alone);
  if (wanted("tun")) tun();
}
