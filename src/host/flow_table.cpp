#include "host/flow_table.hpp"

#include <array>
#include <cstring>

#include "base/byte_order.hpp"

namespace handfast::host {

u32 FlowTable::fresh_hash(const wire::Flow& flow) const {
  const u32 ports = u32{flow.local.port} << 16 | flow.remote.port;
  if (flow.local.address.is_v4()) {
    // Of an IPv4 address only what varies.
    const u64 local = load_be32(flow.local.address.v4_octets());
    return to<u32>(
        siphash_for_table(key_, local << 32 | load_be32(flow.remote.address.v4_octets()), ports));
  }
  std::array<u8, 36> message{};
  store_be32(message.data(), ports);
  std::memcpy(message.data() + 4, flow.local.address.octets.data(), 16);
  std::memcpy(message.data() + 20, flow.remote.address.octets.data(), 16);
  return to<u32>(siphash_for_table(key_, message));
}

}  // namespace handfast::host
