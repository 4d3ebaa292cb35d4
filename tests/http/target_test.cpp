#include "http/target.hpp"

#include <gtest/gtest.h>

#include "http/content_type.hpp"
#include "http/date.hpp"

namespace handfast::http {
namespace {

std::string path(std::string_view target) {
  const auto decoded = decode_path(target);
  return decoded ? *decoded : "error: " + std::string(decoded.error().why);
}
std::string url(std::string_view text) {
  const auto parsed = parse_url(text);
  if (!parsed) return "error: " + std::string(parsed.error().why);
  return parsed->host + " " + std::to_string(parsed->port) + " " + parsed->target;
}

TEST(TargetPath, is_decoded_once_and_loses_its_query) {
  EXPECT_EQ(path("/"), "/");
  EXPECT_EQ(path("/a%20b/c?d=%zz#e"), "/a b/c");
  EXPECT_EQ(path("/%e2%82%ac"), "/\xe2\x82\xac");
  EXPECT_EQ(path("/a%2541"), "/a%41");
  EXPECT_EQ(path("http://host:80/x/y"), "/x/y");
  EXPECT_EQ(path("http://host"), "/");
  EXPECT_EQ(path("http://host?/x"), "/");
}

TEST(TargetPath, drops_empty_and_dot_segments_and_keeps_the_last_slash) {
  EXPECT_EQ(path("//a///b"), "/a/b");
  EXPECT_EQ(path("/./a/./"), "/a/");
  EXPECT_EQ(path("/a/."), "/a/");
  EXPECT_EQ(path("/%2e/a"), "/a");
}

TEST(TargetPath, cannot_climb) {
  for (const auto* target : {"/..", "/../etc/passwd", "/a/../b", "/%2e%2e/x", "/.%2E/x", "/a/.."})
    EXPECT_EQ(path(target), "error: the path has a segment \"..\"") << target;
  EXPECT_EQ(path("/..a/...b"), "/..a/...b");
  for (const auto* target : {"/a%2f..%2fb", "/a%00.html"})
    EXPECT_EQ(path(target), "error: a forbidden escape in the path") << target;
  for (const auto* target : {"/%", "/%4", "/%4g", "/%g4"})
    EXPECT_EQ(path(target), "error: a broken escape in the path") << target;
  EXPECT_EQ(path("*"), "error: the request target is not a path");
}

TEST(TargetPath, survives_encoding_and_decoding) {
  std::string all = "/";
  for (int c = 1; c < 256; ++c)
    if (c != '/') all += to<char>(c);
  EXPECT_EQ(path(encode_path(all)), all);
}

TEST(Html, is_escaped_so_that_a_file_name_stays_text) {
  EXPECT_EQ(escape_html("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
}

TEST(Url, is_taken_apart) {
  EXPECT_EQ(url("http://example.com"), "example.com 80 /");
  EXPECT_EQ(url("HTTP://192.0.2.1:8080/a/b?c#d"), "192.0.2.1 8080 /a/b?c");
  EXPECT_EQ(url("http://[2001:db8::1]:81/x"), "2001:db8::1 81 /x");
  EXPECT_EQ(url("http://h?q"), "h 80 /?q");
  EXPECT_EQ(url("https://h/"), "h 443 /");
  EXPECT_EQ(url("http://h:/"), "h 80 /");
  EXPECT_EQ(url("http://h/gr\xc3\xbcn"), "h 80 /gr%C3%BCn");
  EXPECT_EQ(url("http://h/a/../b/./c/.."), "h 80 /b/");
  EXPECT_EQ(url("http://h/../../x?y/../z"), "h 80 /x?y/../z");
}

TEST(Url, errors_say_what_is_wrong) {
  EXPECT_EQ(url("example.com/x"), "error: the URL has no scheme (write http://...)");
  EXPECT_EQ(url("ftp://h/"), "error: the URL's scheme is not supported, only http and https");
  EXPECT_EQ(url("http:///x"), "error: the URL names no host");
  EXPECT_EQ(url("http://u:p@h/"), "error: a user name in the URL is not supported");
  for (const auto* text : {"http://h:0/", "http://h:65536/", "http://h:8x/", "http://h:-1/"})
    EXPECT_EQ(url(text), "error: the port is not a number from 1 to 65535") << text;
  EXPECT_EQ(url("http://[::1/"), "error: an IPv6 address without its closing bracket");
  EXPECT_EQ(url("http://[::1]x/"), "error: text after the IPv6 address");
  EXPECT_EQ(url("http://a b/"), "error: the URL's host has a forbidden character");
  EXPECT_EQ(url("http://h/a b"),
            "error: a space or control character in the URL (write a space as %20)");
  EXPECT_EQ(url("http://h/a\r\nX: y"),
            "error: a space or control character in the URL (write a space as %20)");
}

TEST(Url, names_its_host_field_and_its_file) {
  EXPECT_EQ(parse_url("http://[::1]:81/a/b%20c?d")->authority(), "[::1]:81");
  EXPECT_EQ(parse_url("http://h:80/")->authority(), "h");
  EXPECT_EQ(parse_url("https://h:443/")->authority(), "h");
  EXPECT_EQ(parse_url("https://h:80/x")->text(), "https://h:80/x");
  EXPECT_EQ(parse_url("http://h:81/x")->text(), "http://h:81/x");
  EXPECT_EQ(parse_url("http://h/a/b%20c?d")->file_name(), "b c");
  EXPECT_EQ(parse_url("http://h/a/")->file_name(), "");
  EXPECT_EQ(parse_url("http://h/%2f%2e%2e")->file_name(), "");
}

TEST(Url, references_are_resolved_on_their_base) {
  const Url base = *parse_url("http://h:81/a/b?c");
  EXPECT_EQ(resolve(base, "http://i/x")->text(), "http://i/x");
  EXPECT_EQ(resolve(base, "//i/x")->text(), "http://i/x");
  EXPECT_EQ(resolve(base, "/x?y")->text(), "http://h:81/x?y");
  EXPECT_EQ(resolve(base, "x")->text(), "http://h:81/a/x");
  EXPECT_EQ(resolve(base, "../x")->text(), "http://h:81/x");
  EXPECT_EQ(resolve(base, "?d")->text(), "http://h:81/a/b?d");
  EXPECT_EQ(resolve(base, "")->text(), "http://h:81/a/b?c");
  EXPECT_EQ(resolve(base, "https://h/")->text(), "https://h/");
  EXPECT_EQ(resolve(*parse_url("https://h:81/"), "//i/x")->text(), "https://i/x");
  EXPECT_FALSE(resolve(base, "ftp://h/"));
}

TEST(Date, is_formatted_and_read_back) {
  EXPECT_EQ(as_text(format_date(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(as_text(format_date(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(as_text(format_date(-1)), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(as_text(format_date(951782400)), "Tue, 29 Feb 2000 00:00:00 GMT");
  for (const i64 second : {i64{0}, i64{-1}, i64{784111777}, i64{4102444799}})
    EXPECT_EQ(parse_date(as_text(format_date(second))), second);
}

TEST(Date, that_is_none_is_not_read) {
  for (const auto* text : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 ovD 1994 08:49:37 GMT", "Sun, x6 Nov 1994 08:49:37 GMT"})
    EXPECT_FALSE(parse_date(text)) << text;
}

TEST(ContentType, is_guessed_from_the_extension_alone) {
  EXPECT_EQ(content_type("/a.b/index.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type("x.png"), "image/png");
  EXPECT_EQ(content_type("/a.html/b"), "application/octet-stream");
  EXPECT_EQ(content_type("/a."), "application/octet-stream");
}

}  // namespace
}  // namespace handfast::http
