#include "link/impairment.hpp"

#include <bit>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/siphash.hpp"
#include "link/frames.hpp"

namespace handfast::link {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant start{};
constexpr Ratio always{1, 1};

struct Arrival {
  Instant at;
  std::string text;
};

/// Polls at each deadline until nothing is under way.
std::vector<Arrival> drain(Impairment& link) {
  std::vector<Arrival> arrivals;
  for (Instant at = link.deadline(); at != never; at = link.deadline())
    while (const auto frame = link.poll(at))
      arrivals.push_back({at, std::string(as_text(frame->frame))});
  return arrivals;
}

std::vector<std::string> texts(const std::vector<Arrival>& arrivals) {
  std::vector<std::string> all;
  for (const Arrival& arrival : arrivals) all.push_back(arrival.text);
  return all;
}

std::string number(int n) { return "frame " + std::to_string(n); }

/// Which of `count` frames arrive.
std::vector<std::string> survivors(const ImpairmentOptions& options, int count, u64 seed = 1) {
  Impairment link(options, Rng(seed));
  for (int i = 0; i < count; ++i) link.on_frame(as_bytes(number(i)), start);
  return texts(drain(link));
}

TEST(Impairment, a_perfect_link_delivers_at_once_and_in_order) {
  Impairment link({}, Rng(1));
  EXPECT_EQ(link.deadline(), never);
  EXPECT_FALSE(link.poll(start));
  link.on_frame(as_bytes("one"), start);
  link.on_frame(as_bytes("two"), start);
  EXPECT_EQ(link.deadline(), start);
  EXPECT_THAT(texts(drain(link)), ElementsAre("one", "two"));
  EXPECT_EQ(link.counters().delivered, 2u);
}

TEST(Impairment, delay_holds_a_frame_to_the_nanosecond) {
  Impairment link({.delay = 20ms}, Rng(1));
  link.on_frame(as_bytes("one"), start + 5ms);
  EXPECT_EQ(link.deadline(), start + 25ms);
  EXPECT_FALSE(link.poll(start + 25ms - 1ns));
  EXPECT_TRUE(link.poll(start + 25ms));
  EXPECT_EQ(link.deadline(), never);
}

TEST(Impairment, jitter_spreads_arrivals_but_keeps_their_order) {
  Impairment link({.delay = 10ms, .jitter = 5ms}, Rng(1));
  std::set<Duration> delays;
  for (int i = 0; i < 200; ++i) {
    const Instant sent = start + i * 20ms;
    link.on_frame(as_bytes(number(i)), sent);
    const auto arrivals = drain(link);
    ASSERT_EQ(arrivals.size(), 1u);
    delays.insert(arrivals[0].at - sent);
  }
  EXPECT_GE(*delays.begin(), 10ms);
  EXPECT_LE(*delays.rbegin(), 15ms);
  EXPECT_GT(delays.size(), 150u);

  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    link.on_frame(as_bytes(number(i)), start + 4s + i * 10us);
    expected.push_back(number(i));
  }
  EXPECT_EQ(texts(drain(link)), expected);
}

TEST(Impairment, rate_spaces_frames_by_their_length) {
  Impairment link({.delay = 1ms, .rate = 12'000'000}, Rng(1));
  const std::string full(1500, 'x');
  link.on_frame(as_bytes(full), start);
  link.on_frame(as_bytes(full), start);
  link.on_frame(as_bytes(full.substr(750)), start);
  std::vector<Instant> at;
  for (const Arrival& arrival : drain(link)) at.push_back(arrival.at);
  EXPECT_THAT(at, ElementsAre(start + 2ms, start + 3ms, start + 3500us));
  link.on_frame(as_bytes(full), start + 10ms);  // the line was idle
  EXPECT_EQ(link.deadline(), start + 12ms);
}

TEST(Impairment, a_full_queue_loses_at_its_tail_and_takes_again_when_it_has_drained) {
  Recorder recorder;
  Impairment link({.rate = 12'000'000, .queue_bytes = 4500}, Rng(1), &recorder);
  const std::string full(1500, 'x');
  for (int i = 0; i < 5; ++i) link.on_frame(as_bytes(full), start);
  EXPECT_EQ(link.counters().overflowed, 2u);
  EXPECT_THAT(recorder.impairments, ElementsAre("queue overflow", "queue overflow"));
  link.on_frame(as_bytes(full), start + 1ms);
  link.on_frame(as_bytes(full), start + 1ms);
  EXPECT_EQ(link.counters().overflowed, 3u);
  EXPECT_EQ(drain(link).size(), 4u);
}

TEST(Impairment, loses_the_share_that_it_was_told) {
  const auto arrived = survivors({.loss = {5, 100}}, 4000);
  EXPECT_NEAR(static_cast<double>(arrived.size()), 3800, 60);
  EXPECT_THAT(survivors({.loss = always}, 10), IsEmpty());
}

TEST(Impairment, a_duplicate_arrives_once_more) {
  EXPECT_THAT(survivors({.duplicate = always}, 2),
              ElementsAre("frame 0", "frame 0", "frame 1", "frame 1"));
}

TEST(Impairment, corruption_flips_exactly_one_bit_and_ends_a_verified_checksum) {
  Impairment link({.corrupt = always}, Rng(1));
  const Octets sent(100, 0);
  std::set<std::size_t> places;
  for (int i = 0; i < 200; ++i) {
    link.on_frame(Received{.frame = sent, .checksum_verified = true}, start);
    const auto frame = link.poll(start);
    ASSERT_TRUE(frame);
    EXPECT_FALSE(frame->checksum_verified);
    int bits = 0;
    for (std::size_t at = 0; at < frame->frame.size(); ++at) {
      bits += std::popcount(frame->frame[at]);
      if (frame->frame[at] != 0) places.insert(at);
    }
    EXPECT_EQ(bits, 1);
  }
  EXPECT_GT(places.size(), 60u);
  link.on_frame(Bytes{}, start);  // nothing to flip
  EXPECT_TRUE(link.poll(start));
}

TEST(Impairment, what_is_not_corrupted_keeps_what_the_device_knew) {
  Impairment link({}, Rng(1));
  const Octets sent(100, 0);
  link.on_frame(Received{sent, 40, true}, start);
  const auto frame = link.poll(start);
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->checksum_verified);
  EXPECT_EQ(frame->segment_size, 40);
}

TEST(Impairment, a_reordered_frame_is_overtaken_by_those_behind_it) {
  Impairment link({.delay = 5ms, .reorder = {1, 10}, .reorder_delay = 3ms}, Rng(2));
  std::vector<std::string> sent;
  for (int i = 0; i < 100; ++i) {
    link.on_frame(as_bytes(number(i)), start + i * 1ms);
    sent.push_back(number(i));
  }
  const auto arrived = texts(drain(link));
  EXPECT_GT(link.counters().reordered, 0u);
  EXPECT_NE(arrived, sent);
  EXPECT_THAT(arrived, testing::UnorderedElementsAreArray(sent));
}

TEST(Impairment, a_partition_loses_what_enters_and_delivers_what_was_under_way) {
  Impairment link({.delay = 5ms}, Rng(1));
  link.on_frame(as_bytes("before"), start);
  link.set_partitioned(true);
  link.on_frame(as_bytes("during"), start);
  link.set_partitioned(false);
  link.on_frame(as_bytes("after"), start);
  EXPECT_THAT(texts(drain(link)), ElementsAre("before", "after"));
  EXPECT_EQ(link.counters().lost, 1u);
}

TEST(Impairment, a_clog_holds_everything_and_loses_nothing) {
  Impairment link({.delay = 5ms}, Rng(1));
  link.on_frame(as_bytes("one"), start);
  link.clog(start + 1s);
  link.on_frame(as_bytes("two"), start + 1ms);
  EXPECT_EQ(link.deadline(), start + 1s);
  EXPECT_FALSE(link.poll(start + 999ms));
  EXPECT_THAT(texts(drain(link)), ElementsAre("one", "two"));
}

TEST(Impairment, lose_next_loses_that_many) {
  Impairment link({}, Rng(1));
  link.lose_next(2);
  for (int i = 0; i < 4; ++i) link.on_frame(as_bytes(number(i)), start);
  EXPECT_THAT(texts(drain(link)), ElementsAre("frame 2", "frame 3"));
}

TEST(Impairment, what_is_longer_than_a_slot_is_lost) {
  Recorder recorder;
  Impairment link({.frame_bytes_max = 100}, Rng(1), &recorder);
  link.on_frame(as_bytes(std::string(101, 'x')), start);
  link.on_frame(as_bytes(std::string(100, 'y')), start);
  EXPECT_EQ(drain(link).size(), 1u);
  EXPECT_THAT(recorder.impairments, ElementsAre("lost: too long"));
}

TEST(Impairment, holds_no_more_frames_than_it_may) {
  Impairment link({.delay = 1s, .duplicate = always, .frames_max = 7}, Rng(1));
  for (int i = 0; i < 100; ++i) link.on_frame(as_bytes("x"), start);
  EXPECT_EQ(link.in_flight(), 7u);
  EXPECT_EQ(link.counters().overflowed, 96u);
  EXPECT_EQ(drain(link).size(), 7u);
}

TEST(Impairment, uses_the_same_memory_again) {
  Impairment link({.delay = 1ms}, Rng(1));
  std::set<const u8*> places;
  for (int i = 0; i < 1000; ++i) {
    const Instant now = start + i * 1ms;
    while (const auto frame = link.poll(now)) places.insert(frame->frame.data());
    link.on_frame(as_bytes("x"), now);
    link.on_frame(as_bytes("y"), now);
  }
  EXPECT_LE(places.size(), 4u);
}

TEST(Impairment, one_fault_does_not_move_the_draws_of_another) {
  const ImpairmentOptions plain{.loss = {1, 5}};
  ImpairmentOptions more = plain;
  more.jitter = 1ms;
  more.reorder = {1, 3};
  more.reorder_delay = 0ms;
  more.duplicate = {1, 3};
  const auto alone = survivors(plain, 500);
  const auto together = survivors(more, 500);
  EXPECT_EQ(std::set<std::string>(alone.begin(), alone.end()),
            std::set<std::string>(together.begin(), together.end()));
}

TEST(Impairment, the_same_seed_treats_every_frame_alike) {
  const ImpairmentOptions bad{.delay = 10ms,
                              .jitter = 3ms,
                              .rate = 50'000'000,
                              .loss = {1, 10},
                              .duplicate = {1, 10},
                              .corrupt = {1, 10},
                              .reorder = {1, 10}};
  const auto digest = [&](u64 seed) {
    Impairment link(bad, Rng(seed));
    for (int i = 0; i < 500; ++i) link.on_frame(as_bytes(number(i)), start + i * 100us);
    u64 hash = 0;
    for (const Arrival& arrival : drain(link)) {
      const SipKey key{hash, to<u64>(arrival.at.time_since_epoch().count())};
      hash = siphash(key, as_bytes(arrival.text));
    }
    return hash;
  };
  EXPECT_EQ(digest(1), digest(1));
  EXPECT_NE(digest(1), digest(2));
}

TEST(Impairment, tells_the_sink_what_it_did_and_why) {
  Recorder recorder;
  Impairment link({.duplicate = always, .corrupt = always, .reorder = always}, Rng(1), &recorder);
  link.on_frame(as_bytes("x"), start);
  link.lose_next(1);
  link.on_frame(as_bytes("y"), start);
  EXPECT_THAT(recorder.impairments, ElementsAre("corrupted", "reordered", "duplicated", "lost"));
}

using wire::TcpFlags;
constexpr u16 syn = TcpFlags::syn, ack = TcpFlags::ack, fin = TcpFlags::fin;
constexpr TargetedLoss first_syn_ack{.flags_mask = syn | ack, .flags_value = syn | ack};

TEST(TargetedLoss, loses_the_occurrence_that_was_named_and_no_other) {
  for (const auto link_type : {trace::LinkType::ip, trace::LinkType::ethernet}) {
    for (const bool is_v6 : {false, true}) {
      TargetedLoss second_syn_ack = first_syn_ack;
      second_syn_ack.occurrence = 2;
      Impairment link({.link_type = link_type, .targeted = {second_syn_ack}}, Rng(1));
      const Octets matching = tcp_frame(syn | ack, {}, link_type, is_v6);
      const Octets other = tcp_frame(syn, {}, link_type, is_v6);
      std::string arrived;
      for (const bool match : {true, false, true, true, false}) {
        link.on_frame(match ? matching : other, start);
        arrived += link.poll(start) ? 'a' : 'l';
      }
      EXPECT_EQ(arrived, "aalaa");
    }
  }
}

TEST(TargetedLoss, occurrence_zero_loses_every_one) {
  Impairment link({.targeted = {{.flags_mask = fin, .flags_value = fin, .occurrence = 0}}}, Rng(1));
  for (int i = 0; i < 5; ++i) {
    link.on_frame(tcp_frame(fin | ack), start);
    EXPECT_FALSE(link.poll(start));
  }
  link.on_frame(tcp_frame(ack), start);
  EXPECT_TRUE(link.poll(start));
}

TEST(TargetedLoss, tells_data_from_pure_acknowledgments) {
  const TargetedLoss data{.payload_min = 1};
  const TargetedLoss pure_ack{.flags_mask = syn | fin | ack, .flags_value = ack, .payload_max = 0};
  const auto type = trace::LinkType::ip;
  EXPECT_TRUE(matches(data, type, tcp_frame(ack, "hello")));
  EXPECT_FALSE(matches(data, type, tcp_frame(ack)));
  EXPECT_TRUE(matches(pure_ack, type, tcp_frame(ack)));
  EXPECT_FALSE(matches(pure_ack, type, tcp_frame(ack, "hello")));
  EXPECT_FALSE(matches(pure_ack, type, tcp_frame(fin | ack)));
}

TEST(TargetedLoss, only_tcp_segments_match) {
  const TargetedLoss anything{};
  const auto type = trace::LinkType::ip;
  EXPECT_TRUE(matches(anything, type, tcp_frame(syn)));
  EXPECT_FALSE(matches(anything, type, as_bytes("no packet")));
  EXPECT_FALSE(matches(anything, trace::LinkType::ethernet, tcp_frame(syn)));
  wire::IpHeader header;
  header.source = kernel_v4;
  header.destination = here_v4;
  header.protocol = wire::protocol_udp;
  EXPECT_FALSE(matches(anything, type, ip_frame(type, header, as_bytes("12345678"))));
  header.protocol = wire::protocol_tcp;
  header.fragment = wire::Fragment{.identification = 1, .offset = 64, .more = false};
  const Octets later_fragment = ip_frame(type, header, as_bytes(std::string(40, '\x50')));
  EXPECT_FALSE(matches(anything, type, later_fragment));
}

}  // namespace
}  // namespace handfast::link
