"""`handfast get` as a client of nginx, tinyproxy, dnsmasq and Python's server, beside curl."""

import contextlib
import http.server
import os
import socket
import subprocess
import threading
import time
import unittest

import netns
from netns import ADDRESSES, KERNEL, OURS, curl, handfast, nginx

SITE = netns.directory()
SIZE = 1 << 20
DIGEST = netns.make_file(f"{SITE}/1m.bin", SIZE)
TEXT = "one line of text, and another\n" * 20_000
for NAME in ("plain.txt", "packed.gz", "packed.br", "packed.zst"):
    with open(f"{SITE}/{NAME}", "w", encoding="utf-8") as FILE:
        FILE.write(TEXT)
TUN = ["--tun", "hf0", *ADDRESSES]


def packed(name, *command):
    """A file of the site in the packed form of a real tool."""
    with open(f"{SITE}/plain.txt", "rb") as file:
        done = subprocess.run(command, stdin=file, stdout=subprocess.PIPE, check=True, timeout=60)
    with open(f"{SITE}/{name}", "wb") as file:
        file.write(done.stdout)


class Origin(http.server.ThreadingHTTPServer):
    """Python's HTTP server; what it answers is a function of the test, and it notes all requests."""

    daemon_threads = True

    def __init__(self, answer, address=("127.0.0.1", 0)):
        self.answer = answer
        self.requests = []
        self.connections = 0
        super().__init__(address, Handler)
        self.port = self.server_address[1]

    def get_request(self):
        self.connections += 1
        return super().get_request()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def log_message(self, *_):
        pass

    def content(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            whole = b""
            while size := int(self.rfile.readline(), 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def handle_one(self):
        request = (self.command, self.path, dict(self.headers), self.content())
        self.server.requests.append(request)
        answer = self.server.answer(*request)
        if answer is None:
            self.close_connection = True
            return
        status, fields, content = answer
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        if "Content-Length" not in dict(fields):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        if len(content) < int(dict(fields).get("Content-Length", 0)):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = handle_one


@contextlib.contextmanager
def origin(answer, **options):
    server = Origin(answer, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


@contextlib.contextmanager
def tool(*command, ready):
    """A server that runs in the foreground until the test is over."""
    with open(os.path.join(netns.directory(), "log"), "w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log,
                                   preexec_fn=netns._die_with_parent)
        try:
            netns.wait_for(lambda: ready() or process.poll() is not None, command[0])
            log.seek(0)
            assert process.poll() is None, log.read()
            yield
        finally:
            process.terminate()
            process.wait(timeout=10)


def listens(port, address="127.0.0.1"):
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
        return True
    return False


class Client(unittest.TestCase):
    def get(self, *arguments, code=0, **options):
        result = handfast("get", *arguments, **options)
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()


class Requests(Client):
    def test_content_goes_out_as_curl_sends_it(self):
        with origin(lambda *_: (200, [], b"ok")) as server:
            url = f"http://127.0.0.1:{server.port}/form"
            self.get(url, "-d", "a=1", "-d", "b=2", "-H", "X-One: 1")
            curl(url, "-d", "a=1", "-d", "b=2", "-H", "X-One: 1")
        ours, theirs = server.requests
        for request in (ours, theirs):
            request[2].pop("User-Agent")
        self.assertEqual(ours, theirs)

    def test_a_file_goes_out_whole_and_standard_input_in_chunks(self):
        with origin(lambda *_: (200, [], b"ok")) as server:
            url = f"http://127.0.0.1:{server.port}/"
            self.get(url, "-X", "PUT", "--data", f"@{SITE}/1m.bin")
            with open(f"{SITE}/1m.bin", "rb") as file:
                self.get(url, "-X", "PUT", "--data", "@-", stdin=file)
            with subprocess.Popen(["cat", f"{SITE}/1m.bin"], stdout=subprocess.PIPE) as cat:
                self.get(url, "-X", "PUT", "--data", "@-", stdin=cat.stdout)
        sent = self.read(f"{SITE}/1m.bin")
        for request in server.requests:
            self.assertTrue(request[3] == sent)
        self.assertEqual(server.requests[0][2]["Content-Length"], str(SIZE))
        self.assertEqual(server.requests[2][2]["Transfer-Encoding"], "chunked")

    def test_content_reaches_nginx_and_what_is_behind_it(self):
        with origin(lambda *_: (200, [], b"behind")) as server:
            with nginx(SITE, "listen 8080; client_max_body_size 8m; location /up { "
                             f"proxy_pass http://127.0.0.1:{server.port}; }}"):
                with subprocess.Popen(["cat", f"{SITE}/1m.bin"], stdout=subprocess.PIPE) as cat:
                    told = self.get(f"http://{KERNEL}:8080/up", "--data", "@-", *TUN,
                                    stdin=cat.stdout)
                self.assertEqual(told.stdout, "behind")
                self.assertTrue(server.requests[0][3] == self.read(f"{SITE}/1m.bin"))
                # It refuses what is larger, and says so.
                with open(f"{SITE}/9m", "wb") as file:
                    file.truncate(9 << 20)
                told = self.get(f"http://{KERNEL}:8080/up", "--data", f"@{SITE}/9m", *TUN, code=1)
                self.assertIn("the server answered 413", told.stderr)

    def test_the_head_alone_is_shown(self):
        with nginx(SITE):
            told = self.get("http://127.0.0.1/1m.bin", "-I").stdout
        self.assertTrue(told.startswith("HTTP/1.1 200 OK\n"), told)
        self.assertIn(f"Content-Length: {SIZE}\n", told)

    def test_redirects_and_cookies_are_what_curl_makes_of_them(self):
        def answer(method, path, *_):
            if path == "/start":
                return 302, [("Location", "/login"), ("Set-Cookie", "a=1; Path=/"),
                             ("Set-Cookie", "b=2; Path=/deep"),
                             ("Set-Cookie", "c=3; Domain=example.org")], b""
            if path == "/login":
                return 303, [("Location", "/deep/er?x#y"), ("Set-Cookie", "d=4; Max-Age=100"),
                             ("Set-Cookie", "a=5; Path=/")], b""
            if path.startswith("/deep"):
                return 307, [("Location", "//127.0.0.1:%d/end" % server.port),
                             ("Set-Cookie", "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")], b""
            return 200, [], b"end"

        with origin(answer) as server:
            url = f"http://127.0.0.1:{server.port}/start"
            self.assertEqual(self.get(url, "-d", "x").stdout, "end")
            self.assertEqual(server.connections, 1)
            count = len(server.requests)
            self.assertEqual(curl(url, "-d", "x", "-L", "-b", ""), "end")
        ours, theirs = server.requests[:count], server.requests[count:]

        def story(requests):
            return [(method, path, sorted(fields.get("Cookie", "").split("; ")), content)
                    for method, path, fields, content in requests]

        self.assertEqual(story(ours), story(theirs))

    def test_credentials_stay_where_they_belong(self):
        with origin(lambda *_: (200, [], b"")) as other:
            where = f"http://localhost:{other.port}/"
            with origin(lambda *_: (302, [("Location", where)], b"")) as server:
                self.get(f"http://127.0.0.1:{server.port}/", "-H", "Authorization: Basic eDp5",
                         "--cookie", "s=1", "-H", "X-Other: 1")
        self.assertEqual(server.requests[0][2]["Authorization"], "Basic eDp5")
        self.assertEqual(server.requests[0][2]["Cookie"], "s=1")
        self.assertNotIn("Authorization", other.requests[0][2])
        self.assertNotIn("Cookie", other.requests[0][2])
        self.assertEqual(other.requests[0][2]["X-Other"], "1")

    def test_several_urls_share_a_connection_and_one_that_fails_does_not_stop_the_others(self):
        here = netns.directory()
        with nginx(SITE):
            base = f"http://{KERNEL}"
            told = self.get(f"{base}/plain.txt", f"{base}/nothing", f"{base}/1m.bin", "-O", "-v",
                            *TUN, code=1, cwd=here)
        self.assertEqual(told.stderr.count("* connecting to"), 1, told.stderr)
        for line in (f"> GET {base}/nothing", "> Accept: */*", "< 404 Not Found",
                     "< Content-Length: 1048576"):
            self.assertIn(f"\n{line}\n", told.stderr)
        self.assertEqual(netns.sha256(f"{here}/1m.bin"), DIGEST)
        self.assertEqual(self.read(f"{here}/plain.txt").decode(), TEXT)

    def test_packed_content_is_unpacked(self):
        packed("packed.gz", "gzip", "-c")
        packed("packed.br", "brotli", "-c")
        packed("packed.zst", "zstd", "-c")
        locations = "".join(f"location /packed.{end} {{ add_header Content-Encoding {coding}; }} "
                            for end, coding in (("gz", "gzip"), ("br", "br"), ("zst", "zstd")))
        with nginx(SITE, netns.EVERYWHERE + "gzip on; gzip_types text/plain; " + locations):
            for name in ("plain.txt", "packed.gz", "packed.br", "packed.zst"):
                told = self.get(f"http://{KERNEL}/{name}", "--compressed", *TUN)
                self.assertTrue(told.stdout == TEXT, name)
            raw = self.get(f"http://{KERNEL}/packed.zst", "-I", "--compressed", *TUN).stdout
            self.assertIn("Content-Encoding: zstd", raw)


class Parts(Client):
    def part(self, size):
        """A file with the first bytes of 1m.bin, older than it may be doubted."""
        path = os.path.join(netns.directory(), "1m.bin")
        with open(path, "wb") as file:
            file.write(self.read(f"{SITE}/1m.bin")[:size])
        return path

    def test_a_range_is_what_curl_gets(self):
        with nginx(SITE):
            for part in ("0-99", "1000000-", "-77"):
                path = os.path.join(netns.directory(), "out")
                self.get(f"http://{KERNEL}/1m.bin", "--range", part, "-o", path, *TUN)
                theirs = path + "2"
                curl("http://127.0.0.1/1m.bin", "-r", part, "-o", theirs)
                self.assertTrue(self.read(path) == self.read(theirs), part)

    def test_a_file_is_completed(self):
        with nginx(SITE):
            for size in (1, 500_000, SIZE - 1, SIZE):
                path = self.part(size)
                told = self.get(f"http://{KERNEL}/1m.bin", "-o", path, "-C", "-", "-v", *TUN)
                self.assertEqual(netns.sha256(path), DIGEST)
                if size == SIZE:
                    self.assertIn("nothing is missing", told.stderr)
            path = os.path.join(netns.directory(), "new")
            self.get(f"http://{KERNEL}/1m.bin", "-o", path, "-C", "-", *TUN)
            self.assertEqual(netns.sha256(path), DIGEST)
            told = self.get(f"http://{KERNEL}/plain.txt", "-C", str(len(TEXT) - 5), *TUN)
            self.assertEqual(told.stdout, TEXT[-5:])

    def test_a_file_that_has_changed_meanwhile_comes_anew(self):
        path = self.part(500_000)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        with nginx(SITE):
            told = self.get(f"http://{KERNEL}/1m.bin", "-o", path, "-C", "-", "-v", *TUN)
        self.assertIn("starting over", told.stderr)
        self.assertEqual(netns.sha256(path), DIGEST)

    def test_what_is_longer_than_the_servers_is_not_touched(self):
        path = self.part(SIZE)
        with open(path, "ab") as file:
            file.write(b"more")
        with nginx(SITE):
            told = self.get(f"http://{KERNEL}/1m.bin", "-o", path, "-C", "-", *TUN, code=1)
        self.assertIn("is it the same file?", told.stderr)
        self.assertEqual(os.path.getsize(path), SIZE + 4)

    def test_a_broken_download_goes_on_by_its_etag_in_another_run(self):
        etags = ['"one"', '"one"', '"two"']
        whole = self.read(f"{SITE}/1m.bin")

        def answer(method, path, fields, content):
            etag = etags[min(len(server.requests), len(etags)) - 1]
            if fields.get("If-Range") == etag:
                start = int(fields["Range"].removeprefix("bytes=").removesuffix("-"))
                return 206, [("ETag", etag), ("Content-Length", str(SIZE - start)),
                             ("Content-Range", f"bytes {start}-{SIZE - 1}/{SIZE}")], \
                    whole[start:start + 300_000]
            return 200, [("ETag", etag), ("Content-Length", str(SIZE))], \
                whole if etag == '"two"' else whole[:300_000]

        path = os.path.join(netns.directory(), "out")
        with origin(answer) as server:
            for size in (300_000, 600_000):
                told = self.get(f"http://127.0.0.1:{server.port}/", "-o", path, "-C", "-", code=1)
                self.assertEqual(os.path.getsize(path), size, told.stderr)
            if "user.handfast.etag" not in os.listxattr(path):
                self.skipTest("no extended attributes here")
            self.get(f"http://127.0.0.1:{server.port}/", "-o", path, "-C", "-")
        self.assertEqual(netns.sha256(path), DIGEST)
        self.assertEqual(server.requests[1][2]["If-Range"], '"one"')
        self.assertEqual(os.listxattr(path), [])

    def test_a_wrong_part_is_refused(self):
        path = self.part(1000)
        with origin(lambda *_: (206, [("Content-Range", f"bytes 0-9/{SIZE}")], b"x" * 10)) as server:
            told = self.get(f"http://127.0.0.1:{server.port}/", "-o", path, "-C", "-", code=1)
        self.assertIn("not the part that was asked for", told.stderr)
        self.assertEqual(os.path.getsize(path), 1000)


class Patience(Client):
    def test_what_may_pass_is_tried_again_and_goes_on_where_it_broke_off(self):
        whole = self.read(f"{SITE}/1m.bin")

        def answer(method, path, fields, content):
            count = len(server.requests)
            if count == 1:
                return 503, [("Retry-After", "0")], b"busy"
            if count == 2:
                return 200, [("ETag", '"e"'), ("Content-Length", str(SIZE))], whole[:400_000]
            start = int(fields["Range"].removeprefix("bytes=").removesuffix("-"))
            return 206, [("Content-Range", f"bytes {start}-{SIZE - 1}/{SIZE}"),
                         ("ETag", '"e"')], whole[start:]

        path = os.path.join(netns.directory(), "out")
        with origin(answer) as server:
            self.get(f"http://127.0.0.1:{server.port}/", "-o", path, "--retry", "3")
        self.assertEqual(netns.sha256(path), DIGEST)
        self.assertEqual([one[2].get("Range") for one in server.requests],
                         [None, None, "bytes=400000-"])
        self.assertEqual(server.requests[2][2]["If-Range"], '"e"')

    def test_the_number_of_tries_is_bounded_and_post_is_not_repeated(self):
        with origin(lambda *_: (503, [("Retry-After", "0")], b"")) as server:
            url = f"http://127.0.0.1:{server.port}/"
            self.get(url, "--retry", "2", code=1)
            self.assertEqual(len(server.requests), 3)
            self.get(url, "--retry", "2", "-d", "x", code=1)
            self.assertEqual(len(server.requests), 4)

    def test_each_limit_ends_its_own_step(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            for url, option, words in (
                    (f"https://127.0.0.1:{port}/", "--tls-timeout", "longer than 0.3 s"),
                    (f"http://127.0.0.1:{port}/", "--first-byte-timeout", "does not answer"),
                    (f"http://127.0.0.1:{port}/", "--max-time", "not done within 300")):
                begin = time.monotonic()
                told = self.get(url, option, "300ms", "--insecure", code=1)
                self.assertIn(words, told.stderr)
                self.assertLess(time.monotonic() - begin, 5)

    def test_the_table_tells_what_each_step_cost(self):
        with nginx(SITE):
            told = self.get(f"http://{KERNEL}/1m.bin", "--timing", "-o", "/dev/null", *TUN,
                            "--impair", "delay=20ms").stderr
        # A round trip takes 40 ms, and a busy machine adds what it likes.
        for step in (r"TCP +(\d+)\.\d+ ms +1\n", r"first byte +(\d+)\.\d+ ms +1\n",
                     r"transfer +(\d+)\.\d+ ms +about \d+\n", r"round trip takes (\d+)\.\d+ ms"):
            self.assertGreaterEqual(netns.number_in(step, told), 40, told)


class Proxies(Client):
    @contextlib.contextmanager
    def tinyproxy(self):
        home = netns.directory()
        with open(f"{home}/conf", "w", encoding="utf-8") as file:
            file.write(f'Port 8888\nListen 0.0.0.0\nTimeout 20\nConnectPort 8443\nLogFile "{home}/log"\n')
        with tool("tinyproxy", "-d", "-c", f"{home}/conf", ready=lambda: listens(8888)):
            yield f"{home}/log"

    def test_http_goes_by_the_whole_url_and_https_by_a_tunnel(self):
        lab = netns.directory() + "/lab"
        self.assertEqual(handfast("ca", lab, "--name", KERNEL).returncode, 0)
        tls = f"listen 8443 ssl; ssl_certificate {lab}/server.pem; ssl_certificate_key {lab}/server.key;"
        with nginx(SITE, netns.EVERYWHERE + tls), self.tinyproxy() as log:
            for way in ([], TUN):
                proxy = ["--proxy", f"http://{KERNEL if way else '127.0.0.1'}:8888"]
                where = KERNEL if way else "127.0.0.1"
                path = os.path.join(netns.directory(), "out")
                self.get(f"http://{where}/1m.bin", "-o", path, *proxy, *way)
                self.assertEqual(netns.sha256(path), DIGEST)
            self.get(f"https://{KERNEL}:8443/1m.bin", "-o", path, "--ca", f"{lab}/ca.pem", *proxy,
                     *TUN)
            self.assertEqual(netns.sha256(path), DIGEST)
            told = self.get("https://127.0.0.1:444/", *proxy, *TUN, code=1).stderr
            self.assertIn("the proxy answered 403", told)
            self.assertIn("CONNECT", self.read(log).decode())


class NamesByDns(Client):
    RECORDS = ["--host-record=both.test,192.0.2.1,2001:db8::1", "--host-record=v4.test,192.0.2.1",
               "--cname=alias.test,v4.test", "--address=/dead.test/2001:db8::dead",
               "--host-record=dead.test,192.0.2.1",
               "--txt-record=only-text.test,hello",
               *(f"--host-record=big.test,198.51.100.{i}" for i in range(1, 90)),
               "--host-record=big.test,192.0.2.1"]

    @contextlib.contextmanager
    def dnsmasq(self):
        with tool("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--port=5353",
                  "--conf-file=/dev/null", "--user=root", "--local=/test/", "--pid-file=",
                  "--log-facility=-", *self.RECORDS, ready=lambda: listens(5353)):
            yield

    def ask(self, name, *more, code=0):
        return self.get(f"http://{name}/plain.txt", "--dns", f"{KERNEL}:5353", *TUN, *more,
                        code=code)

    def test_names_are_found_by_the_resolver_of_our_own_stack(self):
        with nginx(SITE), self.dnsmasq():
            for name in ("both.test", "v4.test", "alias.test", "V4.TEST."):
                self.assertEqual(self.ask(name).stdout, TEXT, name)

    def test_and_over_the_kernels_sockets(self):
        with nginx(SITE), self.dnsmasq():
            subprocess.run(["ip", "address", "add", f"{KERNEL}/32", "dev", "lo"], check=True,
                           timeout=10)
            try:
                told = self.get("http://v4.test/plain.txt", "--dns", "127.0.0.1:5353", "-v")
            finally:
                subprocess.run(["ip", "address", "del", f"{KERNEL}/32", "dev", "lo"], check=True,
                               timeout=10)
            self.assertEqual(told.stdout, TEXT)
            self.assertIn("asking 127.0.0.1:5353 for A of v4.test", told.stderr)

    def test_a_long_answer_comes_by_tcp(self):
        with self.dnsmasq():
            told = self.ask("big.test", "-v", "--connect-timeout", "100ms", code=1).stderr
        self.assertIn("for A of big.test by TCP", told)

    def test_a_name_that_is_not_there_is_told_from_one_without_address(self):
        with self.dnsmasq():
            self.assertIn("unknown host: no.test: no such name (NXDOMAIN)",
                          self.ask("no.test", code=1).stderr)
            self.assertIn("the host has no address: only-text.test",
                          self.ask("only-text.test", code=1).stderr)

    def test_no_name_server_is_told(self):
        told = self.get("http://x.test/", "--dns", f"{KERNEL}:9", *TUN, code=1).stderr
        self.assertIn("the host's address cannot be found: x.test: ", told)
        self.assertIn(f"{KERNEL}:9", told)

    def test_an_address_that_does_not_answer_costs_a_quarter_of_a_second(self):
        with nginx(SITE), self.dnsmasq():
            begin = time.monotonic()
            told = self.ask("dead.test", "-v", "--timing")
        self.assertEqual(told.stdout, TEXT)
        self.assertIn("2 addresses were tried", told.stderr)
        self.assertGreaterEqual(netns.number_in(r"TCP +(\d+)\.\d+ ms", told.stderr), 250)
        self.assertLess(time.monotonic() - begin, 5)
        self.assertIn(f"connecting to {KERNEL}:80", told.stderr)
        self.assertNotIn(OURS + ":80", told.stderr)


    def test_a_name_server_that_is_silent_about_ipv6_holds_nothing_up(self):
        def serve(server):
            with contextlib.suppress(OSError):
                while True:
                    query, peer = server.recvfrom(512)
                    end = query.index(b"\0", 12) + 5
                    if query[end - 4:end - 2] == b"\0\1":  # A
                        server.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] +
                                      b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" +
                                      socket.inet_aton(KERNEL), peer)

        with nginx(SITE), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("0.0.0.0", 0))
            at = f"{KERNEL}:{server.getsockname()[1]}"
            thread = threading.Thread(target=serve, args=(server,), daemon=True)
            thread.start()
            begin = time.monotonic()
            told = self.get("http://quiet.test/plain.txt", "--dns", at, *TUN)
            self.assertEqual(told.stdout, TEXT)
            self.assertLess(time.monotonic() - begin, 2, "the time-out of the other question")


if __name__ == "__main__":
    netns.main("nginx", "curl", "tinyproxy", "dnsmasq", "brotli", "zstd")
