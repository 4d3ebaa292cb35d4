// What TCP keeps at a host: connections, listeners, and the small records before and after a
// connection.
#pragma once

#include <memory>

#include "host/fifo.hpp"
#include "host/host.hpp"
#include "host/index_list.hpp"
#include "host/routes.hpp"
#include "host/small_flow.hpp"
#include "host/syn_flood.hpp"
#include "tcp/connection.hpp"
#include "tcp/half_open.hpp"
#include "tcp/time_wait.hpp"

namespace handfast::host {

struct ConnectionSlot {
  ConnectionSlot(tcp::Context& context, const wire::Flow& flow, u32 path_mtu, const Hop& way,
                 tcp::SharedSettings* settings)
      : connection(context, flow, path_mtu, settings), hop(way) {}

  tcp::Connection connection;
  Hop hop;
  Listen listener{};  // whose accept queue it is for; none once the application has it
  bool in_accept_queue : 1 = false;
  bool early : 1 = false;         // its listener counts it as an unfinished Fast Open
  bool released : 1 = false;      // no application holds it
  bool orphan : 1 = false;        // and it was not over then
  bool in_table : 1 = true;       // the flow table leads to it
  bool ready : 1 = false;         // it is in a ready queue
  bool event_queued : 1 = false;  // it is in the event queue
};
// With its place in the slab (8), its timer (24) and its share of the flow table (13 to 26) an idle
// connection is to cost 600 bytes at most.
static_assert(sizeof(ConnectionSlot) <= 544);

struct HalfOpenSlot {
  tcp::HalfOpen record;
  Listen listener;
  Hop hop;
  Links links{};
};
static_assert(sizeof(HalfOpenSlot) <= 120);  // with its place in the slab 128

struct ListenerSlot {
  wire::Endpoint local;
  u32 backlog = 0;
  u32 half_open = 0;
  tcp::SharedSettings* settings = nullptr;  // one user is this
  u32 early = 0;  // handshakes with data in the SYN that are not finished (RFC 7413)
  bool event_queued = false;
  bool sends_cookies = false;  // SynCookieUse::automatic has switched them on
  Fifo<Conn> queue{};          // finished handshakes
  IndexList<HalfOpenSlot> half_open_order{};
  Instant cookies_until{};  // an answer to a cookie may come
  Instant second{};         // the one in which `unfinished` is counted
  u32 unfinished = 0;       // SYNs less finished handshakes
  std::unique_ptr<SynFlood> flood{};
  std::unique_ptr<tcp::FastOpenKeys> fast_open_keys{};  // instead of the host's
};

struct TimeWaitSlot {
  SmallFlow flow;
  Interface interface;  // to which its packets went
  tcp::TimeWait record;
  Links links{};
};
static_assert(Slab<TimeWaitSlot>::bytes_each <= 64);

}  // namespace handfast::host
