#include "http/framing.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace handfast::http {
namespace {

std::string kind(const Result<Framing, Error>& framing) {
  if (!framing) return std::string(framing.error().why);
  if (const auto* length = std::get_if<Length>(&*framing))
    return "length " + std::to_string(length->left);
  return std::holds_alternative<Chunked>(*framing) ? "chunked" : "until close";
}
template <class... F>
std::string of_request(u8 minor, F... field) {
  const std::array<Field, sizeof...(F)> fields{field...};
  return kind(request_framing({"POST", "/", minor, fields}));
}
template <class... F>
std::string of_response(u16 status, bool to_head, F... field) {
  const std::array<Field, sizeof...(F)> fields{field...};
  return kind(response_framing({status, "", 1, fields}, to_head));
}

constexpr Field length_5{"Content-Length", "5"};
constexpr Field chunked{"Transfer-Encoding", "chunked"};

TEST(Framing, of_a_request_is_a_length_or_chunks_and_nothing_means_none) {
  EXPECT_EQ(of_request(1), "length 0");
  EXPECT_EQ(of_request(1, length_5), "length 5");
  EXPECT_EQ(of_request(1, chunked), "chunked");
  EXPECT_EQ(of_request(1, Field{"transfer-encoding", "Chunked"}), "chunked");
}

TEST(Framing, of_a_response_may_last_until_the_connection_closes) {
  EXPECT_EQ(of_response(200, false), "until close");
  EXPECT_EQ(of_response(200, false, length_5), "length 5");
  EXPECT_EQ(of_response(200, false, chunked), "chunked");
}

TEST(Framing, heads_alone_have_no_content_whatever_they_say) {
  for (const u16 status : {u16{100}, u16{199}, u16{204}, u16{304}})
    EXPECT_EQ(of_response(status, false, length_5), "length 0") << status;
  EXPECT_EQ(of_response(200, true, length_5), "length 0");
  EXPECT_EQ(of_response(200, true, chunked), "length 0");
}

TEST(Framing, refuses_what_two_readers_could_frame_differently) {
  EXPECT_EQ(of_request(1, chunked, length_5), "both Transfer-Encoding and Content-Length");
  EXPECT_EQ(of_response(200, false, length_5, chunked),
            "both Transfer-Encoding and Content-Length");
  EXPECT_EQ(of_request(1, length_5, length_5), "more than one Content-Length field");
  EXPECT_EQ(of_request(1, Field{"Content-Length", "5, 5"}), "the Content-Length is not a number");
  EXPECT_EQ(of_request(1, chunked, chunked), "more than one Transfer-Encoding field");
  EXPECT_EQ(of_request(0, chunked), "Transfer-Encoding in HTTP/1.0");
  EXPECT_EQ(of_request(1, Field{"Transfer-Encoding", "gzip, chunked"}),
            "a transfer coding other than chunked");
  EXPECT_EQ(of_request(1, Field{"Transfer-Encoding", "chunked, chunked"}),
            "the chunked coding applied twice");
  for (const auto* coding : {"xchunked", "identity", "", "chunked;q=1"})
    EXPECT_EQ(of_request(1, Field{"Transfer-Encoding", coding}),
              "chunked is not the final transfer coding")
        << coding;
}

/// The content of a chunked body that comes in pieces of `step` bytes, or why it was refused.
std::string dechunk(std::string_view text, std::size_t step) {
  Framing framing = Chunked{};
  std::string content;
  std::string pending;
  for (std::size_t at = 0; at < text.size(); at += step) {
    pending += text.substr(at, step);
    Bytes in = as_bytes(pending);
    for (;;) {
      const auto piece = read_content(framing, in, {});
      if (!piece) return std::string(piece.error().why);
      if (piece->kind == Content::Kind::trailers) return content + "|";
      if (piece->kind == Content::Kind::need_more) break;
      content += as_text(piece->bytes);
    }
    pending = pending.substr(pending.size() - in.size());
  }
  return content;
}

TEST(Chunks, are_joined_wherever_the_pieces_are_cut) {
  const std::string body =
      "4\r\nWiki\r\n006;name=value\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\n";
  for (std::size_t step = 1; step <= body.size(); ++step)
    EXPECT_EQ(dechunk(body, step), "Wikipedia in \r\n\r\nchunks.|") << step;
}

TEST(Chunks, with_sizes_that_are_not_plain_hexadecimal_are_refused) {
  for (const auto* line : {"\r\n", "g\r\n", "-1\r\n", "+1\r\n", " 1\r\n", ";a\r\n"})
    EXPECT_EQ(dechunk(line, 100), "the chunk size is not a number") << line;
  for (const auto* line : {"0x1\r\n", "1 \r\n", "1 2\r\n", "1\t\r\n", "1\r \r\n"})
    EXPECT_EQ(dechunk(line, 100), "something other than an extension after the chunk size") << line;
  EXPECT_EQ(dechunk("ffffffffffffffff\r\n", 100), "the chunk size is too large");
  EXPECT_EQ(dechunk("1\n", 100), "a bare LF after a chunk size");
  EXPECT_EQ(dechunk("1;a\rb\r\n", 100), "a malformed chunk extension");
  EXPECT_EQ(dechunk("1;" + std::string(300, 'a'), 1000), "the chunk's size line is too long");
  EXPECT_EQ(dechunk("1;" + std::string(300, 'a'), 1), "the chunk's size line is too long");
}

TEST(Chunks, without_their_line_end_are_refused) {
  EXPECT_EQ(dechunk("1\r\nab\r\n", 1), "chunk data without its CRLF");
  EXPECT_EQ(dechunk("1\r\na\n0\r\n", 100), "chunk data without its CRLF");
  EXPECT_EQ(dechunk("1\r\na\rb", 1), "chunk data without its CRLF");
}

TEST(LengthBody, takes_no_byte_of_the_next_message) {
  Framing framing = Length{3};
  Bytes in = as_bytes("abcGET");
  EXPECT_EQ(as_text(read_content(framing, in, {})->bytes), "abc");
  EXPECT_EQ(read_content(framing, in, {})->kind, Content::Kind::complete);
  EXPECT_EQ(as_text(in), "GET");
}

}  // namespace
}  // namespace handfast::http
