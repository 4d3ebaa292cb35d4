// An HTTP client on any connected stream: one request, the response streamed to a sink.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include "base/result.hpp"
#include "base/time.hpp"
#include "http/connection.hpp"
#include "http/target.hpp"
#include "io/kernel_stream.hpp"

namespace handfast::io {

struct HttpClientOptions {
  std::string user_agent = "handfast";
  Duration idle_timeout = 60s;  // without a byte from the server
  bool keep_alive = false;      // more requests will follow on this connection
  http::Config http{};
};

/// Takes a response as it comes.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  /// The final response's head, valid during the call only. `length` is the content's, where the
  /// server says it. False: the content is not wanted, and dropped.
  virtual bool on_head(const http::Response& response, std::optional<u64> length) = 0;
  /// A piece of content. An error ends the transfer.
  virtual std::error_code on_content(Bytes bytes) = 0;
};

struct HttpResult {
  u16 status = 0;
  std::string reason{};
  std::string location{};  // of a redirect (RFC 9110 §15.4), else ""
  u64 content_bytes = 0;
};

/// A transfer that did not succeed as a whole. What of it came has been given to the sink.
struct HttpFailure {
  enum class Kind : u8 {
    stream,    // the connection failed: `code`
    timeout,   // the server sent nothing for idle_timeout
    cut_off,   // the connection ended inside the response
    protocol,  // the response is not HTTP/1.1 as we accept it: `why`
    sink,      // the sink refused: `code`
  };
  Kind kind = Kind::stream;
  std::error_code code{};
  std::string why{};
  u64 content_bytes = 0;
};

/// "Moved", with a place to go to.
bool is_redirect(u16 status);

template <class Stream>
class HttpClient {
 public:
  /// `stream` is connected, and outlives this.
  explicit HttpClient(Stream& stream, HttpClientOptions options = {})
      : stream_(stream),
        options_(std::move(options)),
        connection_(http::Role::client, options_.http) {}

  /// GET. After a success another may follow if can_continue().
  asio::awaitable<Result<HttpResult, HttpFailure>> get(const http::Url& url, HttpSink& sink) {
    result_ = {};
    wanted_ = false;
    done_ = false;
    std::optional<HttpFailure> failed = co_await send_request(url);
    while (!failed && !done_) failed = co_await step(sink);
    if (!failed) co_return result_;
    failed->content_bytes = result_.content_bytes;
    co_return failure(*failed);
  }

  bool can_continue() const {
    return options_.keep_alive && connection_.our_state() == http::State::idle;
  }

 private:
  using Outcome = std::optional<HttpFailure>;

  asio::awaitable<Outcome> send_request(const http::Url& url) {
    const std::string host = url.authority();
    const std::array fields{http::Field{"Host", host},
                            http::Field{"User-Agent", options_.user_agent},
                            http::Field{"Accept", "*/*"}, http::Field{"Connection", "close"}};
    const http::Request request{"GET", url.target, 1,
                                http::Fields(fields).first(options_.keep_alive ? 3 : 4)};
    std::vector<u8> room(512 + url.target.size() + host.size() + options_.user_agent.size());
    const auto n = connection_.send(request, room);
    if (!n) co_return protocol(n.error());
    if (const auto end = connection_.send(http::EndOfMessage{}, {}); !end)
      co_return protocol(end.error());
    stream_.expires_after(options_.idle_timeout);
    std::error_code error;
    co_await asio::async_write(stream_, asio::buffer(room.data(), *n),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return stream_failure(outcome(stream_, error));
    co_return std::nullopt;
  }

  asio::awaitable<Outcome> step(HttpSink& sink) {
    Bytes in = Bytes(input_).first(end_).subspan(begin_);
    const auto event = connection_.next(in);
    begin_ = end_ - to<u32>(in.size());
    if (!event) co_return protocol(event.error());
    if (const auto* response = std::get_if<http::Response>(&*event)) {
      if (response->status >= 200) on_head(*response, sink);
    } else if (const auto* data = std::get_if<http::Data>(&*event)) {
      result_.content_bytes += data->bytes.size();
      const std::error_code refused = wanted_ ? sink.on_content(data->bytes) : std::error_code{};
      if (refused) co_return HttpFailure{HttpFailure::Kind::sink, refused};
    } else if (std::holds_alternative<http::EndOfMessage>(*event)) {
      done_ = true;
    } else {
      co_return co_await read();
    }
    co_return std::nullopt;
  }

  void on_head(const http::Response& response, HttpSink& sink) {
    result_.status = response.status;
    result_.reason = response.reason;
    if (is_redirect(response.status))
      result_.location = http::find(response.fields, "location").value_or("");
    wanted_ = sink.on_head(response, connection_.content_left());
  }

  asio::awaitable<Outcome> read() {
    std::copy(input_.begin() + begin_, input_.begin() + end_, input_.begin());
    end_ -= std::exchange(begin_, 0);
    input_.resize(std::max<std::size_t>(end_ + read_bytes, input_.size()));
    stream_.expires_after(options_.idle_timeout);
    std::error_code error;
    const std::size_t n =
        co_await stream_.async_read_some(asio::buffer(input_.data() + end_, input_.size() - end_),
                                         asio::redirect_error(asio::use_awaitable, error));
    end_ += to<u32>(n);
    if (error == asio::error::eof) {
      ended_ = true;
      connection_.end_of_input();
      co_return std::nullopt;
    }
    if (error) co_return stream_failure(outcome(stream_, error));
    co_return std::nullopt;
  }

  static HttpFailure stream_failure(std::error_code error) {
    const bool is_timeout = error == std::errc::timed_out;
    return {is_timeout ? HttpFailure::Kind::timeout : HttpFailure::Kind::stream, error};
  }
  /// What is refused because the stream ended too early is no fault of the protocol.
  HttpFailure protocol(const http::Error& error) const {
    return {ended_ ? HttpFailure::Kind::cut_off : HttpFailure::Kind::protocol,
            {},
            std::string(error.why)};
  }

  static constexpr u32 read_bytes = 64u << 10;

  Stream& stream_;
  HttpClientOptions options_;
  http::Connection connection_;
  std::vector<u8> input_;  // what came is [begin_, end_)
  u32 begin_ = 0;
  u32 end_ = 0;
  HttpResult result_;
  bool wanted_ = false;
  bool done_ = false;
  bool ended_ = false;
};

}  // namespace handfast::io
