#include "sim/attacker.hpp"

#include "tcp/connection.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace handfast::sim {

using tcp::State;
using wire::TcpFlags;

std::string_view to_string(Forgery kind) {
  switch (kind) {
    case Forgery::wrong_sequence: return "wrong sequence number";
    case Forgery::wrong_ack: return "wrong acknowledgment";
    case Forgery::rst_in_window: return "RST in the window";
    case Forgery::syn_in_window: return "SYN in the window";
    case Forgery::no_ack: return "no ACK";
    case Forgery::replay: return "replay";
    case Forgery::broken: return "broken";
    case Forgery::noise: return "noise";
    case Forgery::count_: break;
  }
  return "?";
}

/// A distance in sequence numbers that lies outside every window, before or behind it.
u32 Attacker::far() {
  const u32 distance = (1u << 25) + to<u32>(rng_.below((1u << 31) - (1u << 26)));
  return rng_.chance({1, 2}) ? distance : 0u - distance;
}

wire::TcpHeader Attacker::random_header(const wire::Flow& flow) {
  wire::TcpHeader header;
  header.source_port = flow.remote.port;
  header.destination_port = flow.local.port;
  header.sequence = to<u32>(rng_.next());
  header.acknowledgment = to<u32>(rng_.next());
  header.flags = to<u16>(rng_.below(0x200));
  header.window = to<u16>(rng_.next());
  header.urgent_pointer = to<u16>(rng_.next());
  if (rng_.chance({1, 3})) header.options.mss = to<u16>(rng_.next());
  if (rng_.chance({1, 3})) header.options.window_scale = to<u8>(rng_.next());
  header.options.sack_permitted = rng_.chance({1, 3});
  if (rng_.chance({1, 3}))
    header.options.timestamps = wire::TcpTimestamps{to<u32>(rng_.next()), to<u32>(rng_.next())};
  header.options.sack_count = to<u8>(rng_.below(3));
  for (u8 i = 0; i < header.options.sack_count; ++i)
    header.options.sack[i] = {to<u32>(rng_.next()), to<u32>(rng_.next())};
  return header;
}

Pair::Packet Attacker::segment(u32 victim, const wire::TcpHeader& header, Bytes payload) {
  const wire::IpAddress from = Pair::address(1 - victim);
  const wire::IpAddress to_victim = Pair::address(victim);
  const wire::IpHeader ip{.source = from, .destination = to_victim, .protocol = wire::protocol_tcp};
  const u32 ip_size = wire::ip_header_size(ip);
  Pair::Packet packet(ip_size + wire::tcp_header_size_max + payload.size());
  const u32 tcp_size = wire::emit_tcp(header, {payload, Bytes{}}, from, to_victim,
                                      MutBytes(packet).subspan(ip_size));
  wire::emit_ip(ip, tcp_size + to<u32>(payload.size()), packet);
  packet.resize(ip_size + tcp_size);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

std::optional<Pair::Packet> Attacker::from_history(u32 victim, bool broken) {
  const auto& seen = pair_.history(victim);
  if (seen.empty()) return std::nullopt;
  Pair::Packet packet = seen[rng_.below(seen.size())];
  if (!broken) return packet;
  const u64 bit = rng_.below(packet.size() * 8);
  packet[bit / 8] = to<u8>(packet[bit / 8] ^ (1u << (bit % 8)));
  if (rng_.chance({1, 4})) packet.resize(rng_.below(packet.size()));
  return packet;
}

std::optional<Pair::Packet> Attacker::forge(Forgery kind, u32 victim, const wire::Flow& flow,
                                            const tcp::Connection* connection) {
  if (kind == Forgery::replay || kind == Forgery::broken)
    return from_history(victim, kind == Forgery::broken);
  std::array<u8, 64> text;
  for (u8& byte : text) byte = to<u8>(rng_.next());
  const Bytes payload = Bytes(text).first(rng_.below(text.size() + 1));
  wire::TcpHeader header = random_header(flow);
  if (kind == Forgery::noise) {
    Pair::Packet packet = segment(victim, header, payload);
    for (std::size_t i = wire::ipv4_header_size; i < packet.size(); ++i)
      packet[i] = to<u8>(rng_.next());
    return packet;
  }
  // Only who knows where the victim stands can say what is wrong there; and in SYN-SENT a SYN
  // from anybody counts, so that only a wrong ACK is surely a forgery.
  if (connection == nullptr || connection->state() == State::closed) return std::nullopt;
  const tcp::Remembered at = connection->remembered();
  if (connection->state() == State::syn_sent && kind != Forgery::wrong_ack) return std::nullopt;
  if (connection->state() == State::time_wait) {
    // A SYN may well begin a new connection there (RFC 9293 MAY-2).
    if (kind == Forgery::syn_in_window) return std::nullopt;
    header.flags = to<u16>(header.flags & ~TcpFlags::syn);
  }
  const u32 window = std::max<u32>(at.window, 2);
  const u32 inside = at.rcv_nxt + 1 + to<u32>(rng_.below(window - 1));
  switch (kind) {
    case Forgery::wrong_sequence: header.sequence = at.rcv_nxt + far(); break;
    case Forgery::wrong_ack:
      header.sequence = at.rcv_nxt;
      header.acknowledgment = at.snd_nxt + far();
      header.flags = to<u16>((header.flags | TcpFlags::ack) & ~TcpFlags::rst);
      break;
    case Forgery::rst_in_window:
      header.sequence = inside;
      header.flags |= TcpFlags::rst;
      break;
    case Forgery::syn_in_window:
      header.sequence = inside;
      header.flags = to<u16>((header.flags | TcpFlags::syn) & ~TcpFlags::rst);
      break;
    case Forgery::no_ack:
      header.sequence = inside;
      header.flags = to<u16>(header.flags & ~(TcpFlags::ack | TcpFlags::rst | TcpFlags::syn));
      break;
    default: return std::nullopt;
  }
  return segment(victim, header, payload);
}

Pair::Packet spoofed_syn(Rng& rng, const wire::Endpoint& victim) {
  const u64 draw = rng.next();
  const wire::IpAddress from = wire::IpAddress::v4(
      10, to<u8>(draw & 0xff), to<u8>(draw >> 8 & 0xff), to<u8>(draw >> 16 & 0xff));
  wire::TcpHeader syn;
  syn.source_port = to<u16>(1024 + (draw >> 24 & 0x7fff));
  syn.destination_port = victim.port;
  syn.sequence = to<u32>(rng.next());
  syn.flags = TcpFlags::syn;
  syn.window = 65535;
  syn.options.mss = u16{1460};
  const wire::IpHeader ip{
      .source = from, .destination = victim.address, .protocol = wire::protocol_tcp};
  const u32 ip_size = wire::ip_header_size(ip);
  const u32 tcp_size = wire::tcp_header_size_of(syn);
  Pair::Packet packet(ip_size + tcp_size);
  wire::emit_tcp(syn, {Bytes{}, Bytes{}}, from, victim.address, MutBytes(packet).subspan(ip_size));
  wire::emit_ip(ip, tcp_size, packet);
  return packet;
}

}  // namespace handfast::sim
