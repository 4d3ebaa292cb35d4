#include <array>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "link/frames.hpp"
#include "link/impaired.hpp"
#include "link/memory_pair.hpp"
#include "link/tapped.hpp"

namespace handfast::link {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant start{};

TEST(MemoryPair, carries_frames_both_ways_in_order) {
  MemoryPair pair;
  EXPECT_TRUE(send(pair.left(), "he", "l", "lo"));
  EXPECT_TRUE(send(pair.left(), "world"));
  EXPECT_TRUE(send(pair.right(), "other way"));
  EXPECT_THAT(receive_all(pair.right()), ElementsAre("hello", "world"));
  EXPECT_THAT(receive_all(pair.left()), ElementsAre("other way"));
  EXPECT_THAT(receive_all(pair.left()), IsEmpty());
  EXPECT_EQ(pair.left().deadline(), never);
}

TEST(MemoryPair, a_full_queue_lends_no_room_and_loses_nothing) {
  MemoryPair pair({.queue_max = 3});
  EXPECT_TRUE(send(pair.left(), "1"));
  EXPECT_EQ(pair.left().room().size(), 2u);
  EXPECT_TRUE(send(pair.left(), "2"));
  EXPECT_TRUE(send(pair.left(), "3"));
  EXPECT_FALSE(send(pair.left(), "4"));
  EXPECT_THAT(receive_all(pair.right()), ElementsAre("1", "2", "3"));
  EXPECT_TRUE(send(pair.left(), "4"));
  EXPECT_THAT(receive_all(pair.right()), ElementsAre("4"));
}

TEST(MemoryPair, received_frames_stay_until_release) {
  MemoryPair pair({.queue_max = 2});
  std::array<Received, 1> first, second;
  send(pair.left(), "one");
  send(pair.left(), "two");
  EXPECT_EQ(pair.right().receive(first, start), 1u);
  EXPECT_EQ(pair.right().receive(second, start), 1u);
  EXPECT_FALSE(send(pair.left(), "three"));  // both slots are lent
  EXPECT_EQ(as_text(first[0].frame), "one");
  EXPECT_EQ(as_text(second[0].frame), "two");
  pair.right().release();
  EXPECT_TRUE(send(pair.left(), "three"));
}

TEST(MemoryPair, room_that_is_not_used_is_not_sent) {
  MemoryPair pair;
  EXPECT_EQ(pair.left().room().size(), batch_max);
  pair.left().transmit(0, start);
  EXPECT_THAT(receive_all(pair.right()), IsEmpty());
}

TEST(MemoryPair, keeps_offloads_as_the_sender_said) {
  MemoryPair pair({.caps = {.checksum_offload = true, .segment_bytes_max = 64000}});
  const std::string super(60000, 'x');
  const auto room = pair.left().room();
  room[0].header = room[0].header.first(40);
  room[0].payload[0] = as_bytes(super);
  room[0].segment_size = 1460;
  room[0].checksum_offloaded = true;
  pair.left().transmit(1, start);
  std::array<Received, 1> in;
  ASSERT_EQ(pair.right().receive(in, start), 1u);
  EXPECT_EQ(in[0].frame.size(), 60040u);
  EXPECT_EQ(in[0].segment_size, 1460);
  EXPECT_TRUE(in[0].checksum_verified);
}

TEST(MemoryPair, takes_a_header_that_does_not_begin_at_the_front_of_its_room) {
  MemoryPair pair;
  const auto room = pair.left().room();
  room[0].header = room[0].header.subspan(10, 5);
  std::memcpy(room[0].header.data(), "hello", 5);
  pair.left().transmit(1, start);
  EXPECT_THAT(receive_all(pair.right()), ElementsAre("hello"));
}

TEST(MemoryPair, many_frames_wrap_round_unharmed) {
  MemoryPair pair({.queue_max = 5});
  int next_in = 0;
  for (int i = 0; i < 1000; ++i) {
    while (!send(pair.left(), "frame ", std::to_string(i)))
      for (const std::string& text : receive_all(pair.right()))
        ASSERT_EQ(text, "frame " + std::to_string(next_in++));
  }
}

TEST(Tapped, reports_every_frame_with_its_interface_and_changes_none) {
  MemoryPair pair;
  Recorder recorder;
  Tapped tapped(pair.left(), recorder, 7);
  static_assert(Device<decltype(tapped)>);
  send(tapped, "a", "b", "c");
  send(pair.right(), "back");
  EXPECT_THAT(receive_all(tapped), ElementsAre("back"));
  EXPECT_THAT(receive_all(pair.right()), ElementsAre("abc"));
  EXPECT_THAT(recorder.sent, ElementsAre("abc"));
  EXPECT_THAT(recorder.received, ElementsAre("back"));
  EXPECT_EQ(recorder.interface, 7);
}

TEST(Tapped, room_that_was_not_used_is_no_frame) {
  MemoryPair pair;
  Recorder recorder;
  Tapped tapped(pair.left(), recorder);
  (void)tapped.room();
  tapped.transmit(0, start);
  EXPECT_THAT(recorder.sent, IsEmpty());
}

TEST(Impaired, delays_each_direction_by_its_own_measure) {
  MemoryPair pair;
  Impaired bad(pair.left(), {.delay = 10ms}, {.delay = 3ms}, Rng(1));
  static_assert(Device<decltype(bad)>);
  send(bad, "out", {}, {}, start);
  send(pair.right(), "in", {}, {}, start);
  EXPECT_THAT(receive_all(bad, start), IsEmpty());
  EXPECT_THAT(receive_all(pair.right(), start), IsEmpty());
  EXPECT_EQ(bad.deadline(), start + 3ms);
  EXPECT_THAT(receive_all(bad, start + 3ms), ElementsAre("in"));
  EXPECT_EQ(bad.deadline(), start + 10ms);
  EXPECT_THAT(receive_all(bad, start + 10ms), IsEmpty());  // moves on what is to be sent
  EXPECT_THAT(receive_all(pair.right(), start + 10ms), ElementsAre("out"));
  EXPECT_EQ(bad.deadline(), never);
}

TEST(Impaired, passes_long_frames_whole) {
  MemoryPair pair;
  Impaired bad(pair.left(), {}, {}, Rng(1));
  const std::string first(700, 'a'), second(760, 'b');
  send(bad, "header", first, second);
  EXPECT_THAT(receive_all(pair.right()), ElementsAre("header" + first + second));
}

TEST(Impaired, offers_no_offloads) {
  MemoryPair pair({.caps = {.checksum_offload = true, .segment_bytes_max = 64000}});
  Impaired bad(pair.left(), {}, {}, Rng(1));
  EXPECT_FALSE(bad.caps().checksum_offload);
  EXPECT_EQ(bad.caps().segment_bytes_max, 0u);
}

TEST(Impaired, waits_without_spinning_while_the_device_takes_nothing) {
  MemoryPair pair({.queue_max = 1});
  Impaired bad(pair.left(), {}, {}, Rng(1));
  send(bad, "one");
  send(bad, "two");
  EXPECT_EQ(bad.deadline(), never);
  EXPECT_THAT(receive_all(pair.right()), ElementsAre("one"));
  EXPECT_THAT(receive_all(bad), IsEmpty());
  EXPECT_THAT(receive_all(pair.right()), ElementsAre("two"));
}

TEST(Impaired, takes_in_more_than_one_batch_at_once) {
  MemoryPair pair;
  Impaired bad(pair.left(), {}, {.delay = 1ms}, Rng(1));
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(send(pair.right(), "x"));
  EXPECT_THAT(receive_all(bad, start), IsEmpty());
  EXPECT_EQ(receive_all(bad, start + 1ms).size(), 200u);
}

TEST(Impaired, loses_by_its_options_and_by_its_switches) {
  MemoryPair pair;
  Recorder recorder;
  Impaired bad(pair.left(), {}, {.loss = {1, 1}}, Rng(1), &recorder);
  send(pair.right(), "lost by chance");
  EXPECT_THAT(receive_all(bad), IsEmpty());
  bad.outgoing().set_partitioned(true);
  send(bad, "lost by partition");
  EXPECT_THAT(receive_all(pair.right()), IsEmpty());
  EXPECT_EQ(bad.incoming().counters().lost, 1u);
  EXPECT_EQ(bad.outgoing().counters().lost, 1u);
  EXPECT_THAT(recorder.impairments, ElementsAre("lost", "lost"));
}

}  // namespace
}  // namespace handfast::link
