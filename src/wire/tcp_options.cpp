// TCP options: RFC 9293 §3.2 (0 to 2), RFC 7323 (3, 8), RFC 2018 (4, 5), RFC 5482 (28),
// RFC 7413 (34).
#include "wire/tcp_options.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "base/byte_order.hpp"

namespace handfast::wire {
namespace {

enum Kind : u8 {
  end = 0,
  no_operation = 1,
  mss = 2,
  window_scale = 3,
  sack_permitted = 4,
  sack = 5,
  timestamps = 8,
  user_timeout = 28,
  fast_open = 34,
  experiment = 254,  // RFC 6994: a magic number tells which
};
constexpr u16 fast_open_magic = 0xf989;

TcpTimestamps read_timestamps(const u8* at) { return {load_be32(at), load_be32(at + 4)}; }

void read_sack(Bytes data, TcpOptions& options) {
  // RFC 2018 §3: 8 bytes a block. More than four do not fit into any header.
  if (data.empty() || data.size() % 8 != 0) return;
  options.sack_count = 0;
  for (std::size_t i = 0; i < data.size(); i += 8) {
    options.sack[options.sack_count] = {load_be32(&data[i]), load_be32(&data[i + 4])};
    ++options.sack_count;
  }
}

void read_fast_open(Bytes data, bool experimental, TcpOptions& options) {
  // RFC 7413 §4.1.1: empty, or 4 to 16 bytes and even; "Options with invalid Length values … MUST
  // be ignored".
  if (data.size() > 16 || data.size() % 2 != 0 || data.size() == 2) return;
  auto& cookie = options.fast_open.emplace();
  std::ranges::copy(data, cookie.begin());
  options.fast_open_size = to<u8>(data.size());
  options.fast_open_experimental = experimental;
}

// `data` is what follows kind and length.
void read_option(u8 kind, Bytes data, TcpOptions& options) {
  switch (kind) {
    case mss:
      if (data.size() == 2) options.mss = load_be16(data.data());
      return;
    case window_scale:
      if (data.size() == 1) options.window_scale = data[0];
      return;
    case sack_permitted:
      if (data.empty()) options.sack_permitted = true;
      return;
    case sack: return read_sack(data, options);
    case timestamps:
      if (data.size() == 8) options.timestamps = read_timestamps(data.data());
      return;
    case user_timeout:
      if (data.size() == 2) options.user_timeout = load_be16(data.data());
      return;
    case fast_open: return read_fast_open(data, false, options);
    case experiment:
      if (data.size() >= 2 && load_be16(data.data()) == fast_open_magic)
        read_fast_open(data.subspan(2), true, options);
      return;
    default: return;  // unknown: any kind may come (RFC 9293 §3.1, MUST-6), `raw` has it
  }
}

constexpr u32 padded(std::size_t size) { return (to<u32>(size) + 3u) & ~3u; }

// Writes front to back.
class Writer {
 public:
  explicit Writer(u8* at) : begin_(at), at_(at) {}

  Writer& byte(u8 value) {
    *at_++ = value;
    return *this;
  }
  Writer& nops(u32 n) {
    for (; n > 0; --n) byte(no_operation);
    return *this;
  }
  /// Until the next byte lies at `place` within its word.
  Writer& nops_to(u32 place) {
    while (size() % 4 != place) byte(no_operation);
    return *this;
  }
  Writer& pad() {
    // Behind an end-of-options mark all is padding, and zeros mark the end too.
    while (size() % 4 != 0) byte(end);
    return *this;
  }
  Writer& half(u16 value) {
    store_be16(at_, value);
    at_ += 2;
    return *this;
  }
  Writer& word(u32 value) {
    store_be32(at_, value);
    at_ += 4;
    return *this;
  }
  Writer& bytes(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
    return *this;
  }
  u32 size() const { return to<u32>(at_ - begin_); }

 private:
  u8* begin_;
  u8* at_;
};

void write_mss(const TcpOptions& options, Writer& out) {
  if (options.mss) out.byte(mss).byte(4).half(*options.mss);
}

void write_window_scale(const TcpOptions& options, Writer& out) {
  out.byte(window_scale).byte(3).byte(*options.window_scale);
}

void write_user_timeout(const TcpOptions& options, Writer& out) {
  if (options.user_timeout) out.byte(user_timeout).byte(4).half(*options.user_timeout);
}

void write_timestamps(const TcpOptions& options, Writer& out) {
  out.byte(timestamps).byte(10).word(options.timestamps->value);
  out.word(options.timestamps->echo_reply);
}

constexpr u32 fast_open_bytes(const TcpOptions& options) {
  return (options.fast_open_experimental ? 4u : 2u) + options.fast_open_size;
}

void write_fast_open(const TcpOptions& options, Writer& out) {
  const u8 size = options.fast_open_size;
  ASSERT(size <= 16 && size % 2 == 0 && size != 2);
  const u8 length = to<u8>(fast_open_bytes(options));
  if (options.fast_open_experimental)
    out.byte(experiment).byte(length).half(fast_open_magic);
  else
    out.byte(fast_open).byte(length);
  out.bytes(Bytes(*options.fast_open).first(size));
}

// An end-of-options mark would hide what follows.
void pad_before_rest(const TcpOptions& options, Writer& out) {
  if (options.sack_count > 0 || !options.raw.empty())
    out.nops_to(0);
  else
    out.pad();
}

void write_as_linux(const TcpOptions& options, Writer& out) {
  write_mss(options, out);
  if (options.timestamps) {
    if (options.sack_permitted)
      out.byte(sack_permitted).byte(2);
    else
      out.nops(2);
    write_timestamps(options, out);
  } else if (options.sack_permitted) {
    out.nops(2).byte(sack_permitted).byte(2);
  }
  if (options.window_scale) write_window_scale(options, out.nops(1));
  if (options.fast_open) {
    write_fast_open(options, out);
    out.nops_to(0);
  }
  write_user_timeout(options, out);
}

void write_as_freebsd(const TcpOptions& options, Writer& out) {
  write_mss(options, out);
  if (options.window_scale) write_window_scale(options, out.nops_to(1));
  if (options.sack_permitted) out.nops(out.size() % 2).byte(sack_permitted).byte(2);
  if (options.timestamps) write_timestamps(options, out.nops_to(2));
  write_user_timeout(options, out);
  if (options.fast_open) write_fast_open(options, out);
  pad_before_rest(options, out);
}

void write_by_kind(const TcpOptions& options, Writer& out) {
  write_mss(options, out);
  if (options.window_scale) write_window_scale(options, out);
  if (options.sack_permitted) out.byte(sack_permitted).byte(2);
  if (options.timestamps) write_timestamps(options, out);
  write_user_timeout(options, out);
  if (options.fast_open) write_fast_open(options, out);
  pad_before_rest(options, out);
}

u32 size_as_linux(const TcpOptions& options) {
  u32 size = 0;
  if (options.mss) size += 4;
  if (options.timestamps)
    size += aligned_timestamps_size;  // SACK-permitted takes the place of the two NOPs
  else if (options.sack_permitted)
    size += 4;
  if (options.window_scale) size += 4;
  if (options.fast_open) size += padded(fast_open_bytes(options));
  if (options.user_timeout) size += 4;
  return size;
}

void write_single(const TcpOptions& options, Writer& out) {
  switch (options.style) {
    case OptionStyle::linux: return write_as_linux(options, out);
    case OptionStyle::freebsd: return write_as_freebsd(options, out);
    case OptionStyle::rfc: return write_by_kind(options, out);
  }
}

// What goes out, once it is known what fits.
struct Plan {
  u32 sack_blocks = 0;
  bool raw = false;
  u32 size = 0;
};

Plan plan_for(const TcpOptions& options) {
  Plan plan;
  if (options.style == OptionStyle::linux) {
    plan.size = size_as_linux(options);
  } else {
    std::array<u8, 2 * std::size_t{tcp_options_size_max}> trial;  // only SYNs come here
    Writer writer(trial.data());
    write_single(options, writer);
    plan.size = writer.size();
  }
  ASSERT(plan.size <= tcp_options_size_max);
  const u32 raw_size = padded(options.raw.size());
  plan.raw = raw_size <= tcp_options_size_max - plan.size;
  if (plan.raw) plan.size += raw_size;
  const u32 left = tcp_options_size_max - plan.size;
  if (options.sack_count > 0 && left >= 12) {
    plan.sack_blocks = std::min<u32>(options.sack_count, (left - 4) / 8);
    plan.size += 4 + 8 * plan.sack_blocks;
  }
  return plan;
}

}  // namespace

bool parse_options(Bytes area, TcpOptions& options) {
  options.raw = area;
  if (area.size() == aligned_timestamps_size && load_be32(area.data()) == aligned_timestamps) {
    options.timestamps = read_timestamps(area.data() + 4);
    return true;
  }
  // RFC 9293 §3.1, MUST-7: "TCP implementations MUST be prepared to handle an illegal option
  // length (e.g., zero)".
  while (!area.empty() && area[0] != end) {
    if (area[0] == no_operation) {
      area = area.subspan(1);
      continue;
    }
    if (area.size() < 2 || area[1] < 2 || area[1] > area.size()) return false;
    read_option(area[0], area.subspan(2, area[1] - 2u), options);
    area = area.subspan(area[1]);
  }
  return true;
}

u32 options_size(const TcpOptions& options) {
  return only_timestamps(options) ? aligned_timestamps_size : plan_for(options).size;
}

u32 emit_options(const TcpOptions& options, u8* out) {
  if (only_timestamps(options)) {
    store_be32(out, aligned_timestamps);
    store_be32(out + 4, options.timestamps->value);
    store_be32(out + 8, options.timestamps->echo_reply);
    return aligned_timestamps_size;
  }
  const Plan plan = plan_for(options);
  Writer writer(out);
  write_single(options, writer);
  if (plan.sack_blocks > 0) {
    writer.nops(2).byte(sack).byte(to<u8>(2 + 8 * plan.sack_blocks));
    for (const SackBlock& block : std::span(options.sack).first(plan.sack_blocks))
      writer.word(block.left).word(block.right);
  }
  if (plan.raw) writer.bytes(options.raw).pad();
  ASSERT(writer.size() == plan.size);
  return plan.size;
}

bool operator==(const TcpOptions& a, const TcpOptions& b) {
  const auto blocks = [](const TcpOptions& o) { return std::span(o.sack).first(o.sack_count); };
  return a.mss == b.mss && a.window_scale == b.window_scale &&
         a.sack_permitted == b.sack_permitted && a.timestamps == b.timestamps &&
         a.user_timeout == b.user_timeout && std::ranges::equal(blocks(a), blocks(b)) &&
         a.fast_open == b.fast_open && a.fast_open_size == b.fast_open_size &&
         a.fast_open_experimental == b.fast_open_experimental;
}

}  // namespace handfast::wire
