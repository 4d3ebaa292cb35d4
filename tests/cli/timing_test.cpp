#include "cli/timing.hpp"

#include <gtest/gtest.h>

namespace handfast::cli {
namespace {

TEST(TimeText, has_three_figures_or_so) {
  EXPECT_EQ(time_text(0s), "0 us");
  EXPECT_EQ(time_text(45us), "45 us");
  EXPECT_EQ(time_text(1500us), "1.50 ms");
  EXPECT_EQ(time_text(20ms), "20.00 ms");
  EXPECT_EQ(time_text(123'456us), "123.5 ms");
  EXPECT_EQ(time_text(1500ms), "1.50 s");
}

io::HttpResult result_of(const char* url) {
  io::HttpResult result{.status = 200, .url = *http::parse_url(url)};
  result.timing = {.opening = {.name = 10ms,
                               .tcp = 20ms,
                               .tls = 45ms,
                               .name_trips = 1,
                               .attempts = 1,
                               .tcp_trips = 1,
                               .tls_trips = 2},
                   .first_byte = 22ms,
                   .transfer = 70ms,
                   .round_trip = 20ms};
  return result;
}

TEST(TimingTable, has_a_line_for_each_step) {
  EXPECT_EQ(timing_table(result_of("https://a.test/x")),
            "https://a.test/x 200\n"
            "                        time  round trips\n"
            "  name resolution   10.00 ms            1\n"
            "  TCP               20.00 ms            1\n"
            "  TLS               45.00 ms            2\n"
            "  first byte        22.00 ms            1\n"
            "  transfer          70.00 ms      about 4\n"
            "  total             167.0 ms             \n"
            "  one round trip takes 20.00 ms\n");
}

TEST(TimingTable, leaves_out_what_did_not_happen) {
  io::HttpResult result = result_of("http://a.test/");
  EXPECT_EQ(timing_table(result).find("TLS"), std::string::npos);
  result.timing.opening.attempts = 3;
  EXPECT_NE(timing_table(result).find("; 3 addresses were tried\n"), std::string::npos);
  result.timing = {.opening = {.is_reused = true}, .first_byte = 22ms, .transfer = 1ms};
  EXPECT_EQ(timing_table(result),
            "http://a.test/ 200\n"
            "                        time  round trips\n"
            "  (a connection that was open already)\n"
            "  first byte        22.00 ms            1\n"
            "  transfer           1.00 ms            ?\n"
            "  total             23.00 ms             \n");
}

}  // namespace
}  // namespace handfast::cli
