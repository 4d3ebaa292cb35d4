// Putting datagrams together again: RFC 791 §3.2, RFC 815, RFC 8200 §4.5, and RFC 5722, which
// refuses overlaps. Memory and time are bounded; whoever floods it loses the oldest first.
#pragma once

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "host/config.hpp"
#include "wire/drop.hpp"
#include "wire/ip.hpp"

namespace handfast::host {

class Fragments {
 public:
  explicit Fragments(const Config& config) : config_(config), pool_(config.reassembly_bytes_max) {}
  ~Fragments();
  Fragments(const Fragments&) = delete;
  Fragments& operator=(const Fragments&) = delete;

  /// A whole datagram: `header` is the first fragment's, `packet` starts with it, rewritten without
  /// the fragment. Valid until the next call.
  struct Whole {
    wire::IpHeader header;
    Bytes payload;
    Bytes packet;
  };
  /// Takes one fragment in. The datagram, once it is whole; until then none.
  Result<std::optional<Whole>, wire::Drop> add(Interface in, const wire::IpHeader& header,
                                               Bytes payload, Instant now);

  /// A datagram whose rest never came. `packet` is its first fragment's; empty where that is
  /// missing too. Valid until the next call.
  struct Expired {
    Interface interface;
    wire::IpHeader header;
    Bytes packet;
  };
  std::optional<Expired> pop_expired(Instant now);
  Instant deadline() const;

  u32 size() const { return to<u32>(entries_.size()); }
  /// Datagrams that had to give way since the last call.
  u32 take_evictions() { return std::exchange(evictions_, 0); }
  u64 bytes() const { return pool_.bytes_lent(); }

 private:
  static constexpr u32 ranges_max = 64;  // pieces that do not touch, in one datagram
  static constexpr u32 header_room = wire::ipv6_header_size;

  struct Range {
    u32 start = 0;
    u32 end = 0;
  };
  struct Entry {
    Interface interface = 0;
    wire::IpHeader header{};  // of the first that came, then of the one at offset 0
    MutBytes block{};         // header_room, then the data at its place
    u32 range_count = 0;
    std::array<Range, ranges_max> ranges{};
    std::optional<u32> total{};  // known once the last fragment is here
    u32 end_max = 0;             // the farthest byte that came
    bool has_first = false;
    bool refused = false;  // something overlapped: whatever else comes is refused as well
    Instant deadline{};
  };
  enum class Fit : u8 { fresh, repeated, overlapping };

  Entry* find(Interface in, const wire::IpHeader& header);
  Entry* make(Interface in, const wire::IpHeader& header, Instant now);
  bool reserve(Entry& entry, u32 size);
  Fit fit(const Entry& entry, u32 start, Bytes payload) const;
  static bool insert(Entry& entry, Range piece);
  Whole finish(Entry& entry);
  void refuse(Entry& entry);
  void remove(Entry& entry);
  bool evict_oldest(const Entry* except);

  const Config& config_;
  BufferPool pool_;
  std::vector<Entry> entries_;  // few: Config::reassembly_datagrams_max
  MutBytes lent_{};             // behind what the last call returned
  u32 evictions_ = 0;
};

}  // namespace handfast::host
