// IPv6, RFC 8200 §3 and its extension headers, §4.
#include <algorithm>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/ip_versions.hpp"

namespace handfast::wire {
namespace {

constexpr u8 hop_by_hop = 0;
constexpr u8 routing = 43;
constexpr u8 fragment_header = 44;
constexpr u8 destination_options = 60;

// RFC 8504 §5.3 lets a node limit them. Real packets have one or two.
constexpr u32 extensions_max = 8;

bool is_extension(u8 next_header) {
  return next_header == hop_by_hop || next_header == routing || next_header == fragment_header ||
         next_header == destination_options;
}

// The options of a hop-by-hop or destination-options header, §4.2.
Result<void, Drop> check_options(Bytes options) {
  while (!options.empty()) {
    const u8 type = options[0];
    if (type == 0) {  // Pad1, the only one without a length
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options.size() - 2 < options[1]) return failure(Drop::bad_option);
    // "The highest-order 2 bits specify the action that must be taken if the processing IPv6 node
    // does not recognize the Option Type": 00 skips it, all others discard the packet. All that
    // we could meet and that is not 00 (jumbo payload, home address) is not spoken here.
    if ((type & 0xc0) != 0) return failure(Drop::bad_option);
    options = options.subspan(2u + options[1]);
  }
  return {};
}

// How far the walk over a packet's headers has come.
struct Chain {
  Bytes packet;
  u32 at = 0;  // the header that `next_header` names
  u8 next_header = 0;
  u16 next_header_at = 0;  // the field that named it
  bool first = false;      // that header follows the IPv6 header itself
  std::optional<Fragment> fragment = {};

  void step_over(u32 size) {
    next_header_at = to<u16>(at);
    next_header = packet[at];
    at += size;
    first = false;
  }
};

// §4.5. An atomic fragment, all of its datagram, is no fragment to anybody (RFC 6946 §4).
Result<void, Drop> read_fragment(Chain& chain) {
  if (chain.packet.size() - chain.at < ipv6_fragment_header_size) return failure(Drop::truncated);
  const u8* at = chain.packet.data() + chain.at;
  const u16 word = load_be16(at + 2);
  const Fragment fragment{load_be32(at + 4), word & 0xfff8u, (word & 1) != 0};
  if (fragment.more || fragment.offset != 0) chain.fragment = fragment;
  chain.step_over(ipv6_fragment_header_size);
  return {};
}

// Hop-by-hop options, destination options and routing: the second byte is their length in units of
// 8 bytes, not counting the first 8.
Result<void, Drop> read_sized(Chain& chain) {
  const Bytes rest = chain.packet.subspan(chain.at);
  if (rest.size() < 8) return failure(Drop::truncated);
  const u32 size = (rest[1] + 1u) * 8u;
  if (size > rest.size()) return failure(Drop::truncated);
  if (chain.next_header == routing) {
    // §4.4: with segments left, "the node must discard the packet" where it does not know the
    // type; type 0 is to be treated like that (RFC 5095 §3). We are nobody's waypoint.
    if (rest[3] != 0) return failure(Drop::bad_extension);
  } else if (const auto checked = check_options(rest.subspan(2, size - 2)); !checked) {
    return checked;
  }
  chain.step_over(size);
  return {};
}

// Goes on to the upper-layer header, or to behind the header of a true fragment. Fragments of
// fragments are refused: nobody makes them but to confuse.
Result<void, Drop> walk(Chain& chain, bool fragment_allowed) {
  for (u32 count = 0; is_extension(chain.next_header); ++count) {
    const bool is_fragment = chain.next_header == fragment_header;
    // §4.1: hop-by-hop options stand "immediately after the IPv6 header" only.
    if (count == extensions_max || (chain.next_header == hop_by_hop && !chain.first) ||
        (is_fragment && !fragment_allowed))
      return failure(Drop::bad_extension);
    const auto step = is_fragment ? read_fragment(chain) : read_sized(chain);
    if (!step) return step;
    if (chain.fragment) return {};
    if (is_fragment) fragment_allowed = false;
  }
  return {};
}

Result<void, Drop> check_fragment(const Chain& chain) {
  if (!is_valid(*chain.fragment, chain.packet.size() - chain.at))
    return failure(Drop::bad_fragment);
  if (chain.fragment->offset != 0) return {};
  // §4.5: "If the first fragment does not include all headers through an Upper-Layer header, then
  // that fragment should be discarded". A filter could not see what is in it (RFC 7112).
  Chain rest = chain;
  rest.fragment.reset();
  return walk(rest, false);
}

bool is_mapped(const u8* at) { return IpAddress::from_v6(at).is_v4(); }

IpHeader read_fields(const u8* at) {
  const u32 word = load_be32(at);
  return {.source = IpAddress::from_v6(at + 8),
          .destination = IpAddress::from_v6(at + 24),
          .hop_limit = at[7],
          .traffic_class = to<u8>(word >> 20),
          .flow_label = word & 0xfffff};
}

// The fixed header is there and its addresses are possible.
Result<void, Drop> check_fixed(Bytes packet) {
  if (packet.size() < ipv6_header_size) return failure(Drop::truncated);
  if (packet[0] >> 4 != 6) return failure(Drop::bad_version);
  const u8* at = packet.data();
  // RFC 4291 §2.7: groups must not be sources; §2.5.2: "::" must not be a destination. As a source
  // it asks whether an address is free (RFC 4862). Mapped addresses would pass for IPv4 here.
  const IpAddress destination = IpAddress::from_v6(at + 24);
  if (at[8] == 0xff || is_mapped(at + 8) || destination.is_v4() || destination == any_v6)
    return failure(Drop::bad_address);
  return {};
}

IpPacket make_packet(IpHeader header, const Chain& chain) {
  header.protocol = chain.next_header;
  header.fragment = chain.fragment;
  return {.header = header,
          .payload = chain.packet.subspan(chain.at),
          .header_size = to<u16>(chain.at),
          .next_header_at = chain.next_header_at};
}

Chain chain_of(Bytes packet) {
  return {.packet = packet,
          .at = ipv6_header_size,
          .next_header = packet[6],
          .next_header_at = 6,
          .first = true};
}

}  // namespace

Result<IpPacket, Drop> parse_ipv6(Bytes packet) {
  if (const auto checked = check_fixed(packet); !checked) return failure(checked.error());
  const u32 payload_length = load_be16(packet.data() + 4);
  if (payload_length > packet.size() - ipv6_header_size) return failure(Drop::truncated);
  Chain chain = chain_of(packet.first(ipv6_header_size + payload_length));
  if (is_extension(chain.next_header)) [[unlikely]] {
    auto checked = walk(chain, true);
    if (checked && chain.fragment) checked = check_fragment(chain);
    if (!checked) return failure(checked.error());
  }
  return make_packet(read_fields(packet.data()), chain);
}

Result<IpPacket, Drop> parse_quoted_ipv6(Bytes original) {
  if (const auto checked = check_fixed(original); !checked) return failure(checked.error());
  Chain chain = chain_of(original.first(std::min<std::size_t>(original.size(), 65535)));
  if (const auto walked = walk(chain, true); !walked) return failure(walked.error());
  return make_packet(read_fields(original.data()), chain);
}

Result<IpPacket, Drop> parse_reassembled_ipv6(const IpHeader& header, Bytes payload) {
  if (payload.size() > ip_datagram_size_max) return failure(Drop::bad_fragment);
  Chain chain{.packet = payload, .next_header = header.protocol};
  if (const auto walked = walk(chain, false); !walked) return failure(walked.error());
  return make_packet(header, chain);
}

u32 emit_ipv6(const IpHeader& header, u32 payload_length, MutBytes out) {
  const u32 size = ip_header_size(header);
  const u32 length = size - ipv6_header_size + payload_length;
  ASSERT(out.size() >= size && header.destination.is_v6());
  ASSERT(length <= ip_datagram_size_max && header.flow_label <= 0xfffff);
  u8* at = out.data();
  store_be32(at, 0x60000000u | to<u32>(header.traffic_class) << 20 | header.flow_label);
  store_be16(at + 4, to<u16>(length));
  at[6] = header.fragment ? fragment_header : header.protocol;
  at[7] = header.hop_limit;
  std::memcpy(at + 8, header.source.octets.data(), 16);
  std::memcpy(at + 24, header.destination.octets.data(), 16);
  if (header.fragment) {
    const Fragment& fragment = *header.fragment;
    ASSERT(fragment.offset % 8 == 0 && fragment.offset <= ip_datagram_size_max);
    at[40] = header.protocol;
    at[41] = 0;
    store_be16(at + 42, to<u16>(fragment.offset | (fragment.more ? 1u : 0u)));
    store_be32(at + 44, fragment.identification);
  }
  return size;
}

}  // namespace handfast::wire
