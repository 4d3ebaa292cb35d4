#include "cli/progress.hpp"

#include <gtest/gtest.h>

namespace handfast::cli {
namespace {

TEST(BytesText, has_four_digits_at_most) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "1.0 kB");
  EXPECT_EQ(bytes_text(999'949), "999.9 kB");
  EXPECT_EQ(bytes_text(999'950), "1.0 MB");
  EXPECT_EQ(bytes_text(104'857'600), "104.9 MB");
  EXPECT_EQ(bytes_text(~u64{0}), "18.4 EB");
}

TEST(ProgressLine, shows_part_rate_and_time_left) {
  EXPECT_EQ(progress_line(50'000'000, 100'000'000, 5, 120),
            "[####################....................]  50%  50.0 MB of 100.0 MB  10.0 MB/s  0:05 "
            "left");
  EXPECT_EQ(progress_line(1000, {}, 1, 80), "1.0 kB  1.0 kB/s");
}

TEST(ProgressLine, fits_its_terminal_and_survives_odd_numbers) {
  for (const u32 columns : {1u, 20u, 40u, 60u, 80u, 200u})
    EXPECT_LE(progress_line(50'000'000, 100'000'000, 5, columns).size(), columns);
  EXPECT_EQ(progress_line(0, 0, 0, 80), "0 B  0 B/s");
  EXPECT_NE(progress_line(0, 10, 0, 80).find("  0%"), std::string::npos);
}

}  // namespace
}  // namespace handfast::cli
