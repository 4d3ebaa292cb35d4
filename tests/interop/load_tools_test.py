"""Tools that others use on web servers, against `serve` over our TCP and over the kernel's: wget,
ab, wrk, siege, and slowhttptest, which holds on to what it opens."""

import os
import re
import subprocess
import unittest

import netns
from netns import ADDRESSES, OURS, OURS6, run, serving

SITE = netns.directory()
DIGEST = netns.make_file(f"{SITE}/1m.bin", 1 << 20)
netns.make_file(f"{SITE}/1k.bin", 1024)
os.mkdir(f"{SITE}/below")
netns.make_file(f"{SITE}/below/other.bin", 5000)
KERNELS = "127.0.0.1:8080"
# Where a server listens: its authority, and the options for it.
PLACES = (
    (OURS, ("--tun", "hf0", *ADDRESSES)),
    (KERNELS, ("--listen", KERNELS)),
)


class Tools(unittest.TestCase):

    def each_place(self, *options):
        for authority, where in PLACES:
            with self.subTest(authority), serving(SITE, *where, *options) as server:
                yield f"http://{authority}", server

    def test_wget_mirrors_the_site_by_its_listings(self):
        for url, _ in self.each_place():
            path = netns.directory()
            result = run(["wget", "--no-verbose", "--recursive", "--no-parent", "--no-host-directories",
                          "--tries=1", "--timeout=10", f"--directory-prefix={path}", f"{url}/"])
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(netns.sha256(f"{path}/1m.bin"), DIGEST)
            self.assertEqual(os.path.getsize(f"{path}/below/other.bin"), 5000)

    def test_wget_goes_on_with_a_part(self):
        for url, _ in self.each_place():
            path = netns.directory()
            with open(f"{SITE}/1m.bin", "rb") as whole, open(f"{path}/1m.bin", "wb") as part:
                part.write(whole.read(300_000))
            result = run(["wget", "--continue", "--tries=1", "--timeout=10", "--directory-prefix",
                          path, f"{url}/1m.bin"])
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("206 Partial Content", result.stderr)
            self.assertEqual(netns.sha256(f"{path}/1m.bin"), DIGEST)

    def test_wget_asks_an_address_of_IPv6(self):
        with serving(SITE, *PLACES[0][1]):
            path = os.path.join(netns.directory(), "out")
            result = run(["wget", "-O", path, "--tries=1", "--timeout=10",
                          f"http://[{OURS6}]/1m.bin"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(netns.sha256(path), DIGEST)

    def test_ab_keeps_connections_of_HTTP_1_0_alive(self):
        for url, server in self.each_place():
            text = run(["ab", "-q", "-n", "2000", "-c", "32", "-k", f"{url}/1k.bin"]).stdout
            self.assertRegex(text, r"Complete requests: +2000\n")
            self.assertRegex(text, r"Failed requests: +0\n")
            self.assertRegex(text, r"Keep-Alive requests: +2000\n")
            self.assertNotIn("Non-2xx", text)
            self.assertLessEqual(self.connections(server), 40)

    def test_ab_opens_a_connection_for_each_request(self):
        for url, server in self.each_place():
            text = run(["ab", "-q", "-n", "1000", "-c", "32", f"{url}/1k.bin"]).stdout
            self.assertRegex(text, r"Complete requests: +1000\n")
            self.assertRegex(text, r"Failed requests: +0\n")

    def test_wrk_meets_no_error(self):
        for url, _ in self.each_place():
            text = run(["wrk", "-t1", "-c64", "-d2s", f"{url}/1k.bin"]).stdout
            self.assertNotIn("Socket errors", text)
            self.assertNotIn("Non-2xx", text)
            requests = int(re.search(r"(\d+) requests in", text)[1])
            self.assertGreater(requests, 100, text)

    def test_siege_finds_the_server_available(self):
        home = netns.directory()
        environment = {**os.environ, "HOME": home}
        for url, _ in self.each_place():
            result = run(["siege", "--concurrent=16", "--reps=20", "--benchmark", "--json-output",
                          f"{url}/1k.bin"], env=environment)
            text = result.stdout + result.stderr
            self.assertRegex(text, r'"availability":\s+100\.00', text)
            self.assertRegex(text, r'"failed_transactions":\s+0,', text)

    def test_slowhttptest_does_not_shut_others_out(self):
        slow = {"headers that drip": ["-H", "-i", "1"],
                "content that drips": ["-B", "-i", "1", "-s", "8192"],
                "answers that nobody reads": ["-X", "-w", "1", "-y", "64", "-n", "1", "-z", "32"]}
        for how, options in slow.items():
            for url, _ in self.each_place():
                with self.subTest(how):
                    self.outlives(url, options)

    def outlives(self, url, options):
        tool = subprocess.Popen(["slowhttptest", "-c", "300", "-r", "200", "-l", "2", "-p", "2",
                                 "-u", f"{url}/1m.bin", *options], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True,
                                preexec_fn=netns._die_with_parent)
        for _ in range(5):
            path = os.path.join(netns.directory(), "out")
            netns.curl("-o", path, f"{url}/1m.bin", timeout=10)
            self.assertEqual(netns.sha256(path), DIGEST)
        text, _ = tool.communicate(timeout=30)
        self.assertRegex(text, r"service available:.*YES")

    def connections(self, server):
        server.finish()
        return int(re.search(r"(\d+) connections?", server.printed())[1])


if __name__ == "__main__":
    netns.main("wget", "ab", "wrk", "siege", "slowhttptest", "curl")
