#include "cli/demo_talk.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <fmt/format.h>

#include "http/connection.hpp"

namespace handfast::cli {

namespace {

constexpr std::size_t piece_size = 16 << 10;  // bytes of content written at one go

/// The page's byte at `offset`: a line that repeats.
u8 page_byte(u64 offset) {
  static constexpr std::string_view line = "Hello over a TCP that no kernel took part in.\n";
  return to<u8>(line[offset % line.size()]);
}

/// One end: its stream, its half of HTTP, and what was read and not yet understood.
class End {
 public:
  End(io::Stack& stack, io::TcpStream stream, http::Role role, TalkResult& result)
      : stack_(stack), stream_(std::move(stream)), http_(role), role_(role), result_(result) {}

  io::TcpStream& stream() { return stream_; }
  http::Connection& http() { return http_; }

  void fail(std::string_view what) {
    if (!result_.problem.empty()) return;
    const char* who = role_ == http::Role::client ? "client" : "server";
    result_.problem = fmt::format("{}: {}", who, what);
  }

  /// Writes what the event is on the wire; false after a problem.
  asio::awaitable<bool> send(const http::Event& event) {
    std::vector<u8> room(piece_size + 1024);
    const auto size = http_.send(event, room);
    if (!size) {
      fail(size.error().why);
      co_return false;
    }
    std::error_code error;
    co_await asio::async_write(stream_, asio::buffer(room.data(), *size),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) fail("writing: " + error.message());
    co_return !error;
  }

  /// The next event. Its views live until the next call. ConnectionClosed after a problem too.
  asio::awaitable<http::Event> next() {
    for (;;) {
      Bytes in{unread_};
      const auto event = http_.next(in);
      if (!event) {
        fail(event.error().why);
        co_return http::ConnectionClosed{};
      }
      if (!std::holds_alternative<http::NeedMore>(*event)) {
        // The views point into what is about to be dropped, so it is dropped at the next call.
        pending_ = unread_.size() - in.size();
        co_return *event;
      }
      unread_.erase(unread_.begin(), unread_.end() - to<std::ptrdiff_t>(in.size()));
      if (!co_await read()) co_return http::ConnectionClosed{};
    }
  }
  /// Call it when the event that next() gave has been used.
  void done_with_event() {
    unread_.erase(unread_.begin(), unread_.begin() + to<std::ptrdiff_t>(pending_));
    pending_ = 0;
  }

  /// Our FIN, after what is queued.
  void close_half() {
    std::error_code error;
    stream_.shutdown(asio::socket_base::shutdown_send, error);
    if (error) fail("closing: " + error.message());
  }
  /// Waits for the peer's FIN.
  asio::awaitable<void> await_end() {
    std::array<u8, 512> rest;
    std::error_code error;
    while (!error)
      co_await stream_.async_read_some(asio::buffer(rest),
                                       asio::redirect_error(asio::use_awaitable, error));
    if (error != asio::error::eof) fail("waiting for the other end to close: " + error.message());
  }
  asio::awaitable<void> sleep(Duration time) {
    if (time > 0ns) co_await stack_.async_sleep(time, asio::use_awaitable);
  }

 private:
  asio::awaitable<bool> read() {
    const std::size_t old = unread_.size();
    unread_.resize(old + piece_size);
    std::error_code error;
    const std::size_t size =
        co_await stream_.async_read_some(asio::buffer(unread_.data() + old, piece_size),
                                         asio::redirect_error(asio::use_awaitable, error));
    unread_.resize(old + size);
    if (error == asio::error::eof) {
      http_.end_of_input();
    } else if (error) {
      fail("reading: " + error.message());
      co_return false;
    }
    co_return true;
  }

  io::Stack& stack_;
  io::TcpStream stream_;
  http::Connection http_;
  http::Role role_;
  TalkResult& result_;
  std::vector<u8> unread_;
  std::size_t pending_ = 0;
};

asio::awaitable<bool> send_request(End& end, const TalkPlan& plan) {
  const std::string host = wire::to_string(plan.server);
  std::vector<http::Field> fields{{"Host", host}, {"User-Agent", "handfast"}};
  if (plan.server_closes) fields.push_back({"Connection", "close"});
  const http::Request request{.method = "GET", .target = "/", .fields = fields};
  co_return co_await end.send(request) && co_await end.send(http::EndOfMessage{});
}

/// Reads the response; false where it is not the page that the server has.
asio::awaitable<bool> receive_page(End& end, u64 size) {
  u64 received = 0;
  for (;;) {
    const http::Event event = co_await end.next();
    bool is_complete = std::holds_alternative<http::EndOfMessage>(event);
    if (std::holds_alternative<http::ConnectionClosed>(event)) {
      end.fail(fmt::format("the response ended after {} of {} bytes", received, size));
      co_return false;
    }
    if (const auto* data = std::get_if<http::Data>(&event)) {
      for (const u8 byte : data->bytes) {
        if (byte == page_byte(received++)) continue;
        end.fail(fmt::format("byte {} of the page is wrong", received - 1));
        co_return false;
      }
    }
    end.done_with_event();
    if (is_complete) break;
  }
  if (received != size) end.fail(fmt::format("{} of {} bytes arrived", received, size));
  co_return received == size;
}

asio::awaitable<bool> receive_request(End& end) {
  for (;;) {
    const http::Event event = co_await end.next();
    const bool is_complete = std::holds_alternative<http::EndOfMessage>(event);
    if (std::holds_alternative<http::ConnectionClosed>(event)) {
      end.fail("the connection ended before the request did");
      co_return false;
    }
    end.done_with_event();
    if (is_complete) co_return true;
  }
}

asio::awaitable<bool> send_page(End& end, u64 size) {
  const std::string length = fmt::to_string(size);
  const std::vector<http::Field> fields{{"Content-Type", "text/plain"}, {"Content-Length", length}};
  if (!co_await end.send(http::Response{.status = 200, .fields = fields})) co_return false;
  std::vector<u8> piece;
  for (u64 sent = 0; sent < size; sent += piece.size()) {
    piece.resize(std::min<u64>(piece_size, size - sent));
    for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = page_byte(sent + i);
    if (!co_await end.send(http::Data{piece})) co_return false;
  }
  co_return co_await end.send(http::EndOfMessage{});
}

}  // namespace

asio::awaitable<void> talk_as_client(io::Stack& stack, const TalkPlan& plan, TalkResult& result) {
  End end(stack, io::TcpStream(stack), http::Role::client, result);
  std::error_code error;
  co_await end.stream().async_connect(plan.server,
                                      asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    end.fail("connecting: " + error.message());
    co_return;
  }
  co_await end.sleep(plan.request_after);
  if (!co_await send_request(end, plan)) co_return;
  if (!co_await receive_page(end, plan.size)) co_return;
  result.answered = stack.now();
  if (plan.client_closes) {
    end.close_half();
    co_await end.await_end();
  } else {
    co_await end.await_end();
    co_await end.sleep(plan.close_after);
    end.close_half();
  }
}

asio::awaitable<void> talk_as_server(io::Stack& stack, io::TcpListener& listener,
                                     const TalkPlan& plan, TalkResult& result) {
  std::error_code error;
  io::TcpStream accepted =
      co_await listener.async_accept(asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    // The client never came, and says why.
    co_return;
  }
  End end(stack, std::move(accepted), http::Role::server, result);
  if (!co_await receive_request(end)) co_return;
  if (!co_await send_page(end, plan.size)) co_return;
  if (plan.server_closes) {
    // The client closes when the page has arrived: our FIN leaves then, so that the two cross.
    if (plan.client_closes) co_await end.sleep(plan.one_way);
    end.close_half();
    co_await end.await_end();
  } else {
    co_await end.await_end();
    co_await end.sleep(plan.close_after);
    end.close_half();
  }
}

}  // namespace handfast::cli
