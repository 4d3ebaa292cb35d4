// Any bytes are an IPv6 packet or none, and what was kept of one survives being written and read.
#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "wire/ip.hpp"

using namespace handfast;
using namespace handfast::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input{data, size};
  if (const auto quoted = parse_quoted(input)) ASSERT(quoted->payload.size() <= size);
  const auto packet = parse_ipv6(input);
  if (!packet) return 0;
  ASSERT(packet->next_header_at < packet->header_size);
  ASSERT(packet->header_size + packet->payload.size() <= size);
  if (packet->header.fragment) {
    const auto whole = parse_reassembled(packet->header, packet->payload);
    // A first fragment holds all headers, so that its datagram can be read too.
    ASSERT(whole || packet->header.fragment->offset != 0);
  }
  std::vector<u8> bytes(ip_header_size(packet->header));
  emit_ip(packet->header, to<u32>(packet->payload.size()), bytes);
  bytes.insert(bytes.end(), packet->payload.begin(), packet->payload.end());
  const auto again = parse_ip(bytes);
  ASSERT(again && again->header == packet->header);
  ASSERT(std::ranges::equal(again->payload, packet->payload));
  return 0;
}
