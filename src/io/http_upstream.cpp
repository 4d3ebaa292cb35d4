#include "io/http_upstream.hpp"

#include <algorithm>
#include <charconv>

#include "http/grammar.hpp"

namespace handfast::io {
namespace {

constexpr std::size_t read_bytes = 16u << 10;

std::error_code bad_message() { return std::make_error_code(std::errc::bad_message); }

std::size_t size_of(http::Fields fields) {
  std::size_t size = 512;
  for (const http::Field& field : fields) size += field.name.size() + field.value.size() + 4;
  return size;
}

}  // namespace

asio::awaitable<std::error_code> HttpUpstream::send_head(std::string method, std::string target,
                                                         const FieldList& fields) {
  has_answered_ = false;
  const http::Request request{method, target, 1, fields.view()};
  co_return co_await put(request, size_of(fields.view()) + method.size() + target.size());
}

asio::awaitable<std::error_code> HttpUpstream::write(Bytes content) {
  const http::Data data{content};
  co_return co_await put(data, content.size() + http::Connection::data_overhead_max);
}

asio::awaitable<std::error_code> HttpUpstream::finish(http::Fields trailers) {
  const http::EndOfMessage end{connection_.sends_raw_content() ? http::Fields{} : trailers};
  co_return co_await put(end, size_of(end.trailers));
}

asio::awaitable<std::error_code> HttpUpstream::put(const http::Event& event, std::size_t room) {
  output_.resize(std::max(output_.size(), room));
  const auto n = connection_.send(event, output_);
  if (!n) co_return std::make_error_code(std::errc::invalid_argument);
  Bytes rest = Bytes(output_).first(*n);
  while (!rest.empty()) {
    stream_->expires_after(timeout_);
    const Transferred done = co_await stream_->write_some(rest);
    if (done.error) co_return done.error;
    rest = rest.subspan(done.bytes);
  }
  co_return std::error_code{};
}

asio::awaitable<HttpUpstream::Head> HttpUpstream::read_head() {
  Head head;
  while (!head.error) {
    const auto event = next_event();
    if (!event) {
      head.error = bad_message();
    } else if (const auto* response = std::get_if<http::Response>(&*event)) {
      head.response.status = response->status;
      head.response.fields.assign(response->fields);
      const auto length = head.response.fields.find("content-length");
      u64 bytes = 0;
      if (length &&
          std::from_chars(length->data(), length->data() + length->size(), bytes).ec == std::errc{})
        head.response.length = bytes;
      break;
    } else if (std::holds_alternative<http::NeedMore>(*event)) {
      head.error = co_await read_more();
    } else {
      head.error = bad_message();
    }
  }
  co_return head;
}

asio::awaitable<HttpPiece> HttpUpstream::read() {
  HttpPiece piece;
  while (!piece.error) {
    const auto event = next_event();
    if (!event) {
      piece.error = bad_message();
    } else if (const auto* data = std::get_if<http::Data>(&*event)) {
      piece.bytes = data->bytes;
      break;
    } else if (const auto* end = std::get_if<http::EndOfMessage>(&*event)) {
      trailers_.assign(end->trailers);
      break;
    } else if (std::holds_alternative<http::NeedMore>(*event)) {
      piece.error = co_await read_more();
    } else {
      piece.error = bad_message();
    }
  }
  co_return piece;
}

Result<http::Event, http::Error> HttpUpstream::next_event() {
  Bytes in = Bytes(input_).first(end_).subspan(begin_);
  auto event = connection_.next(in);
  begin_ = end_ - in.size();
  return event;
}

asio::awaitable<std::error_code> HttpUpstream::read_more() {
  std::copy(input_.begin() + to<std::ptrdiff_t>(begin_), input_.begin() + to<std::ptrdiff_t>(end_),
            input_.begin());
  end_ -= std::exchange(begin_, 0);
  input_.resize(std::max(input_.size(), end_ + read_bytes));
  stream_->expires_after(timeout_);
  const Transferred got = co_await stream_->read_some(MutBytes(input_).subspan(end_));
  end_ += got.bytes;
  has_answered_ = has_answered_ || got.bytes > 0;
  if (got.error != asio::error::eof) co_return got.error;
  connection_.end_of_input();
  co_return std::error_code{};
}

}  // namespace handfast::io
