// A timer in its stack's time, with the verbs of asio::steady_timer: real time under io::Driver,
// virtual time in a simulated world.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <asio/async_result.hpp>

#include "io/detail/core.hpp"
#include "io/stack.hpp"

namespace handfast::io {

class Timer {
 public:
  using executor_type = asio::any_io_executor;

  /// Never expires until it is told when.
  explicit Timer(Stack& stack) : state_(std::make_unique<State>(stack.core())) {}
  Timer(Stack& stack, Duration wait) : Timer(stack) { expires_after(wait); }

  /// Waits that are under way complete with operation_aborted; those to come wait for the new time.
  void expires_after(Duration wait) { expires_at(after(state_->core->tick(), wait)); }
  void expires_at(Instant when) {
    cancel();
    state_->expiry = when;
  }
  Instant expiry() const { return state_->expiry; }

  /// Signature: void(std::error_code).
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_wait(Token&& token = {}) {
    return asio::async_initiate<Token, void(std::error_code)>(
        [](auto&& handler, State* state) {
          state->wait(detail::make_operation<detail::Operation>(
              std::forward<decltype(handler)>(handler), state->core->executor()));
        },
        token, state_.get());
  }
  void cancel() { state_->waits.complete_all(asio::error::operation_aborted); }

  executor_type get_executor() const { return state_->core->executor(); }

 private:
  struct State final : detail::TimerNode {
    explicit State(std::shared_ptr<detail::Core> of) : core(std::move(of)) {}
    ~State() {
      core->cancel_timer(*this);
      stopped();
    }
    void wait(detail::Operation* operation) {
      if (core->host() == nullptr) return operation->complete(detail::Core::stopped_error());
      waits.push(operation);
      if (expiry != deadline()) core->set_timer(*this, expiry);
    }
    void expired() override { waits.complete_all({}); }
    void stopped() override { waits.complete_all(detail::Core::stopped_error()); }

    std::shared_ptr<detail::Core> core;
    detail::OperationQueue waits;
    Instant expiry = never;
  };

  std::unique_ptr<State> state_;
};

}  // namespace handfast::io
