#include "link/targeted_loss.hpp"

#include "wire/ethernet.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace handfast::link {

bool matches(const TargetedLoss& target, trace::LinkType link_type, Bytes frame) {
  if (link_type == trace::LinkType::ethernet) {
    const auto ethernet = wire::parse_ethernet(frame);
    if (!ethernet) return false;
    frame = ethernet->payload;
  }
  const auto packet = wire::parse_ip(frame);
  if (!packet || packet->header.protocol != wire::protocol_tcp) return false;
  const auto& fragment = packet->header.fragment;
  if (fragment && fragment->offset != 0) return false;
  const bool checksum_known_good = true;
  const auto segment = wire::parse_tcp(packet->payload, packet->header.source,
                                       packet->header.destination, checksum_known_good);
  if (!segment) return false;
  return (segment->header.flags & target.flags_mask) == target.flags_value &&
         segment->payload.size() >= target.payload_min &&
         segment->payload.size() <= target.payload_max;
}

}  // namespace handfast::link
