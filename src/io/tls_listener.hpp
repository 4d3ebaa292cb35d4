// A listener whose streams speak TLS: HttpServer and what else takes a listener runs on it.
#pragma once

#include <utility>

#include "io/stream_of.hpp"
#include "io/tls_stream.hpp"

namespace handfast::io {

/// `Lower` is TcpListener or KernelListener, and listens already.
template <class Lower>
class TlsListener {
 public:
  using executor_type = asio::any_io_executor;
  using Stream = TlsStream<typename StreamOf<Lower>::Stream>;

  /// `context` outlives this and its streams.
  TlsListener(Lower lower, TlsContext& context) : lower_(std::move(lower)), context_(&context) {}

  /// As `Lower` does it. What it accepts becomes a stream by wrap(); then the handshake has not
  /// begun.
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_accept(Token&& token = {}) {
    return lower_.async_accept(std::forward<Token>(token));
  }
  template <class Accepted>
  Stream wrap(Accepted accepted) {
    return Stream(stream_of(lower_, std::move(accepted)), *context_);
  }
  void close() { lower_.close(); }
  wire::Endpoint local_endpoint() const { return lower_.local_endpoint(); }
  executor_type get_executor() { return lower_.get_executor(); }

 private:
  Lower lower_;
  TlsContext* context_;
};
template <class Lower>
struct StreamOf<TlsListener<Lower>> {
  using Stream = typename TlsListener<Lower>::Stream;
};

}  // namespace handfast::io
