"""The table of tests/http/smuggling.txt against `handfast serve` over the kernel's TCP."""

import re
import socket
import unittest

import netns
from netns import serving

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
PORT = 8081


def unescape(text):
    """The escapes that the head of smuggling.txt explains."""
    repeated = re.compile(r"\\\*(\d+)\(((?:[^()\\]|\\[^*])*)\)")
    while match := repeated.search(text):  # the inner one first
        text = text[:match.start()] + match[2] * int(match[1]) + text[match.end():]
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")


def cases():
    """Name, what is expected, bytes."""
    name, expected, raw = None, None, ""
    with open("tests/http/smuggling.txt", encoding="utf-8") as file:
        for line in [*file.read().splitlines(), "end"]:
            if not line or line.startswith("#"):
                continue
            if not line.startswith(" "):
                if name is not None:
                    yield name, expected, unescape(raw)
                name, expected, raw = line, None, ""
            elif expected is None:
                expected = line[2:]
            else:
                raw += re.sub(r"^POST\.\.\.", r"POST / HTTP/1.1\\r\\nHost: a\\r\\n", line[2:])


def statuses(sent):
    """Of all responses until the server closes."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=10) as connection:
        connection.sendall(sent)
        got = b""
        while piece := connection.recv(65536):
            got += piece
    return re.findall(rb"HTTP/1\.1 (\d{3}) ", got)


class Smuggling(unittest.TestCase):
    def test_each_malformed_request_gets_its_status_and_the_end_and_no_second_response(self):
        refused = 0
        with serving(netns.directory(), "--listen", f"127.0.0.1:{PORT}"):
            for name, expected, sent in cases():
                match = re.search(r"(?:answered (\d+), then )?(\d{3}), RFC", expected)
                if match is None:
                    continue
                refused += 1
                got = statuses(sent + SMUGGLED)
                self.assertEqual(len(got), 1 + int(match[1] or 0), name)
                self.assertEqual(got[-1].decode(), match[2], name)
        self.assertGreater(refused, 90)


if __name__ == "__main__":
    netns.main()
