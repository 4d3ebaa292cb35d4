// Hosts on one wire, in virtual time: enough to test a host without the simulator above it.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/types.hpp"
#include "host/host.hpp"
#include "wire/address.hpp"
#include "wire/ethernet.hpp"
#include "wire/frame.hpp"
#include "wire/ip.hpp"

namespace handfast::test {

using Packet = std::vector<u8>;

inline wire::IpAddress address(std::string_view text) { return *wire::IpAddress::parse(text); }
inline wire::Endpoint endpoint(std::string_view text) { return *wire::Endpoint::parse(text); }

/// 02:00:00:00:00:<n>.
inline wire::MacAddress mac(u8 n) { return {{2, 0, 0, 0, 0, n}}; }

/// One interface with 192.0.2.<n>/24 and 2001:db8::<n>/64.
inline host::Config host_config(u8 n, trace::LinkType link_type) {
  host::InterfaceConfig interface{.link_type = link_type, .mac = mac(n)};
  interface.addresses = {{wire::IpAddress::v4(192, 0, 2, n), 24},
                         {address("2001:db8::" + std::to_string(n)), 64}};
  host::Config config;
  config.name = "host " + std::to_string(n);
  config.interfaces = {interface};
  return config;
}

/// Every frame that leaves interface 0 of a host reaches all others one millisecond later, unless
/// `lose` says otherwise. What reached the wire is kept in `seen`.
class Lan {
 public:
  static constexpr Duration delay = 1ms;

  host::Host& add(const host::Config& config, trace::Sink* sink = nullptr) {
    hosts_.push_back(std::make_unique<host::Host>(config, now, Rng(hosts_.size() + 1), sink));
    return *hosts_.back();
  }
  /// A frame from outside, as if another station had sent it; heard by all hosts.
  void inject(Bytes frame) {
    for (auto& host : hosts_) host->on_frame(0, frame, now);
    flush();
  }
  /// Takes what hosts want to send off them; the frames are on their way then.
  void flush() {
    for (std::size_t i = 0; i < hosts_.size(); ++i) flush(i);
  }
  void run_for(Duration duration) {
    const Instant end = now + duration;
    flush();
    while (true) {
      Instant next = end;
      if (!in_flight_.empty()) next = std::min(next, in_flight_.front().arrival);
      for (auto& host : hosts_) next = std::min(next, host->deadline());
      now = std::max(now, next);
      if (now >= end && !something_due()) return;
      step();
    }
  }
  /// The events of `host` since the last call.
  static std::vector<host::Event> events(host::Host& host) {
    std::vector<host::Event> all;
    while (const auto event = host.poll_event()) all.push_back(*event);
    return all;
  }

  Instant now = Instant(1s);
  std::vector<Packet> seen;
  bool (*lose)(Bytes frame) = nullptr;

 private:
  struct InFlight {
    Instant arrival;
    std::size_t from;
    Packet bytes;
  };

  bool something_due() const {
    if (!in_flight_.empty() && in_flight_.front().arrival <= now) return true;
    return std::ranges::any_of(hosts_, [&](const auto& host) { return host->deadline() <= now; });
  }
  void step() {
    while (!in_flight_.empty() && in_flight_.front().arrival <= now) {
      const InFlight frame = std::move(in_flight_.front());
      in_flight_.pop_front();
      for (std::size_t i = 0; i < hosts_.size(); ++i) {
        if (i == frame.from) continue;
        hosts_[i]->on_frame(0, frame.bytes, now);
        flush(i);
      }
    }
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      if (hosts_[i]->deadline() <= now) hosts_[i]->on_deadline(now);
      flush(i);
    }
  }
  void flush(std::size_t from) {
    std::array<std::array<u8, wire::Frame::header_room>, 4> rooms;
    std::array<wire::Frame, 4> frames;
    while (true) {
      for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = {.header = rooms[i]};
      const u32 count = hosts_[from]->poll_transmit(0, frames, now);
      if (count == 0) return;
      for (u32 i = 0; i < count; ++i) {
        Packet bytes(frames[i].header.begin(), frames[i].header.end());
        for (const Bytes piece : frames[i].payload)
          bytes.insert(bytes.end(), piece.begin(), piece.end());
        seen.push_back(bytes);
        if (lose != nullptr && lose(bytes)) continue;
        in_flight_.push_back({now + delay, from, std::move(bytes)});
      }
    }
  }

  std::vector<std::unique_ptr<host::Host>> hosts_;
  std::deque<InFlight> in_flight_;
};

}  // namespace handfast::test
