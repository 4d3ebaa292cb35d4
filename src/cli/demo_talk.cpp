#include "cli/demo_talk.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <fmt/format.h>

#include "http/connection.hpp"
#include "io/stream_trace.hpp"
#include "io/tls_stream.hpp"

namespace handfast::cli {

namespace {

constexpr std::size_t piece_size = 16 << 10;  // bytes of content written at one go

/// The page's byte at `offset`: a line that repeats.
u8 page_byte(u64 offset) {
  static constexpr std::string_view line = "Hello over a TCP that no kernel took part in.\n";
  return to<u8>(line[offset % line.size()]);
}

void blame(TalkResult& result, http::Role role, std::string_view what) {
  if (!result.problem.empty()) return;
  const char* who = role == http::Role::client ? "client" : "server";
  result.problem = fmt::format("{}: {}", who, what);
}

/// One end of a connection: its stream, its half of HTTP, and what was read and not yet understood.
template <class Stream>
class End {
 public:
  End(const TalkEnd& end, Stream stream, std::unique_ptr<io::StreamTrace> trace, http::Role role,
      TalkResult& result)
      : stack_(*end.stack),
        stream_(std::move(stream)),
        trace_(std::move(trace)),
        http_(role),
        role_(role),
        result_(result) {
    http_.trace_to(trace_.get());
  }

  http::Connection& http() { return http_; }
  io::Stack& stack() { return stack_; }

  /// TLS alone: a request that is not to go early waits for the whole handshake.
  asio::awaitable<bool> shake_hands() {
    std::error_code error;
    if constexpr (requires { stream_.session(); }) {
      if (stream_.session().early_room() == 0)
        co_await stream_.async_handshake(asio::redirect_error(asio::use_awaitable, error));
    }
    if (error) fail("TLS", error);
    co_return !error;
  }

  void fail(std::string_view what) { blame(result_, role_, what); }
  void fail(std::string_view what, const std::error_code& error) {
    std::string why = error.message();
    if constexpr (requires { stream_.why(); })
      if (!stream_.why().empty()) why = stream_.why();
    fail(fmt::format("{}: {}", what, why));
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
    if (error) fail("writing", error);
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
    if (error) fail("closing", error);
  }
  /// Waits for the peer's FIN.
  asio::awaitable<void> await_end() {
    std::array<u8, 512> rest;
    std::error_code error;
    while (!error)
      co_await stream_.async_read_some(asio::buffer(rest),
                                       asio::redirect_error(asio::use_awaitable, error));
    if (error != asio::error::eof) fail("waiting for the other end to close", error);
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
      fail("reading", error);
      co_return false;
    }
    co_return true;
  }

  io::Stack& stack_;
  Stream stream_;
  std::unique_ptr<io::StreamTrace> trace_;
  http::Connection http_;
  http::Role role_;
  TalkResult& result_;
  std::vector<u8> unread_;
  std::size_t pending_ = 0;
};

template <class Stream>
asio::awaitable<bool> send_request(End<Stream>& end, const TalkPlan& plan, bool is_last) {
  std::vector<http::Field> fields{{"Host", plan.server_name}, {"User-Agent", "handfast"}};
  if (is_last && plan.server_closes) fields.push_back({"Connection", "close"});
  const http::Request request{.method = "GET", .target = "/", .fields = fields};
  co_return co_await end.send(request) && co_await end.send(http::EndOfMessage{});
}

/// Reads the response; false where it is not the page that the server has.
template <class Stream>
asio::awaitable<bool> receive_page(End<Stream>& end, u64 size) {
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

template <class Stream>
asio::awaitable<bool> receive_request(End<Stream>& end) {
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

template <class Stream>
asio::awaitable<bool> send_page(End<Stream>& end, u64 size) {
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

/// Our FIN when the peer's has come, and not at once.
template <class Stream>
asio::awaitable<void> close_second(std::shared_ptr<End<Stream>> end, Duration close_after) {
  co_await end->await_end();
  co_await end->sleep(close_after);
  end->close_half();
}

template <class Stream>
asio::awaitable<void> close_as_client(std::shared_ptr<End<Stream>> end, const TalkPlan& plan) {
  if (!plan.client_closes) {
    co_await close_second(end, plan.close_after);
    co_return;
  }
  end->close_half();
  co_await end->await_end();
}

/// Asks for all pages; true where all came. The close goes on by itself.
template <class Stream>
asio::awaitable<bool> ask(std::shared_ptr<End<Stream>> end, const TalkPlan& plan,
                          TalkResult& result) {
  if (!co_await end->shake_hands()) co_return false;
  co_await end->sleep(plan.request_after);
  for (u32 i = 0; i < plan.requests; ++i) {
    const bool is_last = i + 1 == plan.requests;
    if (!co_await send_request(*end, plan, is_last)) co_return false;
    if (!co_await receive_page(*end, plan.size)) co_return false;
  }
  result.answered = end->stack().now();
  asio::co_spawn(end->stack().get_executor(), close_as_client(end, plan), asio::detached);
  co_return true;
}

template <class Stream>
asio::awaitable<void> serve(std::shared_ptr<End<Stream>> end, const TalkPlan& plan) {
  for (u32 i = 0; i < plan.requests; ++i) {
    if (!co_await receive_request(*end)) co_return;
    if (!co_await send_page(*end, plan.size)) co_return;
  }
  if (!plan.server_closes) {
    co_await close_second(end, plan.close_after);
    co_return;
  }
  // The client closes when the page has arrived: our FIN leaves then, so that the two cross.
  if (plan.client_closes) co_await end->sleep(plan.one_way);
  end->close_half();
  co_await end->await_end();
}

std::unique_ptr<io::StreamTrace> trace_of(const TalkEnd& end, const io::TcpStream& stream) {
  io::Stack* stack = end.stack;
  return io::trace_stream(end.sink, [stack] { return stack->now(); }, stream);
}

}  // namespace

asio::awaitable<void> talk_as_client(const TalkPlan& plan, TalkResult& result) {
  const TalkEnd& ours = plan.client;
  for (u32 i = 0; i < plan.connections; ++i) {
    io::TcpStream tcp(*ours.stack);
    std::error_code error;
    co_await tcp.async_connect(plan.address, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      blame(result, http::Role::client, "connecting: " + error.message());
      co_return;
    }
    auto trace = trace_of(ours, tcp);
    bool is_good = false;
    if (ours.tls == nullptr) {
      auto end = std::make_shared<End<io::TcpStream>>(ours, std::move(tcp), std::move(trace),
                                                      http::Role::client, result);
      is_good = co_await ask(end, plan, result);
    } else {
      using Stream = io::TlsStream<io::TcpStream>;
      Stream stream(std::move(tcp), *ours.tls, plan.server_name);
      auto end = std::make_shared<End<Stream>>(ours, std::move(stream), std::move(trace),
                                               http::Role::client, result);
      is_good = co_await ask(end, plan, result);
    }
    if (!is_good) co_return;
  }
}

asio::awaitable<void> talk_as_server(io::TcpListener& listener, const TalkPlan& plan,
                                     TalkResult& result) {
  const TalkEnd& ours = plan.server;
  for (u32 i = 0; i < plan.connections; ++i) {
    std::error_code error;
    io::TcpStream tcp =
        co_await listener.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;  // the client never came, and says why
    auto trace = trace_of(ours, tcp);
    const auto executor = ours.stack->get_executor();
    if (ours.tls == nullptr) {
      auto end = std::make_shared<End<io::TcpStream>>(ours, std::move(tcp), std::move(trace),
                                                      http::Role::server, result);
      asio::co_spawn(executor, serve(std::move(end), plan), asio::detached);
    } else {
      using Stream = io::TlsStream<io::TcpStream>;
      auto end = std::make_shared<End<Stream>>(ours, Stream(std::move(tcp), *ours.tls),
                                               std::move(trace), http::Role::server, result);
      asio::co_spawn(executor, serve(std::move(end), plan), asio::detached);
    }
  }
}

}  // namespace handfast::cli
