#include "http/redirect.hpp"

#include <gtest/gtest.h>

namespace handfast::http {
namespace {

const Url here = *parse_url("https://a.test/dir/page?q");

Redirect follow(std::string_view method, u16 status, std::string_view location) {
  const auto found = redirect(here, method, status, location, true);
  EXPECT_TRUE(found.has_value()) << location;
  return found.value_or(Redirect{});
}

TEST(Redirect, keeps_or_changes_the_method_as_each_status_says) {
  struct Case {
    u16 status;
    std::string_view method, then;
    bool keeps_content;
  };
  for (const Case& one : {Case{301, "GET", "GET", true}, Case{301, "POST", "GET", false},
                          Case{302, "POST", "GET", false}, Case{302, "PUT", "PUT", true},
                          Case{303, "POST", "GET", false}, Case{303, "PUT", "GET", false},
                          Case{303, "HEAD", "HEAD", true}, Case{307, "POST", "POST", true},
                          Case{308, "POST", "POST", true}}) {
    const Redirect found = follow(one.method, one.status, "/x");
    EXPECT_EQ(found.method, one.then) << one.status << one.method;
    EXPECT_EQ(found.keeps_content, one.keeps_content) << one.status << one.method;
  }
}

TEST(Redirect, is_not_what_other_statuses_ask_for) {
  for (const int status : {200, 300, 304, 305, 306, 309, 404})
    EXPECT_FALSE(is_redirect(to<u16>(status)));
}

TEST(Redirect, resolves_what_is_relative_and_knows_when_it_leaves) {
  EXPECT_EQ(follow("GET", 302, "other").url.text(), "https://a.test/dir/other");
  EXPECT_FALSE(follow("GET", 302, "other").leaves_origin);
  EXPECT_FALSE(follow("GET", 302, "https://A.test:443/").leaves_origin);
  EXPECT_TRUE(follow("GET", 302, "//b.test/").leaves_origin);
  EXPECT_TRUE(follow("GET", 302, "https://a.test:444/").leaves_origin);
  EXPECT_TRUE(follow("GET", 302, "http://a.test/").leaves_origin);
}

TEST(Redirect, from_https_to_http_needs_leave) {
  const auto refused = redirect(here, "GET", 302, "http://a.test/");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().why.find("https to http"), std::string_view::npos);
  EXPECT_TRUE(redirect(here, "GET", 302, "//a.test/").has_value());
  EXPECT_FALSE(redirect(here, "GET", 302, "ftp://a.test/").has_value());
}

TEST(Redirect, knows_which_fields_stay_behind) {
  for (const char* name : {"Authorization", "cookie", "Host", "Proxy-Authorization"})
    EXPECT_TRUE(is_origin_field(name));
  EXPECT_FALSE(is_origin_field("Accept"));
  for (const char* name : {"content-type", "Content-Encoding"}) EXPECT_TRUE(is_content_field(name));
  EXPECT_FALSE(is_content_field("Accept"));
}

TEST(Idempotent, are_the_methods_of_which_two_are_as_one) {
  for (const char* name : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
    EXPECT_TRUE(is_idempotent(name));
  for (const char* name : {"POST", "PATCH", "get", ""}) EXPECT_FALSE(is_idempotent(name));
}

}  // namespace
}  // namespace handfast::http
