// What the two applications of `handfast demo` say to each other: one HTTP request, one response,
// and a close in the order that was asked for.
#pragma once

#include <string>
#include <system_error>

#include <asio/awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "io/tcp_listener.hpp"
#include "io/tcp_stream.hpp"

namespace handfast::cli {

struct TalkPlan {
  wire::Endpoint server{};
  u64 size = 0;               // bytes of the page
  bool client_closes = true;  // at once when the page is complete; both: the FINs cross
  bool server_closes = false;
  Duration request_after{};  // between the client's ESTABLISHED and its request
  Duration one_way{};        // the wire's delay, for FINs that cross
  Duration close_after{};    // between the peer's FIN and ours
};

/// Filled in while they talk.
struct TalkResult {
  std::string problem{};     // the first thing that went wrong
  Instant answered = never;  // the page is complete at the client
};

asio::awaitable<void> talk_as_client(io::Stack& stack, const TalkPlan& plan, TalkResult& result);
asio::awaitable<void> talk_as_server(io::Stack& stack, io::TcpListener& listener,
                                     const TalkPlan& plan, TalkResult& result);

}  // namespace handfast::cli
