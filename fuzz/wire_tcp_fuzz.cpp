// Any bytes are a TCP segment or none, and what was kept of one survives being written and read.
// The first byte says whether addresses are IPv4 and whether the checksum counts.
#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "wire/tcp.hpp"

namespace {

using namespace handfast;
using namespace handfast::wire;

constexpr IpAddress here4 = IpAddress::v4(192, 0, 2, 1);
constexpr IpAddress there4 = IpAddress::v4(192, 0, 2, 2);
constexpr IpAddress here6{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
constexpr IpAddress there6{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

void check(const TcpSegment& segment, const IpAddress& source, const IpAddress& destination) {
  TcpHeader header = segment.header;
  header.options.raw = {};
  std::vector<u8> bytes(tcp_header_size_of(header));
  const u32 size = emit_tcp(header, {segment.payload, {}}, source, destination, bytes);
  ASSERT(size == bytes.size());
  bytes.insert(bytes.end(), segment.payload.begin(), segment.payload.end());
  const auto again = parse_tcp(bytes, source, destination);
  ASSERT(again);
  // Options that came tightly packed may need more room aligned: then SACK blocks go first.
  ASSERT(again->header.options.sack_count <= header.options.sack_count);
  header.options.sack_count = again->header.options.sack_count;
  ASSERT(again->header == header);
  ASSERT(std::ranges::equal(again->payload, segment.payload));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool v4 = (data[0] & 1) != 0;
  const bool checksum_known_good = (data[0] & 2) == 0;
  const IpAddress& source = v4 ? here4 : here6;
  const IpAddress& destination = v4 ? there4 : there6;
  const auto segment = parse_tcp({data + 1, size - 1}, source, destination, checksum_known_good);
  if (segment) check(*segment, source, destination);
  return 0;
}
