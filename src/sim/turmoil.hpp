// Applications without manners, for worlds in which anything may happen: connections both ways of
// random length, with pauses, slow readers, half-closes, aborts, and ends that leave early. They
// survive the crash of their host as far as it can be: what is checked is what RFC 9293 promises
// whatever happens, and that everybody comes to an end.
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

struct TurmoilOptions {
  u32 connections_max = 6;
  u32 bytes_max = 512u << 10;  // of each stream
  Duration start_within = 20s;
  Duration pause_max = 3s;  // one long pause in a stream, of a reader or a writer
  bool ipv6 = false;
  bool polite = false;  // no aborts and no early leaves
  u16 port = 80;
  u16 first_client_port = 40000;
};

class Turmoil {
 public:
  Turmoil(World& world, Node& client, Node& server, const TurmoilOptions& options, Rng rng);

  /// The server is up again: it listens once more.
  void serve();
  /// No application waits for anything any more, but for the listener.
  bool done() const { return running_ == 0; }
  /// A stream had a wrong byte, or ended too early or too late; empty if not.
  const std::string& problem() const { return problem_; }
  /// Ends of connections by how their stream ended: by the peer's FIN, or by this error.
  u32 ended_by_fin() const;
  u32 ended_by(std::errc error) const;
  /// What is missing of the connections whose two ends are polite, where nothing but ordinary
  /// faults happened to them; empty if nothing is.
  std::string missing() const;

 private:
  enum class Ending : u8 { polite, abort, leave };
  struct Habits {
    u32 sends = 0;  // bytes
    u32 write_size = 1;
    u32 read_size = 1;
    u32 pause_at = 0;  // bytes received and sent, where it pauses
    Duration pause{};
    u32 ends_at = 0;  // bytes received and sent, where it aborts or leaves
    Ending ending = Ending::polite;
    bool waits_for_eof = false;
  };
  struct Plan {
    Duration start{};
    Habits client;
    Habits server;
  };
  /// One end of one connection; kept when it is over.
  struct End {
    const Habits& habits;
    u32 expects;
    u32 index;
    bool is_client;
    bool eof = false;
    bool paused = false;
    u32 halves = 0;
    u64 sent = 0;
    u64 received = 0;
    std::error_code error{};
    std::optional<io::TcpStream> stream{};
  };

  Habits draw_habits(Rng& rng, const TurmoilOptions& options);
  asio::awaitable<void> accept(io::TcpListener listener);
  asio::awaitable<void> call(u32 index);
  void run(io::TcpStream stream, u32 index, bool is_client);
  asio::awaitable<void> write(End& end);
  asio::awaitable<void> read(End& end);
  asio::awaitable<void> maybe_pause(End& end);
  bool ended_early(End& end);
  void finished_half(End& end);
  const End* other(const End& end) const;
  void check(const End& end, Bytes bytes);
  void failed(const End& end, std::string_view what);
  Node& node_of(const End& end) { return end.is_client ? client_ : server_; }

  World& world_;
  Node& client_;
  Node& server_;
  wire::Endpoint to_;
  u16 first_client_port_;
  std::vector<Plan> plans_;
  std::vector<std::unique_ptr<End>> ends_;
  u32 running_ = 0;
  std::string problem_;
};

}  // namespace handfast::sim
