// What a TlsStream's verbs do where nothing is in the way: each an object that goes from one
// operation of the stream below to the next, without a coroutine. With a handshake under way, or
// something to say beside the application's data, TlsConnection's coroutines take over.
#pragma once

#include <exception>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/associated_allocator.hpp>
#include <asio/associated_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>

#include "base/types.hpp"
#include "io/detail/tls_connection.hpp"

namespace handfast::io::detail {

/// Where an operation on `connection` ends: at `handler`, on its own executor.
template <class Connection, class Handler>
class TlsOperation {
 public:
  using executor_type = asio::any_io_executor;
  using allocator_type = asio::associated_allocator_t<Handler>;

  TlsOperation(std::shared_ptr<Connection> connection, Handler handler)
      : connection_(std::move(connection)), handler_(std::move(handler)) {}

  executor_type get_executor() const { return connection_->lower().get_executor(); }
  allocator_type get_allocator() const { return asio::get_associated_allocator(handler_); }

  /// From inside of the call that begins it, handlers are posted.
  template <class... Results>
  void finish(bool is_beginning, Results... results) {
    const executor_type here = get_executor();
    const auto there = asio::get_associated_executor(handler_, here);
    auto call = [handler = std::move(handler_), results...]() mutable {
      std::move(handler)(results...);
    };
    connection_.reset();
    if (is_beginning) return asio::post(there, std::move(call));
    if constexpr (std::is_same_v<decltype(there), const executor_type>)
      if (there == here) return call();
    asio::dispatch(there, std::move(call));
  }

  /// A coroutine does the rest.
  template <class Outcome>
  void go_on_as(asio::awaitable<Outcome> work) {
    const executor_type here = get_executor();
    asio::co_spawn(
        here, std::move(work),
        [rest = std::move(*this)](const std::exception_ptr& thrown, Outcome outcome) mutable {
          if (thrown) std::rethrow_exception(thrown);
          if constexpr (std::is_same_v<Outcome, std::error_code>)
            rest.finish(false, outcome);
          else
            rest.finish(false, outcome.error, outcome.bytes);
        });
  }

 protected:
  std::shared_ptr<Connection> connection_;
  Handler handler_;
};

template <class Connection, class Handler>
class TlsRead : public TlsOperation<Connection, Handler> {
 public:
  TlsRead(std::shared_ptr<Connection> connection, Handler handler, MutBytes room)
      : TlsOperation<Connection, Handler>(std::move(connection), std::move(handler)), room_(room) {}

  void begin() { go_on(true, {}); }
  void operator()(std::error_code error, std::size_t n) {
    go_on(false, this->connection_->came(error, n));
  }

 private:
  void go_on(bool is_beginning, std::error_code error) {
    Connection& connection = *this->connection_;
    while (!error && connection.is_quiet()) {
      if (connection.has_plaintext() || room_.empty())
        return this->finish(is_beginning, error, connection.take_plaintext(room_));
      error = connection.ending();
      if (!error && !connection.feed()) return connection.fill_for(std::move(*this));
    }
    if (error) return this->finish(is_beginning, error, std::size_t{0});
    this->go_on_as(Connection::read(this->connection_, room_));
  }

  MutBytes room_;
};

template <class Connection, class Handler>
class TlsWait : public TlsOperation<Connection, Handler> {
 public:
  TlsWait(std::shared_ptr<Connection> connection, Handler handler)
      : TlsOperation<Connection, Handler>(std::move(connection), std::move(handler)) {}

  void begin() { go_on(true, {}); }
  /// The stream below can be read.
  void operator()(std::error_code error) {
    if (error) return go_on(false, this->connection_->came(error, 0));
    Connection& connection = *this->connection_;
    connection.fill_for(std::move(*this));
  }
  /// It was.
  void operator()(std::error_code error, std::size_t n) {
    go_on(false, this->connection_->came(error, n));
  }

 private:
  void go_on(bool is_beginning, std::error_code error) {
    Connection& connection = *this->connection_;
    while (!error && connection.is_quiet()) {
      if (connection.has_plaintext()) return this->finish(is_beginning, error);
      error = connection.ending();
      if (!error && !connection.feed()) return connection.wait_for(std::move(*this));
    }
    if (!error) return this->go_on_as(Connection::wait(this->connection_));
    // The end can be read, too.
    this->finish(is_beginning, error == asio::error::eof ? std::error_code{} : error);
  }
};

template <class Connection, class Handler>
class TlsWrite : public TlsOperation<Connection, Handler> {
 public:
  TlsWrite(std::shared_ptr<Connection> connection, Handler handler, Bytes bytes)
      : TlsOperation<Connection, Handler>(std::move(connection), std::move(handler)),
        bytes_(bytes) {}

  void begin() {
    Connection& connection = *this->connection_;
    if (bytes_.empty() || !connection.may_write())
      return this->go_on_as(Connection::write(this->connection_, bytes_));
    taken_ = connection.begin_write(bytes_);
    if (connection.is_writing_more()) return connection.write_for(std::move(*this));
    connection.end_writing();
    if (taken_ > 0) return this->finish(true, std::error_code{}, taken_);
    this->go_on_as(Connection::write(this->connection_, bytes_));
  }
  void operator()(std::error_code error, std::size_t n) {
    Connection& connection = *this->connection_;
    error = connection.went(error, n);
    if (!error && connection.is_writing_more()) return connection.write_for(std::move(*this));
    connection.end_writing();
    if (error || taken_ > 0) return this->finish(false, error, error ? 0 : taken_);
    this->go_on_as(Connection::write(this->connection_, bytes_));
  }

 private:
  Bytes bytes_;
  std::size_t taken_ = 0;
};

}  // namespace handfast::io::detail
