#include "http/parser.hpp"

#include <string>

#include <gtest/gtest.h>

namespace handfast::http {
namespace {

struct Parsed {
  std::vector<Field> storage;
  Result<Request, Error> request;
};
Parsed request_of(std::string_view head, const Config& config = {}) {
  Parsed parsed{{}, failure(Error{})};
  parsed.request = parse_request(head, parsed.storage, config);
  return parsed;
}
std::string_view why(std::string_view head, const Config& config = {}) {
  const auto parsed = request_of(head, config);
  return parsed.request ? "accepted" : parsed.request.error().why;
}
std::string with_field(std::string_view line) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(line) + "\r\n\r\n";
}

TEST(RequestParser, reads_method_target_version_and_fields) {
  const auto [storage, request] = request_of(
      "GET /a?b=1 HTTP/1.1\r\nHost: example.com:80\r\nAccept:  text/html \r\nX:\r\n\r\n");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->target, "/a?b=1");
  EXPECT_EQ(request->minor_version, 1);
  ASSERT_EQ(request->fields.size(), 3u);
  EXPECT_EQ(find(request->fields, "accept"), "text/html");
  EXPECT_EQ(find(request->fields, "x"), "");
  EXPECT_FALSE(find(request->fields, "y"));
}

TEST(RequestParser, takes_each_target_form_only_with_its_method) {
  EXPECT_EQ(why("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "accepted");
  EXPECT_EQ(why("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), "accepted");
  EXPECT_EQ(why("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "accepted");
  for (const auto* head : {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
                           "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n"})
    EXPECT_EQ(why(head), "the request target has the wrong form for its method") << head;
}

TEST(RequestParser, refuses_a_request_line_that_can_be_read_in_two_ways) {
  EXPECT_EQ(why("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
            "the request target has a forbidden character");
  EXPECT_EQ(why("GET / a HTTP/1.1\r\nHost: a\r\n\r\n"),
            "the request target has a forbidden character");
  EXPECT_EQ(why("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
            "the request line is not method, target, version");
  EXPECT_EQ(why("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), "the start line names no HTTP version");
  EXPECT_EQ(why("GET /\r\nHost: a\r\n\r\n"), "the request line is not method, target, version");
  EXPECT_EQ(why("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"),
            "the request target has a forbidden character");
  EXPECT_EQ(why("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), "the method is not a token");
}

TEST(RequestParser, answers_another_major_version_with_505) {
  const auto parsed = request_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n");
  ASSERT_FALSE(parsed.request);
  EXPECT_EQ(parsed.request.error().status, 505);
  EXPECT_EQ(why("GET / http/1.1\r\nHost: a\r\n\r\n"), "the start line names no HTTP version");
}

TEST(RequestParser, wants_exactly_one_valid_host) {
  EXPECT_EQ(why("GET / HTTP/1.1\r\n\r\n"), "no Host field");
  EXPECT_EQ(why("GET / HTTP/1.0\r\n\r\n"), "accepted");
  EXPECT_EQ(why(with_field("Host: b")), "more than one Host field");
  EXPECT_EQ(why("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), "the Host field is not a host");
  EXPECT_EQ(why("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), "the Host field is not a host");
  EXPECT_EQ(why("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n"), "accepted");
}

TEST(RequestParser, refuses_white_space_before_the_colon_and_folded_lines) {
  EXPECT_EQ(why(with_field("Transfer-Encoding : chunked")),
            "white space between field name and colon");
  EXPECT_EQ(why(with_field("X: a\r\n b")), "a folded field line");
  EXPECT_EQ(why(with_field("X: a\r\n\tb")), "a folded field line");
  EXPECT_EQ(why(with_field("no colon")), "a field line without a colon");
  EXPECT_EQ(why(with_field(": empty")), "a field name that is not a token");
  EXPECT_EQ(why(with_field("X(y: z")), "a field name that is not a token");
}

TEST(RequestParser, refuses_a_bare_cr_anywhere) {
  for (const auto* line : {"A: b\rc", "A: b\r", "A: \rb", "A\r: b", "A:\r b", "\rA: b", "\r"})
    EXPECT_EQ(why(with_field(line)), "a bare CR") << line;
  for (const auto* head :
       {"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "GET\r / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"})
    EXPECT_NE(why(head), "accepted") << head;
}

TEST(RequestParser, refuses_control_characters_in_values_and_keeps_bytes_above_ascii) {
  EXPECT_EQ(why(with_field("X: a\x01")), "a control character in a field value");
  EXPECT_EQ(why(with_field(std::string_view("X: a\0b", 6))),
            "a control character in a field value");
  EXPECT_EQ(why(with_field("X: gr\xc3\xbc\xc3\x9f"
                           "e")),
            "accepted");
}

TEST(RequestParser, bounds_the_target_and_the_number_of_fields) {
  const std::string target(9000, 'a');
  const auto long_target = request_of("GET /" + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_FALSE(long_target.request);
  EXPECT_EQ(long_target.request.error().status, 414);
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 100; ++i) head += "X: y\r\n";
  const auto many = request_of(head + "\r\n");
  ASSERT_FALSE(many.request);
  EXPECT_EQ(many.request.error().status, 431);
}

TEST(ResponseParser, reads_the_status_line_with_and_without_a_reason) {
  std::vector<Field> storage;
  const auto full = parse_response("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n", storage, {});
  ASSERT_TRUE(full);
  EXPECT_EQ(full->status, 404);
  EXPECT_EQ(full->reason, "Not Found");
  EXPECT_EQ(full->fields.size(), 1u);
  EXPECT_EQ(parse_response("HTTP/1.0 200 \r\n\r\n", storage, {})->minor_version, 0);
  EXPECT_EQ(parse_response("HTTP/1.1 204\r\n\r\n", storage, {})->reason, "");
}

TEST(ResponseParser, refuses_what_is_not_a_status_line) {
  std::vector<Field> storage;
  for (const auto* head :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 600 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n",
        "HTTP/1.1 -20 OK\r\n\r\n"})
    EXPECT_FALSE(parse_response(head, storage, {})) << head;
}

TEST(SectionScanner, finds_the_end_wherever_the_pieces_are_cut) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
  for (std::size_t cut = 0; cut < text.size() - 4; ++cut) {
    SectionScanner scanner;
    EXPECT_EQ(scanner.find_end(as_bytes(text.substr(0, cut)), {}), 0u) << cut;
    EXPECT_EQ(scanner.find_end(as_bytes(text), {}), text.size() - 4) << cut;
    EXPECT_EQ(scanner.find_end(as_bytes("\r\n"), {}), 2u);
  }
}

TEST(SectionScanner, refuses_a_bare_lf_at_once) {
  for (const auto* text : {"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nA: b\n", "\n"}) {
    SectionScanner scanner;
    const auto end = scanner.find_end(as_bytes(text), {});
    ASSERT_FALSE(end) << text;
    EXPECT_EQ(end.error().why, "a bare LF");
  }
}

TEST(SectionScanner, bounds_a_head_that_never_ends) {
  Config config;
  config.head_bytes_max = 64;
  const std::string line(64, 'a');
  EXPECT_EQ(SectionScanner{}.find_end(as_bytes(line), config).error().status, 414);
  const std::string fields = "GET / HTTP/1.1\r\n" + line;
  EXPECT_EQ(SectionScanner{}.find_end(as_bytes(fields), config).error().status, 431);
  EXPECT_EQ(SectionScanner{}.find_end(as_bytes(line.substr(1)), config), 0u);
}

TEST(ContentLength, is_digits_and_nothing_else) {
  EXPECT_EQ(parse_content_length("0"), 0u);
  EXPECT_EQ(parse_content_length("00104857600"), 104857600u);
  for (const auto* value :
       {"", "+1", "-1", "1 ", "1,1", "0x10", "1e3", "99999999999999999999", "1.0"})
    EXPECT_FALSE(parse_content_length(value)) << value;
}

TEST(FieldList, finds_tokens_in_any_field_of_the_name) {
  const std::array fields{Field{"Connection", "keep-alive, Upgrade"}, Field{"connection", "CLOSE"}};
  EXPECT_TRUE(has_token(fields, "Connection", "close"));
  EXPECT_TRUE(has_token(fields, "Connection", "upgrade"));
  EXPECT_FALSE(has_token(fields, "Connection", "keep"));
  EXPECT_FALSE(has_token(fields, "Other", "close"));
}

}  // namespace
}  // namespace handfast::http
