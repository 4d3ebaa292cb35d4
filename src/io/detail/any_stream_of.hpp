// AnyStream and AnyListener over one kind of streams.
#pragma once

#include <utility>

#include <asio/associated_executor.hpp>
#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/socket_base.hpp>

#include "base/assert.hpp"
#include "io/any_stream.hpp"
#include "io/stream_of.hpp"

namespace handfast::io::detail {

template <class Stream>
class AnyStreamOf final : public AnyStream {
 public:
  explicit AnyStreamOf(Stream stream) : stream_(std::move(stream)) {}

  io::Transferred write_now([[maybe_unused]] Bytes bytes) override {
    io::Transferred done;
    if constexpr (requires { stream_.write_now(bytes, done.error); })
      done.bytes = stream_.write_now(bytes, done.error);
    return done;
  }

  bool lends_space() const override { return lends; }
  MutBytes send_space(u32 wanted) override {
    if constexpr (lends) return stream_.send_space(wanted);
    return {};
  }
  void send([[maybe_unused]] u32 n, [[maybe_unused]] bool more) override {
    if constexpr (lends) stream_.send(n, more);
  }
  void shutdown_send() override {
    std::error_code ignored;
    stream_.shutdown(asio::socket_base::shutdown_send, ignored);
  }
  void close() override { stream_.close(); }
  void abort() override { stream_.abort(); }
  void cancel() override { stream_.cancel(); }
  void expires_after(Duration limit) override { stream_.expires_after(limit); }
  void expires_never() override { stream_.expires_never(); }
  wire::Endpoint remote_endpoint() const override { return stream_.remote_endpoint(); }
  asio::any_io_executor get_executor() const override { return stream_.get_executor(); }
  const tls::Session* tls() const override {
    if constexpr (secured) return &stream_.session();
    return nullptr;
  }

 protected:
  void start_read(MutBytes room, Handler done) override {
    stream_.async_read_some(asio::buffer(room.data(), room.size()), finish(std::move(done)));
  }
  void start_write(Bytes bytes, Handler done) override {
    stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), finish(std::move(done)));
  }
  void start_wait(bool to_write, Handler done) override {
    stream_.async_wait(to_write ? asio::socket_base::wait_write : asio::socket_base::wait_read,
                       finish(std::move(done)));
  }
  void start_handshake(Handler done) override {
    if constexpr (secured)
      stream_.async_handshake(finish(std::move(done)));
    else
      asio::post(stream_.get_executor(),
                 [done = std::move(done)]() mutable { done(io::Transferred{}); });
  }

 private:
  static constexpr bool lends = requires(Stream& stream) { stream.send_space(0u); };
  static constexpr bool secured = requires(Stream& stream) { stream.session(); };

  auto finish(Handler done) {
    const auto executor = asio::get_associated_executor(done, stream_.get_executor());
    return asio::bind_executor(executor, [this, done = std::move(done)](
                                             std::error_code error, std::size_t bytes = 0) mutable {
      done(io::Transferred{outcome(stream_, error), bytes});
    });
  }

  Stream stream_;
};

template <class Listener>
class AnyListenerOf final : public AnyListener {
 public:
  explicit AnyListenerOf(Listener listener) : listener_(std::move(listener)) {}
  void close() override { listener_.close(); }
  wire::Endpoint local_endpoint() const override { return listener_.local_endpoint(); }
  asio::any_io_executor get_executor() override { return listener_.get_executor(); }

 protected:
  void start_accept(Handler done) override {
    const auto executor = asio::get_associated_executor(done, listener_.get_executor());
    listener_.async_accept(asio::bind_executor(
        executor, [this, done = std::move(done)](std::error_code error, auto accepted) mutable {
          Accepted result{error, nullptr};
          if (!error)
            result.stream = std::make_unique<AnyStreamOf<typename StreamOf<Listener>::Stream>>(
                stream_of(listener_, std::move(accepted)));
          done(std::move(result));
        }));
  }

 private:
  Listener listener_;
};

}  // namespace handfast::io::detail
