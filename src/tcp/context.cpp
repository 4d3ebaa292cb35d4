#include "tcp/context.hpp"

#include <cstring>

namespace handfast::tcp {

namespace {

/// The 36 bytes of a flow and one more that separates what they are hashed for.
u64 hash_flow(const SipKey& key, const wire::Flow& flow, u8 purpose) {
  std::array<u8, 37> bytes;
  std::memcpy(bytes.data(), flow.local.address.octets.data(), 16);
  std::memcpy(bytes.data() + 16, flow.remote.address.octets.data(), 16);
  std::memcpy(bytes.data() + 32, &flow.local.port, 2);
  std::memcpy(bytes.data() + 34, &flow.remote.port, 2);
  bytes[36] = purpose;
  return siphash(key, bytes);
}

}  // namespace

u32 Context::initial_sequence(const wire::Flow& flow, Instant now) const {
  const i64 clock = now.time_since_epoch() / 4us;
  return to<u32>(clock) + to<u32>(hash_flow(secret_, flow, 1));
}

u32 Context::timestamp_offset(const wire::Flow& flow) const {
  if (!config.timestamp_offsets) return 0;
  return to<u32>(hash_flow(secret_, flow, 2));
}

SipKey Context::key_for(std::string_view purpose) const {
  const Bytes bytes = as_bytes(purpose);
  const SipKey half{siphash(secret_, bytes), secret_.k1};
  return {siphash(half, bytes), siphash(secret_, bytes.subspan(1))};
}

FastOpenKey Context::draw_fast_open_key() const {
  const SipKey key = key_for("Fast Open");
  FastOpenKey bytes;
  std::memcpy(bytes.data(), &key.k0, 8);
  std::memcpy(bytes.data() + 8, &key.k1, 8);
  return bytes;
}

bool Context::may_challenge(Instant now) {
  if (now - challenge_second_ >= 1s) {
    challenge_second_ = now;
    challenges_ = 0;
  }
  if (challenges_ >= config.challenge_acks_per_second_max) {
    ++counters.challenge_acks_suppressed;
    return false;
  }
  ++challenges_;
  ++counters.challenge_acks;
  return true;
}

}  // namespace handfast::tcp
