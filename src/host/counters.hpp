// What a host counts below TCP: packets by fate.
#pragma once

#include <array>

#include "base/types.hpp"
#include "wire/drop.hpp"

namespace handfast::host {

struct Counters {
  u64 frames_in = 0;
  u64 frames_out = 0;
  u64 bytes_in = 0;  // of frames
  u64 bytes_out = 0;
  u64 echo_replies = 0;
  u64 icmp_errors_in = 0;
  u64 icmp_errors_out = 0;
  u64 fragments_in = 0;
  u64 datagrams_reassembled = 0;
  u64 udp_in = 0;
  u64 udp_out = 0;
  u64 resets_to_nobody = 0;  // RST in answer to a segment without connection
  std::array<u64, to<u8>(wire::Drop::count_)> drops{};  // by reason
};

}  // namespace handfast::host
