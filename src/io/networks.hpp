// The two networks that there are: over our own stack, and over the kernel's.
#pragma once

#include "io/byte_stream.hpp"
#include "io/stack.hpp"

namespace handfast::io {

class StackNetwork final : public Network {
 public:
  /// `stack` outlives this and what is opened.
  explicit StackNetwork(Stack& stack) : stack_(stack) {}

  asio::any_io_executor executor() const override { return stack_.get_executor(); }
  Instant now() const override { return stack_.core()->tick(); }
  std::unique_ptr<NetworkTimer> timer() const override;
  std::unique_ptr<ByteStream> stream() override;
  std::unique_ptr<Datagrams> datagrams(const wire::Endpoint& remote, u16 local_port) override;
  bool has_loopback() const override { return false; }
  std::string_view name() const override { return "our own TCP"; }

 private:
  Stack& stack_;
};

class KernelNetwork final : public Network {
 public:
  explicit KernelNetwork(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  asio::any_io_executor executor() const override { return executor_; }
  Instant now() const override;
  std::unique_ptr<NetworkTimer> timer() const override;
  std::unique_ptr<ByteStream> stream() override;
  std::unique_ptr<Datagrams> datagrams(const wire::Endpoint& remote, u16 local_port) override;
  bool has_loopback() const override { return true; }
  std::string_view name() const override { return "the kernel's TCP"; }

 private:
  asio::any_io_executor executor_;
};

}  // namespace handfast::io
