// Where any bytes are a plain segment, the long way reads the same from them. The first byte says
// whether a wrong checksum of IPv4 is put right first.
#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/ip.hpp"
#include "wire/plain_segment.hpp"

using namespace handfast;
using namespace handfast::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::vector<u8> input(data + 1, data + size);
  if ((data[0] & 1) == 0 && input.size() >= ipv4_header_size && input[0] == 0x45) {
    store_be16(&input[10], 0);
    store_be16(&input[10], checksum(Bytes(input).first(ipv4_header_size)));
  }
  PlainSegment plain;
  if (!plain.parse(input)) return 0;
  const auto ip = parse_ip(input);
  if (!ip) {
    ASSERT(ip.error() == Drop::bad_address);  // no connection has such a peer
    return 0;
  }
  const IpHeader& header = ip->header;
  const auto tcp = parse_tcp(ip->payload, header.source, header.destination, true);
  ASSERT(tcp && tcp->header == plain.segment.header);
  ASSERT(std::ranges::equal(tcp->payload, plain.segment.payload));
  ASSERT(plain.flow.remote == (Endpoint{header.source, tcp->header.source_port}));
  ASSERT(plain.flow.local == (Endpoint{header.destination, tcp->header.destination_port}));
  ASSERT(plain.ecn == header.ecn());
  const bool good = parse_tcp(ip->payload, header.source, header.destination).has_value();
  ASSERT((Checksum(plain.sum).add(plain.segment.payload).sum() == 0xffff) == good);
  return 0;
}
