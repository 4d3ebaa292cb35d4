#include "host/fragments.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "support/lan.hpp"
#include "support/packets.hpp"

namespace handfast::host {
namespace {

using test::address;
using test::Packet;
using wire::Drop;

struct Piece {
  u32 offset;
  u32 length;
  bool more;
};

class FragmentsTest : public testing::Test {
 protected:
  FragmentsTest() : data_(60000) {
    for (std::size_t i = 0; i < data_.size(); ++i) data_[i] = to<u8>(i);
  }
  auto add(Piece piece, u32 id = 1, bool v4 = true) {
    const wire::IpHeader header{.source = address(v4 ? "192.0.2.9" : "2001:db8::9"),
                                .destination = address(v4 ? "192.0.2.1" : "2001:db8::1"),
                                .protocol = wire::protocol_udp,
                                .fragment = wire::Fragment{id, piece.offset, piece.more}};
    return fragments_.add(0, header, Bytes(data_).subspan(piece.offset, piece.length), now_);
  }
  Config config_;
  Instant now_{1s};
  std::vector<u8> data_;
  Fragments fragments_{config_};
};

TEST_F(FragmentsTest, pieces_in_any_order_make_the_datagram) {
  for (u64 seed = 1; seed <= 50; ++seed) {
    Rng rng(seed);
    const u32 total = 1 + to<u32>(rng.below(20000));
    std::vector<Piece> pieces;
    for (u32 offset = 0; offset < total;) {
      const u32 length = std::min(8 * (100 + to<u32>(rng.below(80))), total - offset);
      pieces.push_back({offset, length, offset + length < total});
      offset += length;
    }
    for (std::size_t i = pieces.size(); i > 1; --i) std::swap(pieces[i - 1], pieces[rng.below(i)]);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const auto result = add(pieces[i], to<u32>(seed), seed % 2 == 0);
      ASSERT_TRUE(result.has_value());
      ASSERT_EQ(result->has_value(), i + 1 == pieces.size()) << "seed " << seed;
      if (!result->has_value()) continue;
      const Fragments::Whole& whole = **result;
      ASSERT_TRUE(std::ranges::equal(whole.payload, Bytes(data_).first(total)));
      const auto packet = wire::parse_ip(whole.packet);
      ASSERT_TRUE(packet.has_value());
      EXPECT_FALSE(packet->header.fragment.has_value());
      EXPECT_EQ(packet->payload.size(), total);
    }
    EXPECT_EQ(fragments_.size(), 0u);
  }
}

TEST_F(FragmentsTest, exact_copies_are_ignored) {
  EXPECT_TRUE(add({0, 800, true}));
  EXPECT_TRUE(add({0, 800, true}));
  const auto whole = add({800, 100, false});
  ASSERT_TRUE(whole && whole->has_value());
  EXPECT_EQ((*whole)->payload.size(), 900u);
}

TEST_F(FragmentsTest, an_overlap_refuses_the_whole_datagram) {
  EXPECT_TRUE(add({0, 800, true}));
  EXPECT_EQ(add({792, 800, true}).error(), Drop::bad_fragment);
  // RFC 5722: so are "any constituent fragments, including those not yet received".
  EXPECT_EQ(add({800, 100, false}).error(), Drop::bad_fragment);
  EXPECT_EQ(fragments_.bytes(), 0u);
}

TEST_F(FragmentsTest, a_copy_with_other_content_is_an_overlap) {
  EXPECT_TRUE(add({0, 800, true}));
  data_[5] ^= 1;
  EXPECT_EQ(add({0, 800, true}).error(), Drop::bad_fragment);
}

TEST_F(FragmentsTest, two_ends_that_differ_refuse_the_datagram) {
  EXPECT_TRUE(add({800, 100, false}));
  EXPECT_EQ(add({1600, 100, false}).error(), Drop::bad_fragment);
  EXPECT_TRUE(add({1600, 80, true}, 2));
  EXPECT_EQ(add({800, 100, false}, 2).error(), Drop::bad_fragment);
}

TEST_F(FragmentsTest, nothing_may_reach_beyond_the_largest_datagram) {
  data_.resize(70000);
  EXPECT_EQ(add({65512, 800, false}).error(), Drop::bad_fragment);
  EXPECT_EQ(add({65512, 4, false}).error(), Drop::bad_fragment);  // with an IPv4 header too long
  EXPECT_TRUE(add({65512, 4, false}, 1, false).has_value());
}

TEST_F(FragmentsTest, a_piece_that_is_not_the_last_is_a_multiple_of_eight_long) {
  EXPECT_EQ(add({0, 801, true}).error(), Drop::bad_fragment);
  EXPECT_EQ(add({0, 0, true}).error(), Drop::bad_fragment);
}

TEST_F(FragmentsTest, a_flood_stays_within_its_memory_and_newcomers_get_through) {
  for (u32 id = 0; id < 100'000; ++id) {
    ASSERT_TRUE(add({8 * (id % 7000), 8, true}, id).has_value());
    ASSERT_LE(fragments_.size(), config_.reassembly_datagrams_max);
    ASSERT_LE(fragments_.bytes(), config_.reassembly_bytes_max);
  }
  EXPECT_TRUE(add({0, 800, true}, 200'000));
  const auto whole = add({800, 100, false}, 200'000);
  EXPECT_TRUE(whole && whole->has_value());
}

TEST(Fragments, of_a_small_budget_make_the_oldest_give_its_memory) {
  Config config;
  config.reassembly_bytes_max = 8192;  // four blocks
  Fragments fragments(config);
  const Packet data(1400, 'd');
  wire::IpHeader header{.source = address("192.0.2.9"),
                        .destination = address("192.0.2.1"),
                        .protocol = wire::protocol_udp};
  Instant now{1s};
  const auto add = [&](u32 id, u32 offset, bool more) {
    header.fragment = wire::Fragment{id, offset, more};
    now += 1ms;
    return fragments.add(0, header, data, now);
  };
  for (u32 id = 1; id <= 5; ++id) EXPECT_TRUE(add(id, 0, true).has_value());
  EXPECT_LE(fragments.bytes(), 8192u);
  EXPECT_EQ(add(1, 1400, false).error(), Drop::bad_fragment);  // its start is gone
  const auto youngest = add(5, 1400, false);
  EXPECT_TRUE(youngest && youngest->has_value());
}

TEST_F(FragmentsTest, too_many_separate_pieces_are_not_kept) {
  u32 taken = 0;
  for (u32 i = 0; i < 200; ++i) taken += add({16 * i, 8, true}).has_value() ? 1u : 0u;
  EXPECT_EQ(taken, 64u);
}

TEST_F(FragmentsTest, what_stays_incomplete_expires_with_its_first_fragment) {
  EXPECT_TRUE(add({0, 800, true}, 1));
  EXPECT_TRUE(add({800, 800, true}, 2));
  EXPECT_EQ(fragments_.deadline(), now_ + config_.reassembly_timeout);
  EXPECT_FALSE(fragments_.pop_expired(now_ + 29s).has_value());
  now_ += 30s;
  const auto first = fragments_.pop_expired(now_);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->packet.size(), 820u);
  const auto second = fragments_.pop_expired(now_);
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(second->packet.empty());
  EXPECT_FALSE(fragments_.pop_expired(now_).has_value());
  EXPECT_EQ(fragments_.deadline(), never);
}

TEST_F(FragmentsTest, congestion_marks_of_any_piece_stay) {
  wire::IpHeader header{.source = address("192.0.2.9"),
                        .destination = address("192.0.2.1"),
                        .protocol = wire::protocol_udp,
                        .traffic_class = 2};
  header.fragment = wire::Fragment{5, 0, true};
  ASSERT_TRUE(fragments_.add(0, header, Bytes(data_).first(80), now_));
  header.traffic_class = 3;
  header.fragment = wire::Fragment{5, 80, false};
  const auto whole = fragments_.add(0, header, Bytes(data_).first(80), now_);
  ASSERT_TRUE(whole && whole->has_value());
  EXPECT_EQ((*whole)->header.ecn(), 3);
}

TEST(ReassemblyTimeout, is_reported_where_the_first_fragment_had_come) {
  for (const bool v4 : {true, false}) {
    test::Lan lan;
    Host& host = lan.add(test::host_config(1, trace::LinkType::ip));
    const Packet data(800, 'd');
    lan.inject(test::ip({.source = address(v4 ? "192.0.2.9" : "2001:db8::9"),
                         .destination = address(v4 ? "192.0.2.1" : "2001:db8::1"),
                         .protocol = wire::protocol_udp,
                         .fragment = wire::Fragment{1, 0, true}},
                        data));
    lan.run_for(31s);
    ASSERT_EQ(lan.seen.size(), 1u);
    const auto error = test::as_icmp<wire::IcmpError>(lan.seen[0], false);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->problem, wire::IcmpProblem::time_exceeded);
    EXPECT_EQ(error->code, 1);
    EXPECT_EQ(test::dropped(host, Drop::fragment_timeout), 1u);
  }
}

}  // namespace
}  // namespace handfast::host
