// Two connections joined by a wire in virtual time, without a host between: the engine alone.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "tcp/connection.hpp"
#include "tcp/half_open.hpp"

namespace handfast::tcp {

/// What the wire does to each segment.
struct WireOptions {
  Duration delay = 10ms;
  Ratio loss{};
  Ratio duplicate{};
  Ratio reorder{};  // held back by a further `delay`
};

/// One end: a connection, what its application sent and what it has read.
struct End {
  explicit End(const Config& config, u64 seed) : context(config, Rng(seed), nullptr) {}

  Context context;
  std::unique_ptr<Connection> connection;
  std::optional<HalfOpen> half_open;
  std::string to_send;  // not yet taken by the connection
  std::string received;
  bool close_when_sent = false;
  bool close_on_peer_close = false;
  bool reads = true;
  std::vector<Event> events;
};

class ConnectionPair {
 public:
  ConnectionPair(const Config& config, WireOptions options, u64 seed)
      : client(config, seed * 2 + 1), server(config, seed * 2 + 2), options_(options), rng_(seed) {}

  /// The client opens actively; the server waits as a listener would.
  void open();
  /// Runs until nothing is left to happen or `limit` has passed.
  void run(Duration limit);
  /// Runs until both ends are CLOSED or in TIME-WAIT; false when `limit` passes first.
  bool run_until_closed(Duration limit);
  bool both_done() const;
  /// Runs until `done()` or until `limit` has passed.
  template <class Done>
  void run_until(Done done, Duration limit) {
    const Instant end = now + limit;
    while (!done() && step(end)) {
    }
  }

  /// Loses the next `n` segments with data from the client.
  void lose_next_data(u32 n) { lose_ = {0, n}; }
  /// Lets `n` segments with data from the client pass, and loses those that follow at once.
  void lose_data_after(u32 n) { lose_ = {n, 100}; }
  /// The path takes this much longer from now on, also for what is on it.
  void slow_down(Duration more);

  Instant now{1s};
  End client;
  End server;
  u64 segments = 0;

 private:
  struct Copy {
    bool to_server = false;
    wire::TcpHeader header;
    std::vector<u8> payload;
  };
  void drain(End& end, bool to_server);
  void put(const Transmit& out, bool to_server);
  void deliver(const Copy& copy);
  void deliver_to_listener(const wire::TcpSegment& segment);
  void application(End& end);
  bool step(Instant limit);

  struct Lose {
    u32 passing = 0;
    u32 count = 0;
  };

  WireOptions options_;
  Lose lose_{};
  Instant lose_until_ = never;
  Rng rng_;
  std::multimap<Instant, Copy> flying_;
  wire::Flow client_flow_{{wire::IpAddress::v4(192, 0, 2, 1), 40000},
                          {wire::IpAddress::v4(192, 0, 2, 2), 80}};
};

}  // namespace handfast::tcp
