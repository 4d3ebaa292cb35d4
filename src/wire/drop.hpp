// Every reason for which a packet ends here, as one list: what the counters count, what the traces
// name and what a person reads.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/types.hpp"

namespace handfast::wire {

enum class Drop : u8 {
  // The bytes are no packet.
  truncated,          // shorter than its own header says
  bad_version,        // the IP version is neither 4 nor 6, or not the one expected
  bad_header_length,  // a header length below the minimum or beyond the packet
  bad_total_length,   // a length field that contradicts the bytes that came
  bad_checksum,       // IPv4 header, ICMP, UDP or TCP
  bad_option,         // an option whose length contradicts the header
  bad_extension,      // an IPv6 extension header out of place, too long or too many
  bad_address,        // one that nobody may have there, such as a multicast source
  bad_port,           // port 0
  bad_type,           // a hardware, protocol or message type of no use here
  bad_hop_limit,      // neighbour discovery with a hop limit other than 255 (RFC 4861 §6.1)
  bad_fragment,       // overlaps, a length that is no multiple of 8, or beyond 65535
  // The packet is fine, and not for us.
  not_for_us,        // link-layer or IP destination of somebody else
  unknown_protocol,  // an IP protocol or ether type that nobody here speaks
  no_socket,         // no socket at that port
  no_route,          // nothing is known of the way there
  // We cannot take it now.
  fragment_overload,   // the reassembly budget is used up (RFC 8900, RFC 815)
  fragment_timeout,    // the rest of the datagram never came (RFC 1122 §3.3.2)
  neighbour_overload,  // too many packets wait for one address to be resolved
  neighbour_timeout,   // the next hop does not answer ARP or neighbour solicitations
  queue_full,          // a receive queue is full
  // TCP, RFC 9293 §3.10.7.
  outside_window,     // first check: sequence number not acceptable
  old_timestamp,      // PAWS, RFC 7323 §5
  bad_rst,            // RST in the window but not at its left edge (RFC 5961 §3)
  unexpected_syn,     // SYN in a synchronized state (RFC 5961 §4)
  bad_ack,            // acknowledges what was never sent, or is too old (RFC 5961 §5)
  no_ack,             // a segment without ACK where one is due
  connection_closed,  // nobody's connection (RFC 9293 §3.10.7.1)
  syn_queue_full,     // more half-open connections than the listener allows
  accept_queue_full,  // more finished handshakes than the application takes
  data_after_close,   // data for an application that closed (RFC 9293 §3.10.7.4 seventh)
  reassembly_full,    // out of order, and no budget left to keep it
  // Link.
  impaired,  // the impaired link lost it on purpose
  count_
};

/// One phrase for people, such as "checksum does not match".
std::string_view to_string(Drop reason);

}  // namespace handfast::wire
