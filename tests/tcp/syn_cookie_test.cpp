// RFC 4987 §3.6: what a cookie keeps, whom it believes and how long.
#include "tcp/syn_cookie.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace handfast::tcp {
namespace {

using wire::Flow;

Flow flow_v4(u16 port) {
  return {{wire::IpAddress::v4(192, 0, 2, 1), 80}, {wire::IpAddress::v4(192, 0, 2, 2), port}};
}
Flow flow_v6() {
  return {{*wire::IpAddress::parse("2001:db8::1"), 80},
          {*wire::IpAddress::parse("2001:db8::2"), 9}};
}
constexpr Instant start{1h};

TEST(SynCookie, brings_the_mss_back_rounded_down) {
  SynCookies cookies(SipKey{1, 2});
  const auto back = [&](const Flow& flow, u16 mss) {
    return cookies.check(flow, 7, cookies.make(flow, 7, mss, start), start);
  };
  for (const auto& [mss, kept] : {std::pair<u16, u16>{0, 0},
                                  {64, 216},
                                  {536, 536},
                                  {1459, 1440},
                                  {1460, 1460},
                                  {8959, 1460},
                                  {8960, 8960},
                                  {65535, 8960}})
    EXPECT_EQ(back(flow_v4(1), mss), kept);
  for (const auto& [mss, kept] :
       {std::pair<u16, u16>{0, 0}, {1220, 1220}, {1439, 1420}, {1440, 1440}, {65535, 8940}})
    EXPECT_EQ(back(flow_v6(), mss), kept);
}

TEST(SynCookie, is_good_for_one_flow_and_one_isn) {
  SynCookies cookies(SipKey{1, 2});
  const u32 cookie = cookies.make(flow_v4(1), 7, 1460, start);
  EXPECT_TRUE(cookies.check(flow_v4(1), 7, cookie, start));
  EXPECT_FALSE(cookies.check(flow_v4(2), 7, cookie, start));
  EXPECT_FALSE(cookies.check(flow_v6(), 7, cookie, start));
  EXPECT_FALSE(cookies.check(flow_v4(1), 8, cookie, start));
  SynCookies others(SipKey{2, 1});
  EXPECT_FALSE(others.check(flow_v4(1), 7, cookie, start));
}

TEST(SynCookie, lives_one_period_at_least_and_two_at_most) {
  for (Duration age = 0s; age < SynCookies::period; age += 7s) {
    SynCookies cookies(SipKey{1, 2});
    const u32 cookie = cookies.make(flow_v4(1), 7, 1460, start + age);
    EXPECT_TRUE(cookies.check(flow_v4(1), 7, cookie, start + age + SynCookies::period));
    EXPECT_FALSE(cookies.check(flow_v4(1), 7, cookie, start + age + SynCookies::lifetime));
    EXPECT_FALSE(cookies.check(flow_v4(1), 7, cookie, start + age + 10h));
  }
}

TEST(SynCookie, is_accepted_from_the_period_before_whether_or_not_another_was_made_since) {
  for (const bool busy : {false, true}) {
    SynCookies cookies(SipKey{1, 2});
    const u32 cookie = cookies.make(flow_v4(1), 7, 1460, start);
    for (Duration age = 0s; busy && age <= SynCookies::period; age += 1s)
      cookies.make(flow_v4(2), 7, 1460, start + age);
    EXPECT_TRUE(cookies.check(flow_v4(1), 7, cookie, start + SynCookies::period));
  }
}

TEST(SynCookie, is_hard_to_guess) {
  SynCookies cookies(SipKey{1, 2});
  Rng rng(9);
  u32 believed = 0;
  for (int i = 0; i < 1'000'000; ++i)
    if (cookies.check(flow_v4(1), 7, to<u32>(rng.next()), start)) ++believed;
  EXPECT_EQ(believed, 0u);  // expected: 1e6 * 16 / 2^32
}

TEST(SynStamp, brings_the_other_options_back) {
  for (u32 clock : {0u, 63u, 64u, 0xffff'ffffu, 0x1234'5678u})
    for (const SynStamp& stamp :
         {SynStamp{}, SynStamp{.window_scale = 0}, SynStamp{.window_scale = 14, .sack = true},
          SynStamp{.window_scale = 7, .sack = true, .ecn = true}, SynStamp{.ecn = true}}) {
      const u32 value = stamp.in(clock);
      EXPECT_LT(clock - value, 128u) << "never ahead of the clock, and not far behind";
      EXPECT_EQ(SynStamp::of(value), stamp);
    }
}

}  // namespace
}  // namespace handfast::tcp
