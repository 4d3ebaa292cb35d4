#include "tcp/context.hpp"

#include <cstring>

namespace handfast::tcp {

// Of an IPv4 address only what varies; and a last byte that no other message under this key has.
u64 Context::hash_of(const wire::Flow& flow) const {
  if (flow == hashed_flow_) return hash_;
  std::array<u8, 37> bytes;
  const u32 skip = flow.local.address.is_v4() ? 12 : 0;
  const u32 length = 16 - skip;
  std::memcpy(bytes.data(), &flow.local.port, 2);
  std::memcpy(bytes.data() + 2, &flow.remote.port, 2);
  std::memcpy(bytes.data() + 4, flow.local.address.octets.data() + skip, length);
  std::memcpy(bytes.data() + 4 + length, flow.remote.address.octets.data() + skip, length);
  const std::size_t size = 4 + 2 * std::size_t{length};
  bytes[size] = 1;
  hashed_flow_ = flow;
  hash_ = siphash(secret_, Bytes(bytes).first(size + 1));
  return hash_;
}

u32 Context::initial_sequence(const wire::Flow& flow, Instant now) const {
  const i64 clock = now.time_since_epoch() / 4us;
  return to<u32>(clock) + to<u32>(hash_of(flow));
}

u32 Context::timestamp_offset(const wire::Flow& flow) const {
  if (!config.timestamp_offsets) return 0;
  return to<u32>(hash_of(flow) >> 32);
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
