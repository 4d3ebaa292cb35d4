#include "tcp/accurate_ecn.hpp"

namespace handfast::tcp {

using wire::TcpFlags;

namespace {

constexpr u8 ect_1 = 1, ect_0 = 2, ce = 3;
constexpr u16 said_ce = TcpFlags::ae | TcpFlags::cwr;

}  // namespace

u16 AccurateEcn::feedback(u8 ecn) {
  switch (ecn & 3) {
    case ect_1: return TcpFlags::cwr | TcpFlags::ece;
    case ect_0: return TcpFlags::ae;
    case ce: return said_ce;
    default: return TcpFlags::cwr;
  }
}

bool AccurateEcn::is_granted(u16 syn_ack_flags) {
  const u16 ace = syn_ack_flags & mask;
  // 0: no ECN. 1 and 5: RFC 3168's, and the nonce of RFC 3540. 7: a reflection of our SYN.
  return ace != 0 && ace != TcpFlags::ece && ace != (TcpFlags::ae | TcpFlags::ece) && ace != mask;
}

void AccurateEcn::start_client(u16 syn_ack_flags, u8 syn_ack_ecn) {
  start_server(syn_ack_ecn);
  third_ = count_of(feedback(syn_ack_ecn)) & 7;
  if ((syn_ack_flags & mask) == said_ce) told_ = 6;
}

void AccurateEcn::start_server(u8 syn_ecn) {
  on_ = true;
  note_received(syn_ecn, 1);
}

bool AccurateEcn::take_third(u16 flags) {
  if ((flags & mask) == said_ce) told_ = 6;
  return (flags & mask) != 0;
}

u16 AccurateEcn::flags() {
  const u8 ace = third_ != 0 ? third_ : received_;
  third_ = 0;
  return flags_of(ace);
}

void AccurateEcn::note_received(u8 ecn, u32 packets) {
  if ((ecn & 3) == ce) received_ = to<u8>((received_ + packets) & 7) & 7;
}

u8 AccurateEcn::count_of(u16 flags) {
  return to<u8>(((flags & TcpFlags::ae) != 0 ? 4 : 0) | ((flags & TcpFlags::cwr) != 0 ? 2 : 0) |
                ((flags & TcpFlags::ece) != 0 ? 1 : 0));
}

u16 AccurateEcn::flags_of(u8 count) {
  return to<u16>(((count & 4) != 0 ? TcpFlags::ae : 0) | ((count & 2) != 0 ? TcpFlags::cwr : 0) |
                 ((count & 1) != 0 ? TcpFlags::ece : 0));
}

u32 AccurateEcn::take_feedback(u16 flags) {
  const u32 marked = (count_of(flags) - u32{told_}) & 7;
  told_ = count_of(flags) & 7;
  return marked;
}

}  // namespace handfast::tcp
