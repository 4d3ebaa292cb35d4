// The standard load of a test: some connections between two nodes, streams of random length both
// ways, applications with random manners. Every byte that arrives is checked against the stream
// that the other end sent; a check that fails is remembered in words.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <asio/awaitable.hpp>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "io/tcp_listener.hpp"
#include "io/tcp_stream.hpp"
#include "sim/world.hpp"

namespace handfast::sim {

struct TransferOptions {
  u32 connections_max = 4;     // 1 to this many
  u32 bytes_max = 64u << 10;   // of each stream; many are much shorter, some are empty
  Duration start_within = 2s;  // connections are opened at random times in this
  Duration pause_max = 40ms;   // of a slow reader, between two reads
  bool ipv6 = false;
  u16 port = 80;
};

/// What one end of one connection does.
struct Manners {
  u32 sends = 0;               // bytes
  u32 write_size = 1;          // bytes a write
  u32 read_size = 1;           // bytes a read
  Duration pause{};            // before each read
  bool waits_for_eof = false;  // closes its half only after the peer has closed the other
};

class Transfer {
 public:
  /// Starts everything. `rng` draws the plan. Both nodes must stay up.
  Transfer(World& world, Node& client, Node& server, const TransferOptions& options, Rng rng);

  /// All streams were delivered, whole and in order, and both ends have closed.
  bool succeeded() const { return problem_.empty() && ends_done_ == 2 * plans_.size(); }
  /// Nothing more will be done by the applications.
  bool done() const { return !problem_.empty() || ends_done_ == 2 * plans_.size(); }
  /// What went wrong, or what is missing; empty after success.
  std::string report() const;
  u32 connections() const { return to<u32>(plans_.size()); }
  /// The sum of all streams, bytes.
  u64 bytes() const;

 private:
  struct Plan {
    Duration start{};
    Manners client;
    Manners server;
  };
  struct End;

  void draw_plans(Rng& rng, const TransferOptions& options);
  asio::awaitable<void> serve(io::TcpListener listener);
  asio::awaitable<void> call(u32 index);
  void run(io::TcpStream stream, u32 index, bool is_client);
  asio::awaitable<void> write(std::shared_ptr<End> end);
  asio::awaitable<void> read(std::shared_ptr<End> end);
  void finished_half(End& end);
  void failed(const End& end, std::string_view what);

  World& world_;
  Node& client_;
  Node& server_;
  wire::Endpoint to_;
  std::vector<Plan> plans_;
  u32 ends_done_ = 0;
  std::string problem_;
};

}  // namespace handfast::sim
