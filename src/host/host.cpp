// RFC 1122, RFC 8504: the host's face. Each call goes to the layer that it concerns.
#include "host/host.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "host/impl.hpp"

namespace handfast::host {

Host::Impl::Impl(Config settings, Instant now, Rng rng, trace::Sink* sink)
    : config(complete(std::move(settings))),
      network(config, rng, now, sink),
      groups(network, rng.fork()),
      tcp(network, rng, now),
      udp(network, groups, rng),
      fragments_(config) {}

Config Host::Impl::complete(Config settings) {
  add_link_locals(settings);
  return settings;
}

Instant Host::Impl::deadline() const {
  return std::min({network.deadline(), groups.deadline(), tcp.deadline(), fragments_.deadline()});
}

void Host::Impl::on_deadline(Instant now) {
  network.on_deadline(now);
  report_unreachable(now);
  groups.on_deadline(now);
  tcp.on_deadline(now);
  expire_fragments(now);
}

u32 Host::Impl::poll_transmit(Interface on, std::span<wire::Frame> out, Instant now) {
  ASSERT(on < config.interfaces.size());
  network.end_loans();
  run_loopback(now);
  u32 filled = network.poll(on, out, now);
  filled += tcp.poll(on, out.subspan(filled), now);
  // A connection's turn may have asked for a neighbour.
  return filled + network.poll(on, out.subspan(filled), now);
}

Host::Host(Config config, Instant now, Rng rng, trace::Sink* sink)
    : impl_(std::make_unique<Impl>(std::move(config), now, rng, sink)) {}
Host::~Host() = default;

void Host::on_frame(Interface in, Bytes frame, Instant now, bool checksum_verified) {
  impl_->on_frame(in, frame, now, checksum_verified);
}
void Host::expect(Interface in, Bytes frame) const { impl_->expect(in, frame); }
void Host::on_deadline(Instant now) { impl_->on_deadline(now); }
Instant Host::deadline() const { return impl_->deadline(); }
u32 Host::poll_transmit(Interface on, std::span<wire::Frame> out, Instant now) {
  return impl_->poll_transmit(on, out, now);
}
std::optional<Event> Host::poll_event() {
  if (const auto event = impl_->tcp.poll_event()) return event;
  return impl_->udp.poll_event();
}

Result<Listen, tcp::Errc> Host::listen(const wire::Endpoint& local, u32 backlog, Instant now,
                                       const tcp::Settings* settings) {
  return impl_->tcp.listen(local, backlog, now, settings);
}
void Host::change(Listen listener, const tcp::Settings& settings) {
  impl_->tcp.change(listener, settings);
}
const tcp::Settings& Host::settings(Listen listener) const { return impl_->tcp.settings(listener); }
void Host::set_backlog(Listen listener, u32 backlog) { impl_->tcp.set_backlog(listener, backlog); }
void Host::set_fast_open_keys(const tcp::FastOpenKeys& keys) {
  impl_->tcp.context().fast_open_keys = keys;
}
void Host::set_fast_open_keys(Listen listener, const tcp::FastOpenKeys& keys) {
  impl_->tcp.set_fast_open_keys(listener, keys);
}
tcp::FastOpenPeers& Host::fast_open_peers() { return impl_->tcp.context().fast_open_peers; }
std::optional<Conn> Host::accept(Listen listener) { return impl_->tcp.accept(listener); }
u32 Host::accept_queue_size(Listen listener) const {
  return impl_->tcp.accept_queue_size(listener);
}
wire::Endpoint Host::local_endpoint(Listen listener) const {
  return impl_->tcp.local_endpoint(listener);
}
void Host::close(Listen listener, Instant now) { impl_->tcp.close(listener, now); }
Result<Conn, tcp::Errc> Host::connect(const wire::Endpoint& remote, Instant now,
                                      const wire::Endpoint& local, const tcp::Settings* settings) {
  return impl_->tcp.connect(remote, local, now, settings);
}
Result<Conn, tcp::Errc> Host::connect(Listen listener, const wire::Endpoint& remote, Instant now) {
  return impl_->tcp.connect(listener, remote, now);
}
tcp::Connection* Host::find(Conn connection) { return impl_->tcp.find(connection); }
void Host::touch(Conn connection, Instant now) { impl_->tcp.touch(connection, now); }
void Host::release(Conn connection, Instant now) { impl_->tcp.release(connection, now); }

Result<Udp, tcp::Errc> Host::udp_open(const wire::Endpoint& local, Instant /*now*/) {
  return impl_->udp.open(local);
}
void Host::udp_close(Udp socket) { impl_->udp.close(socket); }
wire::Endpoint Host::local_endpoint(Udp socket) const { return impl_->udp.local_endpoint(socket); }
Result<void, tcp::Errc> Host::udp_send(Udp socket, const wire::Endpoint& to, Bytes payload,
                                       Instant now) {
  return impl_->udp.send(socket, to, payload, now);
}
std::optional<Datagram> Host::udp_receive(Udp socket) { return impl_->udp.receive(socket); }
std::optional<UdpError> Host::udp_receive_error(Udp socket) {
  return impl_->udp.receive_error(socket);
}
Result<void, tcp::Errc> Host::join(Udp socket, const wire::IpAddress& group, Interface on,
                                   Instant now) {
  return impl_->udp.join(socket, group, on, now);
}

void Host::set_alarms(trace::Sink* sink) { impl_->tcp.set_alarms(sink); }
const Config& Host::config() const { return impl_->config; }
Counters Host::counters() const {
  Counters all = impl_->network.counters;
  for (u32 i = 0; i < all.drops.size(); ++i) all.drops[i] += impl_->tcp.counters().drops[i];
  return all;
}
const tcp::Counters& Host::tcp_counters() const { return impl_->tcp.counters(); }
Host::Census Host::census() const {
  Census census = impl_->tcp.census();
  census.udp_sockets = impl_->udp.size();
  return census;
}

}  // namespace handfast::host
