#include "io/relay.hpp"

#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>

namespace handfast::io {
namespace {

asio::awaitable<std::error_code> write_all(AnyStream& to, Bytes bytes) {
  while (!bytes.empty()) {
    const Transferred done = co_await to.write_some(bytes);
    if (done.error) co_return done.error;
    bytes = bytes.subspan(done.bytes);
  }
  co_return std::error_code{};
}

asio::awaitable<void> copy(AnyStream& from, Bytes first, AnyStream& to) {
  std::vector<u8> room(16u << 10);
  std::error_code error = co_await write_all(to, first);
  while (!error) {
    const Transferred got = co_await from.read_some(room);
    error = got.error;
    if (!error) error = co_await write_all(to, Bytes(room).first(got.bytes));
  }
  if (error == asio::error::eof) {
    to.shutdown_send();
  } else {
    from.cancel();
    to.cancel();
  }
}

}  // namespace

asio::awaitable<void> relay(AnyStream& a, Bytes from_a, AnyStream& b, Bytes from_b) {
  asio::steady_timer ended(a.get_executor(), asio::steady_timer::time_point::max());
  bool is_back_done = false;
  asio::co_spawn(a.get_executor(), copy(b, from_b, a), [&](const std::exception_ptr&) {
    is_back_done = true;
    ended.cancel();
  });
  co_await copy(a, from_a, b);
  while (!is_back_done) {
    std::error_code ignored;
    co_await ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace handfast::io
