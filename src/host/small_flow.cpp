#include "host/small_flow.hpp"

#include <cstring>

namespace handfast::host {

SmallFlow::SmallFlow(const wire::Flow& flow, const Routes& routes)
    : local_port_(flow.local.port), remote_port_(flow.remote.port) {
  if (flow.remote.address.is_v4()) {
    std::memcpy(addresses_.data(), flow.remote.address.v4_octets(), 4);
    std::memcpy(addresses_.data() + 4, flow.local.address.v4_octets(), 4);
  } else {
    addresses_ = flow.remote.address.octets;
    local_ = routes.index_of(flow.local.address);
  }
}

wire::Flow SmallFlow::whole(const Routes& routes) const {
  if (local_ == v4)
    return {{wire::IpAddress::from_v4(addresses_.data() + 4), local_port_},
            {wire::IpAddress::from_v4(addresses_.data()), remote_port_}};
  return {{routes.address_at(local_), local_port_}, {wire::IpAddress{addresses_}, remote_port_}};
}

}  // namespace handfast::host
