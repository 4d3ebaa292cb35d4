// What a UdpSocket stands for, at a stable address.
#pragma once

#include <memory>
#include <optional>
#include <system_error>

#include "host/host.hpp"
#include "io/detail/buffers.hpp"
#include "io/detail/core.hpp"
#include "io/detail/operation.hpp"

namespace handfast::io::detail {

/// Waits for a datagram.
class ReceiveOperation : public Operation {
 public:
  ReceiveOperation(const ReadPieces& pieces, wire::Endpoint& sender)
      : into(pieces), source(sender) {}
  using Outcome = std::tuple<std::error_code, std::size_t>;
  static Outcome outcome(std::error_code error, std::size_t bytes) { return {error, bytes}; }
  ReadPieces into;
  wire::Endpoint& source;

 protected:
  ~ReceiveOperation() = default;
};

class DatagramSocket final : public Waiter<host::Udp> {
 public:
  explicit DatagramSocket(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~DatagramSocket() { close(); }

  Core& core() const { return *core_; }
  bool is_open() const { return static_cast<bool>(name_); }
  wire::Endpoint local() const;

  std::error_code open(const wire::Endpoint& local);
  std::error_code send(const WritePieces& from, const wire::Endpoint& to);
  std::error_code join(const wire::IpAddress& group, host::Interface on);
  void report_errors(bool on) { report_errors_ = on; }
  void wait(ReceiveOperation* operation);
  void cancel() { receives_.complete_all(asio::error::operation_aborted); }
  void close();

  void progress() override;
  void stopped() override;

 private:
  std::error_code state_error() const;

  std::shared_ptr<Core> core_;
  OperationQueue receives_;
  std::vector<u8> gathered_;  // a datagram that was handed in in pieces
  bool report_errors_ = false;
};

}  // namespace handfast::io::detail
