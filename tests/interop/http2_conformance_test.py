"""The table of http2_conformance.txt against `handfast serve`, and against nghttpd beside it: ours
must do all that is expected, and so at least as much."""

import contextlib
import re
import socket
import struct
import subprocess
import unittest

import netns
from netns import serving, wait_for

OURS, NGHTTPD = 8081, 8082
TYPES = ("data", "headers", "priority", "rst_stream", "settings", "push_promise", "ping", "goaway",
         "window_update", "continuation")
FLAGS = {"end": 1, "head": 4, "padded": 8, "priority": 32}
CODES = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
         "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
         "CONNECT_ERROR", "ENHANCE_YOUR_CALM")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SITE = netns.directory()
netns.make_file(f"{SITE}/index.html", 100)


def cases():
    """Name, what is expected, lines of what is sent."""
    with open("tests/interop/http2_conformance.txt", encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("#"))
    for block in re.split(r"\n\s*\n", text.strip()):
        name, expected, *sent = (line.strip() for line in block.splitlines())
        yield name, expected, sent


def unescape(text):
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def frame(kind, flags, stream, payload, length=None):
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def field_block(text):
    """RFC 7541 §6.2.3 with lengths up to 126: fields that leave no trace."""
    fields = []
    for item in re.split(r";(?=\s*(?:-|GET|POST|[^;]*:)) ?", text):
        item = item.strip(" ") if not re.search(r":  ", item) else item.lstrip(" ")
        if item in ("GET", "POST"):
            head = {":method": item, ":scheme": "http", ":path": "/", ":authority": "a"}
            fields += [pair for pair in head.items() if pair[0] not in removed(fields)]
        elif item.startswith("-"):
            fields = [pair for pair in fields if pair[0] != item[1:]]
            if not fields:
                fields = [("-", item[1:])]
        else:
            name, value = re.match(r"(:?[^:]+):(?: (.*))?$", item, re.S).groups()
            fields.append((name, value or ""))
    block = b""
    for name, value in fields:
        if name != "-":
            name, value = name.encode(), unescape(value)
            block += b"\x10" + bytes([len(name)]) + name + bytes([len(value)]) + value
    return block


def removed(fields):
    return {value for name, value in fields if name == "-"}


class Peer:
    """A client that speaks in frames."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.ended = set()   # streams that the server has ended
        self.status = {}     # of each stream: the first byte of its head, an index (RFC 7541 A)
        self.goaway = None
        self.resets = {}
        self.pongs = 0
        self.closed = False

    def send(self, data):
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise ConnectionError
            data += piece
        return data

    def read(self, done):
        """Until `done()` holds, the server closes, or nothing has come for a while."""
        try:
            while not done():
                head = self.exactly(9)
                size, = struct.unpack(">I", b"\0" + head[:3])
                kind, flags, stream = struct.unpack(">BBI", head[3:])
                self.take(TYPES[kind], flags, stream, self.exactly(size))
        except (TimeoutError, socket.timeout):
            pass
        except ConnectionError:
            self.closed = True

    def take(self, kind, flags, stream, payload):
        if kind == "settings" and not flags & 1:
            self.send(frame(4, 1, 0, b""))
        elif kind == "headers":
            self.status.setdefault(stream, payload.lstrip(b"\x20")[:1])
        elif kind == "goaway":
            self.goaway = CODES[struct.unpack(">I", payload[4:8])[0]]
        elif kind == "rst_stream":
            self.resets[stream] = CODES[struct.unpack(">I", payload)[0]]
        elif kind == "ping" and flags & 1:
            self.pongs += 1
        if kind in ("data", "headers") and flags & 1:
            self.ended.add(stream)

    def play(self, lines):
        if not lines[0].startswith("preface"):
            self.send(PREFACE + frame(4, 0, 0, b""))
        length = None
        for line in lines:
            words, _, payload = line.partition(" | ")
            words = words.split()
            if words[0] == "wait":
                self.read(lambda: 1 in self.ended)
            elif words[0] == "length":
                length = int(words[1])
            elif words[0] == "preface":
                self.send(unescape(payload))
            else:
                self.send(made_of(words, payload, length))
                length = None

    def verdict(self, expected):
        """None where the server has done what is expected, else what it did."""
        what, *words = expected.split()
        if what == "connection" or what == "stream" or what == "refused":
            reset = self.resets.get(1) if what != "connection" else None
            allowed = [word for word in words if word != "error"] or CODES[1:]
            refused = what == "refused" and self.status.get(1) == b"\x8c"  # 400
            good = self.goaway in allowed or reset in allowed or refused
            good = good or (self.closed and self.goaway is None)
        elif what == "answered":
            good = int(words[0]) in self.status
        else:
            good = self.pongs > 0
        if good:
            return None
        return (f"GOAWAY {self.goaway}, reset {self.resets}, heads on {list(self.status)}, "
                f"{'closed' if self.closed else 'open'}")


def made_of(words, payload, length):
    kind = TYPES.index(words[0]) if words[0] in TYPES else int(words[0])
    stream = int(words[1], 0)
    flags = sum(FLAGS[w[1:]] if w[1:] in FLAGS else int(w[1:], 0) for w in words[2:])
    if payload.startswith("hex "):
        content = bytes.fromhex(payload[4:])
    elif words[0] in ("headers", "continuation", "push_promise"):
        content = field_block(payload)
    else:
        content = unescape(payload)
    if length is not None:
        content = content.ljust(length, b"\0")
    return frame(kind, flags, stream, content)


def try_case(port, expected, sent):
    peer = Peer(port)
    with contextlib.closing(peer.socket):
        peer.play(sent)
        peer.socket.settimeout(0.3)
        what = expected.split()[0]
        if what == "lives":
            peer.send(frame(6, 0, 0, b"are you?"))
            peer.read(lambda: peer.pongs > 0)
        elif what == "answered":
            peer.read(lambda: int(expected.split()[1]) in peer.status)
        else:
            peer.read(lambda: peer.goaway is not None or (what != "connection" and 1 in peer.resets))
        return peer.verdict(expected)


@contextlib.contextmanager
def nghttpd():
    server = subprocess.Popen(["nghttpd", "--no-tls", "-d", SITE, str(NGHTTPD)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              preexec_fn=netns._die_with_parent)

    def listens():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", NGHTTPD), timeout=1).close()
            return True
        return False

    try:
        wait_for(listens, "nghttpd")
        yield
    finally:
        server.kill()
        server.wait(timeout=10)


class Conformance(unittest.TestCase):
    def test_ours_does_what_the_RFCs_say_where_nghttpd_does_and_where_it_does_not(self):
        wrong = {"handfast": {}, "nghttpd": {}}
        total = 0
        with serving(SITE, "-q", "--listen", f"127.0.0.1:{OURS}"), nghttpd():
            for name, expected, sent in cases():
                total += 1
                for who, port in (("handfast", OURS), ("nghttpd", NGHTTPD)):
                    if done := try_case(port, expected, sent):
                        wrong[who][name] = f"{name}\n    {expected}, but: {done}"
        for who, failures in wrong.items():
            print(f"{who}: {total - len(failures)} of {total}")
            for text in failures.values():
                print(f"  {text}")
        self.assertGreater(total, 100)
        self.assertEqual(wrong["handfast"], {})


if __name__ == "__main__":
    netns.main("nghttpd")
