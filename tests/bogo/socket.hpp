// A blocking TCP connection to the runner.
#pragma once

#include <utility>

#include "base/types.hpp"
#include "bogo/failure.hpp"

namespace handfast::bogo {

class Socket {
 public:
  /// To this machine's loopback address.
  static Result<Socket, Failure> connect(u16 port, bool ipv6);
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, none)) {}
  Socket& operator=(Socket&&) = delete;
  /// Half-closes, and waits for the runner to have read everything: a reset would take it away.
  ~Socket();

  /// Whether all went out.
  bool write(Bytes bytes);
  /// Waits for at least one byte; 0 at the end of the stream.
  u32 read(MutBytes room);

 private:
  static constexpr int none = -1;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = none;
};

}  // namespace handfast::bogo
