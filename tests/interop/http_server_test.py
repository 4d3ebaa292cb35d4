"""What `handfast serve` can do beyond files, asked by real curl, with real nginx behind it."""

import gzip
import json
import os
import signal
import subprocess
import unittest

import netns
from netns import curl, handfast, serving

SITE, OTHER, LAB = netns.directory(), netns.directory(), netns.directory()
HERE = "127.0.0.1:8080"
TEXT = "".join(f"line {i} of a text\n" for i in range(20_000))


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


write(f"{SITE}/text.txt", TEXT)
write(f"{SITE}/style.css", TEXT)
write(f"{SITE}/style.css.gz", gzip.compress(b"packed before"))
write(f"{SITE}/index.html", "first")
write(f"{OTHER}/index.html", "other")
BIG = netns.make_file(f"{SITE}/big.bin", 20 << 20)


class HttpServer(unittest.TestCase):
    def test_texts_are_packed_as_curl_wants_them_and_unpack_to_the_same(self):
        with serving(SITE, "--listen", HERE):
            for coding in ("gzip", "br", "zstd"):
                if coding not in curl("--version").replace("brotli", "br"):
                    continue
                asks = ["-H", f"Accept-Encoding: {coding}", f"http://{HERE}/text.txt"]
                head = curl("-I", *asks)
                self.assertIn(f"Content-Encoding: {coding}\n", head)
                self.assertIn("Vary: Accept-Encoding\n", head)
                size = int(curl("-o", "/dev/null", "-w", "%{size_download}", *asks))
                self.assertLess(size, len(TEXT) / 2)
                self.assertEqual(curl("--compressed", *asks), TEXT)
            plain = curl("-i", f"http://{HERE}/text.txt")
            self.assertNotIn("Content-Encoding", plain)
            self.assertTrue(plain.endswith(TEXT))
            self.assertEqual(curl("--compressed", "-H", "Accept-Encoding: gzip",
                                  f"http://{HERE}/style.css"), "packed before")

    def test_no_compress_sends_files_as_they_are(self):
        with serving(SITE, "--listen", HERE, "--no-compress"):
            head = curl("-I", "-H", "Accept-Encoding: gzip", f"http://{HERE}/style.css")
            self.assertNotIn("Content-Encoding", head)

    def test_hosts_have_directories_of_their_own(self):
        with serving(SITE, "--listen", HERE, "--vhost", f"other.example={OTHER}"):
            self.assertEqual(curl(f"http://{HERE}/"), "first")
            self.assertEqual(curl("--resolve", "other.example:8080:127.0.0.1",
                                  "http://other.example:8080/"), "other")

    def test_certificates_are_chosen_by_name_and_plain_http_is_sent_to_https(self):
        for name in ("one.example", "two.example"):
            result = handfast("ca", f"{LAB}/{name}", "--name", name)
            self.assertEqual(result.returncode, 0, result.stderr)
        pairs = []
        for name in ("one.example", "two.example"):
            pairs += ["--cert", f"{LAB}/{name}/server.pem", "--key", f"{LAB}/{name}/server.key"]
        with serving(SITE, "--listen", "127.0.0.1:8443", "--tls", *pairs, "--redirect-http", "8081",
                     "--hsts", "3600", "--vhost", f"two.example={OTHER}"):
            for name, text in (("one.example", "first"), ("two.example", "other")):
                to = [f"--resolve={name}:{port}:127.0.0.1" for port in (8081, 8443)]
                to = [word for option in to for word in option.split("=", 1)]
                answer = curl("-i", "-L", *to, "--cacert", f"{LAB}/{name}/ca.pem",
                              f"http://{name}:8081/index.html")
                self.assertIn("308 Permanent Redirect", answer)
                self.assertIn(f"Location: https://{name}:8443/index.html\n", answer)
                self.assertIn("strict-transport-security: max-age=3600\n", answer.lower())
                self.assertTrue(answer.endswith(text), answer)

    def test_the_log_is_what_readers_of_logs_expect_and_is_opened_anew_on_SIGHUP(self):
        log = os.path.join(netns.directory(), "access.log")
        with serving(SITE, "--listen", HERE, "-q", "--access-log", log,
                     "--log-format", "json") as server:
            curl("-A", "an \"agent\"", f"http://{HERE}/text.txt")
            netns.wait_for(lambda: os.path.getsize(log) > 0, "line")
            os.rename(log, log + ".1")
            server.process.send_signal(signal.SIGHUP)
            netns.wait_for(lambda: os.path.exists(log), "new log")
            curl("-o", "/dev/null", "-w", "%{http_code}", f"http://{HERE}/nothing")
            server.finish()
        with open(log + ".1", encoding="ascii") as file:
            line = json.loads(file.read())
        self.assertEqual(line["status"], 200)
        self.assertEqual(line["bytes"], len(TEXT))
        self.assertEqual(line["user_agent"], "an \"agent\"")
        with open(log, encoding="ascii") as file:
            self.assertEqual(json.loads(file.read())["target"], "/nothing")

    def test_metrics_count_what_was_served(self):
        with serving(SITE, "--listen", HERE, "--metrics", "/metrics"):
            curl(f"http://{HERE}/")
            curl(f"http://{HERE}/nothing")
            page = curl(f"http://{HERE}/metrics")
            # The others' ends may be on the way.
            alone = "handfast_http_connections_open 1\n"
            netns.wait_for(lambda: alone in curl(f"http://{HERE}/metrics"), "end of the others")
        for line in ('handfast_http_requests_total{code="2xx"} 1',
                     'handfast_http_requests_total{code="4xx"} 1',
                     "handfast_http_connections_total 3"):
            self.assertIn(line + "\n", page)
        for line in page.splitlines():
            self.assertRegex(line, r"^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{[a-z]+=\"[^\"]+\"\})? [0-9.e+-]+)$")

    def test_nginx_behind_answers_through_the_proxy(self):
        with netns.nginx(SITE, "listen 127.0.0.1:8082; client_max_body_size 0; "
                               "location /dump/ { dav_methods PUT; root " + OTHER + "; } "), \
                serving(SITE, "--listen", HERE, "--proxy", "/far/=http://127.0.0.1:8082/",
                        "--proxy", "/dead/=http://127.0.0.1:9/") as server:
            path = os.path.join(netns.directory(), "big")
            head = curl("-D", "-", "-o", path, f"http://{HERE}/far/big.bin")
            self.assertIn("Server: nginx", head)
            self.assertIn("Via: 1.1 handfast", head)
            self.assertEqual(netns.sha256(path), BIG)
            self.assertEqual(curl("-r", "0-4", f"http://{HERE}/far/index.html"), "first")
            code = curl("-o", "/dev/null", "-w", "%{http_code}", f"http://{HERE}/dead/x")
            self.assertEqual(code, "502")
            summary = server.finish()
        self.assertNotIn("cut off", summary)

    def test_curl_is_told_to_continue_only_where_its_content_is_wanted(self):
        with serving(SITE, "--listen", HERE):
            result = netns.run(["curl", "-sv", "--expect100-timeout", "20", "-T", f"{SITE}/big.bin",
                                f"http://{HERE}/x"])
            self.assertIn("< HTTP/1.1 405", result.stderr)
            self.assertNotIn("100 Continue", result.stderr)

    def test_SIGTERM_lets_a_download_finish_and_turns_new_clients_away(self):
        with serving(SITE, "--listen", HERE, "--grace", "30") as server:
            path = os.path.join(netns.directory(), "big")
            with subprocess.Popen(["curl", "-sS", "--limit-rate", "4M", "-o", path,
                                   f"http://{HERE}/big.bin"]) as process:
                netns.wait_for_bytes(path)
                server.process.send_signal(signal.SIGTERM)
                netns.wait_for(lambda: netns.run(["curl", "-s", f"http://{HERE}/"]).returncode != 0,
                               "refusal")
                self.assertIsNone(server.process.poll())
                self.assertEqual(process.wait(timeout=30), 0)
            self.assertEqual(server.process.wait(timeout=20), 0)
            self.assertNotIn("cut off", server.printed())
        self.assertEqual(netns.sha256(path), BIG)

    def test_a_full_server_says_so(self):
        with serving(SITE, "--listen", HERE, "--connections-max", "1"):
            path = os.path.join(netns.directory(), "big")
            with subprocess.Popen(["curl", "-sS", "--limit-rate", "1M", "-o", path,
                                   f"http://{HERE}/big.bin"]) as process:
                netns.wait_for_bytes(path)
                answer = curl("-i", f"http://{HERE}/")
                self.assertIn("503 Service Unavailable", answer)
                self.assertIn("Retry-After: 5\n", answer)
                process.terminate()


if __name__ == "__main__":
    netns.main("curl", "nginx")
