// What tests of TLS ask of a connection.
#pragma once

#include <gtest/gtest.h>

#include "tls/talk.hpp"

namespace handfast::tls {

inline void expect_connected(const Talk& talk) {
  EXPECT_TRUE(talk.client.is_connected()) << (talk.client.error() ? talk.client.error()->why : "");
  EXPECT_TRUE(talk.server.is_connected()) << (talk.server.error() ? talk.server.error()->why : "");
  EXPECT_EQ(talk.client_done, 1U);
  EXPECT_EQ(talk.server_done, 1U);
}

/// `by` failed in this way, and the other end heard of it.
inline void expect_refused(const Session& by, const Session& other, Alert alert) {
  ASSERT_TRUE(by.error().has_value());
  EXPECT_EQ(to_string(by.error()->alert), to_string(alert)) << by.error()->why;
  EXPECT_FALSE(by.error()->from_peer);
  EXPECT_FALSE(by.error()->why.empty());
  ASSERT_TRUE(other.error().has_value());
  EXPECT_EQ(to_string(other.error()->alert), to_string(alert)) << other.error()->why;
  EXPECT_TRUE(other.error()->from_peer);
}

}  // namespace handfast::tls
