#include "host/fragments.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"

namespace handfast::host {

using wire::Drop;
using wire::IpHeader;

Fragments::~Fragments() {
  for (Entry& entry : entries_) pool_.give(entry.block);
  pool_.give(lent_);
}

Result<std::optional<Fragments::Whole>, Drop> Fragments::add(Interface in, const IpHeader& header,
                                                             Bytes payload, Instant now) {
  ASSERT(header.fragment.has_value());
  pool_.give(std::exchange(lent_, {}));
  const u32 start = header.fragment->offset;
  const u32 end = start + to<u32>(payload.size());
  const bool more = header.fragment->more;
  // "the ping of death": beyond what a length field can say.
  const u32 end_max = 65535 - (header.source.is_v4() ? wire::ipv4_header_size : 0);
  if (payload.empty() || end > end_max || (more && payload.size() % 8 != 0))
    return failure(Drop::bad_fragment);

  Entry* entry = find(in, header);
  if (entry == nullptr) entry = make(in, header, now);
  if (entry->refused) return failure(Drop::bad_fragment);
  const bool contradicts = entry->total && (end > *entry->total || (!more && end != *entry->total));
  const bool too_short = !more && end < entry->end_max;
  const Fit fits = fit(*entry, start, payload);
  if (contradicts || too_short || fits == Fit::overlapping) {
    refuse(*entry);
    return failure(Drop::bad_fragment);
  }
  // A copy that the network made. RFC 8200 §4.5 allows to ignore it.
  if (fits == Fit::repeated) return std::nullopt;
  if (!reserve(*entry, end) || !insert(*entry, {start, end}))
    return failure(Drop::fragment_overload);

  std::memcpy(entry->block.data() + header_room + start, payload.data(), payload.size());
  const u8 congestion = to<u8>(entry->header.traffic_class | header.traffic_class);
  if (start == 0) {
    entry->header = header;
    entry->has_first = true;
  }
  // RFC 3168 §5.3: congestion experienced by one fragment was experienced by the datagram.
  if ((congestion & 3) == 3) entry->header.traffic_class |= 3;
  entry->end_max = std::max(entry->end_max, end);
  if (!more) entry->total = end;
  const bool whole = entry->total && entry->range_count == 1 && entry->ranges[0].start == 0 &&
                     entry->ranges[0].end == *entry->total;
  if (!whole) return std::nullopt;
  return finish(*entry);
}

Fragments::Entry* Fragments::find(Interface in, const IpHeader& header) {
  for (Entry& entry : entries_) {
    // RFC 791 §3.2 tells datagrams apart by protocol too, RFC 8200 §4.5 does not.
    if (entry.interface == in && entry.header.source == header.source &&
        entry.header.destination == header.destination &&
        entry.header.fragment->identification == header.fragment->identification &&
        (header.source.is_v6() || entry.header.protocol == header.protocol))
      return &entry;
  }
  return nullptr;
}

Fragments::Entry* Fragments::make(Interface in, const IpHeader& header, Instant now) {
  if (!entries_.empty() && entries_.size() >= config_.reassembly_datagrams_max)
    evict_oldest(nullptr);
  Entry& entry = entries_.emplace_back();
  entry.interface = in;
  entry.header = header;
  entry.deadline = after(now, config_.reassembly_timeout);
  return &entry;
}

bool Fragments::reserve(Entry& entry, u32 size) {
  if (entry.block.size() >= header_room + size) return true;
  MutBytes block = pool_.take(header_room + size);
  // Entries must not move while `entry` is in use, so the oldest lose their memory first and
  // their places when they expire.
  while (block.empty() && evict_oldest(&entry)) block = pool_.take(header_room + size);
  if (block.empty()) return false;
  std::ranges::copy(entry.block, block.begin());
  pool_.give(entry.block);
  entry.block = block;
  return true;
}

Fragments::Fit Fragments::fit(const Entry& entry, u32 start, Bytes payload) const {
  const u32 end = start + to<u32>(payload.size());
  for (u32 i = 0; i < entry.range_count; ++i) {
    const Range& range = entry.ranges[i];
    if (end <= range.start || range.end <= start) continue;
    const bool inside = range.start <= start && end <= range.end;
    if (inside &&
        std::memcmp(entry.block.data() + header_room + start, payload.data(), payload.size()) == 0)
      return Fit::repeated;
    return Fit::overlapping;
  }
  return Fit::fresh;
}

/// Puts a piece that overlaps nothing into its place, joining what it touches.
bool Fragments::insert(Entry& entry, Range piece) {
  u32 at = 0;
  while (at < entry.range_count && entry.ranges[at].start < piece.start) ++at;
  const bool joins_left = at > 0 && entry.ranges[at - 1].end == piece.start;
  const bool joins_right = at < entry.range_count && entry.ranges[at].start == piece.end;
  auto* const ranges = entry.ranges.data();
  if (joins_left && joins_right) {
    ranges[at - 1].end = ranges[at].end;
    std::copy(ranges + at + 1, ranges + entry.range_count, ranges + at);
    --entry.range_count;
  } else if (joins_left) {
    ranges[at - 1].end = piece.end;
  } else if (joins_right) {
    ranges[at].start = piece.start;
  } else {
    if (entry.range_count == ranges_max) return false;
    std::copy_backward(ranges + at, ranges + entry.range_count, ranges + entry.range_count + 1);
    ranges[at] = piece;
    ++entry.range_count;
  }
  return true;
}

Fragments::Whole Fragments::finish(Entry& entry) {
  const u32 total = *entry.total;
  Whole whole{.header = entry.header, .payload = {}, .packet = {}};
  whole.header.fragment.reset();
  const u32 header_size = wire::ip_header_size(whole.header);
  const MutBytes packet = entry.block.subspan(header_room - header_size, header_size + total);
  wire::emit_ip(whole.header, total, packet);
  whole.packet = packet;
  whole.payload = packet.subspan(header_size);
  lent_ = std::exchange(entry.block, {});
  remove(entry);
  return whole;
}

std::optional<Fragments::Expired> Fragments::pop_expired(Instant now) {
  pool_.give(std::exchange(lent_, {}));
  for (Entry& entry : entries_) {
    if (entry.deadline > now) continue;
    Expired expired{entry.interface, entry.header, {}};
    if (entry.has_first && !entry.block.empty()) {
      IpHeader header = entry.header;
      header.fragment.reset();
      const u32 length = entry.ranges[0].end;
      const u32 header_size = wire::ip_header_size(header);
      const MutBytes packet = entry.block.subspan(header_room - header_size, header_size + length);
      wire::emit_ip(header, length, packet);
      expired.packet = packet;
    }
    lent_ = std::exchange(entry.block, {});
    remove(entry);
    return expired;
  }
  return std::nullopt;
}

Instant Fragments::deadline() const {
  Instant first = never;
  for (const Entry& entry : entries_) first = std::min(first, entry.deadline);
  return first;
}

void Fragments::refuse(Entry& entry) {
  pool_.give(std::exchange(entry.block, {}));
  entry.range_count = 0;
  entry.has_first = false;
  entry.refused = true;
}

void Fragments::remove(Entry& entry) {
  pool_.give(entry.block);
  if (&entry != &entries_.back()) entry = entries_.back();
  entries_.pop_back();
}

/// False where there is nothing left to take. With `except` nothing moves: the victim only gives
/// its memory and will take no more.
bool Fragments::evict_oldest(const Entry* except) {
  Entry* oldest = nullptr;
  for (Entry& entry : entries_) {
    if (&entry == except || (except != nullptr && entry.block.empty())) continue;
    if (oldest == nullptr || entry.deadline < oldest->deadline) oldest = &entry;
  }
  if (oldest == nullptr) return false;
  ++evictions_;
  if (except == nullptr) {
    remove(*oldest);
  } else {
    refuse(*oldest);
  }
  return true;
}

}  // namespace handfast::host
