// A host under test, and a peer that says exactly what the script tells it, in virtual time:
//
//   ScriptedPeer peer;
//   peer.listen();
//   peer.inject(syn().seq(0).mss(1460));
//   peer.expect(syn_ack().seq(0).ack(1));
//   peer.inject(ack());
//
// The first line that does not hold fails the test with the whole conversation so far; what
// follows in the script is passed over.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <ostream>
#include <set>
#include <source_location>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "host/host.hpp"
#include "support/segment.hpp"

namespace handfast::tcp {

// Names for GoogleTest, and for ctest's lists.
inline void PrintTo(State state, std::ostream* out) { *out << to_string(state); }
inline void PrintTo(const Edge& edge, std::ostream* out) {
  *out << to_string(edge.from) << "_to_" << to_string(edge.to);
}

}  // namespace handfast::tcp
namespace handfast::test {

/// When a segment must come, counted from the last thing that the script did or saw.
struct When {
  Duration earliest{};
  Duration latest{};
};
inline constexpr When at_once{0ms, 1ms};
/// `d` after it, give or take a twentieth and the wheel's granularity.
constexpr When about(Duration d) { return {d - d / 20 - 2ms, d + d / 20 + 2ms}; }
constexpr When within(Duration d) { return {0ms, d}; }

struct PeerConfig {
  tcp::Config tcp{};
  host::Config host{};
  bool ipv6 = false;
  u32 isn = 0xffff'fe00;  // of the peer: soon wraps round
  u64 seed = 1;
  u32 mtu = 1500;
  trace::Sink* sink = nullptr;
};

class ScriptedPeer {
 public:
  using Here = std::source_location;

  explicit ScriptedPeer(PeerConfig config = {});
  explicit ScriptedPeer(const tcp::Config& config) : ScriptedPeer(PeerConfig{.tcp = config}) {}

  // The peer's side.
  /// Sends. What the segment leaves open is what a well-behaved peer would send: its next sequence
  /// number, and an ACK of everything that the script has expected.
  void inject(Segment segment);
  /// A TCP segment that is no one's good idea: any bytes, in a correct IP packet.
  void inject_bytes(Bytes tcp_segment);
  /// "The packet in which you sent `sequence` (relative) had a problem on its way."
  void inject_icmp(wire::IcmpProblem problem, u32 sequence, u32 mtu = 0);
  /// The next segment from the host is this one, and comes when said. Its stream bytes are right.
  void expect(const Segment& segment, When when = at_once, Here here = Here::current());
  /// The host keeps silent for `d` more.
  void expect_nothing(Duration d = 0ms, Here here = Here::current());
  /// Lets `d` pass, and whatever the host sends meanwhile.
  void let_pass(Duration d);
  /// What the host sent and the script has not looked at: takes all of it.
  std::vector<wire::TcpHeader> take_headers();
  /// The conversation goes on from another port of the peer, with new sequence numbers.
  void new_flow();

  // The application's side.
  void listen(u32 backlog = 16, Here here = Here::current());
  void close_listener();
  void connect(Here here = Here::current());
  /// With `settings`, and `n` bytes of the stream, or as many as fit, sent before the SYN leaves.
  void connect_early(const tcp::Settings& settings, u32 n, Here here = Here::current());
  /// SEND on the listener (RFC 9293 §3.10.2).
  void connect_listener(Here here = Here::current());
  void accept(Here here = Here::current());
  /// Sends the next `n` bytes of the stream, which must fit into the send buffer.
  void send(u32 n, Here here = Here::current());
  /// The same, with the promise of more (MSG_MORE), or as urgent data.
  void send_more(u32 n);
  void send_urgent(u32 n);
  /// Sends up to `n` bytes; returns how many the send buffer took.
  u32 send_some(u32 n);
  /// The application reads what there is, at most `max` bytes; it must be the stream's next.
  u32 receive(u32 max = 0xffff'ffff, Here here = Here::current());
  /// The application knows that `n` bytes of the stream will not come in line.
  void skip(u32 n) { app_received_ += n; }
  void expect_received(u32 n, Here here = Here::current());
  void close();
  void abort();
  void release();
  /// Other settings for the connection.
  void change(const std::function<void(tcp::Settings&)>& choose);

  // What is known.
  host::Host& host() { return *host_; }
  host::Listen listener() const { return listener_; }
  /// The application's connection; throws where there is none.
  tcp::Connection& connection();
  /// Of this conversation, whatever record holds it.
  tcp::State state();
  void expect_state(tcp::State state, Here here = Here::current());
  void expect_error(tcp::Errc error, Here here = Here::current());
  void expect_told(tcp::Event event, Here here = Here::current());
  bool was_told(tcp::Event event) const { return told_.contains(event); }
  /// Nothing is left of any connection, and no memory.
  void expect_nothing_left(Here here = Here::current());
  /// How often the host went from one state to another.
  u64 times_taken(tcp::State from, tcp::State to) const;
  Instant now() const { return now_; }
  /// Of the last segment from the host.
  const wire::TcpHeader& last() const { return last_; }
  /// The same as it lay in the packet.
  const std::vector<u8>& last_bytes() const { return last_bytes_; }
  u32 next() const { return next_; }

  // Short ways to begin. Each leaves the script at ESTABLISHED, with nothing unsaid.
  void open_passive(Segment first = syn().mss(1460), Here here = Here::current());
  void open_active(Segment reply = syn_ack().mss(1460), Here here = Here::current());
  /// Brings a new conversation into any state but CLOSED; TIME_WAIT by this end's close.
  void bring_to(tcp::State state, Here here = Here::current());

 private:
  struct Came {
    Instant at;
    std::vector<u8> packet;
    wire::TcpSegment segment;
    u8 ecn = 0;
  };

  tcp::Connection* find() { return host_->find(connection_); }
  void run_to(Instant until);
  bool step(Instant limit);
  void drain();
  void on_packet(Bytes packet);
  void send_packet(Bytes segment, u8 protocol, u8 ecn = 0);
  void changed();
  void learn_flow(const wire::TcpHeader& header);
  void note(std::string_view line);
  void fail(const Here& here, std::string_view what);

  host::Config host_config_;
  std::optional<host::Host> host_;
  wire::IpAddress host_address_;
  wire::IpAddress peer_address_;
  Instant now_{1h};
  Instant begun_{1h};
  Instant mark_{1h};
  std::deque<Came> came_;
  std::string transcript_;
  bool failed_ = false;

  u16 peer_port_ = 4000;
  u16 host_port_ = 80;
  u32 isn_;
  u32 host_isn_ = 0;
  bool host_isn_known_ = false;
  u32 next_ = 0;      // the peer's SND.NXT, relative
  u32 received_ = 0;  // the peer's RCV.NXT, relative
  u32 echo_ = 0;      // TS.Recent
  u32 clock_ = 1;     // the last timestamp that a script chose, and when
  Instant clock_set_{1h};
  wire::TcpHeader last_{};
  std::vector<u8> last_bytes_{};

  host::Listen listener_{};
  host::Conn connection_{};
  std::set<tcp::Event> told_;
  u64 app_sent_ = 0;
  u64 app_received_ = 0;
};

}  // namespace handfast::test
