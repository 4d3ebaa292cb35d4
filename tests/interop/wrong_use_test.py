"""Wrong use of `serve` and `get` is answered by one line that says what to do, and an exit code."""

import os
import unittest

import netns
from netns import HANDFAST, OURS, handfast, run, serving

NOBODY = 65534
SITE = netns.directory()
TUN = ["--tun", "hf0", "--address", f"{OURS}/24"]


class WrongUse(unittest.TestCase):
    def told(self, result, code, *words):
        self.assertEqual(result.returncode, code, result.stderr)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith("handfast: "), lines[0])
        for word in words:
            self.assertIn(word, lines[0])

    def test_without_root_a_device_cannot_be_had(self):
        for arguments in (["serve", SITE, *TUN], ["get", "http://192.0.2.1/", *TUN]):
            self.told(handfast(*arguments, user=NOBODY, group=NOBODY), 1, "/dev/net/tun", "root")

    def test_without_the_tun_driver_it_says_so(self):
        hidden = f"mount -t tmpfs none /dev/net && exec {HANDFAST} serve {SITE} {' '.join(TUN)}"
        self.told(run(["unshare", "--mount", "sh", "-c", hidden]), 1, "/dev/net/tun")

    def test_a_device_or_port_in_use(self):
        with serving(SITE, *TUN):
            self.told(handfast("serve", SITE, *TUN), 1, "hf0", "in use")
        with serving(SITE, "--listen", "127.0.0.1:8080"):
            self.told(handfast("serve", SITE, "--listen", "127.0.0.1:8080"), 1,
                      "127.0.0.1:8080", "Address already in use", "choose another port")

    def test_a_directory_that_is_missing_or_none(self):
        path = os.path.join(SITE, "file")
        with open(path, "w", encoding="utf-8"):
            pass
        self.told(handfast("serve", "/nonexistent", *TUN), 1, "/nonexistent", "No such file")
        self.told(handfast("serve", path, *TUN), 1, path, "Not a directory")
        os.unlink(path)

    def test_serve_must_be_told_where(self):
        self.told(handfast("serve", SITE), 2, "--tun", "--listen")
        self.told(handfast("serve", SITE, "--tun", "hf0"), 2, "--address")
        self.told(handfast("serve", SITE, *TUN, "--listen", "127.0.0.1"), 2, "--listen")
        self.told(handfast("serve", SITE, "--listen", "localhost"), 2, "localhost")
        self.told(handfast("serve", SITE, *TUN, "--port", "0"), 2, "--port")

    def test_bad_addresses(self):
        for text in ("192.0.2.2", "192.0.2.2/33", "192.0.2.300/24", "2001:db8::2/129", "x/24",
                     "192.0.2.2/0", "192.0.2.2/32", "192.0.2.0/24", "192.0.2.255/24",
                     "127.0.0.1/8", "224.0.0.1/4", "2001:db8::/64", "192.0.2.2/24x"):
            self.told(handfast("serve", SITE, "--tun", "hf0", "--address", text), 2, text)

    def test_bad_impairments(self):
        for text in ("loss", "loss=x", "loss=200%", "delay=1", "speed=1M", "rate=0", "queue=0"):
            self.told(handfast("serve", SITE, *TUN, "--impair", text), 2, text.split("=")[0])

    def test_a_relay_has_two_ends(self):
        self.told(handfast("relay", "--tun", "hf0"), 2, "two ends", "--tun")
        self.told(handfast("relay", "--tun", "hf0", "--tun", "hf0"), 1, "hf0", "in use")

    def test_a_capture_that_cannot_be_written(self):
        self.told(handfast("serve", SITE, *TUN, "--pcap", "/nonexistent/x"), 1, "/nonexistent/x",
                  "No such file")
        self.told(handfast("get", "http://192.0.2.77/", *TUN, "--connect-timeout", "100ms",
                           "--pcap", "/dev/full"), 1, "/dev/full", "No space left")

    def test_bad_urls(self):
        for url, word in (("192.0.2.1/", "http://"), ("ftp://192.0.2.1/", "https"),
                          ("http://[::1/", "bracket"), ("http://h:99999/", "port"),
                          ("http:///x", "no host"), ("http://a b/", "character")):
            self.told(handfast("get", url), 2, "bad URL", word)

    def test_an_unknown_host(self):
        self.told(handfast("get", "http://no-such-host.invalid/"), 1, "unknown host",
                  "no-such-host.invalid")
        self.told(handfast("get", "http://no-such-host.invalid/", *TUN), 1, "unknown host",
                  "NXDOMAIN")
        self.told(handfast("get", "http://a.test/", *TUN, "--dns", "192.0.2.1:9"), 1, "a.test",
                  "--dns names another")
        self.told(handfast("get", "http://a.test/", "--dns", "nobody"), 2, "--dns nobody")

    def test_options_of_get_that_contradict_each_other(self):
        here = "http://127.0.0.1/"
        for options, word in (([here, "--kernel", *TUN], "--kernel and --tun"),
                              ([here, "-C", "-", "--range", "0-"], "-C and --range"),
                              ([here, "-C", "-"], "name a file"),
                              ([here, "-C", "x", "-o", "/dev/null"], "not an offset"),
                              ([here, "-H", "nonsense"], "not a header field"),
                              ([here, "-X", "A B"], "not a method"),
                              ([here, "-o", "a", "-o", "b"], "more files than URLs"),
                              ([here, "-O"], "no file name in the URL"),
                              ([here, "-b", "nonsense"], "not a cookie"),
                              ([here, "--proxy", "https://x/"], "not supported")):
            self.told(handfast("get", *options), 2, word)

    def test_bad_times(self):
        self.told(handfast("get", "http://127.0.0.1/", "--connect-timeout", "soon"), 2, "soon")
        self.told(handfast("get", "http://127.0.0.1/", "--timeout", "0"), 2, "--timeout")


if __name__ == "__main__":
    netns.main()
