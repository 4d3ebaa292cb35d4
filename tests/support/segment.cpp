#include "support/segment.hpp"

#include <fmt/format.h>

#include "wire/print.hpp"

namespace handfast::test {

namespace {

constexpr u16 compared_flags = to<u16>(~wire::TcpFlags::psh);

template <class Wanted, class Came>
void compare(std::string& out, std::string_view what, const std::optional<Wanted>& wanted,
             const Came& came) {
  if (wanted.has_value() && *wanted != came)
    out += fmt::format("  {}: {} came, {} expected\n", what, came, *wanted);
}

template <class T>
std::string option_text(const std::optional<T>& value) {
  return value.has_value() ? fmt::format("{}", *value) : std::string("none");
}

}  // namespace

void fill_stream(MutBytes out, u64 offset) {
  for (u8& byte : out) byte = stream_byte(offset++);
}

bool is_stream(Bytes bytes, u64 offset) {
  for (const u8 byte : bytes)
    if (byte != stream_byte(offset++)) return false;
  return true;
}

u32 Segment::sequence_length() const {
  return length_ + ((flags_ & wire::TcpFlags::syn) != 0 ? 1u : 0u) +
         ((flags_ & wire::TcpFlags::fin) != 0 ? 1u : 0u);
}

wire::TcpHeader Segment::header(u32 sequence_base, u32 ack_base) const {
  wire::TcpHeader header;
  header.flags = flags_;
  header.sequence = sequence_base + sequence_.value_or(0);
  const bool acks = (flags_ & wire::TcpFlags::ack) != 0;
  header.acknowledgment = acks ? ack_base + ack_.value_or(0) : 0;
  header.window = window_.value_or(65535);
  header.urgent_pointer = urgent_pointer_.value_or(0);
  if (pushed_.value_or(false)) header.flags |= wire::TcpFlags::psh;
  header.options.mss = mss_;
  header.options.window_scale = scale_;
  header.options.sack_permitted = sack_permitted_;
  if (timestamps_.value_or(false))
    header.options.timestamps = wire::TcpTimestamps{ts_value_.value_or(0), ts_echo_.value_or(0)};
  header.options.user_timeout = user_timeout_;
  for (u8 i = 0; i < sack_count_; ++i)
    header.options.sack[i] = {ack_base + sack_[i].left, ack_base + sack_[i].right};
  header.options.sack_count = sack_count_;
  if (fast_open_) header.options.fast_open = cookie_;
  header.options.fast_open_size = cookie_size_;
  header.options.fast_open_experimental = experimental_;
  return header;
}

std::string Segment::differences(const wire::TcpSegment& came, u32 sequence_base,
                                 u32 ack_base) const {
  std::string out;
  const wire::TcpHeader& header = came.header;
  if ((header.flags & compared_flags) != (flags_ & compared_flags))
    out += fmt::format("  flags: {} came, {} expected\n", wire::flags_to_string(header.flags),
                       wire::flags_to_string(flags_));
  compare(out, "seq", sequence_, header.sequence - sequence_base);
  compare(out, "ack", ack_, header.acknowledgment - ack_base);
  compare(out, "window", window_, header.window);
  compare(out, "urgent pointer", urgent_pointer_, header.urgent_pointer);
  if (pushed_.has_value() && *pushed_ != header.has(wire::TcpFlags::psh))
    out += *pushed_ ? "  PSH is missing\n" : "  PSH came\n";
  if (came.payload.size() != length_)
    out += fmt::format("  payload: {} bytes came, {} expected\n", came.payload.size(), length_);
  return out + option_differences(header.options, ack_base);
}

std::string Segment::option_differences(const wire::TcpOptions& came, u32 ack_base) const {
  std::string out;
  if (mss_.has_value() && came.mss != mss_)
    out += fmt::format("  mss: {} came, {} expected\n", option_text(came.mss), *mss_);
  if (scale_.has_value() && came.window_scale != scale_)
    out += fmt::format("  window scale: {} came, {} expected\n",
                       option_text<int>(came.window_scale), static_cast<int>(*scale_));
  if (user_timeout_.has_value() && came.user_timeout != user_timeout_)
    out += fmt::format("  user time-out: {} came, {} expected\n", option_text(came.user_timeout),
                       *user_timeout_);
  if (sack_permitted_ && !came.sack_permitted) out += "  SACK-permitted is missing\n";
  if (timestamps_.has_value() && *timestamps_ != came.timestamps.has_value())
    out += *timestamps_ ? "  timestamps are missing\n" : "  timestamps came\n";
  if (came.timestamps.has_value()) {
    compare(out, "timestamp", ts_value_, came.timestamps->value);
    compare(out, "timestamp echo", ts_echo_, came.timestamps->echo_reply);
  }
  if (fast_open_) {
    const bool same = came.fast_open && came.fast_open_experimental == experimental_ &&
                      came.fast_open_size == cookie_size_ && came.fast_open == cookie_;
    if (!same) out += "  the Fast Open option is another, or missing\n";
  }
  if (sack_count_ == 0) return out;
  bool same = came.sack_count == sack_count_;
  for (u8 i = 0; same && i < sack_count_; ++i)
    same = came.sack[i].left - ack_base == sack_[i].left &&
           came.sack[i].right - ack_base == sack_[i].right;
  if (!same) out += "  the SACK blocks differ\n";
  return out;
}

std::string describe(const wire::TcpSegment& segment, u32 sequence_base, u32 ack_base) {
  const wire::TcpHeader& header = segment.header;
  std::string out = fmt::format("{} seq {}", wire::flags_to_string(header.flags),
                                header.sequence - sequence_base);
  if (!segment.payload.empty()) out += fmt::format(" +{}", segment.payload.size());
  if (header.has(wire::TcpFlags::ack))
    out += fmt::format(" ack {}", header.acknowledgment - ack_base);
  return out + fmt::format(" win {} {}", header.window, wire::describe_options(header.options));
}

}  // namespace handfast::test
