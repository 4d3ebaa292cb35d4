// Which stream a listener's connections are.
#pragma once

#include <utility>

#include "io/kernel_stream.hpp"
#include "io/tcp_listener.hpp"

namespace handfast::io {

/// A stream with the verbs that HttpSession needs.
template <class Listener>
struct StreamOf {
  using Stream = TcpStream;
};
template <>
struct StreamOf<KernelListener> {
  using Stream = KernelStream;
};

/// The stream of what `listener` has accepted.
template <class Listener, class Accepted>
typename StreamOf<Listener>::Stream stream_of(Listener& listener, Accepted accepted) {
  if constexpr (requires { listener.wrap(std::move(accepted)); })
    return listener.wrap(std::move(accepted));
  else
    return typename StreamOf<Listener>::Stream(std::move(accepted));
}

}  // namespace handfast::io
