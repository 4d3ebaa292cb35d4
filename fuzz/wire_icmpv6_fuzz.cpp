// Any bytes are an ICMPv6 message or none, and what was kept of one survives being written and
// read. The first byte says from whom and to whom it goes, and whether a wrong checksum is put
// right first.
#include <vector>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/ip.hpp"
#include "wire_icmp_messages.hpp"

namespace {

using namespace handfast;
using namespace handfast::wire;

constexpr IpAddress sources[] = {
    {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    any_v6,
};
constexpr IpAddress destinations[] = {
    {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}},
    {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 2}},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const IpAddress& source = sources[(data[0] >> 2) % 3];
  const IpAddress& destination = destinations[(data[0] >> 1) & 1];
  const u8 hop_limit = (data[0] & 0x80) != 0 ? 64 : 255;
  std::vector<u8> input(data + 1, data + size);
  if ((data[0] & 1) == 0 && input.size() >= 4) {
    store_be16(&input[2], 0);
    Checksum sum;
    sum.add_pseudo_header(source, destination, protocol_icmpv6, to<u32>(input.size()));
    store_be16(&input[2], sum.add(input).finish());
  }
  const auto message = parse_icmpv6(input, source, destination, hop_limit);
  if (!message) return 0;
  std::vector<u8> bytes(input.size());
  bytes.resize(emit_icmpv6(*message, source, destination, bytes));
  const auto again = parse_icmpv6(bytes, source, destination, hop_limit);
  ASSERT(again && same(*again, *message));
  return 0;
}
