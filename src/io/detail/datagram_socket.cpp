#include "io/detail/datagram_socket.hpp"

#include <algorithm>
#include <cstring>

#include "io/error.hpp"

namespace handfast::io::detail {
namespace {

std::error_code error_of(const wire::IcmpError& error) {
  using wire::IcmpProblem;
  switch (error.problem) {
    case IcmpProblem::port_unreachable: return tcp::Errc::refused;
    case IcmpProblem::packet_too_big: return std::make_error_code(std::errc::message_size);
    case IcmpProblem::net_unreachable:
    case IcmpProblem::host_unreachable:
    case IcmpProblem::protocol_unreachable:
    case IcmpProblem::prohibited:
    case IcmpProblem::time_exceeded:
    case IcmpProblem::parameter_problem: break;
  }
  return tcp::Errc::unreachable;
}

}  // namespace

std::error_code DatagramSocket::state_error() const {
  if (core_->host() == nullptr) return Core::stopped_error();
  if (!is_open()) return std::make_error_code(std::errc::bad_file_descriptor);
  return {};
}

wire::Endpoint DatagramSocket::local() const {
  return state_error() ? wire::Endpoint{} : core_->host()->local_endpoint(name_);
}

std::error_code DatagramSocket::open(const wire::Endpoint& local) {
  if (core_->host() == nullptr) return Core::stopped_error();
  if (is_open()) return asio::error::already_open;
  const auto opened = core_->host()->udp_open(local, core_->tick());
  if (!opened) return opened.error();
  name_ = *opened;
  core_->udp_sockets.add(*this);
  core_->settle();
  return {};
}

std::error_code DatagramSocket::send(const WritePieces& from, const wire::Endpoint& to) {
  if (const std::error_code error = state_error()) return error;
  Bytes datagram = from.spans[0];
  if (from.count > 1) {
    gathered_.clear();
    for (u32 i = 0; i < from.count; ++i)
      gathered_.insert(gathered_.end(), from.spans[i].begin(), from.spans[i].end());
    datagram = gathered_;
  }
  const auto sent = core_->host()->udp_send(name_, to, datagram, core_->tick());
  core_->settle();
  return sent ? std::error_code{} : sent.error();
}

std::error_code DatagramSocket::join(const wire::IpAddress& group, host::Interface on) {
  if (const std::error_code error = state_error()) return error;
  const auto joined = core_->host()->join(name_, group, on, core_->tick());
  core_->settle();
  return joined ? std::error_code{} : joined.error();
}

void DatagramSocket::wait(ReceiveOperation* operation) {
  if (const std::error_code error = state_error()) return operation->complete(error);
  receives_.push(operation);
  core_->tick();
  progress();
  core_->settle();
}

void DatagramSocket::progress() {
  while (!receives_.empty()) {
    auto* next = static_cast<ReceiveOperation*>(receives_.front());
    if (const auto failed = core_->host()->udp_receive_error(name_)) {
      if (!report_errors_) continue;
      next->source = failed->destination;
      receives_.pop()->complete(error_of(failed->error));
      continue;
    }
    const auto datagram = core_->host()->udp_receive(name_);
    if (!datagram) return;
    Bytes rest = datagram->payload;
    for (u32 i = 0; i < next->into.count && !rest.empty(); ++i) {
      const MutBytes room = next->into.spans[i];
      const std::size_t size = std::min(room.size(), rest.size());
      std::memcpy(room.data(), rest.data(), size);
      rest = rest.subspan(size);
    }
    next->source = datagram->source;
    receives_.pop()->complete({}, datagram->payload.size() - rest.size());
  }
}

void DatagramSocket::close() {
  cancel();
  if (!is_open()) return;
  core_->udp_sockets.remove(*this);
  const host::Udp leaving = std::exchange(name_, {});
  if (core_->host() == nullptr) return;
  core_->host()->udp_close(leaving);
  core_->settle();
}

void DatagramSocket::stopped() {
  receives_.complete_all(Core::stopped_error());
  name_ = {};
}

}  // namespace handfast::io::detail
