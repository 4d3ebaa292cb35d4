"""What clients can make `handfast serve` hold: idle connections, and readers that do not read. Its
own memory, over the kernel's TCP.

    HANDFAST=build/release/bin/handfast CONNECTIONS=10000 python3 tests/interop/memory_test.py
"""

import os
import resource
import socket
import ssl
import time
import unittest

import netns
from netns import HANDFAST, handfast, serving

# What the first connections of a server bring is not theirs alone.
FIRST = 300
IDLE = int(os.environ.get("CONNECTIONS", "1000"))
SLOW = 40
MARGIN = 1.1
KIB = 1 << 10
WRITE_BUFFER = 64 * KIB  # HttpServerOptions::write_buffer_max
REQUEST = b"GET /%s HTTP/1.1\r\nHost: a.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" \
          b"Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nCookie: session=0123456789\r\n\r\n"


def memory(pid):
    """Bytes of a process that are no file's."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) * KIB for line in file if line.startswith("Anonymous:"))


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def rest(pid):
    """Waits until a process has had nothing to do for a while, and returns its memory."""
    calm, before = 0, None
    end = time.monotonic() + 60
    while calm < 4:
        assert time.monotonic() < end, "the server does not come to rest"
        time.sleep(0.5)
        now = (cpu_ticks(pid), memory(pid))
        calm = calm + 1 if now == before else 0
        before = now
    return before[1]


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site, cls.lab = netns.directory(), netns.directory()
        netns.make_file(f"{cls.site}/small", KIB)
        netns.make_file(f"{cls.site}/big", 16 << 20)
        made = handfast("ca", cls.lab, "--name", "a.example")
        assert made.returncode == 0, made.stderr
        cls.context = ssl.create_default_context(cafile=f"{cls.lab}/ca.pem")
        cls.tls = ["--tls", "--cert", f"{cls.lab}/server.pem", "--key", f"{cls.lab}/server.key"]

    def serving(self, *options):
        return serving(self.site, "--listen", "127.0.0.1:8080", "-q", "--connections-max", "20000",
                       "--idle-timeout", "300", *options)

    def connected(self, is_tls):
        connection = socket.create_connection(("127.0.0.1", 8080), timeout=20)
        if is_tls:
            connection = self.context.wrap_socket(connection, server_hostname="a.example")
        return connection

    def asked(self, is_tls):
        connection = self.connected(is_tls)
        self.ask(connection)
        return connection

    def ask(self, connection):
        connection.sendall(REQUEST % b"small")
        got = b""
        while b"\r\n\r\n" not in got or len(got.split(b"\r\n\r\n", 1)[1]) < KIB:
            piece = connection.recv(4096)
            self.assertTrue(piece, "the server closed")
            got += piece

    def idle_bytes(self, is_tls):
        with self.serving(*(self.tls if is_tls else [])) as server:
            connections = [self.asked(is_tls) for _ in range(FIRST)]
            before = rest(server.process.pid)
            connections += [self.asked(is_tls) for _ in range(IDLE)]
            each = (rest(server.process.pid) - before) / IDLE
            print(f"\n{each:.0f} bytes a connection", flush=True)
            for connection in connections[FIRST::100]:
                self.ask(connection)
            for connection in connections:
                connection.close()
        return each

    def slow_bytes(self, is_tls):
        with self.serving(*(self.tls if is_tls else [])) as server:
            connections = [self.asked(is_tls) for _ in range(FIRST)]
            before = rest(server.process.pid)
            slow = [self.connected(is_tls) for _ in range(SLOW)]
            for connection in slow:
                connection.sendall(REQUEST % b"big")
            each = (rest(server.process.pid) - before) / SLOW
            for connection in slow + connections:
                connection.close()
        print(f"\n{each:.0f} bytes a slow reader", flush=True)
        return each

    def test_an_idle_connection_costs_four_kibibytes(self):
        self.assertLess(self.idle_bytes(False), MARGIN * 4 * KIB)

    def test_an_idle_connection_with_tls_costs_sixteen_kibibytes(self):
        self.assertLess(self.idle_bytes(True), MARGIN * 16 * KIB)

    def test_who_does_not_read_makes_the_server_hold_its_write_buffer_and_no_more(self):
        each = self.slow_bytes(False)
        self.assertGreater(each, WRITE_BUFFER / 2, "then nobody was slow")
        self.assertLess(each, MARGIN * (WRITE_BUFFER + 4 * KIB))

    def test_who_does_not_read_tls_makes_the_server_hold_no_more(self):
        each = self.slow_bytes(True)
        self.assertGreater(each, WRITE_BUFFER / 2, "then nobody was slow")
        self.assertLess(each, MARGIN * (WRITE_BUFFER + 16 * KIB))


if __name__ == "__main__":
    if os.access(HANDFAST, os.X_OK):
        with open(HANDFAST, "rb") as program:
            if b"__asan_init" in program.read():
                netns.skip("a sanitizer has memory of its own")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 30000), hard))
    netns.main()
