// Header prediction changes nothing but the time taken: the same segments, calls and deadlines go
// to two engines, of which one takes the eight steps for all, and everything that can be seen of
// them stays equal. Half of the segments are what a good peer would send, half what a bad one
// might.
#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "support/seeds.hpp"
#include "tcp/connection.hpp"
#include "wire/checksum.hpp"
#include "wire/tcp.hpp"

namespace handfast::tcp {
namespace {

using wire::TcpFlags;

constexpr wire::Flow flow{{wire::IpAddress::v4(192, 0, 2, 1), 40000},
                          {wire::IpAddress::v4(192, 0, 2, 2), 80}};
constexpr u32 peer_iss = 0xffff'f000;  // wraps early

Config config_of(u64 seed, bool prediction) {
  Config config;
  config.header_prediction = prediction;
  config.timestamps = seed % 3 != 0;
  config.sack = seed % 5 != 0;
  config.receive_buffer_max = seed % 2 == 0 ? 16u << 10 : 1u << 20;
  config.send_buffer_max = 64u << 10;
  config.challenge_acks_per_second_max = 1u << 30;  // a limit would hide what comes after
  return config;
}

/// One engine with all that it said.
struct Engine {
  Engine(u64 seed, bool prediction)
      : context(config_of(seed, prediction), Rng(seed), nullptr), connection(context, flow, 1500) {}

  /// What has come out since the last call, as text.
  std::string drain(Instant now) {
    std::string said;
    while (const auto out = connection.poll_transmit(0, now)) {
      std::array<u8, 4096> bytes;
      const u32 size = wire::emit_tcp_copy(out->header, out->payload, flow.local.address,
                                           flow.remote.address, bytes);
      said += as_text(Bytes(bytes).first(size));
    }
    while (const auto event = connection.poll_event()) said += to<char>('a' + to<int>(*event));
    return said;
  }
  auto all() const {
    const Info i = connection.info(at);
    const Counters& c = context.counters;
    return std::tuple(i.state, i.phase, i.retransmits, i.probes, i.rto, i.rtt, i.rtt_variation,
                      i.rtt_min, i.receive_mss, i.congestion_window, i.slow_start_threshold,
                      i.receive_space, i.send_window, i.receive_window, i.not_sent,
                      i.unacknowledged_segments, i.sacked_segments, i.lost_segments,
                      i.since_ack_received, i.since_data_received, i.bytes_acked, i.bytes_received,
                      i.segments_in, i.data_segments_in, i.delivered, i.duplicates_reported,
                      i.out_of_order, i.busy, connection.deadline(), connection.error(),
                      connection.unacknowledged(), std::string(as_text(connection.received())),
                      c.segments_in, c.segments_out, c.bytes_in, c.bytes_out, c.duplicates,
                      c.paws_rejected, c.out_of_order, c.edges_taken, context.buffers.bytes_lent());
  }

  Context context;
  Connection connection;
  Instant at{};
};

class Twins {
 public:
  explicit Twins(u64 seed) : rng_(seed), predicting_(seed, true), plain_(seed, false) {
    for (u8& byte : text_) byte = to<u8>(rng_.next());
    each([&](Engine& e) { e.connection.open(now_); });
    expect_equal("open");
    wire::TcpSegment answer = base(TcpFlags::syn | TcpFlags::ack);
    answer.header.sequence = peer_iss;
    answer.header.options.mss = 1460;
    answer.header.options.window_scale = 7;
    answer.header.options.sack_permitted = true;
    if (config_of(seed, true).timestamps) answer.header.options.timestamps = {stamp_, 0};
    each([&](Engine& e) { e.connection.on_segment(answer, 0, now_); });
    next_ = peer_iss + 1;
    expect_equal("SYN,ACK");
  }

  void step() {
    now_ += rng_.chance({1, 30}) ? Duration(rng_.below(400'000'000)) : Duration(rng_.below(50'000));
    switch (rng_.below(16)) {
      case 0:
      case 1:
      case 2: write(); break;
      case 3:
      case 4: read(); break;
      case 5: deadline(); break;
      case 6:
        if (rng_.chance({1, 200})) each([&](Engine& e) { e.connection.close(now_); });
        break;
      case 7:
      case 8:
      case 9: hear(hostile()); break;
      default: hear(usual()); break;
    }
    expect_equal("step");
  }

  u64 taken() const { return taken_; }
  bool is_over() const { return plain_.connection.state() == State::closed; }

 private:
  template <class Do>
  void each(Do work) {
    work(predicting_);
    work(plain_);
  }

  void write() {
    const u32 n = to<u32>(rng_.below(6000));
    each([&](Engine& e) {
      const MutBytes space = e.connection.send_space(n);
      std::ranges::copy(Bytes(text_).first(space.size()), space.begin());
      if (!space.empty()) e.connection.send(to<u32>(space.size()));
    });
  }
  void read() {
    const u32 n = to<u32>(rng_.below(plain_.connection.received_size() + 1));
    each([&](Engine& e) {
      u32 left = n;
      while (left > 0) {
        const u32 piece = std::min(left, to<u32>(e.connection.received().size()));
        e.connection.consume(piece, now_);
        left -= piece;
      }
    });
  }
  void deadline() {
    if (plain_.connection.deadline() == never) return;
    now_ = std::max(now_, plain_.connection.deadline());
    each([&](Engine& e) { e.connection.on_deadline(now_); });
  }

  wire::TcpSegment base(u16 flags) {
    wire::TcpSegment s;
    s.header.source_port = flow.remote.port;
    s.header.destination_port = flow.local.port;
    s.header.sequence = next_;
    s.header.acknowledgment = sent_;
    s.header.flags = flags;
    s.header.window = to<u16>(rng_.chance({1, 20}) ? rng_.below(20) : 500);
    return s;
  }
  wire::TcpSegment usual() {
    wire::TcpSegment s = base(rng_.chance({1, 4}) ? TcpFlags::ack | TcpFlags::psh : TcpFlags::ack);
    if (rng_.chance({2, 3})) s.payload = Bytes(text_).first(rng_.below(1449));
    if (timestamps()) s.header.options.timestamps = {++stamp_, 0};
    return s;
  }
  wire::TcpSegment hostile() {
    wire::TcpSegment s = usual();
    wire::TcpHeader& h = s.header;
    for (u64 spoils = 1 + rng_.below(2); spoils > 0; --spoils) {
      switch (rng_.below(10)) {
        case 0: h.sequence += to<u32>(rng_.below(4000)); break;
        case 1: h.sequence -= to<u32>(rng_.below(4000)); break;
        case 2: h.acknowledgment += to<u32>(rng_.below(4000)); break;
        case 3: h.acknowledgment -= to<u32>(rng_.below(4000)); break;
        case 4: h.flags ^= to<u16>(1u << rng_.below(9)); break;
        case 5: h.window = to<u16>(rng_.next()); break;
        case 6:
          h.options.sack[0] = {h.acknowledgment + 1448, h.acknowledgment + 2896};
          h.options.sack_count = 1;
          break;
        case 7: h.options.timestamps.reset(); break;
        case 8:
          if (h.options.timestamps) h.options.timestamps->value -= 1000;
          break;
        case 9: s.payload = Bytes(text_).first(rng_.below(text_.size())); break;
      }
    }
    // What would end it is rare, so that a run is long.
    if (!rng_.chance({1, 100})) h.flags &= to<u16>(~(TcpFlags::rst | TcpFlags::fin));
    return s;
  }
  bool timestamps() const { return plain_.connection.info(now_).timestamps; }

  void hear(const wire::TcpSegment& s) {
    const u8 ecn = rng_.chance({1, 50}) ? to<u8>(rng_.below(4)) : u8{0};
    // As a host would: on the way in nobody has looked at the checksum yet.
    std::array<u8, 8192> bytes;
    const u32 size = wire::emit_tcp_copy(s.header, {s.payload, Bytes{}}, flow.remote.address,
                                         flow.local.address, bytes);
    const bool corrupt = rng_.chance({1, 20});
    if (corrupt) bytes[rng_.below(size)] ^= to<u8>(1u << rng_.below(8));
    const u32 header = size - to<u32>(s.payload.size());
    wire::Checksum sum;
    sum.add_pseudo_header(flow.remote.address, flow.local.address, wire_protocol, size);
    sum.add(Bytes(bytes).first(header));
    wire::TcpSegment heard = s;
    heard.payload = Bytes(bytes).subspan(header, s.payload.size());
    const auto verdict = predicting_.connection.on_predicted(heard, &sum, ecn, now_);
    if (corrupt) {
      EXPECT_NE(verdict, Predicted::taken);
      return;  // and the other never hears of it
    }
    ASSERT_NE(verdict, Predicted::corrupt);
    if (verdict == Predicted::taken) ++taken_;
    if (verdict == Predicted::no) predicting_.connection.on_segment(s, ecn, now_);
    plain_.connection.on_segment(s, ecn, now_);
    next_ = plain_.connection.remembered().rcv_nxt;
  }

  void expect_equal(const std::string& after) {
    predicting_.at = plain_.at = now_;
    const std::string one = predicting_.drain(now_);
    const std::string other = plain_.drain(now_);
    EXPECT_TRUE(one == other) << after;
    EXPECT_TRUE(predicting_.all() == plain_.all()) << after;
    sent_ = plain_.connection.remembered().snd_nxt;
  }

  static constexpr u8 wire_protocol = 6;
  Rng rng_;
  Engine predicting_;
  Engine plain_;
  Instant now_{1h};
  std::array<u8, 6000> text_{};
  u32 next_ = peer_iss;
  u32 sent_ = 0;
  u32 stamp_ = 5000;
  u64 taken_ = 0;
};

TEST(HeaderPrediction, does_what_the_eight_steps_do_for_every_seed) {
  const auto [first, last] = test::seeds_of_shard(0, 1, 200);
  u64 taken = 0;
  for (u64 seed = first; seed < last; ++seed) {
    Twins twins(seed);
    for (int i = 0; i < 1000 && !twins.is_over(); ++i) {
      twins.step();
      ASSERT_FALSE(testing::Test::HasFailure())
          << "step " << i << ", " << test::replay_command(seed, "tcp_tests", "HeaderPrediction.*");
    }
    taken += twins.taken();
  }
  EXPECT_GT(taken, 10 * (last - first)) << "prediction hardly ever applied";
}

}  // namespace
}  // namespace handfast::tcp
