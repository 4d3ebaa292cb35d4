// The world of `handfast demo`: a client, a server and a wire, all simulated. The client opens a
// connection, fetches pages over HTTP or HTTPS, and both close.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "cli/demo_talk.hpp"
#include "cli/demo_tls.hpp"
#include "cli/loss.hpp"
#include "sim/world.hpp"
#include "trace/connection_table.hpp"
#include "trace/ladder.hpp"
#include "trace/pcapng.hpp"

namespace handfast::cli {

enum class Closer { client, server, both };

struct DemoOptions {
  u64 seed = 1;
  LossPlan loss{};
  Ratio duplicate{};
  Ratio reorder{};
  Ratio corrupt{};
  Duration delay = 10ms;  // one way
  u64 size = 1000;        // bytes of the page
  Closer closer = Closer::client;
  Duration request_after = 5ms;  // so that the ACK that ends the handshake travels alone; 0: it
                                 // travels with the request
  Duration close_after = 10ms;   // the other end's application closes so much later; 0: at once
  bool ipv6 = false;
  DemoTlsOptions tls{};
  u32 requests = 1;
  bool is_kept_alive = true;  // all requests on one connection; else each on its own
};

/// What happened.
class Demo {
 public:
  explicit Demo(DemoOptions options);
  ~Demo();
  Demo(const Demo&) = delete;
  Demo& operator=(const Demo&) = delete;

  /// Runs until both hosts have forgotten the connection. Same options, same result.
  void run();

  /// Empty, or why the page did not arrive as it should have.
  const std::string& problem() const { return problem_; }
  const trace::Ladder& ladder() const { return ladder_; }
  /// The capture of the wire: each frame once, where it was sent.
  trace::PcapngWriter& capture() { return capture_; }
  /// A few lines about time, bytes and repetitions.
  std::string summary() const;
  /// A table of handshakes and answers, and what each kind cost the client.
  std::string costs() const;
  /// To the last byte of the last page.
  u32 round_trips() const;
  Duration time() const { return answered_ == never ? Duration{} : answered_ - Instant{}; }

 private:
  struct Sinks;

  /// It outlives the world, so that the story does not end with the listener's own close.
  using Listener = std::optional<io::TcpListener>;

  TalkResult talk(sim::World& world, Listener& listener, const DemoOptions& options, DemoTls* tls,
                  Sinks* sinks);

  DemoOptions options_;
  trace::Ladder ladder_;
  trace::PcapngWriter capture_;
  trace::ConnectionTable client_table_;
  trace::ConnectionTable server_table_;
  std::string problem_;
  Instant answered_ = never;  // the page is complete
  u64 digest_ = 0;
};

/// "12.500 ms".
std::string milliseconds(Duration time);
/// What the same pages cost on one connection and on a connection each.
std::string compare(const Demo& kept_alive, const Demo& closed, u32 requests);

}  // namespace handfast::cli
