#include "tcp/fast_open.hpp"

#include <algorithm>
#include <cstring>

namespace handfast::tcp {

namespace {

constexpr u8 cookie_size = 8;

u64 load_le64(const u8* at) {
  u64 value = 0;
  for (u32 i = 8; i-- > 0;) value = value << 8 | at[i];
  return value;
}

std::array<u8, 16> hash_of(const FastOpenKey& key, const wire::Flow& flow) {
  const SipKey secret{load_le64(key.data()), load_le64(key.data() + 8)};
  // The client's address and the server's; of IPv4 the four bytes that vary.
  const bool v4 = flow.remote.address.is_v4();
  const u32 skip = v4 ? 12 : 0;
  const u32 length = 16 - skip;
  std::array<u8, 32> message{};
  std::memcpy(message.data(), flow.remote.address.octets.data() + skip, length);
  std::memcpy(message.data() + length, flow.local.address.octets.data() + skip, length);
  u64 hash = siphash(secret, Bytes(message).first(2 * std::size_t{length}));
  std::array<u8, 16> bytes{};
  for (u32 i = 0; i < cookie_size; ++i, hash >>= 8) bytes[i] = to<u8>(hash & 0xff);
  return bytes;
}

}  // namespace

void FastOpenCookie::put_into(wire::TcpOptions& options) const {
  options.fast_open = bytes;
  options.fast_open_size = size;
  options.fast_open_experimental = experimental;
}

std::optional<FastOpenCookie> FastOpenCookie::of(const wire::TcpOptions& options) {
  if (!options.fast_open) return std::nullopt;
  return FastOpenCookie{*options.fast_open, options.fast_open_size, options.fast_open_experimental};
}

FastOpenKeys::Match FastOpenKeys::check(const wire::Flow& flow,
                                        const FastOpenCookie& cookie) const {
  if (cookie.size != cookie_size) return Match::none;
  if (cookie.bytes == hash_of(primary_, flow)) return Match::primary;
  if (backup_ && cookie.bytes == hash_of(*backup_, flow)) return Match::backup;
  return Match::none;
}

FastOpenCookie FastOpenKeys::make(const wire::Flow& flow, bool experimental) const {
  return {hash_of(primary_, flow), cookie_size, experimental};
}

FastOpenPeers::Entry& FastOpenPeers::entry_of(const wire::IpAddress& server) {
  if (entries_.empty()) entries_.resize(entry_count);
  Entry& entry = entries_[place_of(server)];
  if (entry.server != server) entry = Entry{.server = server};
  return entry;
}

FastOpenPeers::Peer FastOpenPeers::find(const wire::IpAddress& server, Instant now) const {
  if (entries_.empty()) return {};
  const Entry& entry = entries_[place_of(server)];
  if (entry.server != server) return {};
  Peer peer{entry.cookie, entry.mss, now < entry.paused_until};
  if (peer.cookie.size == 0) peer.cookie.experimental = entry.unanswered == 1;
  return peer;
}

void FastOpenPeers::learn(const wire::IpAddress& server, u16 mss,
                          const std::optional<FastOpenCookie>& cookie, bool asked,
                          bool asked_experimental) {
  Entry& entry = entry_of(server);
  entry.mss = mss;
  if (cookie && cookie->size > 0) {
    entry.cookie = *cookie;
    entry.unanswered = 0;
  } else if (asked && entry.cookie.size == 0) {
    // Old servers know only the experimental kind: it is worth one try.
    entry.unanswered = std::max<u8>(entry.unanswered, asked_experimental ? 2 : 1);
  }
}

void FastOpenPeers::pause(const wire::IpAddress& server, Instant until) {
  entry_of(server).paused_until = until;
}

}  // namespace handfast::tcp
