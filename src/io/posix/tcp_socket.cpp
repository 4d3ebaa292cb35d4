#include "io/posix/tcp_socket.hpp"

#include <algorithm>
#include <cerrno>

#include <netinet/in.h>

namespace handfast::io::posix {

using tcp::State;

int errno_of(tcp::Errc code) {
  switch (code) {
    case tcp::Errc::none: return 0;
    case tcp::Errc::refused: return ECONNREFUSED;
    case tcp::Errc::reset: return ECONNRESET;
    case tcp::Errc::aborted: return ECONNABORTED;
    case tcp::Errc::timed_out: return ETIMEDOUT;
    case tcp::Errc::unreachable: return EHOSTUNREACH;
    case tcp::Errc::closing: return EPIPE;
    case tcp::Errc::not_connected: return ENOTCONN;
    case tcp::Errc::no_memory: return ENOMEM;
    case tcp::Errc::in_use: return EADDRINUSE;
    case tcp::Errc::no_route: return ENETUNREACH;
    case tcp::Errc::message_size: return EMSGSIZE;
  }
  return EPROTO;
}

TcpSocket::TcpSocket(host::Host& host, Environment& environment, ExpectingSockets& expecting,
                     int family, SocketOptions initial)
    : options(std::move(initial)),
      host_(host),
      environment_(environment),
      expecting_(expecting),
      family_(family) {
  local_.address = family == AF_INET ? wire::any_v4 : wire::any_v6;
}

TcpSocket::~TcpSocket() { std::erase(expecting_, this); }

int TcpSocket::bind(const wire::Endpoint& local) {
  if (bound_ || listening_ || name_) return -EINVAL;
  local_ = local;
  bound_ = true;
  return 0;
}

int TcpSocket::listen(int backlog) {
  if (name_ && !ended_) return -EINVAL;
  if (listening_) return 0;
  const u32 queue = static_cast<u32>(std::max(backlog, 0));
  const u32 flags = options.fast_open_flags;
  if ((flags & FastOpenFlags::server) == 0) {
    options.settings.fast_open_max = 0;
  } else if ((flags & FastOpenFlags::server_without_option) != 0 &&
             options.settings.fast_open_max == 0) {
    options.settings.fast_open_max = queue;
  }
  if ((flags & FastOpenFlags::server_no_cookie) != 0) options.settings.fast_open_no_cookie = true;
  const auto first = host_.listen(local_, queue, environment_.now(), &options.settings);
  if (!first) return -errno_of(first.error());
  listener_ = *first;
  local_.port = host_.local_endpoint(listener_).port;
  // RFC 3493 §3.7: an AF_INET6 socket on :: takes IPv4 too, unless IPV6_V6ONLY says otherwise.
  if (family_ == AF_INET6 && local_.address == wire::any_v6 && !options.v6_only) {
    const auto second =
        host_.listen({wire::any_v4, local_.port}, queue, environment_.now(), &options.settings);
    if (second) listener_v6_ = *second;
  }
  listening_ = true;
  apply_options();
  return 0;
}

std::shared_ptr<TcpSocket> TcpSocket::accept(int& error) {
  error = EINVAL;
  if (!listening_) return nullptr;
  error = EAGAIN;
  auto accepted = host_.accept(listener_);
  if (!accepted && listener_v6_) accepted = host_.accept(listener_v6_);
  if (!accepted) return nullptr;
  auto socket = std::make_shared<TcpSocket>(host_, environment_, expecting_, family_, options);
  socket->name_ = *accepted;
  socket->bound_ = true;
  if (const tcp::Connection* connection = socket->connection()) {
    socket->local_ = connection->flow().local;
    socket->options.settings = connection->settings();
    // It may be over already; nobody was there to hear of it.
    if (connection->state() == State::closed) socket->on_event(tcp::Event::closed);
  }
  socket->round_receive_buffer();
  return socket;
}

int TcpSocket::connect(const wire::Endpoint& remote) {
  if (listening_) return -EISCONN;
  if (deferred_) return -EISCONN;
  if (!name_) {
    if (ended_) return -EINVAL;
    options.settings.fast_open = options.fast_open_connect;
    if (options.fast_open_connect && has_cookie_for(remote)) {
      deferred_ = remote;
      return 0;
    }
    return start(remote);
  }
  if (ended_) {
    const int error = take_error();
    if (connecting_) {
      connecting_ = false;
      return error != 0 ? -error : -ECONNABORTED;
    }
    return -EISCONN;
  }
  const tcp::Connection* connection = this->connection();
  if (connection == nullptr) return -ENOTCONN;
  if (connection->state() == State::syn_sent || connection->state() == State::syn_received)
    return -EALREADY;
  if (!connecting_) return -EISCONN;
  connecting_ = false;
  return 0;
}

bool TcpSocket::has_cookie_for(const wire::Endpoint& remote) const {
  const auto peer = host_.fast_open_peers().find(remote.address, environment_.now());
  return !peer.paused && (peer.cookie.size > 0 || options.settings.fast_open_no_cookie);
}

int TcpSocket::start(const wire::Endpoint& remote) {
  wire::Endpoint target = remote;
  if (target.address == wire::any_v6) target.address.octets[15] = 1;  // as Linux: the loopback
  wire::Endpoint local = local_;
  if (local.address == wire::any_v6 && target.address.is_v4()) local.address = wire::any_v4;
  const auto made = host_.connect(target, environment_.now(), local, &options.settings);
  if (!made)
    return made.error() == tcp::Errc::in_use && local.port == 0 ? -EADDRNOTAVAIL
                                                                : -errno_of(made.error());
  name_ = *made;
  connecting_ = true;
  if (const tcp::Connection* connection = this->connection()) local_ = connection->flow().local;
  return -EINPROGRESS;
}

int TcpSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  const bool reading = how != SHUT_WR;
  const bool writing = how != SHUT_RD;
  if (listening_) {
    if (!reading) return 0;
    const Instant now = environment_.now();
    host_.close(listener_, now);
    if (listener_v6_) host_.close(listener_v6_, now);
    listener_ = {};
    listener_v6_ = {};
    listening_ = false;
    wake(0);
    return 0;
  }
  tcp::Connection* connection = this->connection();
  if (connection == nullptr || ended_) return -ENOTCONN;
  if (reading) read_shut_ = true;
  if (writing && !write_shut_) {
    write_shut_ = true;
    connection->close(environment_.now());
    host_.touch(name_, environment_.now());
  }
  wake(0);
  return 0;
}

void TcpSocket::begin_close() {
  tcp::Connection* connection = this->connection();
  if (connection == nullptr) return;
  connection->close(environment_.now());
  host_.touch(name_, environment_.now());
}

bool TcpSocket::is_drained() const {
  const tcp::Connection* connection = this->connection();
  if (connection == nullptr || ended_) return true;
  switch (connection->state()) {
    case State::fin_wait_1:
    case State::closing:
    case State::last_ack: return false;
    case State::closed:
    case State::listen:
    case State::syn_sent:
    case State::syn_received:
    case State::established:
    case State::fin_wait_2:
    case State::close_wait:
    case State::time_wait: return true;
  }
  return true;
}

void TcpSocket::close() {
  const Instant now = environment_.now();
  if (listening_) {
    host_.close(listener_, now);
    if (listener_v6_) host_.close(listener_v6_, now);
    listening_ = false;
    return;
  }
  tcp::Connection* connection = this->connection();
  if (connection == nullptr) return;
  if (options.linger && *options.linger == 0s) connection->abort(now);
  host_.release(name_, now);
  name_ = {};
}

wire::Endpoint TcpSocket::local() const {
  const tcp::Connection* connection = this->connection();
  return connection == nullptr ? local_ : connection->flow().local;
}

std::optional<wire::Endpoint> TcpSocket::remote() const {
  const tcp::Connection* connection = this->connection();
  if (connection == nullptr || ended_ || !connection->is_usable()) return std::nullopt;
  return connection->flow().remote;
}

// Without IP_RECVERR only a time-out that follows tells of it (ip(7)).
void TcpSocket::take_soft_error() {
  const tcp::Connection* connection = this->connection();
  if (!options.receive_errors || connection == nullptr) return;
  const auto problem = connection->info(environment_.now()).soft_error;
  if (!problem) return;
  error_ = errno_of(wire::IcmpError{.problem = *problem});
  wake(EPOLLERR);
}

void TcpSocket::on_event(tcp::Event event) {
  switch (event) {
    case tcp::Event::connected:
      round_receive_buffer();
      wake(0);
      return;
    case tcp::Event::readable: wake(EPOLLIN | EPOLLRDNORM); return;
    case tcp::Event::writable: return;  // on_progress() tells by the rules of sockets
    case tcp::Event::urgent: wake(EPOLLPRI); return;
    case tcp::Event::peer_closed:
    case tcp::Event::flushed: wake(0); return;
    case tcp::Event::heartbeat:
    case tcp::Event::unanswered: return;
    case tcp::Event::soft_error: return take_soft_error();
    case tcp::Event::closed: break;
  }
  const tcp::Connection* connection = this->connection();
  ended_ = true;
  if (connection != nullptr && connection->error() != tcp::Errc::none) {
    reset_ = true;
    error_ = errno_of(connection->error());
    // As Linux: to one who has read the peer's end already, a reset means that writing failed.
    if (error_ == ECONNRESET && connection->peer_has_closed()) error_ = EPIPE;
  }
  take_reports();
  wake(0);
}

int TcpSocket::take_error() { return std::exchange(error_, 0); }

u32 TcpSocket::readiness() {
  if (listening_) {
    const bool waiting = host_.accept_queue_size(listener_) > 0 ||
                         (listener_v6_ && host_.accept_queue_size(listener_v6_) > 0);
    return waiting ? EPOLLIN | EPOLLRDNORM : 0;
  }
  u32 events = 0;
  const tcp::Connection* connection = this->connection();
  if (error_ != 0 || !errors_.empty()) events |= EPOLLERR;
  if (deferred_) return events | EPOLLOUT | EPOLLWRNORM;
  if (connection == nullptr) return events | EPOLLOUT | EPOLLWRNORM | EPOLLHUP;
  const bool peer_closed = connection->peer_has_closed() || read_shut_ || reset_;
  const bool we_closed = write_shut_ || reset_;
  if ((peer_closed && we_closed) || ended_) events |= EPOLLHUP;
  if (peer_closed) events |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
  const bool opening = !ended_ && !connection->is_usable();
  if (opening) return events;
  if (connection->received_size() >= options.receive_low_water) events |= EPOLLIN | EPOLLRDNORM;
  if (connection->has_urgent()) events |= EPOLLPRI;
  const bool writable = we_closed || ended_ || is_writable();
  if (!writable) wait_for_space(true);
  if (writable) events |= EPOLLOUT | EPOLLWRNORM;
  return events;
}

void TcpSocket::round_receive_buffer() {
  const tcp::Connection* connection = this->connection();
  if (!options.whole_segments || options.receive_buffer != 0 || connection == nullptr) return;
  const u32 mss = connection->mss();
  options.receive_buffer = (options.buffers.receive + mss - 1) / mss * mss;
  options.settings.receive_buffer = options.receive_buffer;
  apply_options();
}

void TcpSocket::apply_options() {
  if (options.timestamping != timestamping_) reports_.count_from(bytes_queued_);
  timestamping_ = options.timestamping;
  const Instant now = environment_.now();
  if (listening_) {
    for (const host::Listen one : {listener_, listener_v6_}) {
      if (!one) continue;
      host_.change(one, options.settings);
      if (options.fast_open_keys) host_.set_fast_open_keys(one, *options.fast_open_keys);
    }
    return;
  }
  if (tcp::Connection* connection = this->connection()) {
    connection->change(options.settings, now);
    host_.touch(name_, now);
  }
}

}  // namespace handfast::io::posix
