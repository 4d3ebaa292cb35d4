#include "handfast_pair.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"

namespace handfast::bench {

namespace {

constexpr u16 first_port = 80;
constexpr u16 listener_count = 16;  // 28,232 ports of one client are too few for 100,000 records
constexpr u32 request_bytes = 64;
constexpr u32 window_bytes = 64u << 10;  // as lwIP's in lwipopts.h: both ends fit the cache

host::Config config_of(u8 number) {
  host::Config config;
  config.interfaces = {host::InterfaceConfig{
      .mtu = 1500, .addresses = {{wire::IpAddress::v4(192, 0, 2, number), 24}}}};
  config.interfaces[0].whole_frames = true;
  config.interfaces[0].segment_bytes_max = 65535;
  config.tcp.no_delay = true;
  config.tcp.send_buffer_max = window_bytes;
  config.tcp.receive_buffer_max = window_bytes;
  config.connections_max = 2'000'000;
  return config;
}

}  // namespace

HandfastPair::HandfastPair()
    : left_(config_of(1), now_, Rng(1)),
      right_(config_of(2), now_, Rng(2)),
      from_(window_bytes, 0x5a),
      into_(window_bytes) {
  for (u32 i = 0; i < batch; ++i) wire_.frames[i] = {.header = wire_.slots[i]};
  for (u16 i = 0; i < listener_count; ++i) {
    const wire::Endpoint at{wire::IpAddress::v4(192, 0, 2, 2), to<u16>(first_port + i)};
    listeners_.push_back(*right_.listen(at, 1024, now_));
  }
}

bool HandfastPair::hand_over(host::Host& from, host::Host& into) {
  std::array<wire::Frame, batch>& frames = wire_.frames;
  const u32 count = from.poll_transmit(0, frames, now_);
  for (u32 i = 0; i < count; ++i) {
    if (i + host::Host::ahead < count) into.expect(0, frames[i + host::Host::ahead].header);
    into.on_frame(0, frames[i].header, now_);
    frames[i].header = wire_.slots[i];
  }
  return count > 0;
}

void HandfastPair::pump() {
  now_ += 1us;
  if (left_.deadline() <= now_) left_.on_deadline(now_);
  if (right_.deadline() <= now_) right_.on_deadline(now_);
  bool spoke = true;
  while (spoke) {
    spoke = hand_over(left_, right_);
    serve();
    spoke |= hand_over(right_, left_);
    follow();
  }
}

// The server's application.
void HandfastPair::serve() {
  while (const auto event = right_.poll_event()) {
    if (event->kind == host::Event::Kind::acceptable) {
      while (const auto handle = right_.accept(event->listener)) accepted_.push_back(*handle);
      continue;
    }
    if (event->tcp == tcp::Event::readable) {
      const u32 size = take(right_, event->connection);
      received_ += size;
      if (role_ == Role::echo) put(right_, event->connection, size);
      right_.touch(event->connection, now_);
    } else if (event->tcp == tcp::Event::peer_closed) {
      right_.release(event->connection, now_);
    }
  }
}

// The client's application.
void HandfastPair::follow() {
  while (const auto event = left_.poll_event()) {
    if (event->tcp != tcp::Event::readable) continue;
    take(left_, event->connection);
    if (exchanges_left_ > 0) {
      --exchanges_left_;
      put(left_, event->connection, request_bytes);
    }
    left_.touch(event->connection, now_);
  }
}

u32 HandfastPair::take(host::Host& host, host::Conn handle) {
  tcp::Connection& connection = *host.find(handle);
  u32 taken = 0;
  for (Bytes bytes = connection.received(); !bytes.empty(); bytes = connection.received()) {
    std::memcpy(into_.data() + taken, bytes.data(), bytes.size());
    taken += to<u32>(bytes.size());
    connection.consume(to<u32>(bytes.size()), now_);
  }
  return taken;
}

void HandfastPair::put(host::Host& host, host::Conn handle, u32 size) {
  tcp::Connection& connection = *host.find(handle);
  u32 sent = 0;
  while (sent < size) {
    const MutBytes space = connection.send_space(size - sent);
    if (space.empty()) break;
    std::memcpy(space.data(), from_.data() + sent, space.size());
    connection.send(to<u32>(space.size()));
    sent += to<u32>(space.size());
  }
}

host::Conn HandfastPair::connect() {
  next_listener_ = (next_listener_ + 1) % listener_count;
  const wire::Endpoint at{wire::IpAddress::v4(192, 0, 2, 2), to<u16>(first_port + next_listener_)};
  const auto handle = left_.connect(at, now_);
  ASSERT(handle.has_value());
  return *handle;
}

void HandfastPair::close_all() {
  for (const host::Conn client : clients_) left_.release(client, now_);
  pump();
  now_ += per_open_ * to<i64>(clients_.size());
  clients_.clear();
  accepted_.clear();
}

u64 HandfastPair::bulk(u64 bytes) {
  role_ = Role::sink;
  clients_.push_back(connect());
  pump();
  received_ = 0;
  while (received_ < bytes) {
    put(left_, clients_[0], window_bytes);
    left_.touch(clients_[0], now_);
    pump();
  }
  const u64 moved = received_;
  close_all();
  return moved;
}

void HandfastPair::open_close(u32 count, u32 slots) {
  role_ = Role::idle;
  for (u32 done = 0; done < count; done += slots) {
    for (u32 i = 0; i < slots; ++i) clients_.push_back(connect());
    pump();
    ASSERT(accepted_.size() == slots);
    close_all();
  }
}

void HandfastPair::exchange(u64 exchanges, u32 connections) {
  role_ = Role::echo;
  for (u32 i = 0; i < connections; ++i) {
    clients_.push_back(connect());
    pump();
  }
  exchanges_left_ = exchanges - connections;
  for (const host::Conn client : clients_) {
    put(left_, client, request_bytes);
    left_.touch(client, now_);
  }
  pump();
  ASSERT(exchanges_left_ == 0);
  close_all();
}

void HandfastPair::keep_idle(u32 count) {
  role_ = Role::idle;
  for (u32 i = 0; i < count; ++i) {
    connect();
    pump();
  }
  accepted_.clear();
}

void HandfastPair::keep_time_wait(u32 count) {
  per_open_ = 2 * left_.config().tcp.msl / count;
  open_close(2 * count, 64);
}

}  // namespace handfast::bench
