// pcapng (IETF draft-ietf-opsawg-pcapng): the capture format of Wireshark. One section, an
// interface block for each interface, an enhanced packet block for each frame, with nanoseconds,
// direction and comments. Nothing is written anywhere: the bytes wait until somebody takes them.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"
#include "trace/event.hpp"

namespace handfast::trace {

class PcapngWriter {
 public:
  enum class Direction : u8 { unknown = 0, inbound = 1, outbound = 2 };
  /// What the decryption secrets of a block are (its "secrets type").
  enum class Secrets : u32 { tls_key_log = 0x544c534b };

  /// Begins a section. `epoch` is the wall-clock time of Instant{}, in ns since 1970.
  explicit PcapngWriter(std::string_view application, u64 epoch = 0);

  /// Adds an interface; returns its number in this section.
  u32 add_interface(std::string_view name, LinkType link_type, u32 snapshot_length = 0);
  /// Adds a frame and returns its number, from 1. The last few are held back until flush(), so that
  /// comment() can follow.
  u64 packet(u32 interface, Instant at, const std::array<Bytes, 3>& pieces, Direction direction);
  /// Adds a comment to packet `number`; false where it is not held any more.
  bool comment(u64 number, std::string_view text);
  /// The number of the newest packet that is held and has these bytes, else 0.
  u64 find(Bytes frame) const;
  /// Secrets, such as lines in NSS key log format. They stand before the packets that are held: the
  /// last one is often what made them known, and its end is what they decrypt.
  void secrets(Secrets type, std::string_view text);
  void flush() { write_held(0); }

  /// What is ready to be written, and that `n` bytes of it have been.
  Bytes ready() const { return out_; }
  void consume(u32 n);

 private:
  static constexpr std::size_t held_max = 64;  // a host sends no more at one go

  struct Held {
    u32 interface = 0;
    Instant at{};
    Direction direction = Direction::unknown;
    std::vector<u8> frame;
    std::vector<std::string> comments;
  };
  template <class T>
  void put(T value);  // in the order of this machine
  void put16(u16 value) { put(value); }
  void put32(u32 value) { put(value); }
  void put_padded(Bytes bytes);
  void put_option(u16 code, Bytes value);
  /// Writes the oldest until only `keep` are held.
  void write_held(std::size_t keep);
  void write(const Held& packet);
  std::size_t begin_block(u32 type);
  void end_block(std::size_t begin);

  u64 epoch_;
  u32 interfaces_ = 0;
  u64 packets_ = 0;
  std::deque<Held> held_;  // packet number packets_ is the last one
  std::vector<u8> out_;
};

/// Writes the frames of one endpoint. State changes, drops and impairments become comments: of the
/// frame that caused them where it was captured, else of the endpoint's next frame.
class PcapngSink final : public Sink {
 public:
  struct Options {
    std::string_view name;
    LinkType link_type = LinkType::ip;
    bool sent = true;
    bool received = true;  // false: another endpoint of the same capture has recorded it already
  };
  PcapngSink(PcapngWriter& writer, const Options& options);
  void on(Instant now, const Event& event) override;

 private:
  void on_frame(Instant now, const std::array<Bytes, 3>& pieces, bool is_sent);
  void on_state(Instant now, const StateChanged& change);

  PcapngWriter& writer_;
  std::string name_;
  bool sent_;
  bool received_;
  u32 interface_;
  u64 received_number_ = 0;  // the last frame, where it came in and was recorded
  Instant received_at_{};
  std::vector<std::string> waiting_;  // comments for the next frame
};

}  // namespace handfast::trace
