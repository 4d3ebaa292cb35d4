// A TLS session on a stream, step by step: what is read and written below, and what becomes of it.
// Who takes the steps is TlsRead, TlsWait and TlsWrite, or a coroutine of TlsConnection.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/socket_base.hpp>
#include <asio/steady_timer.hpp>

#include "io/detail/tls_pipe.hpp"
#include "io/kernel_stream.hpp"
#include "io/stream_trace.hpp"
#include "io/tls_context.hpp"

namespace handfast::io::detail {

template <class Lower>
class TlsSteps {
 public:
  TlsSteps(Lower lower, TlsContext& context, std::string_view server_name)
      : lower_(std::move(lower)),
        context_(context),
        trace_(trace_stream(context.trace, context.clock, lower_)),
        pipe_(context, server_name, trace_.get()),
        changed_(lower_.get_executor(), asio::steady_timer::time_point::max()) {}
  TlsSteps(Lower lower, TlsContext& context)
      : lower_(std::move(lower)),
        context_(context),
        trace_(trace_stream(context.trace, context.clock, lower_)),
        pipe_(context, trace_.get()),
        changed_(lower_.get_executor(), asio::steady_timer::time_point::max()) {}
  TlsSteps(const TlsSteps&) = delete;
  TlsSteps& operator=(const TlsSteps&) = delete;

  Lower& lower() { return lower_; }
  tls::Session& session() { return pipe_.session(); }
  void cancel() {
    lower_.cancel();
    changed_.cancel();
  }

  /// Reading is all that there is to do.
  bool is_quiet() const {
    return pipe_.is_ready() && !shaking_hands_ && (writing_ || !pipe_.session().has_output());
  }
  bool has_plaintext() const { return !pipe_.session().plaintext().empty(); }
  std::size_t take_plaintext(MutBytes room) {
    const Bytes plaintext = session().plaintext();
    const std::size_t n = std::min(plaintext.size(), room.size());
    std::copy_n(plaintext.begin(), n, room.begin());
    session().consume(to<u32>(n));
    pipe_.release_if_empty();
    return n;
  }
  /// Why no more will come.
  std::error_code ending() {
    if (session().error()) return failure_code();
    return session().has_peer_closed() ? asio::error::eof : std::error_code{};
  }
  /// Gives the session what came; false where it wants more.
  bool feed() {
    const bool moved = pipe_.feed();
    if (!session().error()) return moved;
    if (!std::exchange(is_failure_told_, true) && context_.on_failure)
      context_.on_failure(lower_.remote_endpoint(), *session().error());
    return true;
  }
  template <class Operation>
  void fill_for(Operation operation) {
    const MutBytes space = pipe_.space();
    lower_.async_read_some(asio::buffer(space.data(), space.size()), std::move(operation));
  }
  /// The same, and while nothing comes without a buffer, unless a part of a record is in it.
  template <class Operation>
  void wait_for(Operation operation) {
    if (!pipe_.release_if_empty()) return fill_for(std::move(operation));
    lower_.async_wait(asio::socket_base::wait_read, std::move(operation));
  }
  /// How a read of the stream below ended.
  std::error_code came(std::error_code error, std::size_t n) {
    pipe_.came(n);
    error = outcome(lower_, error);
    if (error == asio::error::eof && session().end_of_input() == tls::Ending::truncated)
      error = TlsErrc::truncated;
    return error;
  }
  /// The application's data can go out now.
  bool may_write() const {
    return !writing_ && !shaking_hands_ && !write_error_ && pipe_.session().can_seal();
  }
  /// Returns how many of `bytes` are on their way.
  std::size_t begin_write(Bytes bytes) {
    writing_ = true;
    if (sealed_before_ > 0) return std::exchange(sealed_before_, 0);
    return pipe_.gather(bytes);
  }
  /// As many of `bytes` as the stream below takes at once, all in whole records. What was sealed
  /// and does not go counts for nothing until the next write, of the same bytes, has written it.
  std::size_t write_now(Bytes bytes, std::error_code& error) {
    if (bytes.empty() || !may_write() || sealed_before_ > 0) return 0;
    const std::size_t taken = begin_write(bytes);
    for (std::size_t n = 1; n > 0 && is_writing_more();) {
      const Bytes records = pipe_.gathered();
      n = lower_.write_now(records, error);
      error = went(error, n);
    }
    if (!is_writing_more()) {
      end_writing();
      return error ? 0 : taken;
    }
    writing_ = false;
    sealed_before_ = taken;
    return 0;
  }
  bool is_writing_more() const { return !write_error_ && !pipe_.gathered().empty(); }
  template <class Operation>
  void write_for(Operation operation) {
    const Bytes records = pipe_.gathered();
    lower_.async_write_some(asio::buffer(records.data(), records.size()), std::move(operation));
  }
  /// How a write to the stream below ended; what the session has to say meanwhile goes out too.
  std::error_code went(std::error_code error, std::size_t n) {
    // Part of a record may be out: nothing can follow it.
    write_error_ = outcome(lower_, error);
    pipe_.written(n);
    if (pipe_.gathered().empty() && session().has_output()) static_cast<void>(pipe_.gather({}));
    return write_error_;
  }
  void end_writing() {
    writing_ = false;
    pipe_.release_output();
    changed_.cancel();
  }

 protected:
  ~TlsSteps() = default;

  std::error_code failure_code() {
    return session().error()->from_peer ? TlsErrc::refused : TlsErrc::failed;
  }

  Lower lower_;
  TlsContext& context_;
  std::unique_ptr<StreamTrace> trace_;
  TlsPipe pipe_;
  asio::steady_timer changed_;  // never expires: cancelled when somebody may go on
  std::error_code write_error_;
  std::size_t sealed_before_ = 0;  // bytes that write_now() sealed, and told nobody of
  bool shaking_hands_ = false;
  bool writing_ = false;
  bool is_failure_told_ = false;
};

}  // namespace handfast::io::detail
