#include "io/detail/operation.hpp"

#include "base/assert.hpp"

namespace handfast::io::detail {

void Operation::cancel() {
  if (queue_ != nullptr) queue_->remove(this);
  complete(asio::error::operation_aborted);
}

void OperationQueue::push(Operation* operation) {
  ASSERT(operation->queue_ == nullptr);
  operation->queue_ = this;
  operation->previous_ = last_;
  operation->next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = operation;
  last_ = operation;
}

Operation* OperationQueue::pop() {
  Operation* operation = first_;
  remove(operation);
  return operation;
}

void OperationQueue::remove(Operation* operation) {
  ASSERT(operation != nullptr && operation->queue_ == this);
  (operation->previous_ != nullptr ? operation->previous_->next_ : first_) = operation->next_;
  (operation->next_ != nullptr ? operation->next_->previous_ : last_) = operation->previous_;
  operation->queue_ = nullptr;
  operation->previous_ = operation->next_ = nullptr;
}

void OperationQueue::complete_all(std::error_code error) {
  while (!empty()) pop()->complete(error);
}

}  // namespace handfast::io::detail
