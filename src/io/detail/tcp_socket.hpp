// The one end of a TCP connection that a TcpStream stands for, at a stable address, and the
// operations that wait on it.
#pragma once

#include <memory>
#include <system_error>
#include <tuple>

#include "base/time.hpp"
#include "host/host.hpp"
#include "io/detail/buffers.hpp"
#include "io/detail/core.hpp"
#include "io/detail/operation.hpp"

namespace handfast::io::detail {

using Transferred = std::tuple<std::error_code, std::size_t>;

/// Waits for bytes to come, and takes them unless `into` is empty.
class ReadOperation : public Operation {
 public:
  using Pieces = ReadPieces;
  explicit ReadOperation(const Pieces& pieces) : into(pieces) {}
  using Outcome = Transferred;
  static Outcome outcome(std::error_code error, std::size_t bytes) { return {error, bytes}; }
  ReadPieces into;

 protected:
  ~ReadOperation() = default;
};

/// Waits for room in the send buffer, and fills it unless `from` is empty.
class WriteOperation : public Operation {
 public:
  using Pieces = WritePieces;
  explicit WriteOperation(const Pieces& pieces) : from(pieces) {}
  using Outcome = Transferred;
  static Outcome outcome(std::error_code error, std::size_t bytes) { return {error, bytes}; }
  WritePieces from;

 protected:
  ~WriteOperation() = default;
};

/// The same without a count: async_wait().
template <class Base>
class WaitFor : public Base {
 public:
  using Base::Base;
  using Outcome = std::tuple<std::error_code>;
  static Outcome outcome(std::error_code error, std::size_t) { return {error}; }

 protected:
  ~WaitFor() = default;
};

class ConnectOperation;

class TcpSocket final : public Waiter<host::Conn>, public TimerNode {
 public:
  explicit TcpSocket(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  /// Of a connection that a listener accepted.
  TcpSocket(std::shared_ptr<Core> core, host::Conn accepted);
  ~TcpSocket();

  Core& core() const { return *core_; }
  const std::shared_ptr<Core>& shared_core() const { return core_; }
  /// The connection, or null where there is none (any more).
  tcp::Connection* connection() const;
  bool is_open() const { return static_cast<bool>(name_); }
  const wire::Flow& flow() const { return flow_; }

  /// Begins the handshake; `start_wait` follows where there is no error.
  std::error_code connect(const wire::Endpoint& remote, const wire::Endpoint& local);
  /// Whether the outcome of the operation is known now, and if so what it is.
  bool try_now(const ReadPieces& into, std::error_code& error, std::size_t& bytes) {
    return reads_.empty() && try_read(into, error, bytes);
  }
  bool try_now(const WritePieces& from, std::error_code& error, std::size_t& bytes) {
    return writes_.empty() && try_write(from, error, bytes);
  }
  void wait(ReadOperation* operation) { start_wait(reads_, operation); }
  void wait(WriteOperation* operation) { start_wait(writes_, operation); }
  void wait(ConnectOperation* operation);

  /// After verbs of the application on connection().
  void changed();
  void consume(u32 bytes);
  std::error_code shut_down(bool receiving, bool sending);
  /// Aborts what waits, and lets the connection finish on its own.
  void close();
  /// Aborts what waits, and the connection with it.
  void abort();
  /// Aborts what waits.
  void cancel();
  /// The handshake is given up: as if connect() had not been called.
  void abandon();
  void expires_at(Instant deadline);

  void progress() override;
  void stopped() override;
  void expired() override;

 private:
  void start_wait(OperationQueue& queue, Operation* operation);
  bool try_read(const ReadPieces& into, std::error_code& error, std::size_t& bytes);
  bool try_write(const WritePieces& from, std::error_code& error, std::size_t& bytes);
  void attach(host::Conn connection);
  void detach();
  void complete_connects();
  std::error_code error_of(const tcp::Connection& connection) const;
  bool anything_waits() const;
  void complete_everything(std::error_code error);

  std::shared_ptr<Core> core_;
  wire::Flow flow_;
  OperationQueue connects_;
  OperationQueue reads_;
  OperationQueue writes_;
  Instant expires_ = never;
  bool receiving_shut_ = false;
  bool sending_shut_ = false;
};

/// Waits for the handshake. Cancelled, it gives the attempt up.
class ConnectOperation : public Operation {
 public:
  explicit ConnectOperation(TcpSocket& socket) : socket_(socket) {}
  void cancel() override;

 protected:
  ~ConnectOperation() = default;

 private:
  TcpSocket& socket_;
};

}  // namespace handfast::io::detail
