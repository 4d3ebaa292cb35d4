// One connection of an HTTP server, over any stream: io::TcpStream, io::KernelStream.
#pragma once

#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "base/assert.hpp"
#include "http/connection.hpp"
#include "io/http_service.hpp"
#include "io/http_writer.hpp"
#include "io/kernel_stream.hpp"

namespace handfast::io {

template <class Stream>
class HttpSession {
 public:
  HttpSession(Stream stream, HttpService& service)
      : stream_(std::move(stream)),
        service_(service),
        connection_(http::Role::server, service.options().http),
        client_(stream_.remote_endpoint()),
        writer_(stream_, service.options().write_timeout) {}
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  /// Answers requests until the connection is over.
  asio::awaitable<void> run() {
    // Not "while (co_await …) {}": g++ 12 makes a trap of that.
    for (bool goes_on = true; goes_on;) goes_on = co_await step();
    if (failed_) {
      stream_.abort();
    } else {
      co_await close();
    }
  }

  /// Ends at once where nobody waits for an answer, else after the answer.
  void stop() {
    if (idle_) stream_.cancel();
  }
  /// Ends at once.
  void abort() {
    failed_ = true;
    stream_.cancel();
  }

 private:
  /// Deals with one event; false when the connection is over.
  asio::awaitable<bool> step() {
    Bytes in = Bytes(input_).subspan(begin_);
    const auto event = connection_.next(in);
    begin_ = to<u32>(input_.size() - in.size());
    if (!event) co_return co_await refuse(event.error());
    if (const auto* request = std::get_if<http::Request>(&*event)) {
      access_ = {client_, std::string(request->method), std::string(request->target)};
      is_head_ = request->method == "HEAD";
      reply_ = service_.answer(*request);
      co_return true;
    }
    if (const auto* data = std::get_if<http::Data>(&*event)) {
      dropped_ += data->bytes.size();
      if (dropped_ <= service_.options().request_content_max) co_return true;
      co_return co_await refuse({413, "The content is larger than this server reads."});
    }
    if (std::holds_alternative<http::EndOfMessage>(*event)) co_return co_await answer();
    if (!std::holds_alternative<http::NeedMore>(*event)) co_return false;
    if (connection_.our_state() == http::State::must_close) co_return false;
    // Content that the client holds back is not wanted: it hears the answer instead.
    if (connection_.client_waits()) {
      connection_.end_keep_alive();
      co_return co_await answer();
    }
    co_return co_await read();
  }

  /// Answers the request at hand; true where another may follow.
  asio::awaitable<bool> answer() {
    if (service_.stopping) connection_.end_keep_alive();
    const bool sent = co_await send_reply();
    access_.complete = sent;
    service_.tell(access_);
    if (!sent) failed_ = true;
    dropped_ = 0;
    is_timed_ = false;
    co_return sent&& connection_.keep_alive();
  }

  /// Answers what is no request, as well as it can be.
  asio::awaitable<bool> refuse(http::Error error) {
    if (connection_.our_state() != http::State::idle &&
        connection_.our_state() != http::State::send_response)
      co_return false;
    if (connection_.our_state() == http::State::idle) {
      access_ = {client_, "-", "-"};
      is_head_ = false;
    }
    reply_ = error_reply(error.status, error.why);
    connection_.end_keep_alive();
    co_await answer();
    co_return false;
  }

  asio::awaitable<bool> send_reply() {
    access_.status = reply_.status;
    const HttpHead head(reply_, service_.options().name, service_.unix_time());
    std::vector<u8> room(1024 + reply_.location.size());
    const auto n = connection_.send(head.response(), room);
    if (!n) co_return false;
    const bool has_content = !is_head_ && reply_.status != 304 && reply_.length > 0;
    const Bytes bytes = Bytes(room).first(*n);
    if (!co_await writer_.write(bytes, has_content)) co_return false;
    if (has_content && !co_await send_content()) co_return false;
    reply_.file = link::Descriptor();
    co_return connection_.send(http::EndOfMessage{}, {}).has_value();
  }

  asio::awaitable<bool> send_content() {
    for (std::size_t i = 0; i < reply_.parts.size(); ++i) {
      const http::Part& part = reply_.parts[i];
      count_content(part.head.size());
      if (!co_await writer_.write(as_bytes(part.head), true)) co_return false;
      const bool more = !reply_.text.empty() || i + 1 < reply_.parts.size();
      if (!co_await writer_.write_file(reply_.file, part.range, more,
                                       [this](u64 n) { count_content(n); }))
        co_return false;
    }
    count_content(reply_.text.size());
    co_return co_await writer_.write(as_bytes(reply_.text), false);
  }

  void count_content(u64 n) {
    access_.content_bytes += n;
    service_.counters().content_bytes += n;
    // The length of the content was fixed in the head, and no more of it is read.
    ASSERT(connection_.sent_content(n));
  }

  asio::awaitable<bool> read() {
    const HttpServerOptions& options = service_.options();
    input_.erase(input_.begin(), input_.begin() + begin_);
    begin_ = 0;
    idle_ = input_.empty() && connection_.their_state() == http::State::idle;
    if (idle_ && service_.stopping) co_return false;
    if (idle_) stream_.expires_after(options.idle_timeout);
    // A limit for the whole request: bytes that drip in do not renew it.
    if (!idle_ && !std::exchange(is_timed_, true)) stream_.expires_after(options.request_timeout);
    const std::size_t held = input_.size();
    input_.resize(held + read_bytes);
    std::error_code error;
    const std::size_t n =
        co_await stream_.async_read_some(asio::buffer(input_.data() + held, read_bytes),
                                         asio::redirect_error(asio::use_awaitable, error));
    input_.resize(held + n);
    error = outcome(stream_, error);
    const bool was_idle = std::exchange(idle_, false);
    if (error == asio::error::eof) {
      connection_.end_of_input();
      co_return true;
    }
    if (error == std::errc::timed_out && !was_idle)
      co_return co_await refuse({408, "The request took too long."});
    if (error && !was_idle) failed_ = true;
    co_return !error;
  }

  /// RFC 9112 §9.6: closing both ways at once could reset the connection before the client has
  /// read the last response. So FIN goes first, and what still comes is read and dropped.
  asio::awaitable<void> close() {
    std::error_code error;
    stream_.shutdown(asio::socket_base::shutdown_send, error);
    stream_.expires_after(service_.options().linger_timeout);
    u64 dropped = 0;
    input_.resize(read_bytes);
    while (!error && !service_.stopping && dropped <= service_.options().request_content_max)
      dropped += co_await stream_.async_read_some(asio::buffer(input_.data(), input_.size()),
                                                  asio::redirect_error(asio::use_awaitable, error));
    stream_.close();
  }

  static constexpr u32 read_bytes = 4096;

  Stream stream_;
  HttpService& service_;
  http::Connection connection_;
  wire::Endpoint client_;
  HttpAccess access_;
  HttpReply reply_;
  HttpWriter<Stream> writer_;
  std::vector<u8> input_;  // what came; used up to begin_
  u32 begin_ = 0;
  u64 dropped_ = 0;  // of this request's content
  bool is_head_ = false;
  bool is_timed_ = false;  // the request at hand has its time limit
  bool idle_ = false;      // waits for a request, and nothing of it is there
  bool failed_ = false;    // there is nobody to close with in peace
};

}  // namespace handfast::io
