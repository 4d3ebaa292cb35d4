#include "sim/turmoil.hpp"

#include <algorithm>
#include <array>

#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "sim/streams.hpp"

namespace handfast::sim {

namespace {

constexpr u32 scales = 12;  // of sizes

Duration draw_time(Rng& rng, Duration max) {
  return Duration(to<i64>(rng.below(to<u64>(max.count()) + 1)));
}

}  // namespace

Turmoil::Turmoil(World& world, Node& client, Node& server, const TurmoilOptions& options, Rng rng)
    : world_(world),
      client_(client),
      server_(server),
      to_{options.ipv6 ? server.address_v6() : server.address_v4(), options.port},
      first_client_port_(options.first_client_port) {
  plans_.resize(1 + rng.below(options.connections_max));
  for (Plan& plan : plans_) {
    plan.start = draw_time(rng, options.start_within);
    plan.client = draw_habits(rng, options);
    plan.server = draw_habits(rng, options);
    if (plan.client.waits_for_eof) plan.server.waits_for_eof = false;  // else nobody begins
  }
  serve();
  for (u32 i = 0; i < plans_.size(); ++i) {
    ++running_;
    world_.spawn(call(i));
  }
}

Turmoil::Habits Turmoil::draw_habits(Rng& rng, const TurmoilOptions& options) {
  Habits habits;
  habits.sends = draw_size(rng, options.bytes_max, scales);
  habits.write_size = 1 + to<u32>(rng.below(stream_buffer_size));
  habits.read_size = 1 + to<u32>(rng.below(stream_buffer_size));
  habits.pause_at = draw_size(rng, options.bytes_max, scales);
  if (rng.chance({1, 2})) habits.pause = draw_time(rng, options.pause_max);
  habits.ends_at = draw_size(rng, options.bytes_max, scales);
  habits.waits_for_eof = rng.chance({1, 4});
  const u64 ending = rng.below(8);
  if (!options.polite && ending == 0) habits.ending = Ending::abort;
  if (!options.polite && ending == 1) habits.ending = Ending::leave;
  return habits;
}

void Turmoil::serve() { world_.spawn(accept(io::TcpListener(server_.stack(), to_))); }

u32 Turmoil::ended_by_fin() const {
  return to<u32>(std::ranges::count_if(ends_, [](const auto& end) { return end->eof; }));
}

u32 Turmoil::ended_by(std::errc error) const {
  return to<u32>(
      std::ranges::count_if(ends_, [&](const auto& end) { return end->error == error; }));
}

std::string Turmoil::missing() const {
  std::string text;
  for (u32 i = 0; i < plans_.size(); ++i) {
    const Plan& plan = plans_[i];
    if (plan.client.ending != Ending::polite || plan.server.ending != Ending::polite) continue;
    u32 whole = 0;
    for (const auto& end : ends_) {
      if (end->index != i) continue;
      if (end->eof && end->received == end->expects && !end->error) ++whole;
      if (end->error)
        text += fmt::format("connection {}, {}: {} ({} sent, {} of {} received); ", i,
                            end->is_client ? "client" : "server", end->error.message(), end->sent,
                            end->received, end->expects);
    }
    if (whole != 2) text += fmt::format("connection {}: {} ends have everything; ", i, whole);
  }
  return text;
}

void Turmoil::failed(const End& end, std::string_view what) {
  if (!problem_.empty()) return;
  problem_ = fmt::format("connection {}, {}: {} ({} of {} bytes sent, {} of {} received)",
                         end.index, end.is_client ? "client" : "server", what, end.sent,
                         end.habits.sends, end.received, end.expects);
}

asio::awaitable<void> Turmoil::accept(io::TcpListener listener) {
  for (;;) {
    std::error_code error;
    io::TcpStream stream =
        co_await listener.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;  // the host has crashed
    const u32 index = to<u32>(stream.remote_endpoint().port - first_client_port_);
    if (index >= plans_.size()) {
      problem_ = fmt::format("a stranger at port {}", stream.remote_endpoint().port);
      co_return;
    }
    run(std::move(stream), index, false);
  }
}

asio::awaitable<void> Turmoil::call(u32 index) {
  std::error_code error;
  co_await client_.stack().async_sleep(plans_[index].start,
                                       asio::redirect_error(asio::use_awaitable, error));
  if (!error && client_.is_up()) {
    io::TcpStream stream(client_.stack());
    const wire::IpAddress any = to_.address.is_v4() ? wire::any_v4 : wire::any_v6;
    const wire::Endpoint local{any, to<u16>(first_client_port_ + index)};
    co_await stream.async_connect(to_, local, asio::redirect_error(asio::use_awaitable, error));
    if (!error) run(std::move(stream), index, true);
  }
  --running_;
}

void Turmoil::run(io::TcpStream stream, u32 index, bool is_client) {
  const Plan& plan = plans_[index];
  ends_.push_back(
      std::make_unique<End>(End{.habits = is_client ? plan.client : plan.server,
                                .expects = is_client ? plan.server.sends : plan.client.sends,
                                .index = index,
                                .is_client = is_client}));
  End& end = *ends_.back();
  end.stream.emplace(std::move(stream));
  running_ += 2;
  if (!end.habits.waits_for_eof) world_.spawn(write(end));
  world_.spawn(read(end));
}

asio::awaitable<void> Turmoil::maybe_pause(End& end) {
  if (end.paused || end.sent + end.received < end.habits.pause_at) co_return;
  end.paused = true;
  std::error_code error;
  if (node_of(end).is_up())
    co_await node_of(end).stack().async_sleep(end.habits.pause,
                                              asio::redirect_error(asio::use_awaitable, error));
}

bool Turmoil::ended_early(End& end) {
  if (end.habits.ending == Ending::polite || end.sent + end.received < end.habits.ends_at)
    return false;
  if (end.stream->is_open()) {
    if (end.habits.ending == Ending::abort)
      end.stream->abort();
    else
      end.stream->close();
  }
  return true;
}

asio::awaitable<void> Turmoil::write(End& end) {
  std::array<u8, stream_buffer_size> buffer;
  std::error_code error;
  while (end.sent < end.habits.sends && !error && !ended_early(end)) {
    co_await maybe_pause(end);
    const u64 size = std::min<u64>(end.habits.write_size, end.habits.sends - end.sent);
    for (u64 i = 0; i < size; ++i) buffer[i] = stream_byte(end.index, end.is_client, end.sent + i);
    end.sent += co_await end.stream->async_write_some(
        asio::buffer(buffer.data(), size), asio::redirect_error(asio::use_awaitable, error));
  }
  if (error && !end.error) end.error = error;
  if (!error && end.stream->is_open())
    end.stream->shutdown(asio::socket_base::shutdown_send, error);
  finished_half(end);
}

asio::awaitable<void> Turmoil::read(End& end) {
  std::array<u8, stream_buffer_size> buffer;
  std::error_code error;
  while (!error && !ended_early(end)) {
    co_await maybe_pause(end);
    const std::size_t size =
        co_await end.stream->async_read_some(asio::buffer(buffer.data(), end.habits.read_size),
                                             asio::redirect_error(asio::use_awaitable, error));
    check(end, Bytes(buffer).first(size));
    end.received += size;
  }
  end.eof = error == asio::error::eof;
  if (error && !end.eof && !end.error) end.error = error;
  // FIN comes behind everything that was sent before it, or not at all.
  const End* const peer = other(end);
  if (end.eof && (peer == nullptr || end.received != peer->sent))
    failed(end, "the stream ended early");
  if (end.habits.waits_for_eof) world_.spawn(write(end));
  finished_half(end);
}

const Turmoil::End* Turmoil::other(const End& end) const {
  for (const auto& one : ends_)
    if (one->index == end.index && one->is_client != end.is_client) return one.get();
  return nullptr;
}

void Turmoil::check(const End& end, Bytes bytes) {
  if (end.received + bytes.size() > end.expects) failed(end, "more came than was sent");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == stream_byte(end.index, !end.is_client, end.received + i)) continue;
    return failed(end, fmt::format("byte {} is wrong", end.received + i));
  }
}

void Turmoil::finished_half(End& end) {
  --running_;
  if (++end.halves == 2) end.stream.reset();
}

}  // namespace handfast::sim
