#include "host/happy_eyeballs.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace handfast::host {
namespace {

using wire::IpAddress;
using Family = HappyEyeballs::Family;

const std::vector<IpAddress> v4{IpAddress::v4(192, 0, 2, 1), IpAddress::v4(192, 0, 2, 2)};
const std::vector<IpAddress> v6{*IpAddress::parse("2001:db8::1"), *IpAddress::parse("2001:db8::2")};

class Eyeballs : public testing::Test {
 protected:
  /// What begins at `time`, "-" for nothing.
  std::string at(Duration time) {
    const auto address = race.poll_attempt(Instant{} + time);
    return address ? to_string(*address) : "-";
  }
  void known(Family family, const std::vector<IpAddress>& addresses, Duration time) {
    race.on_addresses(family, addresses, Instant{} + time);
  }
  Duration due() { return race.deadline() - Instant{}; }
  HappyEyeballs race;
};

TEST_F(Eyeballs, try_both_families_in_turn_a_quarter_of_a_second_apart) {
  EXPECT_EQ(at(0s), "-");
  EXPECT_EQ(race.deadline(), never);
  known(Family::v6, v6, 10ms);
  known(Family::v4, v4, 11ms);
  EXPECT_EQ(at(11ms), "2001:db8::1");
  EXPECT_EQ(at(11ms), "-");
  EXPECT_EQ(due(), 261ms);
  EXPECT_EQ(at(260ms), "-");
  EXPECT_EQ(at(261ms), "192.0.2.1");
  EXPECT_EQ(at(511ms), "2001:db8::2");
  EXPECT_EQ(at(761ms), "192.0.2.2");
  EXPECT_EQ(race.deadline(), never);
  EXPECT_FALSE(race.is_exhausted()) << "all are under way";
}

TEST_F(Eyeballs, begin_at_once_with_ipv6_and_later_with_ipv4_alone) {
  known(Family::v4, v4, 10ms);
  EXPECT_EQ(at(10ms), "-");
  EXPECT_EQ(due(), 60ms);
  EXPECT_EQ(at(60ms), "192.0.2.1");
  known(Family::v6, v6, 100ms);
  EXPECT_EQ(at(100ms), "-");
  EXPECT_EQ(at(310ms), "2001:db8::1") << "then it is IPv6's turn";
}

TEST_F(Eyeballs, wait_for_ipv6_no_longer_than_until_it_is_known) {
  known(Family::v4, v4, 10ms);
  known(Family::v6, v6, 20ms);
  EXPECT_EQ(at(20ms), "2001:db8::1");
  race = {};
  known(Family::v4, v4, 10ms);
  known(Family::v6, {}, 20ms);
  EXPECT_EQ(at(20ms), "192.0.2.1");
  race = {};
  known(Family::v6, {}, 10ms);
  known(Family::v4, v4, 20ms);
  EXPECT_EQ(at(20ms), "192.0.2.1");
}

TEST_F(Eyeballs, go_on_at_once_where_an_attempt_fails) {
  known(Family::v6, v6, 0s);
  known(Family::v4, v4, 0s);
  EXPECT_EQ(at(0s), "2001:db8::1");
  race.on_failure(Instant{} + 5ms);
  EXPECT_EQ(at(5ms), "192.0.2.1");
  EXPECT_EQ(at(5ms), "-");
}

TEST_F(Eyeballs, end_when_all_has_failed_and_nothing_more_will_come) {
  known(Family::v6, {v6[0]}, 0s);
  EXPECT_EQ(at(0s), "2001:db8::1");
  race.on_failure(Instant{} + 1ms);
  EXPECT_FALSE(race.is_exhausted()) << "IPv4 may still come";
  known(Family::v4, {}, 2ms);
  EXPECT_TRUE(race.is_exhausted());
  EXPECT_EQ(race.attempts(), 1u);
}

TEST_F(Eyeballs, try_no_more_addresses_than_they_may) {
  race = HappyEyeballs({.addresses_max = 1});
  known(Family::v6, v6, 0s);
  known(Family::v4, {}, 0s);
  EXPECT_EQ(at(0s), "2001:db8::1");
  EXPECT_EQ(at(10s), "-");
}

}  // namespace
}  // namespace handfast::host
