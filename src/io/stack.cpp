#include "io/stack.hpp"

#include <utility>

#include "base/assert.hpp"

namespace handfast::io {

Stack::Stack(executor_type executor, host::Config config, Instant now, Rng rng, trace::Sink* sink)
    : core_(
          std::make_shared<detail::Core>(std::move(executor), std::move(config), now, rng, sink)) {}

Stack::~Stack() { core_->stop(); }

void Stack::expect(host::Interface in, Bytes frame) const { core_->expect(in, frame); }
void Stack::on_frame(host::Interface in, Bytes frame, Instant now, bool checksum_verified) {
  core_->on_frame(in, frame, now, checksum_verified);
}

void Stack::on_deadline(Instant now) { core_->on_deadline(now); }

Instant Stack::deadline() const { return core_->deadline(); }

u32 Stack::poll_transmit(host::Interface on, std::span<wire::Frame> out, Instant now) {
  return core_->poll_transmit(on, out, now);
}

void Stack::set_wake(std::function<void()> wake) { core_->set_wake(std::move(wake)); }

void Stack::set_clock(std::function<Instant()> clock) { core_->set_clock(std::move(clock)); }

Instant Stack::now() const { return core_->now(); }

void Stack::stop() { core_->stop(); }

host::Host& Stack::host() {
  ASSERT(core_->host() != nullptr);
  return *core_->host();
}

void Stack::settle() { core_->settle(); }

}  // namespace handfast::io
