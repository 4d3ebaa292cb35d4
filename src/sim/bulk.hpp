// A flow that never ends, for what is measured over time: goodput and how flows share a bottleneck.
#pragma once

#include <asio/awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "io/tcp_listener.hpp"
#include "io/tcp_stream.hpp"
#include "sim/world.hpp"

namespace handfast::sim {

class Bulk {
 public:
  /// `from` connects to `port` of `to` after `start`, and sends as fast as it may. Both nodes must
  /// stay up, and this must outlive the runs of the world.
  Bulk(World& world, Node& from, Node& to, u16 port, Duration start = {});

  /// What the receiving application has read, bytes.
  u64 received() const { return received_; }

 private:
  asio::awaitable<void> serve(io::TcpListener listener);
  asio::awaitable<void> send(Node& from, wire::Endpoint to, Duration start);

  u64 received_ = 0;
};

/// Jain's index of fairness: 1 where all shares are equal, 1/n where one has everything.
double fairness(std::span<const u64> shares);

}  // namespace handfast::sim
