"""HTTP/2 against curl, nghttp and h2load, over TLS and by prior knowledge, over the kernel's TCP and
over ours."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
import unittest

import netns
from netns import ADDRESSES, KERNEL, OURS, handfast, run, serving, wait_for

LAB = netns.directory()
SITE = netns.directory()
DIGESTS = {name: netns.make_file(f"{SITE}/{name}", size)
           for name, size in (("64m.bin", 64 << 20), ("1m.bin", 1 << 20), ("1k.bin", 1024))}
made = handfast("ca", LAB, "--name", "127.0.0.1", "--name", OURS, "--name", KERNEL)
assert made.returncode == 0, made.stderr
CA = f"{LAB}/ca.pem"
CREDENTIALS = ["--tls", "--cert", f"{LAB}/server.pem", "--key", f"{LAB}/server.key"]
KERNELS = "127.0.0.1:8443"
# Where a server listens: its authority, and the options for it.
PLACES = ((OURS, ("--tun", "hf0", *ADDRESSES)), (KERNELS, ("--listen", KERNELS)))


def curl(url, *options):
    """The content's digest, and what curl says of status and version."""
    path = os.path.join(netns.directory(), "out")
    said = netns.curl(url, "--cacert", CA, "-o", path, "-w", "%{http_code} %{http_version}",
                      *options)
    return netns.sha256(path) if os.path.exists(path) else None, said


class Serve(unittest.TestCase):
    def each_place(self, *options, schemes=("http", "https")):
        """By prior knowledge and over TLS, each on both TCPs."""
        for authority, where in PLACES:
            for scheme in schemes:
                how = CREDENTIALS if scheme == "https" else []
                port = ["--port", "8443"] if authority == OURS else []
                with self.subTest(f"{scheme} {authority}"), \
                        serving(SITE, *where, *how, *port, *options) as server:
                    name = authority if authority == KERNELS else f"{authority}:8443"
                    yield f"{scheme}://{name}", server

    def test_curl_downloads_64_MiB(self):
        for url, _ in self.each_place():
            self.assertEqual(curl(f"{url}/64m.bin", "--http2-prior-knowledge"),
                             (DIGESTS["64m.bin"], "200 2"))

    def test_a_server_and_a_client_can_both_do_without(self):
        with serving(SITE, "--listen", KERNELS, *CREDENTIALS):
            self.assertEqual(curl(f"https://{KERNELS}/1k.bin"), (DIGESTS["1k.bin"], "200 2"))
            self.assertEqual(curl(f"https://{KERNELS}/1k.bin", "--http1.1"),
                             (DIGESTS["1k.bin"], "200 1.1"))
        with serving(SITE, "--listen", KERNELS, "--http1.1", *CREDENTIALS):
            self.assertEqual(curl(f"https://{KERNELS}/1k.bin"), (DIGESTS["1k.bin"], "200 1.1"))
        with serving(SITE, "--listen", KERNELS, "--http1.1"):
            result = run(["curl", "-s", "--http2-prior-knowledge", f"http://{KERNELS}/"])
            self.assertNotEqual(result.returncode, 0)

    def test_ranges_heads_conditions_and_errors_are_as_over_HTTP_1(self):
        for url, _ in self.each_place():
            for options in (["-r", "1000-1999"], ["-r", "0-99,500-599"], ["-I"], ["-r", "9999999-"],
                            ["-z", "2037-01-01"], ["-T", CA], ["--data", "x=y"]):
                one = curl(f"{url}/1m.bin", "--http1.1", *options)
                two = curl(f"{url}/1m.bin", "--http2-prior-knowledge", *options)
                self.assertEqual(two[1], one[1].replace(" 1.1", " 2"), options)
                if options != ["-I"]:
                    self.assertEqual(two[0], one[0], options)
            self.assertEqual(curl(f"{url}/none", "--http2-prior-knowledge")[1], "404 2")

    # curl 7.88 cannot use a connection of prior knowledge twice: nghttpd sees the same.
    def test_an_upload_that_nobody_wants_is_answered_and_does_no_harm(self):
        for url, _ in self.each_place(schemes=["https"]):
            said = netns.curl("--cacert", CA, "-T", f"{SITE}/1m.bin", "-o", "/dev/null", "-w",
                              "%{http_code} %{num_connects} ", f"{url}/x", "--next", "-s",
                              "--cacert", CA, "-o", "/dev/null", "-w",
                              "%{http_code} %{num_connects}", f"{url}/1k.bin")
            self.assertEqual(said, "405 1 200 0")

    def test_ten_downloads_share_a_connection(self):
        for url, server in self.each_place(schemes=["https"]):
            path = netns.directory()
            outputs = [word for i in range(10)
                       for word in (f"{url}/1m.bin?{i}", "-o", f"{path}/{i}")]
            netns.curl("--cacert", CA, "--parallel", "--parallel-max", "10", *outputs)
            for i in range(10):
                self.assertEqual(netns.sha256(f"{path}/{i}"), DIGESTS["1m.bin"])
            self.assertIn("10 requests on 1 connection,", server.finish())

    @unittest.skipUnless(netns.shutil.which("nghttp"), "nghttp is not installed")
    def test_nghttp_is_served_with_priorities_and_trailers(self):
        for url, server in self.each_place():
            result = run(["nghttp", "-nsv", "--no-verify-peer", "-m", "20", f"{url}/1m.bin"])
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(len(re.findall(r":status: 200", result.stdout)), 20, result.stdout)
            result = run(["nghttp", "-nv", "--no-verify-peer", "-d", f"{SITE}/1k.bin", "--trailer",
                          "x-sum: 1", f"{url}/1k.bin"])
            self.assertIn(":status: 405", result.stdout)
            self.assertIn("21 requests on 2 connections", server.finish())

    @unittest.skipUnless(netns.shutil.which("h2load"), "h2load is not installed")
    def test_h2load_meets_no_error(self):
        for url, server in self.each_place("-q"):
            text = run(["h2load", "-n", "3000", "-c", "10", "-m", "50", f"{url}/1k.bin"]).stdout
            self.assertIn("3000 succeeded, 0 failed, 0 errored, 0 timeout", text)
            self.assertIn("3000 requests on 10 connections", server.finish())

    def test_a_signal_lets_a_download_finish(self):
        path = os.path.join(netns.directory(), "out")
        with serving(SITE, "--listen", KERNELS, *CREDENTIALS) as server:
            client = subprocess.Popen(["curl", "-s", "--cacert", CA, "-o", path, "--limit-rate",
                                       "60M", f"https://{KERNELS}/64m.bin"],
                                      preexec_fn=netns._die_with_parent)
            netns.wait_for_bytes(path)
            text = server.finish(signal.SIGTERM)
            self.assertEqual(client.wait(timeout=10), 0)
        self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])
        self.assertNotIn("cut off", text)

    def test_an_idle_connection_is_told_of_the_end(self):
        with serving(SITE, "--listen", KERNELS) as server:
            client = subprocess.Popen(["nghttp", "-nv", f"http://{KERNELS}/1k.bin", "-w", "1"],
                                      stdout=subprocess.PIPE, text=True,
                                      preexec_fn=netns._die_with_parent)
            text = client.communicate(timeout=20)[0]
            self.assertIn(":status: 200", text)
            began = time.monotonic()
            server.finish(signal.SIGTERM)
            self.assertLess(time.monotonic() - began, 4)


@contextlib.contextmanager
def nghttpd():
    server = subprocess.Popen(["nghttpd", "-d", SITE, "8443", f"{LAB}/server.key",
                               f"{LAB}/server.pem"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, preexec_fn=netns._die_with_parent)

    def listens():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", 8443), timeout=1).close()
            return True
        return False

    try:
        wait_for(listens, "nghttpd")
        yield
    finally:
        server.kill()
        server.wait(timeout=10)


def nginx():
    return netns.nginx(SITE, f"""listen 8443 ssl http2; keepalive_requests 5;
        ssl_certificate {LAB}/server.pem; ssl_certificate_key {LAB}/server.key;""")


class Get(unittest.TestCase):
    def fetch(self, *arguments):
        result = handfast("get", "--ca", CA, *arguments, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def head(self, *options):
        path = os.path.join(netns.directory(), "head")
        self.fetch(f"https://{KERNELS}/1k.bin", "-I", "-o", path, *options)
        with open(path, encoding="utf-8") as file:
            return file.read()

    def each_origin(self):
        for name, origin in (("nginx", nginx), ("nghttpd", nghttpd),
                             ("ours", lambda: serving(SITE, "--listen", KERNELS, *CREDENTIALS))):
            with self.subTest(name), origin():
                yield name

    def test_files_come_whole_by_HTTP_2(self):
        for _ in self.each_origin():
            for name, digest in DIGESTS.items():
                path = os.path.join(netns.directory(), name)
                self.fetch(f"https://{KERNELS}/{name}", "-o", path)
                self.assertEqual(netns.sha256(path), digest)
            self.assertIn("HTTP/2 200\n", self.head())

    def test_over_our_own_TCP(self):
        with nginx():
            path = os.path.join(netns.directory(), "64m.bin")
            self.fetch(f"https://{KERNEL}:8443/64m.bin", "-o", path, "--tun", "hf0", *ADDRESSES)
            self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])

    def test_a_server_or_a_user_who_does_without_gets_HTTP_1(self):
        with serving(SITE, "--listen", KERNELS, *CREDENTIALS, "--http1.1"):
            self.assertIn("HTTP/1.1 200 OK\n", self.head())
        with serving(SITE, "--listen", KERNELS, *CREDENTIALS):
            self.assertIn("HTTP/1.1 200 OK\n", self.head("--http1.1"))

    def many(self, count):
        return [word for i in range(count)
                for word in (f"https://{KERNELS}/1k.bin?{i}", "-o", "/dev/null")]

    def test_one_connection_carries_many_files(self):
        with serving(SITE, "--listen", KERNELS, *CREDENTIALS) as server:
            self.fetch(*self.many(4))
            self.assertIn("4 requests on 1 connection,", server.finish())

    def test_a_server_that_says_goodbye_is_asked_on_another_connection(self):
        with nginx():
            self.fetch(*self.many(12))

    def test_what_is_sent_arrives(self):
        with serving(SITE, "--listen", KERNELS, *CREDENTIALS):
            result = handfast("get", "--ca", CA, f"https://{KERNELS}/1k.bin", "--data",
                              f"@{SITE}/1m.bin", "-o", "-", timeout=60)
            self.assertIn("405 Method Not Allowed", result.stderr)


if __name__ == "__main__":
    netns.main("curl", "nghttp")
