// Any bytes are an IPv4 packet or none, and what was kept of one survives being written and read.
// The first byte says whether a wrong checksum is put right first.
#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/ip.hpp"

namespace {

using namespace handfast;
using namespace handfast::wire;

void seal(MutBytes bytes) {
  if (bytes.size() < ipv4_header_size) return;
  store_be16(&bytes[10], 0);
  const std::size_t size = std::min<std::size_t>((bytes[0] & 0xfu) * 4u, bytes.size());
  store_be16(&bytes[10], checksum(bytes.first(size)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::vector<u8> input(data + 1, data + size);
  const auto quoted = parse_quoted(input);
  if ((data[0] & 1) == 0) seal(input);
  const auto packet = parse_ipv4(input);
  if (!packet) return 0;
  ASSERT(quoted && quoted->header == packet->header);
  std::vector<u8> bytes(ip_header_size(packet->header));
  emit_ip(packet->header, to<u32>(packet->payload.size()), bytes);
  bytes.insert(bytes.end(), packet->payload.begin(), packet->payload.end());
  const auto again = parse_ip(bytes);
  ASSERT(again && again->header == packet->header);
  ASSERT(std::ranges::equal(again->payload, packet->payload));
  ASSERT(parse_reassembled(packet->header, packet->payload));
  return 0;
}
