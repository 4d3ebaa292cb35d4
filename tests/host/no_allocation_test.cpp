// In a steady state nothing reaches the heap: operator new is counted in this program, and two
// hosts that have found their stride do not call it, neither with bulk data, nor with small
// messages, nor while they repair losses.
#include <array>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "host/host.hpp"

#if !defined(__SANITIZE_ADDRESS__)
#include "support/counted_allocations.hpp"

namespace handfast::host {
namespace {

using test::allocations;

Config config_of(u8 number) {
  Config config;
  config.interfaces = {
      InterfaceConfig{.addresses = {{wire::IpAddress::v4(192, 0, 2, number), 24}}}};
  config.tcp.send_buffer_max = 256u << 10;
  config.tcp.receive_buffer_max = 256u << 10;
  return config;
}

/// A client and a server, joined by a wire that loses every so-manieth frame.
class Pair {
 public:
  Pair()
      : left_(config_of(1), now_, Rng(1)),
        right_(config_of(2), now_, Rng(2)),
        listener_(*right_.listen(server, 16, now_)),
        client_(*left_.connect(server, now_)) {
    pump();
    accepted_ = *right_.accept(listener_);
  }

  void lose_every(u32 frames) { lose_every_ = frames; }
  u64 retransmissions() const { return left_.tcp_counters().segments_retransmitted; }
  u64 received() const { return received_; }

  /// The client sends what fits; the server reads all of it.
  void send_bulk() {
    put(left_, client_, 1u << 20);
    pump();
    received_ += take(right_, accepted_);
    pump();
  }
  void exchange() {
    put(left_, client_, 64);
    pump();
    received_ += take(right_, accepted_);
    put(right_, accepted_, 64);
    pump();
    take(left_, client_);
    pump();
  }

 private:
  static constexpr wire::Endpoint server{wire::IpAddress::v4(192, 0, 2, 2), 80};

  void pump() {
    now_ += 1ms;
    for (Host* host : {&left_, &right_})
      if (host->deadline() <= now_) host->on_deadline(now_);
    while (hand_over(left_, right_) || hand_over(right_, left_)) {
    }
    for (Host* host : {&left_, &right_})
      while (host->poll_event()) {
      }
  }
  bool hand_over(Host& from, Host& into) {
    wire::Frame frame{.header = room_};
    if (from.poll_transmit(0, {&frame, 1}, now_) == 0) return false;
    u8* out = whole_.data();
    for (const Bytes piece : {Bytes(frame.header), frame.payload[0], frame.payload[1]}) {
      if (!piece.empty()) std::memcpy(out, piece.data(), piece.size());
      out += piece.size();
    }
    if (lose_every_ == 0 || ++count_ % lose_every_ != 0)
      into.on_frame(0, {whole_.data(), out}, now_);
    return true;
  }
  void put(Host& host, Conn handle, u32 most) {
    tcp::Connection& connection = *host.find(handle);
    while (most > 0) {
      const MutBytes space = connection.send_space(most);
      if (space.empty()) break;
      std::memset(space.data(), 0x5a, space.size());
      connection.send(to<u32>(space.size()));
      most -= to<u32>(space.size());
    }
    host.touch(handle, now_);
  }
  u32 take(Host& host, Conn handle) {
    tcp::Connection& connection = *host.find(handle);
    u32 taken = 0;
    while (connection.received_size() > 0) {
      const u32 piece = to<u32>(connection.received().size());
      connection.consume(piece, now_);
      taken += piece;
    }
    host.touch(handle, now_);
    return taken;
  }

  Instant now_{1h};
  Host left_;
  Host right_;
  Listen listener_;
  Conn client_;
  Conn accepted_{};
  u32 lose_every_ = 0;
  u32 count_ = 0;
  u64 received_ = 0;
  std::array<u8, wire::Frame::header_room> room_{};
  std::array<u8, 2048> whole_{};
};

/// How often `work` reached the heap.
template <class Work>
u64 allocations_of(Work work) {
  const u64 before = allocations;
  work();
  return allocations - before;
}

TEST(NoAllocation, counter_counts) {
  EXPECT_GT(
      allocations_of([] { std::vector<int>(1000).swap(*std::make_unique<std::vector<int>>()); }),
      0u);
}

TEST(NoAllocation, of_bulk_data_in_a_steady_state) {
  Pair pair;
  for (int i = 0; i < 200; ++i) pair.send_bulk();
  const u64 before = pair.received();
  EXPECT_EQ(allocations_of([&] {
              for (int i = 0; i < 500; ++i) pair.send_bulk();
            }),
            0u);
  EXPECT_GT(pair.received() - before, 50'000'000u);
}

TEST(NoAllocation, of_requests_and_answers_in_a_steady_state) {
  Pair pair;
  for (int i = 0; i < 200; ++i) pair.exchange();
  EXPECT_EQ(allocations_of([&] {
              for (int i = 0; i < 5000; ++i) pair.exchange();
            }),
            0u);
}

TEST(NoAllocation, of_loss_recovery_in_a_steady_state) {
  Pair pair;
  pair.lose_every(97);
  for (int i = 0; i < 5000; ++i) pair.send_bulk();
  const u64 before = pair.retransmissions();
  EXPECT_EQ(allocations_of([&] {
              for (int i = 0; i < 5000; ++i) pair.send_bulk();
            }),
            0u);
  EXPECT_GT(pair.retransmissions() - before, 100u);
}

}  // namespace
}  // namespace handfast::host

#endif
