// Why a connection ended or a call was refused, in the words of RFC 9293 §3.9.1 and of sockets.
#pragma once

#include <string_view>

#include "base/types.hpp"

namespace handfast::tcp {

enum class Errc : u8 {
  none,
  refused,        // RST in answer to our SYN
  reset,          // RST from the peer
  aborted,        // ABORT by this end
  timed_out,      // retransmissions or keepalive probes went unanswered
  unreachable,    // ICMP said so while the connection was being opened (RFC 9293 §3.9.2.2)
  closing,        // send after CLOSE
  not_connected,  // no such connection, or not open yet
  no_memory,      // a cap of Config is reached
  in_use,         // the local port is taken
  no_route,       // no interface leads to the peer
  message_size,   // more than one datagram can hold
};

constexpr std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::none: return "no error";
    case Errc::refused: return "connection refused";
    case Errc::reset: return "connection reset by peer";
    case Errc::aborted: return "connection aborted";
    case Errc::timed_out: return "connection timed out";
    case Errc::unreachable: return "destination unreachable";
    case Errc::closing: return "connection closing";
    case Errc::not_connected: return "connection does not exist";
    case Errc::no_memory: return "insufficient resources";
    case Errc::in_use: return "address already in use";
    case Errc::no_route: return "no route to host";
    case Errc::message_size: return "message too long";
  }
  return "unknown error";
}

}  // namespace handfast::tcp
