// RFC 9293 §3.9.1: the user calls, as far as they concern more than one connection.
#include "base/assert.hpp"
#include "host/tcp_layer.hpp"
#include "tcp/edges.hpp"
#include "wire/path_mtu.hpp"

namespace handfast::host {

using tcp::Errc;
using tcp::State;

tcp::SharedSettings* TcpLayer::take_settings(const tcp::Settings* wanted) {
  return wanted == nullptr ? tcp::SettingsPool::share(context_.defaults)
                           : context_.settings_pool.take(*wanted);
}

Result<Listen, Errc> TcpLayer::listen(wire::Endpoint local, u32 backlog, Instant now,
                                      const tcp::Settings* settings) {
  if (!local.address.is_unspecified() && !network_.routes.is_ours(local.address))
    return failure(Errc::no_route);
  const auto endpoint_of = [this](u32 i) -> const wire::Endpoint& {
    return listeners_.at(i)->local;
  };
  const auto is_free = [&](u16 port) {
    return listener_ports_.find_exactly({local.address, port}, endpoint_of) == HashIndex::none;
  };
  if (local.port == 0) {
    if (const auto choice = ephemeral_.pick(local.address, {}, is_free)) local.port = choice->port;
  }
  if (local.port == 0 || !is_free(local.port)) return failure(Errc::in_use);
  const Listen handle = listeners_.emplace();
  ListenerSlot& slot = *listeners_.find(handle);
  slot.local = local;
  slot.backlog = backlog;
  slot.settings = take_settings(settings);
  listener_ports_.insert(local.port, handle.index);
  tcp::take_edge(context_, State::closed, State::listen, {local, {}}, now, {"passive open"});
  return handle;
}

void TcpLayer::change(Listen handle, const tcp::Settings& settings) {
  ListenerSlot* listener = listeners_.find(handle);
  if (listener == nullptr) return;
  context_.settings_pool.give(listener->settings);
  listener->settings = context_.settings_pool.take(settings);
}

const tcp::Settings& TcpLayer::settings(Listen handle) const {
  const ListenerSlot* listener = listeners_.find(handle);
  return (listener == nullptr ? context_.defaults : listener->settings)->value;
}

std::optional<Conn> TcpLayer::accept(Listen handle) {
  ListenerSlot* listener = listeners_.find(handle);
  if (listener == nullptr || listener->queue.empty()) return std::nullopt;
  const Conn accepted = listener->queue.pop_front();
  ConnectionSlot& slot = *connections_.find(accepted);
  slot.listener = {};
  slot.in_accept_queue = false;
  mark_event(accepted, slot);
  return accepted;
}

u32 TcpLayer::accept_queue_size(Listen handle) const {
  const ListenerSlot* listener = listeners_.find(handle);
  return listener == nullptr ? 0 : to<u32>(listener->queue.size());
}

wire::Endpoint TcpLayer::local_endpoint(Listen handle) const {
  const ListenerSlot* listener = listeners_.find(handle);
  return listener == nullptr ? wire::Endpoint{} : listener->local;
}

void TcpLayer::set_backlog(Listen handle, u32 backlog) {
  if (ListenerSlot* listener = listeners_.find(handle)) listener->backlog = backlog;
}

void TcpLayer::set_fast_open_keys(Listen handle, const tcp::FastOpenKeys& keys) {
  if (ListenerSlot* listener = listeners_.find(handle))
    listener->fast_open_keys = std::make_unique<tcp::FastOpenKeys>(keys);
}

void TcpLayer::close(Listen handle, Instant now) {
  const ListenerSlot* listener = listeners_.find(handle);
  if (listener == nullptr) return;
  const wire::Flow flow{listener->local, {}};
  empty_listener(handle, now);
  erase_listener(handle);
  tcp::take_edge(context_, State::listen, State::closed, flow, now, {"listener closed"});
}

// What came through it and was not accepted yet has nobody left to go to.
void TcpLayer::empty_listener(Listen handle, Instant now) {
  ListenerSlot& listener = *listeners_.find(handle);
  while (!listener.queue.empty()) {
    const Conn waiting = listener.queue.pop_front();
    ConnectionSlot& slot = *connections_.find(waiting);
    slot.released = true;
    slot.listener = {};
    slot.connection.abort(now);
    settle(waiting, slot, now);
    mark_ready(waiting, slot);
  }
  while (!listener.half_open_order.empty())
    end_half_open(listener.half_open_order.front(), State::closed, {"listener closed"}, now);
}

void TcpLayer::erase_listener(Listen handle) {
  const ListenerSlot& listener = *listeners_.find(handle);
  listener_ports_.erase(listener.local.port, handle.index);
  context_.settings_pool.give(listener.settings);
  listeners_.erase(handle);
}

Result<Conn, Errc> TcpLayer::connect(const wire::Endpoint& remote, const wire::Endpoint& local,
                                     Instant now, const tcp::Settings* settings) {
  const auto hop = network_.routes.route(remote.address);
  if (!hop || hop->cast != Cast::unicast || remote.port == 0) return failure(Errc::no_route);
  const auto flow = make_flow(remote, local, *hop);
  if (!flow) return failure(flow.error());
  return open(*flow, *hop, State::closed, now, take_settings(settings));
}

Result<Conn, Errc> TcpLayer::connect(Listen handle, const wire::Endpoint& remote, Instant now) {
  const ListenerSlot* listener = listeners_.find(handle);
  if (listener == nullptr) return failure(Errc::not_connected);
  const auto hop = network_.routes.route(remote.address);
  if (!hop || hop->cast != Cast::unicast || remote.port == 0) return failure(Errc::no_route);
  const auto flow = make_flow(remote, listener->local, *hop);
  if (!flow) return failure(flow.error());
  if (connections_.size() >= network_.config.connections_max) return failure(Errc::no_memory);
  tcp::SharedSettings* settings = tcp::SettingsPool::share(listener->settings);
  empty_listener(handle, now);
  erase_listener(handle);
  return open(*flow, *hop, State::listen, now, settings);
}

Result<wire::Flow, Errc> TcpLayer::make_flow(const wire::Endpoint& remote,
                                             const wire::Endpoint& local, const Hop& hop) {
  wire::Flow flow{local, remote};
  if (local.address.is_unspecified()) {
    const auto source = network_.routes.source_for(hop, remote.address);
    if (!source) return failure(Errc::no_route);
    flow.local.address = *source;
  } else if (local.address.is_v4() != remote.address.is_v4() ||
             !network_.routes.is_ours(local.address)) {
    return failure(Errc::no_route);
  }
  if (flow.local.port != 0) {
    if (find_flow(flow)) return failure(Errc::in_use);
    return flow;
  }
  const auto choice = ephemeral_.pick(flow.local.address, remote, [&](u16 candidate) {
    flow.local.port = candidate;
    return !find_listener(flow.local) && !find_flow(flow);
  });
  if (!choice) return failure(Errc::in_use);
  // Among many connections the place of the next is in no cache.
  flow.local.port = choice->next;
  flows_.prefetch(flow);
  flow.local.port = choice->port;
  return flow;
}

u32 TcpLayer::tcp_mtu(const Hop& hop, const wire::IpAddress& remote, Instant now) const {
  const u32 mtu = network_.path_mtu(hop, remote, now);
  if (hop.interface == network_.routes.loopback()) return mtu;
  const u32 mss_max = network_.config.interfaces[hop.interface].mss_max;
  return mss_max == 0 ? mtu : std::min(mtu, mss_max + wire::tcp_ip_header_size(remote));
}

Result<Conn, Errc> TcpLayer::open(const wire::Flow& flow, const Hop& hop, State from, Instant now,
                                  tcp::SharedSettings* settings) {
  if (connections_.size() >= network_.config.connections_max) {
    context_.settings_pool.give(settings);
    return failure(Errc::no_memory);
  }
  const u32 mtu = tcp_mtu(hop, flow.remote.address, now);
  const Conn handle = connections_.emplace(context_, flow, mtu, hop, settings);
  context_.settings_pool.give(settings);
  ConnectionSlot& slot = *connections_.find(handle);
  flows_.insert(flow, {FlowEntry::Kind::connection, handle.index});
  slot.connection.open(now, from);
  settle(handle, slot, now);
  mark_ready(handle, slot);
  return handle;
}

tcp::Connection* TcpLayer::find(Conn handle) {
  ConnectionSlot* slot = connections_.find(handle);
  return slot == nullptr || slot->released || slot->listener ? nullptr : &slot->connection;
}

void TcpLayer::touch(Conn handle, Instant now) {
  ConnectionSlot* slot = connections_.find(handle);
  if (slot == nullptr) return;
  settle(handle, *slot, now);
  mark_ready(handle, *slot);
  mark_event(handle, *slot);
}

void TcpLayer::release(Conn handle, Instant now) {
  ConnectionSlot* slot = connections_.find(handle);
  if (slot == nullptr || slot->released || slot->listener) return;
  slot->connection.release(now);
  slot->released = true;
  const State state = slot->connection.state();
  if (state != State::closed && state != State::time_wait) {
    // RFC 1122 §4.2.2.13 lets it finish on its own, but not any number of them.
    if (orphans_ < context_.config.orphans_max) {
      slot->orphan = true;
      ++orphans_;
    } else {
      ++context_.counters.orphans_aborted;
      slot->connection.abort(now);
    }
  }
  settle(handle, *slot, now);
  mark_ready(handle, *slot);  // whose turn also frees it, once it is over
}

}  // namespace handfast::host
