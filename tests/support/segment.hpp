// A TCP segment as a test writes it down: `syn().seq(0).mss(1460)`, `data(100).ack(1)`. Sequence
// numbers count from the sender's ISN, so that the first byte of a stream is 1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/types.hpp"
#include "wire/tcp.hpp"

namespace handfast::test {

/// Byte `offset` of the stream that both ends of a test send; offset 0 is the first data byte.
constexpr u8 stream_byte(u64 offset) { return to<u8>((offset * 0x9e3779b97f4a7c15) >> 56); }
/// Writes the stream's bytes from `offset` on.
void fill_stream(MutBytes out, u64 offset);
/// Whether `bytes` are the stream's from `offset` on.
bool is_stream(Bytes bytes, u64 offset);

/// What is not said is not compared where a segment is expected; where it is injected, the peer
/// fills in what a well-behaved sender would put there. Flags (but PSH) and the payload's length
/// always count.
class Segment {
 public:
  explicit Segment(u16 flags) : flags_(flags) {}

  Segment& seq(u32 relative) { return sequence_ = relative, *this; }
  Segment& ack(u32 relative) { return flags_ |= wire::TcpFlags::ack, ack_ = relative, *this; }
  /// As on the wire, not scaled.
  Segment& window(u16 value) { return window_ = value, *this; }
  /// `n` bytes of the stream, at the segment's sequence number.
  Segment& bytes(u32 n) { return length_ = n, *this; }
  Segment& flag(u16 flags) { return flags_ |= flags, *this; }
  Segment& without(u16 flags) { return flags_ &= to<u16>(~flags), *this; }

  /// With URG.
  Segment& urgent(u16 pointer) {
    return flags_ |= wire::TcpFlags::urg, urgent_pointer_ = pointer, *this;
  }
  /// PSH is compared only if this is said.
  Segment& pushed(bool on) { return pushed_ = on, *this; }
  /// The ECN field of the IP header.
  Segment& ecn(u8 value) { return ecn_ = value, *this; }

  Segment& mss(u16 value) { return mss_ = value, *this; }
  Segment& window_scale(u8 shift) { return scale_ = shift, *this; }
  Segment& sack_permitted() { return sack_permitted_ = true, *this; }
  /// Present with any value where expected; with the peer's clock where injected.
  Segment& timestamps() { return timestamps_ = true, *this; }
  Segment& timestamp(u32 value) { return timestamps_ = true, ts_value_ = value, *this; }
  Segment& echo(u32 value) { return timestamps_ = true, ts_echo_ = value, *this; }
  Segment& no_timestamps() { return timestamps_ = false, *this; }
  /// Without bytes: the wish for a cookie.
  Segment& fast_open(const std::vector<u8>& cookie = {}, bool experimental = false) {
    fast_open_ = true;
    cookie_size_ = to<u8>(cookie.size());
    for (u32 i = 0; i < cookie_size_; ++i) cookie_[i] = cookie[i];
    experimental_ = experimental;
    return *this;
  }
  /// RFC 5482, as on the wire.
  Segment& user_timeout(u16 value) { return user_timeout_ = value, *this; }
  /// One more SACK block [left, right), relative like ack().
  Segment& sack(u32 left, u32 right) { return sack_[sack_count_++] = {left, right}, *this; }

  u16 flags() const { return flags_; }
  u32 length() const { return length_; }
  /// SEG.LEN.
  u32 sequence_length() const;
  std::optional<u8> ecn() const { return ecn_; }
  std::optional<u32> sequence() const { return sequence_; }
  std::optional<u32> acknowledgment() const { return ack_; }
  std::optional<bool> wants_timestamps() const { return timestamps_; }

  /// The header to inject; `sequence_base` and `ack_base` are the ISNs of sender and receiver.
  wire::TcpHeader header(u32 sequence_base, u32 ack_base) const;
  /// What differs between this expectation and what came, or "" where nothing does.
  std::string differences(const wire::TcpSegment& came, u32 sequence_base, u32 ack_base) const;

 private:
  std::string option_differences(const wire::TcpOptions& came, u32 ack_base) const;

  u16 flags_;
  std::optional<u32> sequence_{};
  std::optional<u32> ack_{};
  std::optional<u16> window_{};
  std::optional<u16> urgent_pointer_{};
  std::optional<bool> pushed_{};
  std::optional<u8> ecn_{};
  u32 length_ = 0;
  std::optional<u16> mss_{};
  std::optional<u16> user_timeout_;
  std::optional<u8> scale_{};
  bool sack_permitted_ = false;
  std::optional<bool> timestamps_{};
  std::optional<u32> ts_value_{};
  std::optional<u32> ts_echo_{};
  bool fast_open_ = false;
  bool experimental_ = false;
  u8 cookie_size_ = 0;
  std::array<u8, 16> cookie_{};
  std::array<wire::SackBlock, wire::TcpOptions::sack_blocks_max> sack_{};
  u8 sack_count_ = 0;
};

inline Segment syn() { return Segment(wire::TcpFlags::syn); }
inline Segment syn_ack() { return Segment(wire::TcpFlags::syn | wire::TcpFlags::ack); }
inline Segment ack() { return Segment(wire::TcpFlags::ack); }
inline Segment data(u32 n) { return Segment(wire::TcpFlags::ack).bytes(n); }
/// FIN as everybody sends it, with ACK.
inline Segment fin() { return Segment(wire::TcpFlags::fin | wire::TcpFlags::ack); }
inline Segment rst() { return Segment(wire::TcpFlags::rst); }
inline Segment rst_ack() { return Segment(wire::TcpFlags::rst | wire::TcpFlags::ack); }

/// "SYN,ACK seq 0 ack 1 win 65535 <mss 1460>", with relative numbers.
std::string describe(const wire::TcpSegment& segment, u32 sequence_base, u32 ack_base);

}  // namespace handfast::test
