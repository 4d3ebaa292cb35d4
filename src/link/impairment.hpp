// One direction of a bad link, as a sans-I/O engine: it delays, loses, duplicates, reorders and
// corrupts frames on purpose, all from one seed. Memory is bounded: a full link loses at its tail.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "link/device.hpp"
#include "link/targeted_loss.hpp"
#include "trace/event.hpp"
#include "wire/frame.hpp"

namespace handfast::link {

/// How bad the link is. The default is a perfect one without delay.
struct ImpairmentOptions {
  trace::LinkType link_type = trace::LinkType::ip;
  Duration delay{};            // one way
  Duration jitter{};           // adds 0 to this much, evenly; never reorders by itself
  u64 rate = 0;                // bit/s; 0: unlimited
  u32 queue_bytes = 1u << 20;  // what may wait for its turn where a rate is set; beyond it is lost
  Ratio loss{};
  Ratio duplicate{};
  Ratio corrupt{};  // one bit is flipped, anywhere in the frame
  Ratio reorder{};  // held back by `reorder_delay` more, so that later frames overtake it
  Duration reorder_delay = 1ms;
  std::vector<TargetedLoss> targeted{};
  u32 frame_bytes_max = 2048;  // longer frames are lost
  u32 frames_max = 4096;       // in flight at once
};

struct ImpairmentCounters {
  u64 frames = 0;  // that came in
  u64 delivered = 0;
  u64 lost = 0;  // by chance, on purpose or by a partition
  u64 overflowed = 0;
  u64 duplicated = 0;
  u64 reordered = 0;
  u64 corrupted = 0;
};

class Impairment {
 public:
  /// Each kind of fault draws from a generator of its own: turning one on leaves the others' draws
  /// as they were. `sink` hears of every frame that is treated badly.
  Impairment(ImpairmentOptions options, Rng rng, trace::Sink* sink = nullptr);

  /// A frame enters the link. It is copied.
  void on_frame(Bytes frame, Instant now) { on_frame(Received{.frame = frame}, now); }
  void on_frame(const Received& frame, Instant now);
  void on_frame(const wire::Frame& frame, Instant now);

  /// When poll() has the next frame; `never` when nothing is under way.
  Instant deadline() const;
  /// The next frame that leaves the link at or before `now`; it stays valid until the next
  /// on_frame().
  std::optional<Received> poll(Instant now);

  /// A partition: what enters is lost as long as it lasts. What is under way still arrives.
  void set_partitioned(bool partitioned) { partitioned_ = partitioned; }
  /// A clog: nothing leaves before `until`, and nothing is lost by it.
  void clog(Instant until) { clogged_until_ = until; }
  /// Loses the next `frames` that enter.
  void lose_next(u32 frames) { lose_next_ += frames; }

  const ImpairmentCounters& counters() const { return counters_; }
  const ImpairmentOptions& options() const { return options_; }
  u32 in_flight() const { return to<u32>(flying_.size()); }

 private:
  struct Flying {
    Instant due;
    u64 order;  // of entry: ties leave in it
    u32 slot;
    u32 size;
    u16 segment_size;
    bool checksum_verified;
  };
  struct Later {
    bool operator()(const Flying& a, const Flying& b) const;
  };
  struct Fate {
    bool lost, duplicated, corrupted, reordered;
  };

  void enter(const std::array<Bytes, 3>& pieces, const Received& about, Instant now);
  Fate draw_fate();
  bool is_target(Bytes frame);
  bool to_be_lost(Bytes frame, const Fate& fate);
  void flip_one_bit(MutBytes frame);
  void send(Flying frame, bool reordered, Instant now);
  bool wait_for_turn(u32 size, Instant now);
  void report(std::string_view what, Bytes frame, Instant now);
  u32 take_slot();
  u8* memory(u32 slot) { return slots_[slot].get(); }

  ImpairmentOptions options_;
  Rng loss_rng_, duplicate_rng_, corrupt_rng_, reorder_rng_, jitter_rng_;
  trace::Sink* sink_;
  ImpairmentCounters counters_;

  std::vector<std::unique_ptr<u8[]>> slots_;  // grows to frames_max + 1 and stays
  std::vector<u32> free_slots_;
  std::vector<u32> lent_slots_;  // polled, and given back by the next on_frame()
  std::vector<Flying> flying_;   // a heap, earliest first
  std::vector<u32> seen_;        // of each targeted loss: how many matched
  u64 order_ = 0;
  Instant line_free_at_ = Instant::min();  // the sender's clock has put the last bit on the line
  Instant last_due_ = Instant::min();
  Instant clogged_until_ = Instant::min();
  u32 lose_next_ = 0;
  bool partitioned_ = false;
};

}  // namespace handfast::link
