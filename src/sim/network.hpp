// What lies between hosts: wires that can be bad in every way, and Ethernet switches.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "base/types.hpp"
#include "link/impairment.hpp"
#include "wire/address.hpp"

namespace handfast::sim {

class Node;
class Switch;

/// Where a frame leaves a pipe: at a node's interface or at a switch's port.
struct Destination {
  Node* node = nullptr;
  Switch* through = nullptr;
  u16 port = 0;  // or interface
};

/// One direction of a wire.
class Pipe {
 public:
  Pipe(link::ImpairmentOptions options, Rng rng, trace::Sink* sink, Destination to)
      : impairment_(std::move(options), rng, sink), to_(to) {}

  link::Impairment& impairment() { return impairment_; }
  const link::Impairment& impairment() const { return impairment_; }
  const Destination& destination() const { return to_; }

 private:
  link::Impairment impairment_;
  Destination to_;
};

/// A wire: its two directions, as connect() named its ends.
class Link {
 public:
  Link(std::unique_ptr<Pipe> forward, std::unique_ptr<Pipe> backward)
      : forward_(std::move(forward)), backward_(std::move(backward)) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  Pipe& forward() { return *forward_; }
  Pipe& backward() { return *backward_; }
  const Pipe& forward() const { return *forward_; }
  const Pipe& backward() const { return *backward_; }
  /// While it lasts, what enters is lost, both ways.
  void partition() { set_partitioned(true); }
  void heal() { set_partitioned(false); }

 private:
  void set_partitioned(bool partitioned) {
    forward_->impairment().set_partitioned(partitioned);
    backward_->impairment().set_partitioned(partitioned);
  }
  std::unique_ptr<Pipe> forward_;
  std::unique_ptr<Pipe> backward_;
};

/// An Ethernet switch: it learns which address is behind which port (IEEE 802.1D §7.8), and sends
/// what it does not know, and groups, to every other port. It takes no time of its own.
class Switch {
 public:
  /// A frame came in at `port`.
  void on_frame(u16 port, const link::Received& frame, Instant now);
  u16 port_count() const { return to<u16>(ports_.size()); }

 private:
  friend class World;
  std::vector<Pipe*> ports_;  // out of the switch
  std::map<wire::MacAddress, u16> learned_;
};

}  // namespace handfast::sim
