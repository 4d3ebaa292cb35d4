#include "link/impairment.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace handfast::link {
namespace {

constexpr u64 ns_per_second = 1'000'000'000;
__extension__ using Wide = unsigned __int128;

u64 size_of(const std::array<Bytes, 3>& pieces) {
  u64 size = 0;
  for (const Bytes piece : pieces) size += piece.size();
  return size;
}

void gather(const std::array<Bytes, 3>& pieces, u8* out) {
  for (const Bytes piece : pieces) {
    if (piece.empty()) continue;
    std::memcpy(out, piece.data(), piece.size());
    out += piece.size();
  }
}

}  // namespace

bool Impairment::Later::operator()(const Flying& a, const Flying& b) const {
  return a.due != b.due ? a.due > b.due : a.order > b.order;
}

Impairment::Impairment(ImpairmentOptions options, Rng rng, trace::Sink* sink)
    : options_(std::move(options)),
      loss_rng_(rng.fork()),
      duplicate_rng_(rng.fork()),
      corrupt_rng_(rng.fork()),
      reorder_rng_(rng.fork()),
      jitter_rng_(rng.fork()),
      sink_(sink),
      seen_(options_.targeted.size()) {}

void Impairment::on_frame(const Received& frame, Instant now) { enter({frame.frame}, frame, now); }

void Impairment::on_frame(const wire::Frame& frame, Instant now) {
  enter({frame.header, frame.payload[0], frame.payload[1]},
        {.segment_size = frame.segment_size, .checksum_verified = frame.checksum_offloaded}, now);
}

void Impairment::enter(const std::array<Bytes, 3>& pieces, const Received& about, Instant now) {
  free_slots_.insert(free_slots_.end(), lent_slots_.begin(), lent_slots_.end());
  lent_slots_.clear();
  ++counters_.frames;
  const Fate fate = draw_fate();
  const u64 size = size_of(pieces);
  if (size > options_.frame_bytes_max) {
    ++counters_.lost;
    return report("lost: too long", pieces[0], now);
  }

  Flying first{.due = now,
               .order = 0,
               .slot = take_slot(),
               .size = to<u32>(size),
               .segment_size = about.segment_size,
               .checksum_verified = about.checksum_verified};
  const MutBytes frame{memory(first.slot), first.size};
  gather(pieces, frame.data());
  if (to_be_lost(frame, fate)) {
    ++counters_.lost;
    free_slots_.push_back(first.slot);
    return report("lost", frame, now);
  }
  if (fate.corrupted && !frame.empty()) {
    flip_one_bit(frame);
    first.checksum_verified = false;
    ++counters_.corrupted;
    report("corrupted", frame, now);
  }
  send(first, fate.reordered, now);
  if (fate.duplicated && in_flight() < options_.frames_max) {
    Flying second = first;
    second.slot = take_slot();
    std::memcpy(memory(second.slot), frame.data(), frame.size());
    ++counters_.duplicated;
    report("duplicated", frame, now);
    send(second, false, now);
  }
}

Impairment::Fate Impairment::draw_fate() {
  // All are drawn for each frame, so that frame number n always fares alike.
  return {.lost = loss_rng_.chance(options_.loss),
          .duplicated = duplicate_rng_.chance(options_.duplicate),
          .corrupted = corrupt_rng_.chance(options_.corrupt),
          .reordered = reorder_rng_.chance(options_.reorder)};
}

bool Impairment::is_target(Bytes frame) {
  bool hit = false;
  for (std::size_t i = 0; i < options_.targeted.size(); ++i) {
    const TargetedLoss& target = options_.targeted[i];
    if (!matches(target, options_.link_type, frame)) continue;
    ++seen_[i];
    hit = hit || target.occurrence == 0 || target.occurrence == seen_[i];
  }
  return hit;
}

bool Impairment::to_be_lost(Bytes frame, const Fate& fate) {
  const bool targeted = is_target(frame);  // counts, so it is asked of every frame
  if (lose_next_ > 0) {
    --lose_next_;
    return true;
  }
  return partitioned_ || targeted || fate.lost;
}

void Impairment::flip_one_bit(MutBytes frame) {
  const u64 bit = corrupt_rng_.below(frame.size() * 8);
  frame[bit / 8] = to<u8>(frame[bit / 8] ^ (1u << (bit % 8)));
}

void Impairment::send(Flying frame, bool reordered, Instant now) {
  const Bytes bytes{memory(frame.slot), frame.size};
  if (in_flight() >= options_.frames_max || !wait_for_turn(frame.size, now)) {
    ++counters_.overflowed;
    free_slots_.push_back(frame.slot);
    return report("queue overflow", bytes, now);
  }
  const Instant departs = options_.rate == 0 ? now : line_free_at_;
  const u64 jitter = jitter_rng_.below(to<u64>(options_.jitter.count()) + 1);
  const Instant arrives = after(departs, options_.delay + Duration(to<i64>(jitter)));
  if (reordered) {
    frame.due = after(arrives, options_.reorder_delay);
    ++counters_.reordered;
    report("reordered", bytes, now);
  } else {
    frame.due = last_due_ = std::max(arrives, last_due_);
  }
  frame.order = order_++;
  flying_.push_back(frame);
  std::ranges::push_heap(flying_, Later{});
}

// The line takes one bit after the other; what waits for it is the queue.
bool Impairment::wait_for_turn(u32 size, Instant now) {
  if (options_.rate == 0) return true;
  const Instant starts = std::max(now, line_free_at_);
  const Wide waiting_bits = Wide(to<u64>((starts - now).count())) * options_.rate / ns_per_second;
  if (waiting_bits / 8 + size > options_.queue_bytes) return false;
  const Wide bits_ns = Wide(size) * 8 * ns_per_second;
  const Wide takes = (bits_ns + options_.rate - 1) / options_.rate;
  line_free_at_ = after(starts, Duration(to<i64>(takes)));
  return true;
}

Instant Impairment::deadline() const {
  return flying_.empty() ? never : std::max(flying_.front().due, clogged_until_);
}

std::optional<Received> Impairment::poll(Instant now) {
  if (flying_.empty() || deadline() > now) return std::nullopt;
  std::ranges::pop_heap(flying_, Later{});
  const Flying frame = flying_.back();
  flying_.pop_back();
  lent_slots_.push_back(frame.slot);
  ++counters_.delivered;
  return Received{.frame = {memory(frame.slot), frame.size},
                  .segment_size = frame.segment_size,
                  .checksum_verified = frame.checksum_verified};
}

void Impairment::report(std::string_view what, Bytes frame, Instant now) {
  if (sink_ != nullptr) sink_->on(now, trace::FrameImpaired{what, frame});
}

u32 Impairment::take_slot() {
  if (free_slots_.empty()) {
    slots_.push_back(std::make_unique_for_overwrite<u8[]>(options_.frame_bytes_max));
    return to<u32>(slots_.size()) - 1;
  }
  const u32 slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

}  // namespace handfast::link
