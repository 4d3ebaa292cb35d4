// `-v`: what our own TCP and TLS do, as lines on stderr while it happens.
#pragma once

#include <optional>

#include "trace/event.hpp"

namespace handfast::cli {

class Watch final : public trace::Sink {
 public:
  /// `tells_summaries`: a line for what a TLS handshake agreed on; else somebody else tells that.
  explicit Watch(bool tells_summaries = true) : tells_summaries_(tells_summaries) {}
  void on(Instant now, const trace::Event& event) override;

 private:
  bool tells_summaries_;
  std::optional<Instant> begin_;
};

}  // namespace handfast::cli
