// Any bytes are an Ethernet frame or none; frame and ARP packet survive being written and read;
// and whatever is inside, one line can be said about it.
#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/print.hpp"

using namespace handfast;
using namespace handfast::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input{data, size};
  ASSERT(!describe_ethernet(input).empty());
  const auto frame = parse_ethernet(input);
  if (!frame) return 0;
  std::vector<u8> head(ethernet_header_size);
  emit_ethernet(frame->header, head);
  ASSERT(std::ranges::equal(head, input.first(ethernet_header_size)));
  const auto arp = parse_arp(frame->payload);
  if (!arp) return 0;
  std::vector<u8> packet(arp_size);
  emit_arp(*arp, packet);
  ASSERT(parse_arp(packet) == arp);
  ASSERT(std::ranges::equal(packet, frame->payload.first(arp_size)));
  return 0;
}
