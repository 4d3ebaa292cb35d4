"""The scripts' language: text to events. README.md has the grammar in a page."""

import errno
import re
import select
import socket
from dataclasses import dataclass, field

ANY = ...  # `...` in a script: whatever

# Names of Linux that Python's modules lack.
NAMES = {
    "SOL_TCP": 6, "SOL_UDP": 17, "TCP_MAXSEG": 2, "TCP_SYNCNT": 7, "TCP_LINGER2": 8,
    "TCP_DEFER_ACCEPT": 9, "TCP_WINDOW_CLAMP": 10, "TCP_INFO": 11, "TCP_QUICKACK": 12,
    "TCP_CONGESTION": 13, "TCP_USER_TIMEOUT": 18, "TCP_FASTOPEN": 23, "TCP_NOTSENT_LOWAT": 25,
    "TCP_FASTOPEN_CONNECT": 30, "TCP_INQ": 36, "IPV6_RECVERR": 25, "IP_RECVERR": 11,
    "MSG_FASTOPEN": 0x20000000, "MSG_ZEROCOPY": 0x4000000, "SO_ZEROCOPY": 60,
    "F_GETFL": 3, "F_SETFL": 4, "O_RDONLY": 0, "O_RDWR": 2, "O_NONBLOCK": 0o4000,
    "SIOCINQ": 0x541b, "SIOCOUTQ": 0x5411, "SIOCOUTQNSD": 0x894b, "FIONREAD": 0x541b,
    "SPLICE_F_NONBLOCK": 2, "SPLICE_F_MORE": 4, "POLLRDHUP": 0x2000, "EPOLLRDHUP": 0x2000,
    "EPOLL_CTL_ADD": 1, "EPOLL_CTL_DEL": 2, "EPOLL_CTL_MOD": 3, "NULL": None,
    "TCP_ESTABLISHED": 1, "TCP_SYN_SENT": 2, "TCP_SYN_RECV": 3, "TCP_FIN_WAIT1": 4,
    "TCP_FIN_WAIT2": 5, "TCP_TIME_WAIT": 6, "TCP_CLOSE": 7, "TCP_CLOSE_WAIT": 8, "TCP_LAST_ACK": 9,
    "TCP_LISTEN": 10, "TCP_CLOSING": 11, "TCP_CA_Open": 0, "TCP_CA_Disorder": 1,
    "TCP_CA_CWR": 2, "TCP_CA_Recovery": 3, "TCP_CA_Loss": 4,
}
SETTINGS = {"families": "ipv4", "flags": "", "tolerance": "2ms", "sysctl": "", "known": ""}
PLACES = ("local", "remote", "any")


class ScriptError(Exception):
    """A script that cannot be understood."""


@dataclass(frozen=True)
class Address:
    """`local:8080`: of the stack; `remote:8080`: of the peer; `any:8080`: no address."""
    place: str
    port: int


@dataclass
class Segment:
    """A packet line. Numbers are the script's own: relative, and None where not said."""
    flow: str
    outbound: bool
    kind: str  # tcp, udp, icmp
    flags: frozenset = frozenset()
    start: int = 0
    length: int = 0
    ack: int | None = None
    window: int | None = None
    urgent: int | None = None
    options: tuple | None = ()  # None: any
    ecn: int | None = None
    icmp: tuple = ()  # name, mtu


@dataclass
class Call:
    name: str
    arguments: list
    result: object
    error: int | None = None


@dataclass
class Event:
    line: int
    text: str
    kind: str  # call, packet, check, quiet
    what: object
    time: float | None = None  # None: any
    relative: bool = True
    end: float | None = None  # of a call that blocks


@dataclass
class Script:
    settings: dict = field(default_factory=lambda: dict(SETTINGS))
    events: list = field(default_factory=list)


def constant(name):
    if name in NAMES:
        return NAMES[name]
    for module in (socket, select, errno):
        if hasattr(module, name):
            return int(getattr(module, name))
    raise ScriptError(f"nobody knows the name {name}")


TOKEN = re.compile(r'\s*(?:(?P<any>\.\.\.)|(?P<address>[a-z]+:\d+)|(?P<number>-?0x[0-9a-f]+|-?\d+)|'
                   r'(?P<name>[A-Za-z_]\w*)|"(?P<text>[^"]*)"|(?P<mark>[][{}()=,|]))')


class Expression:
    """A reader of what stands between the parentheses of a call."""

    def __init__(self, text):
        self.tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise ScriptError(f"what is {text[at:]!r}?")
            kind = match.lastgroup
            self.tokens.append((kind, match[kind]))
            at = match.end()
        self.tokens.append(("end", ""))

    def peek(self):
        return self.tokens[0]

    def take(self, mark=None):
        kind, text = self.tokens.pop(0)
        if mark is not None and (kind, text) != ("mark", mark):
            raise ScriptError(f"{mark!r} is missing before {text!r}")
        return kind, text

    def listing(self, end):
        """Values up to the mark `end`."""
        values = []
        while self.peek() != ("mark", end):
            values.append(self.value())
            if self.peek() != ("mark", end):
                self.take(",")
        self.take(end)
        return values

    def value(self):
        value = self.term()
        while self.peek() == ("mark", "|"):
            self.take()
            value |= self.term()
        return value

    def term(self):
        kind, text = self.take()
        match kind, text:
            case "any", _:
                return ANY
            case "number", _:
                return int(text, 0)
            case "text", _:
                return text.encode()
            case "name", _:
                return constant(text)
            case "address", _:
                place, port = text.split(":")
                if place not in PLACES:
                    raise ScriptError(f"an address is one of {PLACES}, not {place}")
                return Address(place, int(port))
            case "mark", "[":
                return self.listing("]")
            case "mark", "{":
                return self.record()
        raise ScriptError(f"a value is missing before {text!r}")

    def record(self):
        fields = {}
        while self.peek() != ("mark", "}"):
            name = self.take()[1]
            self.take("=")
            fields[name] = self.value()
            if self.peek() != ("mark", "}"):
                self.take(",")
        self.take("}")
        return fields


def parse_call(text):
    match = re.fullmatch(r"(\w+)\((.*)\)\s*=\s*(.+)", text)
    if match is None:
        raise ScriptError("a call is `name(arguments) = result`")
    reader = Expression(match[2] + ")")
    arguments = reader.listing(")")
    result = re.sub(r"\(.*\)$", "", match[3]).strip()  # the error's text is for people
    failed = re.fullmatch(r"-1\s+(E\w+)", result)
    if failed:
        return Call(match[1], arguments, -1, constant(failed[1]))
    return Call(match[1], arguments, Expression(result).value())


def parse_sack(words):
    return ("sack", *(tuple(map(int, word.split(":"))) for word in words))


def parse_options(text):
    """The options between < and >; None for <...>."""
    if text.strip() == "...":
        return None
    options = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, *words = part.split()
        match name:
            case "nop" | "eol" | "sackOK":
                options.append((name,))
            case "mss" | "wscale":
                options.append((name, ANY if words[0] == "*" else int(words[0])))
            case "TS":
                value, echo = words[1], words[3]
                options.append(("TS", *(ANY if w == "*" else int(w) for w in (value, echo))))
            case "sack":
                options.append(parse_sack(words))
            case "FO":
                options.append(("FO", bytes.fromhex(words[0]) if words else b""))
            case "kind":
                options.append(("kind", int(words[0]), bytes.fromhex("".join(words[1:]))))
            case _:
                raise ScriptError(f"nobody knows the option {name}")
    return tuple(options)


ECN = {"noecn": 0, "ect1": 1, "ect0": 2, "ce": 3}
TCP_LINE = re.compile(r"(?P<flags>[FSRPpUEWA.]+|-)\s+(?P<start>\d+):(?P<end>\d+)\((?P<length>\d+)\)"
                      r"(?:\s+ack\s+(?P<ack>\d+))?(?:\s+win\s+(?P<win>\d+))?"
                      r"(?:\s+urg\s+(?P<urg>\d+))?\s*(?:<(?P<options>[^>]*)>)?")
UDP_LINE = re.compile(r"udp\s*\((\d+)\)")
ICMP_LINE = re.compile(r"icmp\s+(\w+)(?:\s+mtu\s+(\d+))?(?:\s+\[(\d+):(\d+)\((\d+)\)\])?")


def parse_packet(flow, arrow, text):
    segment = Segment(flow, arrow == ">", "tcp")
    ecn = re.match(r"\[(\w+)\]\s*", text)
    if ecn:
        segment.ecn = ECN[ecn[1]]
        text = text[ecn.end():]
    if match := UDP_LINE.fullmatch(text):
        segment.kind, segment.length = "udp", int(match[1])
        return segment
    if match := ICMP_LINE.fullmatch(text):
        segment.kind, segment.icmp = "icmp", (match[1], int(match[2] or 0))
        segment.start, segment.length = int(match[3] or 0), int(match[5] or 0)
        return segment
    match = TCP_LINE.fullmatch(text)
    if match is None:
        raise ScriptError("a segment is `FLAGS start:end(length) ack N win N urg N <options>`")
    segment.flags = frozenset(match["flags"].replace("-", ""))
    segment.start, segment.length = int(match["start"]), int(match["length"])
    if int(match["end"]) != segment.start + segment.length:
        raise ScriptError(f"{match['start']} + {match['length']} is not {match['end']}")
    if ("." in segment.flags) != (match["ack"] is not None):
        raise ScriptError("the flag `.` and `ack N` go together")
    number = {name: int(match[name]) for name in ("ack", "win", "urg") if match[name]}
    segment.ack, segment.window = number.get("ack"), number.get("win")
    segment.urgent = number.get("urg")
    segment.options = parse_options(match["options"] or "")
    return segment


TIME = re.compile(r"(?:(?P<any>\*)|(?P<sign>\+?)(?P<start>\d*\.?\d+)"
                  r"(?:\.\.\.(?P<end>\d*\.?\d+))?)\s+")
PACKET = re.compile(r"([a-z]\w*)?([<>])\s*(.*)")


def parse_event(number, line):
    event = Event(number, line, "call", None, 0.0)
    match = TIME.match(line)
    rest = line
    if match:
        rest = line[match.end():]
        event.relative = match["any"] is not None or match["sign"] == "+"
        event.time = None if match["any"] else float(match["start"])
        event.end = float(match["end"]) if match["end"] else None
    if packet := PACKET.fullmatch(rest):
        event.kind, event.what = "packet", parse_packet(packet[1] or "", packet[2], packet[3])
        if event.time is None and not event.what.outbound:
            raise ScriptError("a packet from the peer needs its time")
    elif rest == "quiet":
        event.kind = "quiet"
    elif check := re.fullmatch(r"%\{(.*)\}%", rest):
        event.kind, event.what = "check", compile(check[1].strip(), f"line {number}", "exec")
    else:
        event.what = parse_call(rest)
    return event


def parse(text):
    script = Script()
    for number, line in enumerate(text.split("\n"), 1):
        line = re.sub(r"(^|\s)(//|#).*", "", line).strip()
        if not line:
            continue
        if setting := re.fullmatch(r"--(\w+)=(.*)", line):
            if setting[1] not in SETTINGS:
                raise ScriptError(f"line {number}: nobody knows --{setting[1]}")
            script.settings[setting[1]] = setting[2].strip()
            continue
        try:
            script.events.append(parse_event(number, line))
        except (ScriptError, ValueError, IndexError, KeyError, TypeError, SyntaxError) as why:
            raise ScriptError(f"line {number}: {why}\n    {line}") from None
    return script
