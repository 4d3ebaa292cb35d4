"""Real curl and ping against `handfast serve` over TUN and TAP."""

import os
import subprocess
import unittest

import netns
from netns import ADDRESSES, OURS, OURS6, curl, serving

SITE = netns.directory()
MEBIBYTE = 1 << 20
DIGESTS = {name: netns.make_file(f"{SITE}/{name}", size)
           for name, size in (("1m.bin", MEBIBYTE), ("100m.bin", 100 * MEBIBYTE), ("empty", 0))}
HOSTS = (OURS, f"[{OURS6}]")
IMPAIRED = ["--impair", "loss=2%,reorder=2%,duplicate=1%,delay=1ms", "--seed", "7"]


class Serve(unittest.TestCase):
    def fetch(self, host, name, *options):
        path = os.path.join(netns.directory(), name)
        curl("-o", path, f"http://{host}/{name}", *options)
        self.assertEqual(netns.sha256(path), DIGESTS[name], f"{host} {name}")
        os.unlink(path)

    def test_curl_gets_every_size_over_tun_by_ipv4_and_ipv6(self):
        with serving(SITE, "--tun", "hf0", *ADDRESSES) as server:
            for host in HOSTS:
                for name in DIGESTS:
                    self.fetch(host, name)
            summary = server.finish()
        self.assertIn("6 requests on 6 connections, 211.8 MB sent", summary)
        self.assertIn(f"GET /100m.bin 200 {100 * MEBIBYTE}\n", summary)

    def test_curl_gets_every_size_over_tap_by_ipv4_and_ipv6(self):
        with serving(SITE, "--tun", "hf0", "--tap", *ADDRESSES) as server:
            for host in HOSTS:
                for name in DIGESTS:
                    self.fetch(host, name)
            self.assertIn("(TAP)", server.finish())

    def test_ten_downloads_at_once_are_all_whole(self):
        home = netns.directory()
        with serving(SITE, "--tun", "hf0", *ADDRESSES) as server:
            running = [subprocess.Popen(["curl", "-sS", "--max-time", "120", "-o", f"{home}/{i}",
                                         f"http://{HOSTS[i % 2]}/100m.bin"]) for i in range(10)]
            for process in running:
                self.assertEqual(process.wait(timeout=130), 0)
            server.finish()
        for i in range(10):
            self.assertEqual(netns.sha256(f"{home}/{i}"), DIGESTS["100m.bin"])
            os.unlink(f"{home}/{i}")

    def test_files_stay_whole_while_packets_are_lost_reordered_and_duplicated(self):
        for mode in ([], ["--tap"]):
            with serving(SITE, "--tun", "hf0", *mode, *ADDRESSES, *IMPAIRED) as server:
                for host in HOSTS:
                    for name in ("1m.bin", "empty"):
                        self.fetch(host, name)
                if not mode:
                    self.fetch(OURS, "100m.bin")
                summary = server.finish()
            self.assertGreater(netns.number_in(r"Impairment: (\d+) of", summary), 0)
            self.assertGreater(netns.number_in(r"(\d+) retransmitted", summary), 0)

    def test_keep_alive_carries_two_urls_on_one_connection(self):
        with serving(SITE, "--tun", "hf0", *ADDRESSES) as server:
            counts = curl("--http1.1", "-w", "%{num_connects} ", "-o", "/dev/null",
                          f"http://{OURS}/1m.bin", "-o", "/dev/null", f"http://{OURS}/empty")
            self.assertEqual(counts, "1 0 ")
            self.assertIn("2 requests on 1 connection,", server.finish())

    def test_ping_answers(self):
        with serving(SITE, "--tun", "hf0", *ADDRESSES):
            for command in (["ping", "-4", OURS], ["ping", "-6", OURS6],
                            ["ping", "-4", "-s", "4000", OURS], ["ping", "-6", "-s", "4000", OURS6]):
                ping = netns.run([*command, "-c", "3", "-i", "0.2", "-w", "10"])
                self.assertIn("3 received, 0% packet loss", ping.stdout, ping.stderr)

    def test_statuses_are_what_curl_users_expect(self):
        def status(target, *options):
            return curl("-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", *options,
                        f"http://{OURS}{target}")

        os.makedirs(f"{SITE}/directory", exist_ok=True)
        if not os.path.lexists(f"{SITE}/outside"):
            os.symlink("/etc/hostname", f"{SITE}/outside")
        with serving(SITE, "--tun", "hf0", *ADDRESSES):
            self.assertEqual(status("/"), "200")
            self.assertEqual(status("/directory"), "301")
            self.assertEqual(status("/directory", "-L"), "200")
            self.assertEqual(status("/nothing"), "404")
            self.assertEqual(status("/../../etc/hostname"), "400")
            self.assertEqual(status("/outside"), "403")
            self.assertEqual(status("/1m.bin", "-X", "DELETE"), "405")
            self.assertEqual(status("/x", "-T", f"{SITE}/1m.bin"), "405")
            self.assertIn("Content-Length: 1048576", curl("-I", f"http://{OURS}/1m.bin"))

    def test_a_capture_of_all_this_is_clean(self):
        for mode in ([], ["--tap"]):
            capture = os.path.join(netns.directory(), "c.pcapng")
            with serving(SITE, "--tun", "hf0", *mode, *ADDRESSES, "--pcap", capture) as server:
                for host in HOSTS:
                    self.fetch(host, "1m.bin")
                netns.run(["ping", "-6", OURS6, "-c", "1", "-w", "5"])
                server.finish()
            bad, count = netns.bad_packets(capture)
            self.assertEqual(bad, "")
            self.assertGreater(count, 500)

    def test_a_signal_during_a_download_ends_both_soon(self):
        with serving(SITE, "--tun", "hf0", *ADDRESSES, "--impair", "rate=8M") as server:
            path = os.path.join(netns.directory(), "part")
            with subprocess.Popen(["curl", "-sS", "--max-time", "60", "-o", path,
                                   f"http://{OURS}/100m.bin"], stderr=subprocess.PIPE) as process:
                netns.wait_for_bytes(path)
                self.assertIn("1 cut off", server.finish())
                self.assertNotEqual(process.wait(timeout=30), 0, "curl must not take it for whole")

    def test_verbose_tells_the_states(self):
        with serving(SITE, "--tun", "hf0", *ADDRESSES, "-v") as server:
            self.fetch(OURS, "empty")
            server.finish()
            told = server.printed(server.err)
        for state in ("SYN_RECEIVED", "ESTABLISHED"):
            self.assertIn(state, told)

    def test_curl_resumes_takes_ranges_and_asks_only_for_what_is_new(self):
        url = f"http://{OURS}/1m.bin"
        with open(f"{SITE}/1m.bin", "rb") as file:
            whole = file.read()
        path = os.path.join(netns.directory(), "part")

        def got(*options):
            code = curl("-w", "%{http_code}", "-o", path, *options, url)
            with open(path, "rb") as file:
                return code, file.read()

        with serving(SITE, "--tun", "hf0", *ADDRESSES):
            with open(path, "wb") as file:
                file.write(whole[:1000])
            self.assertEqual(got("-C", "-"), ("206", whole))
            self.assertEqual(got("-r", "5-9"), ("206", whole[5:10]))
            self.assertEqual(got("-r", "-3"), ("206", whole[-3:]))
            code, parts = got("-r", "0-0,-1")
            self.assertEqual(code, "206")
            for place, byte in ((b"0-0", whole[:1]), (b"1048575-1048575", whole[-1:])):
                self.assertIn(b"Content-Range: bytes " + place + b"/1048576\r\n\r\n" + byte, parts)
            self.assertEqual(got("-r", "2000000-")[0], "416")
            self.assertEqual(got("-z", f"{SITE}/1m.bin")[0], "304")
            self.assertEqual(got("-z", "1 Jan 1990"), ("200", whole))

    def test_the_kernel_can_serve_as_well(self):
        with serving(SITE, "--listen", "127.0.0.1:8080", "--listen", "[::1]:8080") as server:
            self.fetch("127.0.0.1:8080", "1m.bin")
            self.fetch("[::1]:8080", "1m.bin")
            self.assertIn("2 requests on 2 connections", server.finish())


if __name__ == "__main__":
    netns.main("curl", "ping", "tshark")
