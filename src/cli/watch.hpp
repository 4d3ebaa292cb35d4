// `-v`: what our own TCP does, as lines on stderr while it happens.
#pragma once

#include <optional>

#include "trace/event.hpp"

namespace handfast::cli {

class Watch final : public trace::Sink {
 public:
  void on(Instant now, const trace::Event& event) override;

 private:
  std::optional<Instant> begin_;
};

}  // namespace handfast::cli
