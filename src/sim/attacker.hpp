// Somebody beside the path who forges segments of a connection between the two hosts of a Pair.
// Each kind is one that the standards tell the receiver to survive, so whatever is drawn, in any
// state and any number, the connection must live on and complete.
#pragma once

#include <optional>
#include <string_view>

#include "base/rng.hpp"
#include "sim/pair.hpp"

namespace handfast::sim {

enum class Forgery : u8 {
  wrong_sequence,  // outside the window, anything else random: RFC 9293 §3.10.7.4, first
  wrong_ack,       // of what was never sent: fifth; RFC 5961 §5
  rst_in_window,   // but not at its edge: RFC 5961 §3
  syn_in_window,   // RFC 5961 §4
  no_ack,          // in the window, without the ACK that every segment must have: fifth
  replay,          // an old segment once more
  broken,          // an old segment with a flipped bit or cut short: its checksum is wrong
  noise,           // random bytes behind a correct IP header
  count_,
};
std::string_view to_string(Forgery kind);

/// The first packet of a connection that nobody means: a SYN to `victim` from a random address of
/// 10.0.0.0/8. For floods (RFC 4987).
Pair::Packet spoofed_syn(Rng& rng, const wire::Endpoint& victim);

class Attacker {
 public:
  Attacker(Pair& pair, Rng rng) : pair_(pair), rng_(rng) {}

  /// A forged packet for host `victim`, pretending to come from the other. `connection` is the
  /// victim's; none where it has only a half-open entry or a listener at port `flow.local.port`.
  /// Nothing where this kind would be no forgery in the victim's state.
  std::optional<Pair::Packet> forge(Forgery kind, u32 victim, const wire::Flow& flow,
                                    const tcp::Connection* connection);
  /// A packet with this header, as if from the other host to `victim`.
  Pair::Packet segment(u32 victim, const wire::TcpHeader& header, Bytes payload);

 private:
  std::optional<Pair::Packet> from_history(u32 victim, bool broken);
  wire::TcpHeader random_header(const wire::Flow& flow);
  u32 far();

  Pair& pair_;
  Rng rng_;
};

}  // namespace handfast::sim
