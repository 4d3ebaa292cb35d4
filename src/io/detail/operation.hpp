// An operation that waits, and the way its outcome goes to its handler: posted, never called from
// inside, to the handler's associated executor, in memory of the handler's associated allocator.
#pragma once

#include <memory>
#include <system_error>
#include <tuple>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/bind_allocator.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

namespace handfast::io::detail {

using Executor = asio::any_io_executor;

class OperationQueue;

/// One waiting operation. It belongs to whatever completes it.
class Operation {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  /// Posts the outcome and destroys this. The operation must be in no queue any more.
  virtual void complete(std::error_code error, std::size_t bytes = 0) = 0;
  /// The application cancelled this one: takes it from where it waits and completes it.
  virtual void cancel();

  using Outcome = std::tuple<std::error_code>;
  static Outcome outcome(std::error_code error, std::size_t) { return {error}; }

 protected:
  Operation() = default;
  ~Operation() = default;

 private:
  friend class OperationQueue;
  OperationQueue* queue_ = nullptr;
  Operation* previous_ = nullptr;
  Operation* next_ = nullptr;
};

/// First come, first served; any place in it can be left in constant time.
class OperationQueue {
 public:
  OperationQueue() = default;
  OperationQueue(const OperationQueue&) = delete;
  OperationQueue& operator=(const OperationQueue&) = delete;

  bool empty() const { return first_ == nullptr; }
  Operation* front() const { return first_; }
  void push(Operation* operation);
  Operation* pop();
  void remove(Operation* operation);
  /// Completes everything that waits here.
  void complete_all(std::error_code error);

 private:
  Operation* first_ = nullptr;
  Operation* last_ = nullptr;
};

/// Posts handler(outcome...) to the handler's executor, or `fallback` where it has none.
template <class Handler, class Fallback, class Outcome>
void post_outcome(Handler&& handler, const Fallback& fallback, Outcome outcome) {
  auto executor = asio::get_associated_executor(handler, fallback);
  auto allocator = asio::get_associated_allocator(handler);
  auto call = [held = std::forward<Handler>(handler), result = std::move(outcome)]() mutable {
    std::apply(std::move(held), std::move(result));
  };
  asio::post(executor, asio::bind_allocator(allocator, std::move(call)));
}

/// An operation of kind `Base` (which says what its outcome is) with the handler that waits for it.
template <class Base, class Handler>
class Pending final : public Base {
 public:
  template <class... Args>
  static Pending* make(Handler handler, const Executor& fallback, Args&&... args) {
    auto allocator = allocator_for(handler);
    Pending* made = Traits::allocate(allocator, 1);
    // Neither moving a handler nor these bases' constructors throw.
    return std::construct_at(made, std::move(handler), fallback, std::forward<Args>(args)...);
  }

  template <class... Args>
  Pending(Handler handler, const Executor& fallback, Args&&... args)
      : Base(std::forward<Args>(args)...),
        work_(asio::get_associated_executor(handler, fallback)),
        handler_(std::move(handler)) {
    auto slot = asio::get_associated_cancellation_slot(handler_);
    if (slot.is_connected()) slot.template emplace<Canceller>(this);
  }

  void complete(std::error_code error, std::size_t bytes) override {
    // A cancellation handler that is running must not be destroyed under its own feet.
    if (!cancelled_) asio::get_associated_cancellation_slot(handler_).clear();
    auto result = this->outcome(error, bytes);
    auto work = std::move(work_);
    Handler handler = std::move(handler_);
    auto allocator = allocator_for(handler);
    std::destroy_at(this);
    Traits::deallocate(allocator, this, 1);
    post_outcome(std::move(handler), work.get_executor(), std::move(result));
  }

 private:
  using Traits = typename std::allocator_traits<
      asio::associated_allocator_t<Handler>>::template rebind_traits<Pending>;
  static typename Traits::allocator_type allocator_for(const Handler& handler) {
    return typename Traits::allocator_type(asio::get_associated_allocator(handler));
  }

  struct Canceller {
    explicit Canceller(Pending* waiting) : operation(waiting) {}
    void operator()(asio::cancellation_type type) {
      if (type == asio::cancellation_type::none) return;
      if (Pending* cancelled = std::exchange(operation, nullptr)) {
        cancelled->cancelled_ = true;
        cancelled->cancel();
      }
    }
    Pending* operation;
  };

  // While we wait, the executor's context must not think that it has run out of work.
  asio::executor_work_guard<asio::associated_executor_t<Handler, Executor>> work_;
  Handler handler_;
  bool cancelled_ = false;
};

/// Makes an operation of kind `Base` that waits for `handler`.
template <class Base, class Handler, class... Args>
Base* make_operation(Handler&& handler, const Executor& fallback, Args&&... args) {
  return Pending<Base, std::decay_t<Handler>>::make(std::forward<Handler>(handler), fallback,
                                                    std::forward<Args>(args)...);
}

}  // namespace handfast::io::detail
