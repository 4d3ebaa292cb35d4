// One line for one packet, as people write them.
#pragma once

#include <string>

#include "base/types.hpp"
#include "wire/tcp.hpp"

namespace handfast::wire {

/// A frame or packet of any content in one line; what cannot be read says why. Never fails.
std::string describe_ethernet(Bytes frame);
std::string describe_ip(Bytes packet);
/// "<mss 1460,sackOK,TS val 1 ecr 0,wscale 7>", or "" without options.
std::string describe_options(const TcpOptions& options);

}  // namespace handfast::wire
