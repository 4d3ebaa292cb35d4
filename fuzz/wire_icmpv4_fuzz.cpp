// Any bytes are an ICMP message or none, and what was kept of one survives being written and read.
// The first byte says whether a wrong checksum is put right first.
#include <vector>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire_icmp_messages.hpp"

using namespace handfast;
using namespace handfast::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::vector<u8> input(data + 1, data + size);
  if ((data[0] & 1) == 0 && input.size() >= 4) {
    store_be16(&input[2], 0);
    store_be16(&input[2], checksum(input));
  }
  const auto message = parse_icmpv4(input);
  if (!message) return 0;
  std::vector<u8> bytes(input.size());
  bytes.resize(emit_icmpv4(*message, bytes));
  const auto again = parse_icmpv4(bytes);
  ASSERT(again && same(*again, *message));
  return 0;
}
