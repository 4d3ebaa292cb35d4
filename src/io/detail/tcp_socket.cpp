#include "io/detail/tcp_socket.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "io/error.hpp"

namespace handfast::io::detail {

void ConnectOperation::cancel() {
  // This leaves its queue first: giving the attempt up ends everything else that waits.
  TcpSocket& socket = socket_;
  Operation::cancel();
  socket.abandon();
}

TcpSocket::TcpSocket(std::shared_ptr<Core> core, host::Conn accepted) : core_(std::move(core)) {
  attach(accepted);
}

TcpSocket::~TcpSocket() {
  core_->cancel_timer(*this);
  close();
}

void TcpSocket::attach(host::Conn connection) {
  name_ = connection;
  core_->connections.add(*this);
  tcp::Connection* made = this->connection();
  ASSERT(made != nullptr);
  flow_ = made->flow();
}

void TcpSocket::detach() {
  core_->connections.remove(*this);
  name_ = {};
}

tcp::Connection* TcpSocket::connection() const {
  return core_->host() != nullptr && is_open() ? core_->host()->find(name_) : nullptr;
}

std::error_code TcpSocket::error_of(const tcp::Connection& connection) const {
  if (connection.state() != tcp::State::closed) return {};
  if (connection.error() == tcp::Errc::none) return asio::error::eof;
  return connection.error();
}

std::error_code TcpSocket::connect(const wire::Endpoint& remote, const wire::Endpoint& local) {
  if (core_->host() == nullptr) return Core::stopped_error();
  if (is_open()) return std::make_error_code(std::errc::already_connected);
  const auto opened = core_->host()->connect(remote, core_->tick(), local);
  if (!opened) return opened.error();
  attach(*opened);
  receiving_shut_ = sending_shut_ = false;
  return {};
}

bool TcpSocket::try_read(const ReadPieces& into, std::error_code& error, std::size_t& bytes) {
  bytes = 0;
  error = {};
  tcp::Connection* from = connection();
  if (from == nullptr) {
    error = core_->host() == nullptr ? Core::stopped_error() : tcp::Errc::not_connected;
    return true;
  }
  if (receiving_shut_) {
    error = asio::error::eof;
    return true;
  }
  if (from->received_size() == 0) {
    if (from->peer_has_closed()) {
      error = asio::error::eof;
      return true;
    }
    error = error_of(*from);
    return static_cast<bool>(error);
  }
  for (u32 i = 0; i < into.count; ++i) {
    MutBytes room = into.spans[i];
    // The receive ring may go round: then its second piece follows at the next look.
    while (!room.empty() && from->received_size() > 0) {
      const Bytes got = from->received();
      const std::size_t size = std::min(room.size(), got.size());
      std::memcpy(room.data(), got.data(), size);
      from->consume(to<u32>(size), core_->now());
      room = room.subspan(size);
      bytes += size;
    }
  }
  if (bytes > 0) core_->host()->touch(name_, core_->now());
  return true;
}

bool TcpSocket::try_write(const WritePieces& from, std::error_code& error, std::size_t& bytes) {
  bytes = 0;
  error = {};
  tcp::Connection* into = connection();
  if (into == nullptr) {
    error = core_->host() == nullptr ? Core::stopped_error() : tcp::Errc::not_connected;
    return true;
  }
  if (sending_shut_) {
    error = tcp::Errc::closing;
    return true;
  }
  error = error_of(*into);
  if (error) {
    if (error == asio::error::eof) error = tcp::Errc::closing;
    return true;
  }
  if (!tcp::may_send(into->state())) return false;
  if (into->send_space(1).empty()) {
    if (into->is_starved()) core_->host()->touch(name_, core_->now());
    return false;
  }
  for (u32 i = 0; i < from.count; ++i) {
    Bytes rest = from.spans[i];
    while (!rest.empty()) {
      const MutBytes room = into->send_space(to<u32>(std::min<std::size_t>(rest.size(), 1u << 30)));
      if (room.empty()) break;
      const std::size_t size = std::min(room.size(), rest.size());
      std::memcpy(room.data(), rest.data(), size);
      into->send(to<u32>(size));
      rest = rest.subspan(size);
      bytes += size;
    }
    if (!rest.empty()) break;
  }
  if (bytes > 0) core_->host()->touch(name_, core_->now());
  return true;
}

void TcpSocket::start_wait(OperationQueue& queue, Operation* operation) {
  queue.push(operation);
  // A node that is armed for earlier fires early and looks again.
  if (expires_ < deadline()) core_->set_timer(*this, expires_);
}

void TcpSocket::wait(ConnectOperation* operation) { start_wait(connects_, operation); }

void TcpSocket::complete_connects() {
  if (connects_.empty()) return;
  tcp::Connection* opening = connection();
  if (opening == nullptr) return connects_.complete_all(tcp::Errc::not_connected);
  if (tcp::is_synchronized(opening->state())) return connects_.complete_all({});
  if (opening->state() != tcp::State::closed) return;
  const std::error_code why = opening->error();
  abandon();
  connects_.complete_all(why);
}

void TcpSocket::progress() {
  complete_connects();
  std::error_code error;
  std::size_t bytes = 0;
  while (!reads_.empty()) {
    auto* next = static_cast<ReadOperation*>(reads_.front());
    if (!try_read(next->into, error, bytes)) break;
    reads_.pop()->complete(error, bytes);
  }
  while (!writes_.empty()) {
    auto* next = static_cast<WriteOperation*>(writes_.front());
    if (!try_write(next->from, error, bytes)) break;
    writes_.pop()->complete(error, bytes);
  }
}

void TcpSocket::changed() {
  if (core_->host() == nullptr || !is_open()) return;
  core_->host()->touch(name_, core_->now());
  core_->settle();
}

void TcpSocket::consume(u32 bytes) {
  tcp::Connection* from = connection();
  ASSERT(from != nullptr && bytes <= from->received_size());
  from->consume(bytes, core_->tick());
  changed();
}

std::error_code TcpSocket::shut_down(bool receiving, bool sending) {
  tcp::Connection* open = connection();
  if (open == nullptr || !tcp::is_synchronized(open->state())) return tcp::Errc::not_connected;
  if (receiving && !receiving_shut_) {
    receiving_shut_ = true;
    reads_.complete_all(asio::error::eof);
  }
  if (sending && !sending_shut_) {
    sending_shut_ = true;
    writes_.complete_all(tcp::Errc::closing);
    open->close(core_->tick());
    changed();
  }
  return {};
}

void TcpSocket::close() {
  complete_everything(asio::error::operation_aborted);
  if (!is_open()) return;
  const host::Conn leaving = name_;
  detach();
  if (core_->host() == nullptr) return;
  core_->host()->release(leaving, core_->tick());
  core_->settle();
}

void TcpSocket::abort() {
  if (tcp::Connection* open = connection(); open != nullptr) {
    open->abort(core_->tick());
    core_->host()->touch(name_, core_->now());
  }
  close();
}

void TcpSocket::cancel() {
  const bool was_opening = !connects_.empty();
  complete_everything(asio::error::operation_aborted);
  if (was_opening) abandon();
}

void TcpSocket::abandon() {
  if (!is_open()) return;
  reads_.complete_all(tcp::Errc::not_connected);
  writes_.complete_all(tcp::Errc::not_connected);
  const host::Conn leaving = name_;
  detach();
  if (core_->host() == nullptr) return;
  if (tcp::Connection* opening = core_->host()->find(leaving); opening != nullptr) {
    opening->abort(core_->tick());
    core_->host()->touch(leaving, core_->now());
  }
  core_->host()->release(leaving, core_->now());
  core_->settle();
}

bool TcpSocket::anything_waits() const {
  return !connects_.empty() || !reads_.empty() || !writes_.empty();
}

void TcpSocket::complete_everything(std::error_code error) {
  connects_.complete_all(error);
  reads_.complete_all(error);
  writes_.complete_all(error);
}

void TcpSocket::expires_at(Instant deadline) {
  expires_ = deadline;
  if (anything_waits() && expires_ < this->deadline()) core_->set_timer(*this, expires_);
}

void TcpSocket::expired() {
  if (!anything_waits()) return;
  if (expires_ > core_->now()) return core_->set_timer(*this, expires_);
  const bool was_opening = !connects_.empty();
  complete_everything(std::make_error_code(std::errc::timed_out));
  if (was_opening) abandon();
}

void TcpSocket::stopped() {
  complete_everything(Core::stopped_error());
  detach();
}

}  // namespace handfast::io::detail
