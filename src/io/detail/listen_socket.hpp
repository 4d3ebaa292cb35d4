// What a TcpListener stands for, at a stable address.
#pragma once

#include <memory>
#include <system_error>

#include "host/host.hpp"
#include "io/detail/core.hpp"
#include "io/detail/operation.hpp"
#include "io/tcp_stream.hpp"

namespace handfast::io::detail {

/// Waits for a connection.
class AcceptOperation : public Operation {
 public:
  explicit AcceptOperation(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  void accepted(host::Conn connection) { connection_ = connection; }
  using Outcome = std::tuple<std::error_code, TcpStream>;
  Outcome outcome(std::error_code error, std::size_t) {
    return {error, connection_ ? TcpStream(std::make_unique<TcpSocket>(core_, connection_))
                               : TcpStream(core_)};
  }

 protected:
  ~AcceptOperation() = default;

 private:
  std::shared_ptr<Core> core_;
  host::Conn connection_{};
};

class ListenSocket final : public Waiter<host::Listen> {
 public:
  explicit ListenSocket(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~ListenSocket() { close(); }

  Core& core() const { return *core_; }
  const std::shared_ptr<Core>& shared_core() const { return core_; }
  bool is_open() const { return static_cast<bool>(name_); }
  const wire::Endpoint& local() const { return local_; }

  std::error_code listen(const wire::Endpoint& local, u32 backlog);
  void wait(AcceptOperation* operation);
  void cancel() { accepts_.complete_all(asio::error::operation_aborted); }
  void close();

  void progress() override;
  void stopped() override;

 private:
  std::shared_ptr<Core> core_;
  wire::Endpoint local_;
  OperationQueue accepts_;
};

}  // namespace handfast::io::detail
