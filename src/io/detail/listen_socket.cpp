#include "io/detail/listen_socket.hpp"

#include "io/error.hpp"

namespace handfast::io::detail {

std::error_code ListenSocket::listen(const wire::Endpoint& local, u32 backlog) {
  if (core_->host() == nullptr) return Core::stopped_error();
  if (is_open()) return asio::error::already_open;
  const auto opened = core_->host()->listen(local, backlog, core_->tick());
  if (!opened) return opened.error();
  name_ = *opened;
  local_ = core_->host()->local_endpoint(name_);
  core_->listeners.add(*this);
  core_->settle();
  return {};
}

void ListenSocket::wait(AcceptOperation* operation) {
  if (core_->host() == nullptr) return operation->complete(Core::stopped_error());
  if (!is_open()) return operation->complete(std::make_error_code(std::errc::bad_file_descriptor));
  accepts_.push(operation);
  core_->tick();
  progress();
  core_->settle();
}

void ListenSocket::progress() {
  while (!accepts_.empty()) {
    const auto connection = core_->host()->accept(name_);
    if (!connection) return;
    auto* next = static_cast<AcceptOperation*>(accepts_.pop());
    next->accepted(*connection);
    next->complete({});
  }
}

void ListenSocket::close() {
  cancel();
  if (!is_open()) return;
  core_->listeners.remove(*this);
  const host::Listen leaving = std::exchange(name_, {});
  if (core_->host() == nullptr) return;
  core_->host()->close(leaving, core_->tick());
  core_->settle();
}

void ListenSocket::stopped() {
  accepts_.complete_all(Core::stopped_error());
  name_ = {};
}

}  // namespace handfast::io::detail
