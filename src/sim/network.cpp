#include "sim/network.hpp"

#include "wire/ethernet.hpp"

namespace handfast::sim {

void Switch::on_frame(u16 port, const link::Received& frame, Instant now) {
  const auto parsed = wire::parse_ethernet(frame.frame);
  if (!parsed) return;
  const wire::EthernetHeader& header = parsed->header;
  if (!header.source.is_group()) learned_[header.source] = port;
  const auto known = learned_.find(header.destination);
  if (known != learned_.end()) {
    if (known->second != port) ports_[known->second]->impairment().on_frame(frame, now);
    return;
  }
  for (u16 to = 0; to < port_count(); ++to)
    if (to != port) ports_[to]->impairment().on_frame(frame, now);
}

}  // namespace handfast::sim
