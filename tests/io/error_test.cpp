#include "io/error.hpp"

#include <set>
#include <string>

#include <asio/error.hpp>
#include <gtest/gtest.h>

namespace handfast::io {
namespace {

TEST(TcpCategory, compares_with_the_standard_conditions) {
  using tcp::Errc;
  EXPECT_EQ(make_error_code(Errc::refused), std::errc::connection_refused);
  EXPECT_EQ(make_error_code(Errc::reset), std::errc::connection_reset);
  EXPECT_EQ(make_error_code(Errc::aborted), std::errc::connection_aborted);
  EXPECT_EQ(make_error_code(Errc::timed_out), std::errc::timed_out);
  EXPECT_EQ(make_error_code(Errc::unreachable), std::errc::host_unreachable);
  EXPECT_EQ(make_error_code(Errc::closing), std::errc::broken_pipe);
  EXPECT_EQ(make_error_code(Errc::not_connected), std::errc::not_connected);
  EXPECT_EQ(make_error_code(Errc::no_memory), std::errc::no_buffer_space);
  EXPECT_EQ(make_error_code(Errc::in_use), std::errc::address_in_use);
  EXPECT_EQ(make_error_code(Errc::no_route), std::errc::network_unreachable);
  EXPECT_EQ(make_error_code(Errc::message_size), std::errc::message_size);
  EXPECT_FALSE(make_error_code(Errc::none));
}

TEST(TcpCategory, has_a_message_of_its_own_for_each_error) {
  std::set<std::string> messages;
  for (int code = 0; code <= static_cast<int>(tcp::Errc::message_size); ++code)
    messages.insert(tcp_category().message(code));
  EXPECT_EQ(messages.size(), static_cast<std::size_t>(tcp::Errc::message_size) + 1);
  EXPECT_STREQ(tcp_category().name(), "handfast.tcp");
}

TEST(Is, knows_the_errors_of_both_stacks) {
  EXPECT_TRUE(is(tcp::Errc::reset, std::errc::connection_reset));
  EXPECT_TRUE(is(asio::error::connection_reset, std::errc::connection_reset));
  EXPECT_FALSE(is(asio::error::connection_reset, std::errc::connection_refused));
  EXPECT_FALSE(is(tcp::Errc::none, std::errc::connection_refused));
  EXPECT_FALSE(is(asio::error::eof, std::errc::no_such_file_or_directory));
}

}  // namespace
}  // namespace handfast::io
