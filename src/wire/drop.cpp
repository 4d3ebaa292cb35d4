#include "wire/drop.hpp"

namespace handfast::wire {

std::string_view to_string(Drop reason) {
  switch (reason) {
    case Drop::truncated: return "shorter than its own header says";
    case Drop::bad_version: return "not the IP version expected";
    case Drop::bad_header_length: return "impossible header length";
    case Drop::bad_total_length: return "impossible length field";
    case Drop::bad_checksum: return "checksum does not match";
    case Drop::bad_option: return "malformed option";
    case Drop::bad_extension: return "extension header out of place";
    case Drop::bad_address: return "an address that nobody may have there";
    case Drop::bad_port: return "port 0";
    case Drop::bad_type: return "a type of no use here";
    case Drop::bad_hop_limit: return "hop limit is not 255";
    case Drop::bad_fragment: return "malformed fragment";
    case Drop::not_for_us: return "addressed to somebody else";
    case Drop::unknown_protocol: return "a protocol that nobody here speaks";
    case Drop::no_socket: return "no socket at that port";
    case Drop::no_route: return "no route to the destination";
    case Drop::fragment_overload: return "reassembly budget used up";
    case Drop::fragment_timeout: return "the other fragments never came";
    case Drop::neighbour_overload: return "too many packets wait for that neighbour";
    case Drop::neighbour_timeout: return "the neighbour does not answer";
    case Drop::queue_full: return "receive queue full";
    case Drop::outside_window: return "sequence number outside the window";
    case Drop::old_timestamp: return "timestamp older than the last one";
    case Drop::bad_rst: return "RST not at the left edge of the window";
    case Drop::unexpected_syn: return "SYN on an open connection";
    case Drop::bad_ack: return "acknowledges what was never sent";
    case Drop::no_ack: return "no ACK where one is due";
    case Drop::connection_closed: return "no such connection";
    case Drop::syn_queue_full: return "SYN queue full";
    case Drop::accept_queue_full: return "accept queue full";
    case Drop::data_after_close: return "data after the application closed";
    case Drop::reassembly_full: return "no room to keep data that came out of order";
    case Drop::impaired: return "lost on purpose by an impaired link";
    case Drop::count_: break;
  }
  return "unknown reason";
}

}  // namespace handfast::wire
