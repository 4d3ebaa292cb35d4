// TCP's place in the host: who gets a segment (RFC 9293 §3.10.7), the listeners with what waits in
// them (RFC 4987 §3.3), TIME-WAIT as records, timers, and which connection may send next.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/slab.hpp"
#include "base/timing_wheel.hpp"
#include "host/flow_table.hpp"
#include "host/host.hpp"
#include "host/network.hpp"
#include "host/ports.hpp"
#include "host/tcp_slots.hpp"

namespace handfast::host {

class TcpLayer {
 public:
  TcpLayer(Network& network, Rng& rng, Instant now);
  ~TcpLayer();
  TcpLayer(const TcpLayer&) = delete;
  TcpLayer& operator=(const TcpLayer&) = delete;

  void on_segment(const Arrival& arrival, Bytes bytes);
  /// Takes an IP packet at once if it is the usual segment of a connection; else nothing happens.
  bool on_plain(Interface in, Bytes packet, bool checksum_verified, Instant now);
  /// Fetches what an IP packet that comes soon will need.
  void expect(Bytes packet) const;
  /// An ICMP error about a segment of `flow`. False where there is no such connection.
  bool on_error(const wire::Flow& flow, u32 sequence, const wire::IcmpError& error, Instant now);
  Instant deadline() const;
  void on_deadline(Instant now);
  u32 poll(Interface on, std::span<wire::Frame> out, Instant now);
  /// Moves what connections with ourselves have to say into the loopback queue; whether any did.
  bool poll_loopback(Instant now);
  std::optional<Event> poll_event();

  // As in Host.
  Result<Listen, tcp::Errc> listen(wire::Endpoint local, u32 backlog, Instant now,
                                   const tcp::Settings* settings);
  void change(Listen handle, const tcp::Settings& settings);
  const tcp::Settings& settings(Listen handle) const;
  std::optional<Conn> accept(Listen handle);
  u32 accept_queue_size(Listen handle) const;
  wire::Endpoint local_endpoint(Listen handle) const;
  void set_backlog(Listen handle, u32 backlog);
  void set_fast_open_keys(Listen handle, const tcp::FastOpenKeys& keys);
  tcp::Context& context() { return context_; }
  void close(Listen handle, Instant now);
  Result<Conn, tcp::Errc> connect(const wire::Endpoint& remote, const wire::Endpoint& local,
                                  Instant now, const tcp::Settings* settings);
  Result<Conn, tcp::Errc> connect(Listen handle, const wire::Endpoint& remote, Instant now);
  tcp::Connection* find(Conn handle);
  void touch(Conn handle, Instant now);
  void release(Conn handle, Instant now);
  void set_alarms(trace::Sink* sink) { alarms_ = sink; }
  Host::Census census() const;
  const tcp::Counters& counters() const { return context_.counters; }

 private:
  struct Pending {  // in the event queue
    Conn connection{};
    Listen listener{};
  };

  // tcp_receive.cpp
  void on_connection(u32 index, const Arrival& arrival, const wire::TcpSegment& segment);
  void on_half_open(u32 index, const Arrival& arrival, const wire::TcpSegment& segment);
  bool on_half_open_error(u32 index, u32 sequence, const wire::IcmpError& error, Instant now);
  void on_time_wait(u32 index, const wire::Flow& flow, const Arrival& arrival,
                    const wire::TcpSegment& segment);
  void on_nobody(const wire::Flow& flow, const Arrival& arrival, const wire::TcpSegment& segment);
  void refuse(const wire::Flow& flow, const Arrival& arrival, const wire::TcpSegment& segment);
  void send_control(const wire::Flow& flow, const wire::TcpHeader& header, const Hop& hop,
                    trace::Why why, Instant now);
  void note_received(const wire::Flow& flow, const wire::TcpSegment& segment, Instant now);

  // tcp_listen.cpp
  void on_listener(Listen handle, const wire::Flow& flow, const Arrival& arrival,
                   const wire::TcpSegment& segment);
  void take_syn(Listen handle, const wire::Flow& flow, const Hop& hop, const Arrival& arrival,
                const wire::TcpSegment& segment);
  u32 half_open_limit(const ListenerSlot& listener) const;
  bool wants_cookie(ListenerSlot& listener);
  void remember_syn(Listen handle, tcp::HalfOpen& record, const Hop& hop, Instant now);
  bool take_fast_open(Listen handle, const tcp::HalfOpen& record, const Hop& hop,
                      const wire::TcpSegment& segment, Instant now);
  const tcp::FastOpenKeys& fast_open_keys(const ListenerSlot& listener) const;
  std::optional<tcp::FastOpenCookie> fast_open_answer(const ListenerSlot& listener,
                                                      const wire::Flow& flow,
                                                      const wire::TcpSegment& segment);
  bool evict_half_open(ListenerSlot& listener, Instant now);
  bool on_cookie_answer(Listen handle, const wire::Flow& flow, const Arrival& arrival,
                        const wire::TcpSegment& segment);
  bool may_finish(const ListenerSlot& listener);
  Conn make_connection(Listen handle, const tcp::HalfOpen& record, const Hop& hop, Instant now);
  void promote(u32 half_open, const Arrival& arrival, const wire::TcpSegment& segment);
  void count_syn(Listen handle, ListenerSlot& listener, const wire::IpAddress& source, Instant now);
  void begin_flood(Listen handle, ListenerSlot& listener, Instant now);
  void tell_flood(const ListenerSlot& listener, std::string_view state, Instant now);
  void on_flood_tick(Instant now);

  // tcp_layer.cpp
  bool is_flow_of(FlowEntry entry, const wire::Flow& flow) const;
  std::optional<FlowEntry> find_flow(const wire::Flow& flow) const;
  Listen find_listener(const wire::Endpoint& local) const;
  void settle(Conn handle, ConnectionSlot& slot, Instant now);
  void settle_state(Conn handle, ConnectionSlot& slot, Instant now);
  void settle_accept(Conn handle, ConnectionSlot& slot);
  void settle_early(ConnectionSlot& slot);
  void enter_time_wait(Conn handle, ConnectionSlot& slot, Instant now);
  void mark_ready(Conn handle, ConnectionSlot& slot);
  void mark_event(Conn handle, ConnectionSlot& slot);
  void end_half_open(u32 index, tcp::State next, trace::Why why, Instant now);
  void remove_half_open(u32 index);
  void end_time_wait(u32 index, trace::Why why, Instant now);
  void end_due_time_waits(Instant now);
  void free_if_over(Conn handle, ConnectionSlot& slot);
  void on_half_open_deadline(u32 index, Instant now);

  // tcp_calls.cpp
  /// The MTU that TCP may count on, in bytes of IP packet.
  u32 tcp_mtu(const Hop& hop, const wire::IpAddress& remote, Instant now) const;
  Result<wire::Flow, tcp::Errc> make_flow(const wire::Endpoint& remote, const wire::Endpoint& local,
                                          const Hop& hop);
  /// Gives `settings` back, whatever comes of it.
  Result<Conn, tcp::Errc> open(const wire::Flow& flow, const Hop& hop, tcp::State from, Instant now,
                               tcp::SharedSettings* settings);
  tcp::SharedSettings* take_settings(const tcp::Settings* wanted);
  std::optional<u16> free_port(const wire::IpAddress& address);
  void empty_listener(Listen handle, Instant now);
  void erase_listener(Listen handle);

  // tcp_transmit.cpp
  struct Turn {
    u32 filled;
    bool more;
  };
  Turn take_turn(ConnectionSlot& slot, std::span<wire::Frame> out, Instant now);
  u32 payload_max(const ConnectionSlot& slot) const;
  wire::IpHeader ip_header(const tcp::Connection& connection, u8 ecn);
  void emit(const ConnectionSlot& slot, const tcp::Transmit& segment,
            const std::optional<wire::MacAddress>& mac, wire::Frame& frame, Instant now);
  u32 emit_split(const ConnectionSlot& slot, tcp::Transmit& whole,
                 const std::optional<wire::MacAddress>& mac, std::span<wire::Frame> out,
                 Instant now);
  void enqueue_copy(const ConnectionSlot& slot, const tcp::Transmit& segment, Instant now);

  Network& network_;
  tcp::Context context_;
  FlowTable flows_;
  Slab<ConnectionSlot> connections_;
  Slab<HalfOpenSlot> half_open_;
  Slab<TimeWaitSlot> time_wait_;
  Slab<ListenerSlot> listeners_;
  PortIndex listener_ports_;
  EphemeralPorts ephemeral_;
  TimingWheel connection_timers_;            // ids are indices of connections_
  TimingWheel half_open_timers_;             // ids are indices of half_open_
  IndexList<TimeWaitSlot> time_wait_order_;  // by expiry
  SipKey flood_key_;
  std::vector<Listen> flooded_;  // listeners under a SYN flood
  Instant flood_tick_ = never;
  trace::Sink* alarms_ = nullptr;  // hears of floods
  u32 orphans_ = 0;
  std::vector<Fifo<Conn>> ready_;  // by interface; the last is the loopback's
  Fifo<Pending> events_;
};

// Inline, so that the answer stays in registers: every segment asks.
inline bool TcpLayer::is_flow_of(FlowEntry entry, const wire::Flow& flow) const {
  auto& self = const_cast<TcpLayer&>(*this);
  switch (entry.kind) {
    case FlowEntry::Kind::connection:
      return self.connections_.at(entry.index)->connection.flow() == flow;
    case FlowEntry::Kind::half_open: return self.half_open_.at(entry.index)->record.flow() == flow;
    case FlowEntry::Kind::time_wait: break;
  }
  return self.time_wait_.at(entry.index)->flow.is(flow, network_.routes);
}

inline std::optional<FlowEntry> TcpLayer::find_flow(const wire::Flow& flow) const {
  return flows_.find(flow, [&](FlowEntry entry) { return is_flow_of(entry, flow); });
}

// After anything that may have moved a connection: what does the host have to do about it?
inline void TcpLayer::settle(Conn handle, ConnectionSlot& slot, Instant now) {
  const tcp::State state = slot.connection.state();
  const bool over = state == tcp::State::time_wait || state == tcp::State::closed;
  if (slot.early || slot.listener || (slot.in_table && over)) settle_state(handle, slot, now);
  // The node moves only to an earlier time; one that fires too early is armed again then.
  const Instant due = slot.connection.deadline();
  if (due < connection_timers_.deadline_of(handle.index)) connection_timers_.set(handle.index, due);
}

inline void TcpLayer::mark_ready(Conn handle, ConnectionSlot& slot) {
  if (slot.ready) return;
  slot.ready = true;
  ready_[slot.hop.interface].push_back(handle);
}

inline void TcpLayer::mark_event(Conn handle, ConnectionSlot& slot) {
  if (slot.event_queued || slot.released || slot.listener) return;
  slot.event_queued = true;
  events_.push_back({handle, {}});
}

}  // namespace handfast::host
