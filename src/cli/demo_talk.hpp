// What the two applications of `handfast demo` say to each other: HTTP requests and responses, over
// TLS where there is a context for it, and closes in the order that was asked for.
#pragma once

#include <string>
#include <system_error>

#include <asio/awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "io/tcp_listener.hpp"
#include "io/tcp_stream.hpp"
#include "io/tls_context.hpp"
#include "trace/event.hpp"

namespace handfast::cli {

/// One end: where it hears and tells, and its TLS, if any.
struct TalkEnd {
  io::Stack* stack = nullptr;
  trace::Sink* sink = nullptr;
  io::TlsContext* tls = nullptr;
};

struct TalkPlan {
  TalkEnd client{};
  TalkEnd server{};
  wire::Endpoint address{};   // the server's
  std::string server_name{};  // for TLS and the Host field
  u32 connections = 1;        // one after the other; each begins when the page before is complete
  u32 requests = 1;           // on each connection
  u64 size = 0;               // bytes of the page
  bool client_closes = true;  // at once when its last page is complete; both: the FINs cross
  bool server_closes = false;
  Duration request_after{};  // between the client's ESTABLISHED and its first request
  Duration one_way{};        // the wire's delay, for FINs that cross
  Duration close_after{};    // between the peer's FIN and ours
};

/// Filled in while they talk.
struct TalkResult {
  std::string problem{};     // the first thing that went wrong
  Instant answered = never;  // the last page is complete at the client
};

asio::awaitable<void> talk_as_client(const TalkPlan& plan, TalkResult& result);
/// Serves as many connections as the plan has.
asio::awaitable<void> talk_as_server(io::TcpListener& listener, const TalkPlan& plan,
                                     TalkResult& result);

}  // namespace handfast::cli
