"""`handfast get` against a real nginx over the kernel's TCP, and against servers that misbehave."""

import contextlib
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import netns
from netns import ADDRESSES, HANDFAST, KERNEL, KERNEL6, handfast, nginx

SITE = netns.directory()
MEBIBYTE = 1 << 20
DIGESTS = {name: netns.make_file(f"{SITE}/{name}", size)
           for name, size in (("1m.bin", MEBIBYTE), ("100m.bin", 100 * MEBIBYTE), ("empty", 0))}
HOSTS = (KERNEL, f"[{KERNEL6}]")
TUN = ["--tun", "hf0", *ADDRESSES]
RST = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


@contextlib.contextmanager
def scripted(talk):
    """A server on the kernel's TCP that does `talk(socket)` with its one client, on any address."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        listener.settimeout(10)

        def serve():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(10)
                    connection.recv(4096)
                    talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(timeout=15)


class Get(unittest.TestCase):
    def fetch(self, url, name, *options):
        path = os.path.join(netns.directory(), "out")
        result = handfast("get", url, "-o", path, *options, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(netns.sha256(path), DIGESTS[name], url)
        os.unlink(path)
        return result.stderr

    def failed(self, *arguments, code=1, **options):
        result = handfast("get", *arguments, **options)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        return result.stderr

    def test_every_size_comes_whole_from_nginx_by_ipv4_and_ipv6(self):
        with nginx(SITE):
            for mode in ([], ["--tap"]):
                for host in HOSTS:
                    for name in DIGESTS:
                        self.fetch(f"http://{host}/{name}", name, *TUN, *mode)

    def test_files_stay_whole_while_packets_are_lost_reordered_and_duplicated(self):
        harm = ["--impair", "loss=2%,reorder=2%,duplicate=1%,delay=1ms", "--seed", "3"]
        with nginx(SITE):
            for host in HOSTS:
                self.fetch(f"http://{host}/1m.bin", "1m.bin", *TUN, *harm)
            told = self.fetch(f"http://{KERNEL}/100m.bin", "100m.bin", *TUN, *harm, "-v")
        self.assertGreater(netns.number_in(r"impairment: (\d+) of", told), 0)

    def test_the_kernel_can_fetch_as_well(self):
        with nginx(SITE):
            self.fetch("http://127.0.0.1/1m.bin", "1m.bin")
            self.fetch("http://[::1]/1m.bin", "1m.bin")
            self.fetch("http://localhost/1m.bin", "1m.bin")

    def test_redirects_are_followed_up_to_a_limit(self):
        with nginx(SITE):
            self.fetch(f"http://{KERNEL}/moved", "1m.bin", *TUN)
            self.assertIn("too many redirects", self.failed(f"http://{KERNEL}/loop", *TUN))

    def test_standard_output_takes_the_content(self):
        with open(f"{SITE}/text", "w", encoding="utf-8") as file:
            file.write("hello\n")
        with nginx(SITE):
            result = handfast("get", f"http://{KERNEL}/text", *TUN)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "hello\n", ""))

    def test_an_error_of_the_server_is_a_failure_and_writes_no_file(self):
        path = os.path.join(netns.directory(), "out")
        with nginx(SITE):
            told = self.failed(f"http://{KERNEL}/nothing", "-o", path, *TUN)
        self.assertIn("404 Not Found", told)
        self.assertFalse(os.path.exists(path))

    def test_verbose_tells_the_states_of_the_handshake(self):
        with nginx(SITE):
            told = self.fetch(f"http://{KERNEL}/empty", "empty", *TUN, "-v")
        for state in ("SYN_SENT", "ESTABLISHED"):
            self.assertIn(state, told)

    def test_a_capture_is_clean(self):
        capture = os.path.join(netns.directory(), "c.pcapng")
        with nginx(SITE):
            self.fetch(f"http://{KERNEL}/1m.bin", "1m.bin", *TUN, "--pcap", capture)
        bad, count = netns.bad_packets(capture)
        self.assertEqual(bad, "")
        self.assertGreater(count, 300)

    def test_a_refused_connection_is_told_at_once(self):
        for arguments in ([f"http://{KERNEL}:81/", *TUN], ["http://127.0.0.1:81/"]):
            self.assertIn("connection refused", self.failed(*arguments, timeout=5))

    def test_a_peer_that_never_answers_runs_into_the_connect_timeout(self):
        begin = time.monotonic()
        told = self.failed("http://192.0.2.77/", *TUN, "--connect-timeout", "1")
        self.assertIn("no answer within 1 s", told)
        # What the kernel sends there ends at a host of ours that is somebody else.
        with netns.serving(SITE, "--tun", "hf1", "--address", "198.51.100.2/24"):
            told = self.failed("http://198.51.100.7/", "--connect-timeout", "500ms")
        self.assertIn("no answer within 0.5 s", told)
        self.assertLess(time.monotonic() - begin, 8)

    def test_a_server_that_stops_sending_runs_into_the_timeout(self):
        def talk(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            connection.recv(1)

        with scripted(talk) as port:
            told = self.failed(f"http://{KERNEL}:{port}/", *TUN, "--timeout", "500ms")
        self.assertIn("stopped sending", told)

    def test_a_partial_download_is_a_failure_and_says_what_came(self):
        def cut_off(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")

        path = os.path.join(netns.directory(), "out")
        for options in (TUN, []):
            host = KERNEL if options else "127.0.0.1"
            with scripted(cut_off) as port:
                told = self.failed(f"http://{host}:{port}/", "-o", path, *options)
            self.assertIn("ended inside a message", told)
            self.assertIn(f"the first 3 B are in {path}", told)

    def test_a_reset_in_the_middle_is_a_failure(self):
        def reset(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            time.sleep(0.2)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)

        for options in (TUN, []):
            host = KERNEL if options else "127.0.0.1"
            with scripted(reset) as port:
                self.assertIn("reset", self.failed(f"http://{host}:{port}/", "-o", "/dev/null",
                                                   *options).lower())

    def test_a_full_disk_is_told(self):
        with nginx(SITE):
            told = self.failed(f"http://{KERNEL}/1m.bin", "-o", "/dev/full", *TUN)
            self.assertIn("cannot write: /dev/full: No space left on device", told)
            with open("/dev/full", "w", encoding="utf-8") as full:
                told = self.failed(f"http://{KERNEL}/1m.bin", *TUN, stdout=full)
            self.assertIn("No space left on device", told)

    def test_what_is_no_http_is_told(self):
        with scripted(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n")) as port:
            told = self.failed(f"http://{KERNEL}:{port}/", *TUN)
        self.assertIn("not a valid HTTP response", told)

    def on_terminal(self, *arguments, until=None):
        """All that get writes to a terminal; SIGINT once `until` is among it."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([HANDFAST, "get", *arguments], stderr=theirs,
                                   stdout=subprocess.PIPE)
        os.close(theirs)
        told = b""
        end = time.monotonic() + 60
        with contextlib.suppress(OSError):  # EIO: the other side has closed
            while time.monotonic() < end:
                if not select.select([ours], [], [], 1)[0]:
                    continue
                told += os.read(ours, 4096)
                if until and until in told:
                    process.send_signal(signal.SIGINT)
                    until = None
        os.close(ours)
        process.communicate(timeout=10)
        return process.returncode, told.decode()

    def test_a_terminal_shows_progress_while_it_takes_long(self):
        path = os.path.join(netns.directory(), "out")
        with nginx(SITE):
            code, told = self.on_terminal(f"http://{KERNEL}/1m.bin", "-o", path, *TUN, "--impair",
                                          "rate=8M")
        self.assertEqual(code, 0, told)
        self.assertRegex(told, r"\[#+\.+\] +\d+%  [0-9.]+ kB of 1\.0 MB")
        self.assertIn("\r\x1b[K", told)
        self.assertIn("1.0 MB in ", told)

    def test_sigint_ends_cleanly_and_tells_how_much_came(self):
        path = os.path.join(netns.directory(), "out")
        with nginx(SITE):
            code, told = self.on_terminal(f"http://{KERNEL}/100m.bin", "-o", path, *TUN,
                                          "--impair", "rate=8M", until=b"%")
        self.assertEqual(code, 1)
        self.assertRegex(told, r"handfast: interrupted: .*: [0-9.]+ .?B were written")


if __name__ == "__main__":
    netns.main("nginx", "tshark")
