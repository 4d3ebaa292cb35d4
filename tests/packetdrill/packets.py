"""IPv4, IPv6, TCP, UDP and ICMP as the scripts need them: values to bytes and back.

Everything that the stack sends is parsed here with all its checksums verified, so that no script
has to. Sequence numbers, ports and timestamps are the ones on the wire.
"""

import struct
from dataclasses import dataclass, field, replace

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
# RFC 9293 §3.1, RFC 3168 §6.1, RFC 9768 §3: the flags' letters, lowest bit first.
FLAGS = "FSRP.UEWA"


class BadPacket(Exception):
    """What is wrong with a packet that the stack sent."""


@dataclass(frozen=True)
class Packet:
    source: bytes
    target: bytes
    protocol: int
    source_port: int = 0
    target_port: int = 0
    seq: int = 0
    ack: int = 0
    flags: frozenset = frozenset()
    window: int = 0
    urgent: int = 0
    options: tuple = ()
    payload: bytes = b""
    ecn: int = 0
    ttl: int = 64
    icmp: tuple = field(default=())  # type, code, the word behind the checksum

    def end(self):
        return (self.seq + len(self.payload)) & 0xffffffff

    def joined(self, after):
        """This and the segment right behind it as one."""
        return replace(self, payload=self.payload + after.payload, flags=after.flags,
                       window=after.window)


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo_header(source, target, protocol, length):
    if len(source) == 4:
        return source + target + struct.pack("!BBH", 0, protocol, length)
    return source + target + struct.pack("!II", length, protocol)


# Options are tuples: ("mss", 1460), ("nop",), ("wscale", 7), ("sackOK",), ("TS", value, echo),
# ("sack", (left, right), …), ("FO", cookie), ("eol",), ("kind", number, bytes).

def emit_option(option):
    name, *values = option
    match name:
        case "eol":
            return b"\0"
        case "nop":
            return b"\1"
        case "mss":
            return struct.pack("!BBH", 2, 4, values[0])
        case "wscale":
            return struct.pack("!BBB", 3, 3, values[0])
        case "sackOK":
            return b"\4\2"
        case "sack":
            edges = b"".join(struct.pack("!II", *block) for block in values)
            return struct.pack("!BB", 5, 2 + len(edges)) + edges
        case "TS":
            return struct.pack("!BBII", 8, 10, *values)
        case "FO":
            return struct.pack("!BB", 34, 2 + len(values[0])) + values[0]
    return struct.pack("!BB", values[0], 2 + len(values[1])) + values[1]


def parse_option(kind, body):
    lengths = {2: 2, 3: 1, 4: 0, 8: 8}
    if kind in lengths and len(body) != lengths[kind]:
        raise BadPacket(f"option {kind} has {len(body)} bytes")
    match kind:
        case 2:
            return ("mss", struct.unpack("!H", body)[0])
        case 3:
            return ("wscale", body[0])
        case 4:
            return ("sackOK",)
        case 5:
            if len(body) % 8:
                raise BadPacket(f"SACK blocks of {len(body)} bytes")
            return ("sack", *struct.iter_unpack("!II", body))
        case 8:
            return ("TS", *struct.unpack("!II", body))
        case 34:
            return ("FO", body)
    return ("kind", kind, body)


def parse_options(data):
    found = []
    while data:
        if data[0] < 2:
            found.append(("eol",) if data[0] == 0 else ("nop",))
            data = data[1:]
        elif len(data) < 2 or data[1] < 2 or data[1] > len(data):
            raise BadPacket("an option runs over the header's end")
        else:
            found.append(parse_option(data[0], data[2:data[1]]))
            data = data[data[1]:]
    return tuple(found)


def emit_tcp(packet):
    options = b"".join(map(emit_option, packet.options))
    options += b"\0" * (-len(options) % 4)
    bits = sum(1 << FLAGS.index(flag) for flag in packet.flags)
    return struct.pack("!HHIIHHHH", packet.source_port, packet.target_port, packet.seq, packet.ack,
                       (5 + len(options) // 4) << 12 | bits, packet.window, 0,
                       packet.urgent) + options + packet.payload, 16


def emit(packet):
    """The bytes of a packet, with its checksums."""
    if packet.protocol == TCP:
        body, at = emit_tcp(packet)
    elif packet.protocol == UDP:
        body, at = struct.pack("!HHHH", packet.source_port, packet.target_port,
                               8 + len(packet.payload), 0) + packet.payload, 6
    else:
        body, at = struct.pack("!BBHI", packet.icmp[0], packet.icmp[1], 0,
                               packet.icmp[2]) + packet.payload, 2
    covered = body
    if packet.protocol != ICMP:
        covered = pseudo_header(packet.source, packet.target, packet.protocol, len(body)) + body
    body = body[:at] + struct.pack("!H", checksum(covered)) + body[at + 2:]
    if len(packet.source) == 16:
        return struct.pack("!IHBB", 6 << 28 | packet.ecn << 20, len(body), packet.protocol,
                           packet.ttl) + packet.source + packet.target + body
    header = struct.pack("!BBHHHBBH4s4s", 0x45, packet.ecn, 20 + len(body), 1, 0x4000, packet.ttl,
                         packet.protocol, 0, packet.source, packet.target)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body


def parse(data):
    """The packet in `data`; BadPacket where anything about it is wrong."""
    version = data[0] >> 4 if data else 0
    if version == 4 and len(data) >= 20:
        header = (data[0] & 15) * 4
        length = struct.unpack_from("!H", data, 2)[0]
        protocol, source, target, body = data[9], data[12:16], data[16:20], data[header:]
        ecn, ttl = data[1] & 3, data[8]
        if checksum(data[:header]) != 0:
            raise BadPacket("the IPv4 header's checksum is wrong")
    elif version == 6 and len(data) >= 40:
        length = 40 + struct.unpack_from("!H", data, 4)[0]
        protocol, source, target, body = data[6], data[8:24], data[24:40], data[40:]
        ecn, ttl = data[1] >> 4 & 3, data[7]
    else:
        raise BadPacket(f"not an IP packet: {data[:40].hex()}")
    if length != len(data):
        raise BadPacket(f"the IP header says {length} bytes, and there are {len(data)}")
    covered = body
    if protocol != ICMP:
        covered = pseudo_header(source, target, protocol, len(body)) + body
    if protocol in (TCP, UDP, ICMP, ICMP6) and checksum(covered) != 0:
        raise BadPacket(f"the checksum is wrong (protocol {protocol})")
    packet = Packet(source, target, protocol, ecn=ecn, ttl=ttl)
    if protocol == TCP:
        return parse_tcp(packet, body)
    if protocol == UDP and len(body) >= 8:
        ports = struct.unpack_from("!HH", body)
        return replace(packet, source_port=ports[0], target_port=ports[1], payload=body[8:])
    if protocol in (ICMP, ICMP6) and len(body) >= 8:
        return replace(packet, payload=body[8:],
                       icmp=(body[0], body[1], struct.unpack_from("!I", body, 4)[0]))
    raise BadPacket(f"nothing that a script knows: protocol {protocol}, {len(body)} bytes")


def parse_tcp(packet, body):
    if len(body) < 20:
        raise BadPacket("a TCP header of less than 20 bytes")
    ports_and_numbers = struct.unpack_from("!HHIIHHHH", body)
    source, target, seq, ack, bits, window, _, urgent = ports_and_numbers
    header = (bits >> 12) * 4
    if header < 20 or header > len(body):
        raise BadPacket(f"a TCP header of {header} bytes")
    flags = frozenset(letter for bit, letter in enumerate(FLAGS) if bits >> bit & 1)
    return replace(packet, source_port=source, target_port=target, seq=seq, ack=ack, flags=flags,
                   window=window, urgent=urgent, options=parse_options(body[20:header]),
                   payload=body[header:])


# Text for people.

def flags_text(flags):
    return "".join(letter for letter in "FSRPEWAU." if letter in flags) or "-"


def option_text(option):
    name, *values = option
    match name:
        case "TS":
            return f"TS val {values[0]} ecr {values[1]}"
        case "sack":
            return "sack " + " ".join(f"{left}:{right}" for left, right in values)
        case "FO":
            return f"FO {values[0].hex()}".strip()
        case "kind":
            return f"kind {values[0]} {values[1].hex()}"
    return " ".join(map(str, option))
