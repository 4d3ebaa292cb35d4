#include "cli/loss.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/tcp.hpp"

namespace handfast::test {
namespace {

using cli::add_loss;
using cli::LossPlan;
using testing::HasSubstr;
using wire::TcpFlags;

TEST(Loss, names_a_segment_by_kind_and_number) {
  LossPlan plan;
  ASSERT_TRUE(add_loss(plan, "syn-ack:1", false));
  ASSERT_EQ(plan.from_server.size(), 1u);
  EXPECT_TRUE(plan.from_client.empty());
  EXPECT_EQ(plan.from_server[0].flags_mask, TcpFlags::syn | TcpFlags::ack);
  EXPECT_EQ(plan.from_server[0].flags_value, TcpFlags::syn | TcpFlags::ack);
  EXPECT_EQ(plan.from_server[0].occurrence, 1u);
  ASSERT_TRUE(add_loss(plan, "data:12", false));
  EXPECT_EQ(plan.from_server[1].occurrence, 12u);
  EXPECT_EQ(plan.from_server[1].payload_min, 1u);
  ASSERT_TRUE(add_loss(plan, "ack:*", false));
  EXPECT_EQ(plan.from_client[0].occurrence, 0u);
  EXPECT_EQ(plan.from_client[0].payload_max, 0u);
}

TEST(Loss, the_first_fin_is_that_of_whoever_closes_first) {
  LossPlan plan;
  ASSERT_TRUE(add_loss(plan, "fin:1", false));
  EXPECT_EQ(plan.from_client.size(), 1u);
  ASSERT_TRUE(add_loss(plan, "fin:1", true));
  EXPECT_EQ(plan.from_server.size(), 1u);
}

TEST(Loss, the_sender_can_be_named) {
  LossPlan plan;
  ASSERT_TRUE(add_loss(plan, "server-fin:1", false));
  ASSERT_TRUE(add_loss(plan, "client-data:1", false));
  EXPECT_EQ(plan.from_server.size(), 1u);
  EXPECT_EQ(plan.from_client.size(), 1u);
}

TEST(Loss, a_percentage_is_a_chance) {
  LossPlan plan;
  ASSERT_TRUE(add_loss(plan, "2.5%", false));
  EXPECT_EQ(u64{plan.chance.numerator} * 40, plan.chance.denominator);
}

TEST(Loss, says_what_is_wrong) {
  LossPlan plan;
  EXPECT_THAT(add_loss(plan, "syn-akc:1", false).error(), HasSubstr("did you mean syn-ack?"));
  EXPECT_THAT(add_loss(plan, "syn", false).error(), HasSubstr("which one"));
  EXPECT_THAT(add_loss(plan, "syn:0", false).error(), HasSubstr("no number"));
  EXPECT_THAT(add_loss(plan, "syn:1x", false).error(), HasSubstr("no number"));
  EXPECT_THAT(add_loss(plan, "syn:99999999999", false).error(), HasSubstr("no number"));
  EXPECT_THAT(add_loss(plan, "101%", false).error(), HasSubstr("between 0% and 100%"));
  EXPECT_FALSE(add_loss(plan, "", false));
  EXPECT_FALSE(add_loss(plan, ":", false));
  EXPECT_TRUE(plan.from_client.empty() && plan.from_server.empty());
}

}  // namespace
}  // namespace handfast::test
