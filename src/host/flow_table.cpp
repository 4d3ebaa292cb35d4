#include "host/flow_table.hpp"

namespace handfast::host {

FlowTable::FlowTable(const SipKey& key) {
  u8 number = 0;
  for (u64& k : keys_) {
    k = siphash(key, {&number, 1});
    ++number;
  }
}

}  // namespace handfast::host
