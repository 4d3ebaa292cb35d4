// Any bytes are a UDP datagram or none, and one survives being written and read. The first byte
// says whether addresses are IPv4 and whether a wrong checksum is put right first.
#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/ip.hpp"
#include "wire/udp.hpp"

namespace {

using namespace handfast;
using namespace handfast::wire;

constexpr IpAddress here4 = IpAddress::v4(192, 0, 2, 1);
constexpr IpAddress there4 = IpAddress::v4(192, 0, 2, 2);
constexpr IpAddress here6{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
constexpr IpAddress there6{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

void seal(MutBytes bytes, const IpAddress& source, const IpAddress& destination) {
  if (bytes.size() < udp_header_size) return;
  const std::size_t length = std::min<std::size_t>(load_be16(&bytes[4]), bytes.size());
  store_be16(&bytes[6], 0);
  Checksum sum;
  sum.add_pseudo_header(source, destination, protocol_udp, to<u32>(length));
  const u16 field = sum.add(bytes.first(length)).finish();
  store_be16(&bytes[6], field == 0 ? u16{0xffff} : field);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool v4 = (data[0] & 1) != 0;
  const IpAddress& source = v4 ? here4 : here6;
  const IpAddress& destination = v4 ? there4 : there6;
  std::vector<u8> input(data + 1, data + size);
  if ((data[0] & 2) == 0) seal(input, source, destination);
  const auto datagram = parse_udp(input, source, destination);
  if (!datagram) return 0;
  std::vector<u8> bytes(udp_header_size);
  emit_udp(datagram->header, datagram->payload, source, destination, bytes);
  bytes.insert(bytes.end(), datagram->payload.begin(), datagram->payload.end());
  const auto again = parse_udp(bytes, source, destination);
  ASSERT(again && again->header == datagram->header);
  ASSERT(std::ranges::equal(again->payload, datagram->payload));
  return 0;
}
