#include "http/cookies.hpp"

#include <array>

#include <gtest/gtest.h>

namespace handfast::http {
namespace {

constexpr i64 now = 1'700'000'000;

Url url(std::string_view text) { return *parse_url(text); }

class Cookies : public testing::Test {
 protected:
  bool set(std::string_view from, std::string_view text) { return jar.set(url(from), text, now); }
  std::string sent(std::string_view to, i64 when = now) { return jar.cookies_for(url(to), when); }
  CookieJar jar;
};

// RFC 6265 §3.1.
TEST_F(Cookies, go_back_to_the_host_that_set_them_and_to_no_other) {
  EXPECT_TRUE(set("http://www.example.com/", "SID=31d4d96e407aad42"));
  EXPECT_EQ(sent("http://www.example.com/any/path"), "SID=31d4d96e407aad42");
  EXPECT_EQ(sent("http://WWW.Example.com:8080/"), "SID=31d4d96e407aad42");
  EXPECT_EQ(sent("http://example.com/"), "");
  EXPECT_EQ(sent("http://a.www.example.com/"), "");
}

TEST_F(Cookies, with_a_domain_go_to_all_hosts_under_it) {
  EXPECT_TRUE(set("http://www.example.com/", "a=1; Domain=Example.COM"));
  EXPECT_TRUE(set("http://www.example.com/", "b=2; domain=.example.com"));
  EXPECT_EQ(sent("http://example.com/"), "a=1; b=2");
  EXPECT_EQ(sent("http://x.y.example.com/"), "a=1; b=2");
  EXPECT_EQ(sent("http://badexample.com/"), "");
}

TEST_F(Cookies, for_strangers_top_level_domains_and_addresses_are_refused) {
  EXPECT_FALSE(set("http://www.example.com/", "a=1; Domain=example.org"));
  EXPECT_FALSE(set("http://www.example.com/", "a=1; Domain=a.www.example.com"));
  EXPECT_FALSE(set("http://www.example.com/", "a=1; Domain=com"));
  EXPECT_FALSE(set("http://192.0.2.1/", "a=1; Domain=2.1"));
  EXPECT_FALSE(set("http://192.0.2.1/", "a=1; Domain=0.2.1"));
  EXPECT_TRUE(jar.cookies().empty());
  // One's own name is no domain above it.
  EXPECT_TRUE(set("http://192.0.2.1/", "a=1; Domain=192.0.2.1"));
  EXPECT_TRUE(set("http://localhost/", "b=1; Domain=localhost"));
  EXPECT_EQ(sent("http://192.0.2.1/"), "a=1");
  EXPECT_EQ(sent("http://9.192.0.2.1/"), "");
  EXPECT_EQ(sent("http://x.localhost/"), "");
}

TEST_F(Cookies, follow_paths_by_whole_segments) {
  EXPECT_TRUE(set("http://a.test/docs/index", "d=default"));
  EXPECT_TRUE(set("http://a.test/", "e=explicit; Path=/docs/"));
  EXPECT_TRUE(set("http://a.test/docs/x/y", "f=root; Path=/"));
  EXPECT_TRUE(set("http://a.test/docs/x/y", "g=relative; Path=no"));
  // Longer paths first, then the order of creation (§5.4).
  EXPECT_EQ(sent("http://a.test/docs/x/z?q"), "g=relative; e=explicit; d=default; f=root");
  EXPECT_EQ(sent("http://a.test/docs"), "d=default; f=root");
  EXPECT_EQ(sent("http://a.test/docsx"), "f=root");
}

TEST_F(Cookies, that_are_secure_never_go_in_clear) {
  EXPECT_TRUE(set("https://a.test/", "s=1; Secure; HttpOnly"));
  EXPECT_EQ(sent("https://a.test/"), "s=1");
  EXPECT_EQ(sent("http://a.test/"), "");
  EXPECT_TRUE(jar.cookies()[0].is_http_only);
  EXPECT_FALSE(set("http://a.test/", "t=1; Secure"));
  EXPECT_FALSE(set("http://a.test/", "s=2")) << "overwritten from a place that is not secure";
  EXPECT_EQ(sent("https://a.test/"), "s=1");
}

TEST_F(Cookies, keep_what_the_prefix_of_their_name_promises) {
  EXPECT_FALSE(set("http://a.test/", "__Secure-a=1"));
  EXPECT_TRUE(set("https://a.test/", "__Secure-a=1; Secure"));
  EXPECT_FALSE(set("https://www.a.test/", "__Host-a=1; Secure; Path=/; Domain=a.test"));
  EXPECT_FALSE(set("https://a.test/", "__Host-a=1; Secure"));
  EXPECT_TRUE(set("https://a.test/", "__Host-a=1; Secure; Path=/"));
}

TEST_F(Cookies, end_when_they_say) {
  EXPECT_TRUE(set("http://a.test/", "a=1; Max-Age=10; Expires=Wed, 09 Jun 2010 10:18:14 GMT"));
  EXPECT_TRUE(set("http://a.test/", "b=1; Expires=Wed, 09 Jun 2032 10:18:14 GMT"));
  EXPECT_TRUE(set("http://a.test/", "c=1; Max-Age=nonsense"));
  EXPECT_EQ(sent("http://a.test/", now + 9), "a=1; b=1; c=1");
  EXPECT_EQ(sent("http://a.test/", now + 10), "b=1; c=1");
  EXPECT_TRUE(set("http://a.test/", "b=; Max-Age=0"));
  EXPECT_TRUE(set("http://a.test/", "c=; Max-Age=-1"));
  EXPECT_EQ(sent("http://a.test/"), "");
}

TEST_F(Cookies, are_replaced_in_their_place) {
  set("http://a.test/", "a=1");
  set("http://a.test/", "b=1");
  set("http://a.test/", "a=2");
  EXPECT_EQ(sent("http://a.test/"), "a=2; b=1");
}

TEST_F(Cookies, may_have_odd_values_but_nothing_that_breaks_a_field) {
  EXPECT_TRUE(set("http://a.test/", "  q = \"a b=c\" ; Path=/"));
  EXPECT_TRUE(set("http://a.test/", "empty="));
  EXPECT_FALSE(set("http://a.test/", "=value"));
  EXPECT_FALSE(set("http://a.test/", "novalue; Path=/"));
  EXPECT_FALSE(set("http://a.test/", std::string("x=a\r\nEvil: yes")));
  EXPECT_FALSE(set("http://a.test/", std::string("x=a\0b", 5)));
  EXPECT_EQ(sent("http://a.test/"), "q=\"a b=c\"; empty=");
}

TEST_F(Cookies, are_bounded_in_size_and_number) {
  EXPECT_FALSE(set("http://a.test/", "a=" + std::string(4096, 'x')));
  for (u32 i = 0; i < 60; ++i) set("http://a.test/", "n" + std::to_string(i) + "=1");
  EXPECT_EQ(jar.cookies().size(), 50u);
  EXPECT_EQ(jar.cookies().front().name, "n10") << "the oldest of the domain go";
  for (u32 i = 0; i < 1100; ++i) set("http://h" + std::to_string(i) + ".test/", "a=1");
  EXPECT_EQ(jar.cookies().size(), 1000u);
}

TEST_F(Cookies, come_from_every_field_of_a_response) {
  const std::array fields{Field{"Set-Cookie", "a=1"}, Field{"Server", "x"},
                          Field{"set-cookie", "b=2"}};
  jar.set_all(url("http://a.test/"), fields, now);
  EXPECT_EQ(sent("http://a.test/"), "a=1; b=2");
}

TEST(CookieDate, is_read_in_every_form_that_servers_write) {
  constexpr i64 moment = 784'111'777;
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "06 Nov 1994 8:49:37", "1994 nov 6 08:49:37",
                           "Sun, 06-November-1994 08:49:37 EST", "08:49:37 06 Nov 94"})
    EXPECT_EQ(parse_cookie_date(text), moment) << text;
  EXPECT_EQ(parse_cookie_date("1 Jan 69 00:00:00"), 3'124'224'000);
  EXPECT_EQ(parse_cookie_date("1 Jan 70 00:00:00"), 0);
}

TEST(CookieDate, that_is_none_is_refused) {
  for (const char* text : {"", "tomorrow", "Sun, 06 Nov 1994", "06 Nov 1994 24:00:00",
                           "31 Feb 1994 08:49:37", "06 Nov 1600 08:49:37", "Nov 1994 08:49:37",
                           "06 Nov 1994 08:60:37", "999 Nov 1994 08:49:37"})
    EXPECT_EQ(parse_cookie_date(text), std::nullopt) << text;
}

}  // namespace
}  // namespace handfast::http
