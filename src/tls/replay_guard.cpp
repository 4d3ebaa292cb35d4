#include "tls/replay_guard.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.hpp"
#include "base/byte_order.hpp"

namespace handfast::tls {
namespace {

SipKey draw(crypto::Random& random) {
  std::array<u8, 16> bytes{};
  random.fill(bytes);
  return {load_be<u64>(bytes.data()), load_be<u64>(&bytes[8])};
}

}  // namespace

ReplayGuard::ReplayGuard(const Config& config, crypto::Random& random, Instant now)
    : config_(config), key_(draw(random)), started_(now), turned_(now) {
  ASSERT(config.tickets_max > 0 && config.window > Duration{});
  for (Generation& generation : generations_)
    generation.places.resize(std::bit_ceil(std::size_t{2} * config.tickets_max));
}

bool ReplayGuard::accept(Bytes ticket, Instant issued, Duration age, Instant now) {
  forget_old(now);
  const Duration drift = (now - issued) - age;
  // What a guard before this one took, nobody remembers.
  if (issued < started_ || drift > config_.window || -drift > config_.window) {
    ++counters_.stale;
    return false;
  }
  const u64 hash = std::max<u64>(siphash(key_, ticket), 1);
  if (generations_[0].contains(hash) || generations_[1].contains(hash)) {
    ++counters_.replayed;
    return false;
  }
  if (generations_[0].count == config_.tickets_max) {
    ++counters_.unknowable;
    return false;
  }
  generations_[0].add(hash);
  ++counters_.accepted;
  return true;
}

/// A hello is fresh for two windows: one before the moment that it names, and one after.
void ReplayGuard::forget_old(Instant now) {
  const Duration turn = 2 * config_.window;
  if (now < after(turned_, turn)) return;
  const bool both_are_old = now >= after(turned_, 2 * turn);
  std::swap(generations_[0], generations_[1]);
  const auto clear = [](Generation& generation) {
    std::ranges::fill(generation.places, 0);
    generation.count = 0;
  };
  clear(generations_[0]);
  if (both_are_old) clear(generations_[1]);
  turned_ = now;
}

bool ReplayGuard::Generation::contains(u64 hash) const {
  const std::size_t mask = places.size() - 1;
  for (std::size_t i = hash & mask; places[i] != 0; i = (i + 1) & mask)
    if (places[i] == hash) return true;
  return false;
}

void ReplayGuard::Generation::add(u64 hash) {
  const std::size_t mask = places.size() - 1;
  std::size_t i = hash & mask;
  while (places[i] != 0) i = (i + 1) & mask;
  places[i] = hash;
  ++count;
}

}  // namespace handfast::tls
