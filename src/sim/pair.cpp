#include "sim/pair.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace handfast::sim {

namespace {

constexpr u32 frames_max = 100'000;  // without time passing: more is a storm

}  // namespace

Pair::Pair(u64 seed, const tcp::Config& tcp, trace::Sink* sink) {
  Rng rng(seed);
  for (u32 end = 0; end < 2; ++end) {
    host::Config config;
    config.tcp = tcp;
    config.interfaces = {host::InterfaceConfig{.addresses = {{address(end), 24}}}};
    hosts_[end].emplace(std::move(config), now_, rng.fork(), sink);
  }
  collect();
}

void Pair::collect() {
  constexpr u32 batch = 16;
  std::array<std::array<u8, wire::Frame::header_room>, batch> headers;
  std::array<wire::Frame, batch> frames;
  for (u32 end = 0; end < 2; ++end) {
    for (;;) {
      for (u32 i = 0; i < batch; ++i) frames[i] = wire::Frame{.header = headers[i]};
      const u32 count = hosts_[end]->poll_transmit(0, frames, now_);
      if (count == 0) break;
      for (const wire::Frame& frame : std::span(frames).first(count)) {
        Packet packet(frame.header.begin(), frame.header.end());
        for (const Bytes piece : frame.payload)
          packet.insert(packet.end(), piece.begin(), piece.end());
        under_way_[1 - end].push_back(std::move(packet));
      }
    }
    while (hosts_[end]->poll_event()) {
    }
  }
}

bool Pair::deliver_one(u32 end) {
  if (under_way_[end].empty()) return false;
  history_[end].push_back(std::move(under_way_[end].front()));
  under_way_[end].pop_front();
  if (history_[end].size() > history_max) history_[end].pop_front();
  inject(end, history_[end].back());
  return true;
}

bool Pair::lose_one(u32 end) {
  if (under_way_[end].empty()) return false;
  under_way_[end].pop_front();
  return true;
}

void Pair::hold_back_one(u32 end) {
  if (under_way_[end].empty()) return;
  under_way_[end].push_back(std::move(under_way_[end].front()));
  under_way_[end].pop_front();
}

void Pair::inject(u32 end, Bytes packet) {
  hosts_[end]->on_frame(0, packet, now_);
  collect();
}

void Pair::deliver_all() {
  u32 delivered = 0;
  while (deliver_one(0) || deliver_one(1)) ASSERT(++delivered < frames_max);
}

bool Pair::wait(Duration limit) {
  const Instant next = std::max(now_, std::min(hosts_[0]->deadline(), hosts_[1]->deadline()));
  if (next > after(now_, limit)) return false;
  now_ = next;
  for (auto& host : hosts_)
    if (host->deadline() <= now_) host->on_deadline(now_);
  collect();
  return true;
}

void Pair::run_for(Duration time) {
  const Instant end = after(now_, time);
  deliver_all();
  while (wait(end - now_)) deliver_all();
  now_ = end;
}

bool Pair::is_clean() const {
  return std::ranges::all_of(hosts_, [](const std::optional<host::Host>& host) {
    const host::Host::Census left = host->census();
    return left.connections + left.half_open + left.time_wait == 0 && left.buffer_bytes == 0;
  });
}

}  // namespace handfast::sim
