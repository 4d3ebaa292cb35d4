// Two hosts in one thread face to face: what TCP itself costs. Both ends, checksums
// computed and verified in software, IPv4, no super-segments; the application's bytes are copied
// in and out.
#include <array>
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>

#include "host/host.hpp"

namespace {

using namespace handfast;

constexpr u16 port = 80;
constexpr wire::Endpoint server{wire::IpAddress::v4(192, 0, 2, 2), port};

host::Config make_config(u8 number, u32 mtu) {
  host::Config config;
  config.tcp.msl = 1ms;
  config.interfaces = {host::InterfaceConfig{
      .mtu = mtu, .addresses = {{wire::IpAddress::v4(192, 0, 2, number), 24}}}};
  return config;
}

/// Client (left) and server (right), face to face: what one sends is handed to the other at once,
/// by one copy that puts the pieces of a frame together.
class Two {
 public:
  explicit Two(u32 mtu)
      : left_(make_config(1, mtu), now_, Rng(1)),
        right_(make_config(2, mtu), now_, Rng(2)),
        listener_(*right_.listen(server, 1024, now_)),
        frame_(mtu + wire::Frame::header_room) {}

  host::Host& left() { return left_; }
  host::Host& right() { return right_; }
  host::Listen listener() const { return listener_; }
  Instant now() const { return now_; }

  /// Moves frames both ways until neither has any; `time` passes first.
  void pump(Duration time = 1us) {
    now_ += time;
    for (host::Host* host : {&left_, &right_})
      if (host->deadline() <= now_) host->on_deadline(now_);
    while (hand_over(left_, right_) | hand_over(right_, left_)) {
    }
    for (host::Host* host : {&left_, &right_})
      while (host->poll_event()) {
      }
  }

 private:
  bool hand_over(host::Host& from, host::Host& to_host) {
    constexpr u32 batch = 16;
    std::array<wire::Frame, batch> frames;
    for (u32 i = 0; i < batch; ++i) frames[i] = {.header = headers_[i]};
    const u32 count = from.poll_transmit(0, frames, now_);
    for (u32 i = 0; i < count; ++i) {
      u8* out = frame_.data();
      for (const Bytes piece :
           {Bytes(frames[i].header), frames[i].payload[0], frames[i].payload[1]}) {
        if (piece.empty()) continue;
        std::memcpy(out, piece.data(), piece.size());
        out += piece.size();
      }
      to_host.on_frame(0, {frame_.data(), out}, now_);
    }
    return count > 0;
  }

  Instant now_{1h};
  host::Host left_;
  host::Host right_;
  host::Listen listener_;
  std::vector<u8> frame_;
  std::array<std::array<u8, wire::Frame::header_room>, 16> headers_{};
};

/// Sends what fits from `from`; returns how many bytes that were.
u32 send(host::Host& host, host::Conn handle, Bytes from, Instant now) {
  tcp::Connection* connection = host.find(handle);
  u32 sent = 0;
  while (sent < from.size()) {
    const MutBytes space = connection->send_space(to<u32>(from.size()) - sent);
    if (space.empty()) break;
    std::memcpy(space.data(), from.data() + sent, space.size());
    connection->send(to<u32>(space.size()));
    sent += to<u32>(space.size());
  }
  host.touch(handle, now);
  return sent;
}

u32 receive(host::Host& host, host::Conn handle, MutBytes out, Instant now) {
  tcp::Connection* connection = host.find(handle);
  u32 taken = 0;
  for (Bytes bytes = connection->received(); !bytes.empty(); bytes = connection->received()) {
    const u32 piece = to<u32>(std::min<std::size_t>(bytes.size(), out.size()));
    std::memcpy(out.data(), bytes.data(), piece);
    connection->consume(piece, now);
    taken += piece;
  }
  host.touch(handle, now);
  return taken;
}

void bulk_transfer(benchmark::State& state) {
  Two two(to<u32>(state.range(0)));
  const host::Conn client = *two.left().connect(server, two.now());
  two.pump();
  const host::Conn accepted = *two.right().accept(two.listener());
  std::vector<u8> from(256 << 10, 0x5a);
  std::vector<u8> into(256 << 10);
  u64 received = 0;
  for (auto _ : state) {
    send(two.left(), client, from, two.now());
    two.pump();
    received += receive(two.right(), accepted, into, two.now());
    two.pump();
  }
  if (received == 0) state.SkipWithError("nothing was received");
  state.SetBytesProcessed(to<i64>(received));
  state.counters["Gbit/s"] =
      benchmark::Counter(8e-9 * to<double>(received), benchmark::Counter::kIsRate);
}
BENCHMARK(bulk_transfer)->ArgName("mtu")->Arg(1500)->Arg(9000);

/// Three segments to open, one byte each way, four to close, then TIME-WAIT of 2 ms.
void open_transfer_close(benchmark::State& state) {
  Two two(1500);
  const std::array<u8, 1> byte{0x5a};
  std::array<u8, 16> into;
  u64 done = 0;
  for (auto _ : state) {
    const host::Conn client = *two.left().connect(server, two.now());
    two.pump();
    const host::Conn accepted = *two.right().accept(two.listener());
    send(two.left(), client, byte, two.now());
    two.pump();
    const u32 there = receive(two.right(), accepted, into, two.now());
    send(two.right(), accepted, byte, two.now());
    two.pump();
    done += there + receive(two.left(), client, into, two.now()) == 2;
    two.left().release(client, two.now());
    two.pump();
    two.right().release(accepted, two.now());
    two.pump(1ms);
  }
  if (done != to<u64>(state.iterations())) state.SkipWithError("a connection failed");
  state.counters["conns/s"] = benchmark::Counter(to<double>(done), benchmark::Counter::kIsRate);
}
BENCHMARK(open_transfer_close);

}  // namespace
