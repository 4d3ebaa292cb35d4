// bench-tls: our TLS beside OpenSSL's libssl in one program and one run, in memory and per
// CPU-second of the end that is looked at; the other end is the same for both, and ours. TLS 1.3,
// X25519, ECDSA by P-256, a chain of two certificates, AES-128-GCM, one ticket a connection. Rounds
// of the two take turns, so that what else the machine does touches both; the median counts. The
// arguments name the parts to run (full resumed client bulk); none: all.
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <time.h>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "ends.hpp"

namespace {

using namespace handfast;
using bench::LibsslEnds;
using bench::OurEnds;

constexpr u32 rounds = 7;
constexpr u32 handshakes_a_round = 600;

double cpu_seconds() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return to<double>(spent.tv_sec) + 1e-9 * to<double>(spent.tv_nsec);
}

/// Sums up what some of the work takes.
class Meter {
 public:
  template <class Work>
  void operator()(Work work) {
    const double begin = cpu_seconds();
    work();
    spent_ += cpu_seconds() - begin;
  }
  double spent() const { return spent_; }

 private:
  double spent_ = 0;
};

/// One connection, from nothing to its end; `meter` runs while `looked_at` works.
template <class Ends, class Others>
void connect(Ends& ends, Others& others, bool is_client, Meter& meter) {
  std::vector<u8> to_end;
  std::vector<u8> to_other;
  std::optional<typename Ends::End> end;
  typename Others::End other = others.make();
  meter([&] { end.emplace(ends); });
  if (!is_client) other.step(to_other, to_end);
  do {
    meter([&] { end->step(to_end, to_other); });
    other.step(to_other, to_end);
  } while (!to_end.empty() || !end->is_done());
  ASSERT(other.is_done());
  meter([&] { end.reset(); });
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void line(std::string_view what, double theirs, double ours, double target) {
  const double ratio = ours / theirs;
  fmt::print("{:<44}{:>11.3f}{:>11.3f}{:>8.2f}x{:>8.2f}x{}\n", what, theirs, ours, ratio, target,
             ratio >= target ? "" : "  missed");
}

/// Connections a CPU-second of `ends`, in thousands.
template <class Ends, class Others>
double rate(Ends& ends, Others& others, bool is_client, bool resumes, OurEnds& client) {
  Meter meter;
  for (u32 i = 0; i < handshakes_a_round; ++i) {
    if (!resumes) client.ticket.reset();
    connect(ends, others, is_client, meter);
  }
  return 1e-3 * handshakes_a_round / meter.spent();
}

void servers(const bench::Lab& lab, bool resumes) {
  OurEnds ours(lab, tls::Role::server);
  LibsslEnds theirs(lab, tls::Role::server);
  OurEnds client_of_ours(lab, tls::Role::client);
  OurEnds client_of_theirs(lab, tls::Role::client);
  std::vector<double> us;
  std::vector<double> them;
  for (u32 i = 0; i < rounds; ++i) {
    them.push_back(rate(theirs, client_of_theirs, false, resumes, client_of_theirs));
    us.push_back(rate(ours, client_of_ours, false, resumes, client_of_ours));
  }
  line(resumes ? "server, resumed handshakes, k/s" : "server, full handshakes, k/s", median(them),
       median(us), resumes ? 1.9 : 1.8);
}

void clients(const bench::Lab& lab) {
  OurEnds server(lab, tls::Role::server);
  OurEnds ours(lab, tls::Role::client);
  LibsslEnds theirs(lab, tls::Role::client);
  std::vector<double> us;
  std::vector<double> them;
  for (u32 i = 0; i < rounds; ++i) {
    them.push_back(rate(theirs, server, true, false, ours));
    us.push_back(rate(ours, server, true, false, ours));
  }
  line("client, full handshakes, known chain, k/s", median(them), median(us), 2.5);
}

/// Gigabytes a CPU-second that are sealed and opened, in records of 16 KiB.
struct Bulk {
  double seal = 0;
  double open = 0;
};

/// A record whose content lies where it is sealed, and as `openssl speed` aligns it.
struct Room {
  alignas(64) std::array<u8, 64 + tls::fragment_max + tls::record_overhead_max> bytes{};
  MutBytes record() { return MutBytes(bytes).subspan(64 - tls::record_header_size); }
  Bytes content() const { return Bytes(bytes).subspan(64, tls::fragment_max); }
};

/// Our two ends, and libcrypto alone; a few records in turn.
std::pair<Bulk, Bulk> bulk(tls::Session& from, tls::Session& into, u64 bytes) {
  std::vector<Room> rooms(bench::pieces);
  u32 record_size = 0;
  bench::EvpBulk evp_seals(true);
  bench::EvpBulk evp_opens(false);
  Meter seals;
  Meter opens;
  Meter their_seals;
  Meter their_opens;
  for (u64 done = 0; done < bytes; done += u64{bench::pieces} * tls::fragment_max) {
    seals([&] {
      for (Room& room : rooms) {
        const auto sealed = from.seal(room.content(), room.record());
        ASSERT(sealed.taken == tls::fragment_max);
        record_size = sealed.written;
      }
    });
    their_seals([&] { evp_seals.run(); });
    opens([&] {
      for (Room& room : rooms) {
        ASSERT(into.feed(room.record().first(record_size), Instant(1h)).has_value());
        ASSERT(into.plaintext().size() == tls::fragment_max);
        into.consume(tls::fragment_max);
      }
    });
    their_opens([&] { evp_opens.run(); });
  }
  const double gigabytes = 1e-9 * to<double>(bytes);
  return {{gigabytes / seals.spent(), gigabytes / opens.spent()},
          {gigabytes / their_seals.spent(), gigabytes / their_opens.spent()}};
}

void bulk(const bench::Lab& lab) {
  constexpr u64 bytes = 1u << 30;
  OurEnds servers(lab, tls::Role::server);
  OurEnds clients(lab, tls::Role::client);
  OurEnds::End client = clients.make();
  OurEnds::End server = servers.make();
  std::vector<u8> to_client;
  std::vector<u8> to_server;
  do {
    client.step(to_client, to_server);
    server.step(to_server, to_client);
  } while (!to_client.empty() || !server.is_done());
  std::vector<double> seals;
  std::vector<double> opens;
  std::vector<double> evp_seals;
  std::vector<double> evp_opens;
  for (u32 i = 0; i < rounds; ++i) {
    const auto [us, them] = bulk(client.session(), server.session(), bytes);
    seals.push_back(us.seal);
    opens.push_back(us.open);
    evp_seals.push_back(them.seal);
    evp_opens.push_back(them.open);
  }
  line("AES-128-GCM records sealed, GB/s (beside EVP)", median(evp_seals), median(seals), 0.95);
  line("AES-128-GCM records opened, GB/s (beside EVP)", median(evp_opens), median(opens), 0.95);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> wanted(argv + 1, argv + argc);
  const auto runs = [&](std::string_view part) {
    return wanted.empty() || std::ranges::find(wanted, part) != wanted.end();
  };
  const bench::Lab lab;
  fmt::print("{:<44}{:>11}{:>11}{:>9}{:>9}\n", "", "libssl", "handfast", "ratio", "target");
  if (runs("full")) servers(lab, false);
  if (runs("resumed")) servers(lab, true);
  if (runs("client")) clients(lab);
  if (runs("bulk")) bulk(lab);
  return 0;
}
