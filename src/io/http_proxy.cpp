// RFC 9110 §9.3.6: CONNECT, the client's side.
#include <vector>

#include <asio/error.hpp>
#include <fmt/format.h>

#include "http/parser.hpp"
#include "io/http_dialer.hpp"

namespace handfast::io {
namespace {

constexpr u32 informational_max = 16;

HttpFailure refused(const ByteStream& stream, std::string why) {
  HttpFailure failed{HttpFailure::Kind::proxy};
  failed.why = std::move(why);
  failed.advice = stream.why();
  return failed;
}

/// The final answer's status. `in` begins with its head and keeps what is behind.
Result<std::optional<u16>, http::Error> take_answer(std::vector<u8>& in,
                                                    http::SectionScanner& scanner,
                                                    const http::Config& config) {
  const auto length = scanner.find_end(in, config);
  if (!length) return failure(length.error());
  if (*length == 0) return std::nullopt;
  std::vector<http::Field> fields;
  const auto response = http::parse_response(as_text(Bytes(in).first(*length)), fields, config);
  if (!response) return failure(response.error());
  const u16 status = response->status;
  in.erase(in.begin(), in.begin() + *length);
  return status;
}

}  // namespace

asio::awaitable<std::optional<HttpFailure>> ask_for_tunnel(ByteStream& stream,
                                                           std::string authority,
                                                           http::Config config) {
  const std::string request = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n\r\n", authority);
  std::error_code error = co_await stream.write(as_bytes(request));
  std::vector<u8> in;
  http::SectionScanner scanner;
  u32 informational = 0;
  while (!error) {
    const auto status = take_answer(in, scanner, config);
    if (!status) co_return refused(stream, std::string(status.error().why));
    if (*status && **status >= 200) {
      if (**status >= 300)
        co_return refused(stream, fmt::format("the proxy answered {} {}", **status,
                                              http::reason_phrase(**status)));
      // Only the server behind it could have said that, and it has not been asked yet.
      if (!in.empty()) co_return refused(stream, "something came through the tunnel unasked");
      co_return std::nullopt;
    }
    if (*status && ++informational > informational_max)
      co_return refused(stream, "too many informational responses");
    if (*status) continue;
    const std::size_t held = in.size();
    in.resize(held + 4096);
    const MutBytes room = MutBytes(in).subspan(held);
    const Moved got = co_await stream.read_some(room);
    in.resize(held + got.bytes);
    error = got.error;
  }
  HttpFailure failed = refused(stream, error == asio::error::eof ? "the proxy closed the connection"
                                                                 : "the proxy does not answer");
  if (error != asio::error::eof && error != std::errc::timed_out) failed.why = error.message();
  failed.code = error;
  co_return failed;
}

}  // namespace handfast::io
