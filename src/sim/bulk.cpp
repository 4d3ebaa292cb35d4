#include "sim/bulk.hpp"

#include <vector>

#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

namespace handfast::sim {

namespace {

constexpr u32 buffer_size = 64u << 10;  // bytes

}  // namespace

Bulk::Bulk(World& world, Node& from, Node& to, u16 port, Duration start) {
  const wire::Endpoint there{to.address_v4(), port};
  world.spawn(serve(io::TcpListener(to.stack(), there)));
  world.spawn(send(from, there, start));
}

asio::awaitable<void> Bulk::serve(io::TcpListener listener) {
  io::TcpStream stream = co_await listener.async_accept(asio::use_awaitable);
  std::vector<u8> buffer(buffer_size);
  std::error_code error;
  while (!error)
    received_ += co_await stream.async_read_some(asio::buffer(buffer),
                                                 asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> Bulk::send(Node& from, wire::Endpoint to, Duration start) {
  co_await from.stack().async_sleep(start, asio::use_awaitable);
  io::TcpStream stream(from.stack());
  std::error_code error;
  co_await stream.async_connect(to, asio::redirect_error(asio::use_awaitable, error));
  const std::vector<u8> buffer(buffer_size);
  while (!error)
    co_await stream.async_write_some(asio::buffer(buffer),
                                     asio::redirect_error(asio::use_awaitable, error));
}

double fairness(std::span<const u64> shares) {
  double sum = 0;
  double squares = 0;
  for (const u64 share : shares) {
    const auto value = static_cast<double>(share);
    sum += value;
    squares += value * value;
  }
  return squares == 0 ? 0 : sum * sum / (static_cast<double>(shares.size()) * squares);
}

}  // namespace handfast::sim
