"""The kernel's clients at `handfast serve` while spoofed SYNs flood it, inside our namespace."""

import os
import random
import socket
import struct
import subprocess
import sys
import time
import unittest

import netns
from netns import ADDRESSES, OURS, serving

SITE = netns.directory()
netns.make_file(f"{SITE}/page", 1000)
BACKLOG = 128
RATE = 50 * BACKLOG  # SYNs a second, and a fifth of that at once; the records hold BACKLOG
CLIENTS = 300


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def spoofed_syn(rng):
    """An IPv4 packet with a SYN from an address that nobody has."""
    source = bytes([10, rng.randrange(256), rng.randrange(256), rng.randrange(1, 255)])
    target = socket.inet_aton(OURS)
    syn = struct.pack("!HHIIBBHHH", rng.randrange(1024, 65536), 80, rng.getrandbits(32), 0, 6 << 4,
                      2, 65535, 0, 0) + struct.pack("!BBH", 2, 4, 1460)
    pseudo = source + target + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(syn))
    syn = syn[:16] + struct.pack("!H", checksum(pseudo + syn)) + syn[18:]
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(syn), 0, 0, 64, socket.IPPROTO_TCP,
                       0) + source + target + syn


def flood():
    """Until it is killed."""
    rng = random.Random(1)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    packets = [spoofed_syn(rng) for _ in range(50 * BACKLOG)]
    begun = time.monotonic()
    sent = 0
    while True:
        while sent < (time.monotonic() - begun) * RATE + RATE / 5:
            raw.sendto(packets[sent % len(packets)], (OURS, 0))
            sent += 1
        time.sleep(0.005)


def fetch_all():
    """How many clients got the page, each on a connection of its own."""
    answered = 0
    for _ in range(CLIENTS):
        try:
            with socket.create_connection((OURS, 80), timeout=5) as client:
                client.sendall(b"GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                text = b""
                while piece := client.recv(65536):
                    text += piece
            answered += text.startswith(b"HTTP/1.1 200") and len(text) > 1000
        except OSError:
            pass
    return answered


def resident(process):
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Flood(unittest.TestCase):
    def test_a_flood_keeps_no_client_of_the_kernel_out(self):
        with serving(SITE, "--tun", "hf0", *ADDRESSES, "-q", "--backlog", str(BACKLOG)) as server:
            begun = time.monotonic()
            calm = fetch_all()
            calm_time = time.monotonic() - begun
            before = resident(server.process)
            with subprocess.Popen([sys.executable, __file__, "flood"]) as attacker:
                try:
                    netns.wait_for(lambda: "SYN flood" in server.printed(server.err), "flood", 60)
                    begun = time.monotonic()
                    flooded = fetch_all()
                    flooded_time = time.monotonic() - begun
                finally:
                    attacker.kill()
            grown = resident(server.process) - before
            netns.wait_for(lambda: " ended after " in server.printed(server.err), "end", 60)
            told = server.printed(server.err)
            summary = server.finish()
        print(f"{calm} of {CLIENTS} in {calm_time:.2f} s; flooded {flooded} in "
              f"{flooded_time:.2f} s; {grown >> 10} KiB more\n{told}{summary}")
        self.assertEqual(calm, CLIENTS)
        self.assertGreaterEqual(flooded, calm * 0.95)
        self.assertLess(grown, 8 << 20)
        self.assertIn(f"SYN flood at {OURS}:80 began", told)
        valid = netns.number_in(r"SYN cookies: \d+ sent, (\d+) valid", summary)
        self.assertGreaterEqual(valid, CLIENTS * 0.9)
        self.assertGreater(netns.number_in(r"SYN cookies: (\d+) sent", summary), BACKLOG)

    def test_cookies_can_be_always_on(self):
        with serving(SITE, "--tun", "hf0", *ADDRESSES, "-q", "--syn-cookies", "always") as server:
            self.assertEqual(fetch_all(), CLIENTS)
            summary = server.finish()
        self.assertIn(f"SYN cookies: {CLIENTS} sent, {CLIENTS} valid, 0 invalid; 0 SYN floods",
                      summary)


if __name__ == "__main__":
    if sys.argv[1:] == ["flood"]:
        flood()
    else:
        netns.main()
