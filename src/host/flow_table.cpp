#include "host/flow_table.hpp"

#include <array>
#include <cstring>

#include "base/byte_order.hpp"

namespace handfast::host {

u32 FlowTable::fresh_hash(const wire::Flow& flow) const {
  std::array<u8, 36> message{};
  // Of an IPv4 address only what varies: two words to hash instead of five.
  const bool v4 = flow.local.address.is_v4();
  const u32 skip = v4 ? 12 : 0;
  const u32 length = 16 - skip;
  std::memcpy(message.data() + 4, flow.local.address.octets.data() + skip, length);
  std::memcpy(message.data() + 4 + length, flow.remote.address.octets.data() + skip, length);
  store_be16(message.data(), flow.local.port);
  store_be16(message.data() + 2, flow.remote.port);
  return to<u32>(siphash_for_table(key_, Bytes(message).first(4 + 2 * std::size_t{length})));
}

}  // namespace handfast::host
