// An Internet host (RFC 1122, RFC 8504) without a kernel and without I/O: frames in, frames out,
// and sockets for whoever holds it. `now` never goes back. After every on_*() and every verb drain
// poll_transmit() on each interface, and poll_event().
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/slab.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "host/config.hpp"
#include "host/counters.hpp"
#include "tcp/connection.hpp"
#include "trace/event.hpp"
#include "wire/frame.hpp"

namespace handfast::host {

struct ConnectionSlot;
struct ListenerSlot;
struct UdpSlot;
using Conn = Handle<ConnectionSlot>;
using Listen = Handle<ListenerSlot>;
using Udp = Handle<UdpSlot>;

/// What an application should know.
struct Event {
  enum class Kind : u8 {
    tcp,         // `tcp` happened to `connection`
    acceptable,  // accept() on `listener` has a connection
    datagram,    // udp_receive() on `udp` has a datagram
    udp_error,   // an ICMP error came for `udp`; udp_receive_error() has it
  };
  Kind kind = Kind::tcp;
  Conn connection{};
  tcp::Event tcp{};
  Listen listener{};
  Udp udp{};
};

/// One datagram as received. `payload` stays valid until the next call into the host.
struct Datagram {
  wire::Endpoint source;
  wire::Endpoint destination;
  Bytes payload;
};
struct UdpError {
  wire::Endpoint destination;  // of the datagram that caused it
  wire::IcmpError error;
};

class Host {
 public:
  /// `rng` seeds every secret and draw of this host.
  Host(Config config, Instant now, Rng rng, trace::Sink* sink = nullptr);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // The network's side.
  /// `checksum_verified`: the device has checked the transport checksum.
  void on_frame(Interface in, Bytes frame, Instant now, bool checksum_verified = false);
  /// A frame that on_frame() will have soon, `ahead` others first: what of memory it needs that may
  /// be in no cache is fetched meanwhile. Nothing else comes of it.
  static constexpr u32 ahead = 4;
  void expect(Interface in, Bytes frame) const;
  void on_deadline(Instant now);
  Instant deadline() const;
  /// Fills frames for one interface from the front of `out`; returns how many. Each must come with
  /// wire::Frame::header_room bytes of header; what is in them is valid until the next call.
  u32 poll_transmit(Interface on, std::span<wire::Frame> out, Instant now);
  std::optional<Event> poll_event();

  // TCP, the application's side.
  /// Passive OPEN. An unspecified address takes every address of its family; port 0 picks one.
  /// What it accepts has `settings`, or those of the Config.
  Result<Listen, tcp::Errc> listen(const wire::Endpoint& local, u32 backlog, Instant now,
                                   const tcp::Settings* settings = nullptr);
  /// For what the listener accepts from now on.
  void change(Listen listener, const tcp::Settings& settings);
  const tcp::Settings& settings(Listen listener) const;
  /// listen() once more: another backlog.
  void set_backlog(Listen listener, u32 backlog);
  /// RFC 7413: by which key cookies are made and known, for all listeners, or for one.
  void set_fast_open_keys(const tcp::FastOpenKeys& keys);
  void set_fast_open_keys(Listen listener, const tcp::FastOpenKeys& keys);
  /// What is remembered of servers: their cookies, and what did not reach them.
  tcp::FastOpenPeers& fast_open_peers();
  /// The next finished handshake, or one with data before its end, or none.
  std::optional<Conn> accept(Listen listener);
  /// Connections that wait for accept().
  u32 accept_queue_size(Listen listener) const;
  wire::Endpoint local_endpoint(Listen listener) const;
  void close(Listen listener, Instant now);
  /// Active OPEN. `local` may leave out the address, the port or both. With Settings::fast_open,
  /// what is sent before the next poll_transmit() goes with the SYN, up to early_room().
  Result<Conn, tcp::Errc> connect(const wire::Endpoint& remote, Instant now,
                                  const wire::Endpoint& local = {},
                                  const tcp::Settings* settings = nullptr);
  /// RFC 9293 §3.10.2, SEND in LISTEN: the listener becomes an active open to `remote`.
  Result<Conn, tcp::Errc> connect(Listen listener, const wire::Endpoint& remote, Instant now);
  /// The connection, or null when it is gone. It stays as long as the application holds it, that
  /// is until release(), even if CLOSED.
  tcp::Connection* find(Conn connection);
  /// After any verb on find()'s result: lets the host see timers, output and events.
  void touch(Conn connection, Instant now);
  /// The application lets go. A connection that is not closed yet is closed first and finishes on
  /// its own; unread data makes that a reset (RFC 9293 §3.10.4, RFC 2525 §2.17).
  void release(Conn connection, Instant now);

  // UDP.
  Result<Udp, tcp::Errc> udp_open(const wire::Endpoint& local, Instant now);
  void udp_close(Udp socket);
  wire::Endpoint local_endpoint(Udp socket) const;
  /// Sends one datagram, in fragments where it must be; broadcast and multicast go as they are
  /// addressed. More than 65,507 bytes are refused as message_size.
  Result<void, tcp::Errc> udp_send(Udp socket, const wire::Endpoint& to, Bytes payload,
                                   Instant now);
  std::optional<Datagram> udp_receive(Udp socket);
  std::optional<UdpError> udp_receive_error(Udp socket);
  Result<void, tcp::Errc> join(Udp socket, const wire::IpAddress& group, Interface on, Instant now);

  /// Beside the sink of the constructor: hears only of SYN floods, and so costs nothing.
  void set_alarms(trace::Sink* sink);
  const Config& config() const;
  /// With the drops of TCP connections.
  Counters counters() const;
  const tcp::Counters& tcp_counters() const;
  /// Connections, half-open entries and TIME-WAIT records now.
  struct Census {
    u32 connections, half_open, time_wait, listeners, udp_sockets;
    u64 buffer_bytes;
  };
  Census census() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace handfast::host
