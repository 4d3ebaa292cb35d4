#include "tcp/syn_cookie.hpp"

#include <algorithm>
#include <cstring>

#include "tcp/sequence.hpp"

namespace handfast::tcp {

namespace {

constexpr u32 mss_bits = 3;
constexpr u32 mss_mask = (1u << mss_bits) - 1;
constexpr u8 no_window_scale = 15;

// What is common on the way: the defaults of the RFCs, tunnels, PPPoE, Ethernet, jumbo frames.
// 0 stands for a SYN that names none.
constexpr std::array<u16, 1 << mss_bits> mss_v4{0, 216, 536, 1220, 1360, 1440, 1460, 8960};
constexpr std::array<u16, 1 << mss_bits> mss_v6{0, 216, 1220, 1340, 1380, 1420, 1440, 8940};

const std::array<u16, 1 << mss_bits>& table_of(const wire::Flow& flow) {
  return flow.remote.address.is_v4() ? mss_v4 : mss_v6;
}

}  // namespace

u32 SynCookies::hash(const wire::Flow& flow, u32 irs, i64 when, u8 purpose) const {
  std::array<u8, 49> bytes;
  std::memcpy(bytes.data(), flow.local.address.octets.data(), 16);
  std::memcpy(bytes.data() + 16, flow.remote.address.octets.data(), 16);
  std::memcpy(bytes.data() + 32, &flow.local.port, 2);
  std::memcpy(bytes.data() + 34, &flow.remote.port, 2);
  std::memcpy(bytes.data() + 36, &irs, 4);
  std::memcpy(bytes.data() + 40, &when, 8);
  bytes[48] = purpose;
  return to<u32>(siphash(keys_[to<u32>(when) & 1], bytes));
}

// A key lives for its own period and one more; the next follows from it by a way that cannot be
// gone back, so that a key that leaks does not tell of cookies before it.
void SynCookies::advance(Instant now) {
  const i64 running = now.time_since_epoch() / period;
  for (i64 when = std::max(period_ + 1, running - 1); when <= running; ++when) {
    SipKey& key = keys_[to<u32>(when) & 1];
    // The two keys begin alike, so the parity goes in.
    const std::array<u8, 2> which{to<u8>(2 * (when & 1)), to<u8>(2 * (when & 1) + 1)};
    key = {siphash(key, Bytes(which).first(1)), siphash(key, Bytes(which).last(1))};
  }
  period_ = std::max(period_, running);
}

u32 SynCookies::make(const wire::Flow& flow, u32 irs, u16 mss, Instant now) {
  advance(now);
  const auto& table = table_of(flow);
  u32 index = 0;
  while (index + 1 < table.size() && table[index + 1] <= mss) ++index;
  // Less than the least of the table is nobody's need; the engine takes no less than 64 anyway.
  if (mss != 0) index = std::max(index, 1u);
  return cookie(flow, irs, index, period_);
}

u32 SynCookies::cookie(const wire::Flow& flow, u32 irs, u32 index, i64 when) const {
  const u32 cover = hash(flow, irs, when, 0xff);
  return (hash(flow, irs, when, to<u8>(index)) & ~mss_mask) | ((index ^ cover) & mss_mask);
}

std::optional<u16> SynCookies::check(const wire::Flow& flow, u32 irs, u32 iss, Instant now) {
  advance(now);
  for (const i64 when : {period_, period_ - 1}) {
    const u32 index = (iss ^ hash(flow, irs, when, 0xff)) & mss_mask;
    if (cookie(flow, irs, index, when) == iss) return table_of(flow)[index];
  }
  return std::nullopt;
}

u32 SynStamp::in(u32 clock) const {
  const u32 data =
      window_scale.value_or(no_window_scale) | (sack ? 0x10u : 0u) | (ecn ? 0x20u : 0u);
  const u32 stamp = (clock & ~mask) | data;
  return seq_gt(stamp, clock) ? stamp - (mask + 1) : stamp;
}

SynStamp SynStamp::of(u32 echo) {
  SynStamp stamp{.sack = (echo & 0x10) != 0, .ecn = (echo & 0x20) != 0};
  const u8 scale = to<u8>(echo & 0xf);
  if (scale != no_window_scale) stamp.window_scale = scale;
  return stamp;
}

}  // namespace handfast::tcp
