// Packets are values. This writes a TCP SYN as it goes over the wire, reads it back, and shows that
// one flipped bit does not pass.
#include <array>

#include <fmt/format.h>

#include <handfast/wire/ip.hpp>
#include <handfast/wire/print.hpp>
#include <handfast/wire/tcp.hpp>

namespace wire = handfast::wire;
using handfast::Bytes;
using handfast::MutBytes;

int main() {
  const auto here = wire::IpAddress::v4(192, 0, 2, 1);
  const auto there = wire::IpAddress::v4(192, 0, 2, 2);

  wire::TcpHeader syn{.source_port = 40000,
                      .destination_port = 80,
                      .sequence = 1000,
                      .flags = wire::TcpFlags::syn,
                      .window = 65535};
  syn.options.mss = 1460;
  syn.options.sack_permitted = true;

  std::array<handfast::u8, 128> buffer{};
  const auto tcp_size = wire::tcp_header_size_of(syn);
  const wire::IpHeader ip{.source = here, .destination = there, .protocol = wire::protocol_tcp};
  const auto ip_size = wire::emit_ip(ip, tcp_size, buffer);
  wire::emit_tcp(syn, {}, here, there, MutBytes(buffer).subspan(ip_size));
  const Bytes packet = Bytes(buffer).first(ip_size + tcp_size);
  fmt::print("{}\n", wire::describe_ip(packet));

  const auto read = wire::parse_ip(packet);
  if (!read) return 1;
  const auto segment = wire::parse_tcp(read->payload, here, there);
  if (!segment || segment->header.sequence != 1000 || segment->header.options.mss != 1460) return 1;

  buffer[ip_size + 4] ^= 1;  // the sequence number
  const auto broken = wire::parse_tcp(read->payload, here, there);
  if (broken || broken.error() != wire::Drop::bad_checksum) return 1;
  fmt::print("with one bit flipped: {}\n", wire::to_string(broken.error()));
}
