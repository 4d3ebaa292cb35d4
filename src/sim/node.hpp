// One host of a world, which may crash and come back.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "host/host.hpp"
#include "io/stack.hpp"
#include "trace/event.hpp"

namespace handfast::sim {

class Pipe;
class World;

class Node {
 public:
  Node(World& world, u32 index, host::Config config, Rng rng, trace::Sink* sink);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& name() const { return config_.name; }
  const host::Config& config() const { return config_; }
  /// The first IPv4 or IPv6 address of its first interface.
  wire::IpAddress address_v4() const;
  wire::IpAddress address_v6() const;

  bool is_up() const { return stack_ != nullptr; }
  /// Where applications open streams and listeners. It must be up.
  io::Stack& stack();
  host::Host& host() { return stack().host(); }
  /// Power is cut: nothing more is sent, everything in memory is gone, and what waits on the
  /// stack completes with operation_aborted. Frames that still come are lost.
  void crash();
  /// Boots with the same configuration and new secrets.
  void reboot();

 private:
  friend class World;
  /// The first interface without a wire; there must be one.
  u16 free_interface() const;

  World& world_;
  u32 index_;
  host::Config config_;
  Rng rng_;
  trace::Sink* sink_;
  std::unique_ptr<io::Stack> stack_;
  std::vector<Pipe*> plugs_;  // by interface: where its frames go
  bool has_work_ = true;      // there may be something to transmit
};

}  // namespace handfast::sim
