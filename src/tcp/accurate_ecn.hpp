// RFC 9768: more accurate ECN feedback. Each end counts the marked packets that came and tells the
// count, modulo 8, in three header bits (ACE) of every segment; in the handshake these say how the
// other end's SYN or SYN,ACK arrived.
#pragma once

#include "base/types.hpp"
#include "wire/tcp.hpp"

namespace handfast::tcp {

class AccurateEcn {
 public:
  static constexpr u16 mask = wire::TcpFlags::ae | wire::TcpFlags::cwr | wire::TcpFlags::ece;
  /// What a SYN says that asks for it (§3.1.1).
  static constexpr u16 offer = mask;

  /// What a SYN,ACK, and the third segment, say of a packet that came with this ECN field (tables 2
  /// and 3).
  static u16 feedback(u8 ecn);
  /// Whether a SYN,ACK with these flags grants it (table 2); else it may still grant RFC 3168's.
  static bool is_granted(u16 syn_ack_flags);

  bool is_on() const { return on_; }
  /// The client, at the SYN,ACK.
  void start_client(u16 syn_ack_flags, u8 syn_ack_ecn);
  /// The server, at the SYN.
  void start_server(u8 syn_ecn);
  /// The server, at the segment that ends the handshake. False: ECN does not pass, nothing may be
  /// sent ECN-capable (table 4).
  bool take_third(u16 flags);

  /// The ACE bits of the next segment.
  u16 flags();
  void note_received(u8 ecn, u32 packets);
  /// How many more of our packets were marked, by the ACE of a segment that acknowledges something
  /// new. Of more than seven at once the count has wrapped: the least is believed.
  u32 take_feedback(u16 flags);

 private:
  static u8 count_of(u16 flags);
  static u16 flags_of(u8 count);

  // Only their lowest three bits ever count.
  u8 received_ : 4 = 5;  // r.cep: marked packets that came (§3.2.1)
  u8 told_ : 4 = 5;      // s.cep: of ours, as far as we have heard
  u8 third_ : 4 = 0;     // what the third segment says instead
  bool on_ : 1 = false;
};

}  // namespace handfast::tcp
