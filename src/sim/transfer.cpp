#include "sim/transfer.hpp"

#include <algorithm>
#include <array>

#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "sim/streams.hpp"

namespace handfast::sim {

namespace {

constexpr u16 first_client_port = 40000;  // + the connection's number: so the server knows its plan
constexpr u32 scales = 17;                // of sizes

}  // namespace

/// One end of one connection while it lasts.
struct Transfer::End {
  io::TcpStream stream;
  const Manners& manners;
  u32 expects;  // bytes
  u32 index;
  bool is_client;
  u32 halves_done = 0;
  u64 sent = 0;
  u64 received = 0;
};

Transfer::Transfer(World& world, Node& client, Node& server, const TransferOptions& options,
                   Rng rng)
    : world_(world),
      client_(client),
      server_(server),
      to_{options.ipv6 ? server.address_v6() : server.address_v4(), options.port} {
  draw_plans(rng, options);
  world_.spawn(serve(io::TcpListener(server_.stack(), to_)));
  for (u32 i = 0; i < connections(); ++i) world_.spawn(call(i));
}

void Transfer::draw_plans(Rng& rng, const TransferOptions& options) {
  plans_.resize(1 + rng.below(options.connections_max));
  for (Plan& plan : plans_) {
    plan.start = Duration(to<i64>(rng.below(to<u64>(options.start_within.count()) + 1)));
    for (Manners* one : {&plan.client, &plan.server}) {
      one->sends = draw_size(rng, options.bytes_max, scales);
      one->write_size = 1 + to<u32>(rng.below(stream_buffer_size));
      one->read_size = 1 + to<u32>(rng.below(stream_buffer_size));
      if (rng.chance({1, 4}))
        one->pause = Duration(to<i64>(rng.below(to<u64>(options.pause_max.count()) + 1)));
    }
    switch (rng.below(3)) {  // who closes first: as it comes, the client, the server
      case 1: plan.server.waits_for_eof = true; break;
      case 2: plan.client.waits_for_eof = true; break;
      default: break;
    }
  }
}

u64 Transfer::bytes() const {
  u64 sum = 0;
  for (const Plan& plan : plans_) sum += u64{plan.client.sends} + plan.server.sends;
  return sum;
}

std::string Transfer::report() const {
  if (!problem_.empty()) return problem_;
  if (succeeded()) return {};
  return fmt::format("{} of {} ends have finished", ends_done_, 2 * plans_.size());
}

void Transfer::failed(const End& end, std::string_view what) {
  if (!problem_.empty()) return;
  problem_ = fmt::format("connection {}, {}: {} ({} of {} bytes sent, {} of {} received)",
                         end.index, end.is_client ? "client" : "server", what, end.sent,
                         end.manners.sends, end.received, end.expects);
}

asio::awaitable<void> Transfer::serve(io::TcpListener listener) {
  for (u32 accepted = 0; accepted < connections(); ++accepted) {
    std::error_code error;
    io::TcpStream stream =
        co_await listener.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      if (problem_.empty()) problem_ = "accept: " + error.message();
      co_return;
    }
    const u32 index = to<u32>(stream.remote_endpoint().port - first_client_port);
    if (index >= connections()) {
      problem_ = fmt::format("a stranger at port {}", stream.remote_endpoint().port);
      co_return;
    }
    run(std::move(stream), index, false);
  }
}

asio::awaitable<void> Transfer::call(u32 index) {
  co_await client_.stack().async_sleep(plans_[index].start, asio::use_awaitable);
  io::TcpStream stream(client_.stack());
  const wire::IpAddress any = to_.address.is_v4() ? wire::any_v4 : wire::any_v6;
  const wire::Endpoint local{any, to<u16>(first_client_port + index)};
  std::error_code error;
  co_await stream.async_connect(to_, local, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    if (problem_.empty()) problem_ = fmt::format("connection {}: {}", index, error.message());
    co_return;
  }
  run(std::move(stream), index, true);
}

void Transfer::run(io::TcpStream stream, u32 index, bool is_client) {
  const Plan& plan = plans_[index];
  auto end = std::make_shared<End>(End{.stream = std::move(stream),
                                       .manners = is_client ? plan.client : plan.server,
                                       .expects = is_client ? plan.server.sends : plan.client.sends,
                                       .index = index,
                                       .is_client = is_client});
  if (!end->manners.waits_for_eof) world_.spawn(write(end));
  world_.spawn(read(end));
}

asio::awaitable<void> Transfer::write(std::shared_ptr<End> end) {
  std::array<u8, stream_buffer_size> buffer;
  std::error_code error;
  while (end->sent < end->manners.sends) {
    const u64 size = std::min<u64>(end->manners.write_size, end->manners.sends - end->sent);
    for (u64 i = 0; i < size; ++i)
      buffer[i] = stream_byte(end->index, end->is_client, end->sent + i);
    end->sent += co_await end->stream.async_write_some(
        asio::buffer(buffer.data(), size), asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      failed(*end, "write: " + error.message());
      co_return;
    }
  }
  end->stream.shutdown(asio::socket_base::shutdown_send, error);
  if (error) failed(*end, "shutdown: " + error.message());
  finished_half(*end);
}

asio::awaitable<void> Transfer::read(std::shared_ptr<End> end) {
  Node& node = end->is_client ? client_ : server_;
  std::array<u8, stream_buffer_size> buffer;
  for (;;) {
    if (end->manners.pause > Duration::zero())
      co_await node.stack().async_sleep(end->manners.pause, asio::use_awaitable);
    std::error_code error;
    const std::size_t size =
        co_await end->stream.async_read_some(asio::buffer(buffer.data(), end->manners.read_size),
                                             asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::eof) break;
    if (error) {
      failed(*end, "read: " + error.message());
      co_return;
    }
    for (std::size_t i = 0; i < size; ++i) {
      if (buffer[i] == stream_byte(end->index, !end->is_client, end->received + i)) continue;
      failed(*end, fmt::format("byte {} is wrong", end->received + i));
      co_return;
    }
    end->received += size;
  }
  if (end->received != end->expects) failed(*end, "the stream ended early");
  if (end->manners.waits_for_eof) world_.spawn(write(end));
  finished_half(*end);
}

void Transfer::finished_half(End& end) {
  if (++end.halves_done < 2) return;
  end.stream.close();
  ++ends_done_;
}

}  // namespace handfast::sim
