#include "cli/retry.hpp"

#include <gtest/gtest.h>

namespace handfast::cli {
namespace {

using Kind = io::HttpFailure::Kind;

io::HttpOutcome answered(u16 status, std::string retry_after = "") {
  return io::HttpResult{.status = status, .retry_after = std::move(retry_after)};
}
io::HttpOutcome failed(Kind kind) { return failure(io::HttpFailure{kind}); }

TEST(Retry, waits_twice_as_long_each_time_up_to_a_minute) {
  Retry retry(9, "GET");
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    ASSERT_TRUE(retry.next(answered(503), 0));
    EXPECT_EQ(retry.delay(), std::chrono::seconds(seconds));
  }
  EXPECT_FALSE(retry.next(answered(503), 0)) << "nine times were wanted";
}

TEST(Retry, is_for_what_may_pass_by_itself) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504})
    EXPECT_TRUE(Retry(1, "GET").next(answered(to<u16>(status)), 0)) << status;
  for (const int status : {400, 401, 404, 412, 416, 501})
    EXPECT_FALSE(Retry(1, "GET").next(answered(to<u16>(status)), 0)) << status;
  for (const Kind kind :
       {Kind::stream, Kind::timeout, Kind::cut_off, Kind::name, Kind::connect, Kind::proxy})
    EXPECT_TRUE(Retry(1, "GET").next(failed(kind), 0));
  for (const Kind kind : {Kind::protocol, Kind::sink, Kind::source, Kind::tls, Kind::redirect,
                          Kind::coding, Kind::cancelled})
    EXPECT_FALSE(Retry(1, "GET").next(failed(kind), 0));
}

TEST(Retry, repeats_no_post_that_may_have_arrived) {
  EXPECT_FALSE(Retry(1, "POST").next(answered(503), 0));
  EXPECT_FALSE(Retry(1, "POST").next(failed(Kind::stream), 0));
  EXPECT_TRUE(Retry(1, "POST").next(failed(Kind::connect), 0));
}

TEST(Retry, waits_as_long_as_the_server_asks_for_within_reason) {
  Retry retry(9, "GET");
  ASSERT_TRUE(retry.next(answered(503, "120"), 0));
  EXPECT_EQ(retry.delay(), 120s);
  ASSERT_TRUE(retry.next(answered(503, "Sun, 06 Nov 1994 08:49:37 GMT"), 784'111'770));
  EXPECT_EQ(retry.delay(), 7s);
  ASSERT_TRUE(retry.next(answered(503, "Sun, 06 Nov 1994 08:49:37 GMT"), 784'111'999));
  EXPECT_EQ(retry.delay(), 0s);
  ASSERT_TRUE(retry.next(answered(503, "soon"), 0));
  EXPECT_EQ(retry.delay(), 8s);
  EXPECT_FALSE(retry.next(answered(503, "3600"), 0));
}

TEST(Retry, goes_once_more_at_once_where_that_is_asked_for) {
  Retry retry(0, "GET");
  EXPECT_TRUE(retry.once_at_once());
  EXPECT_EQ(retry.delay(), 0s);
  EXPECT_FALSE(retry.once_at_once());
}

}  // namespace
}  // namespace handfast::cli
