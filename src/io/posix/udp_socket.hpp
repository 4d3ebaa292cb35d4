// A datagram socket over the host's UDP.
#pragma once

#include <optional>

#include "host/host.hpp"
#include "io/posix/descriptor.hpp"
#include "io/posix/environment.hpp"
#include "io/posix/error_queue.hpp"
#include "io/posix/socket_options.hpp"

namespace handfast::io::posix {

class UdpSocket final : public Descriptor {
 public:
  UdpSocket(host::Host& host, Environment& environment, int family, SocketOptions initial)
      : options(std::move(initial)), host_(host), environment_(environment), family_(family) {}

  u32 readiness() override;
  void close() override;

  // 0 or a negative errno.
  int bind(const wire::Endpoint& local);
  int connect(const wire::Endpoint& remote);
  /// Bytes moved, or a negative errno; one try.
  long receive(msghdr& message, int flags);
  long send(const msghdr& message);

  void on_event(host::Event::Kind kind);
  int take_error() { return std::exchange(error_, 0); }

  host::Udp name() const { return name_; }
  wire::Endpoint local() const;
  std::optional<wire::Endpoint> remote() const { return remote_; }
  int family() const { return family_; }

  SocketOptions options;

 private:
  struct Held {
    wire::Endpoint source;
    std::vector<u8> payload;
  };
  /// Fetches the next datagram from the host, if none waits here (MSG_PEEK leaves it).
  bool fetch();

  host::Host& host_;
  Environment& environment_;
  int family_;
  int error_ = 0;
  host::Udp name_{};
  std::optional<wire::Endpoint> remote_{};
  std::optional<Held> next_{};
  ErrorQueue errors_;
};

}  // namespace handfast::io::posix
