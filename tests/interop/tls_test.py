"""TLS 1.3 and 1.2 against openssl, curl and nginx, in both roles: `serve --tls` and `get https://`."""

import contextlib
import os
import re
import socket
import ssl
import subprocess
import threading
import unittest

import netns
from netns import ADDRESSES, KERNEL, OURS, handfast, run, serving, wait_for

LAB = netns.directory()
SITE = netns.directory()
DIGESTS = {name: netns.make_file(f"{SITE}/{name}", size)
           for name, size in (("64m.bin", 64 << 20), ("1m.bin", 1 << 20))}
TUN = ["--tun", "hf0", *ADDRESSES]
PORT = 8443
HERE = f"127.0.0.1:{PORT}"
NAME = "www.lab"


def lab(*arguments):
    made = handfast("ca", LAB, *arguments)
    assert made.returncode == 0, made.stderr


lab("--name", NAME, "--name", "127.0.0.1", "--name", OURS, "--name", KERNEL)
lab("--name", NAME, "--out", "expired", "--expired")
lab("--name", NAME, "--name", "127.0.0.1", "--out", "rsa", "--key", "rsa")
lab("--client", "alice")
CA = ["--ca", f"{LAB}/ca.pem"]
ALICE = [f"{LAB}/alice.pem", f"{LAB}/alice.key"]
CREDENTIALS = ["--tls", "--cert", f"{LAB}/server.pem", "--key", f"{LAB}/server.key"]


@contextlib.contextmanager
def served(*options, where=("--listen", HERE)):
    with serving(SITE, *where, *CREDENTIALS, *options) as server:
        yield server


def s_client(*options, say="", where=HERE, timeout=30):
    """`openssl s_client`, which says `say` and ends when the server does; all that it prints."""
    client = run(["openssl", "s_client", "-connect", where, "-CAfile", f"{LAB}/ca.pem",
                  "-verify_return_error", "-servername", NAME, *options],
                 input=say, timeout=timeout)
    return client.stdout + client.stderr


def request(path="/1m.bin"):
    return f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"


class Serve(unittest.TestCase):
    def curl(self, url, *options):
        path = os.path.join(netns.directory(), "out")
        netns.curl(url, "--cacert", f"{LAB}/ca.pem", "-o", path, *options)
        return netns.sha256(path)

    def test_curl_downloads_64_MiB_over_the_kernels_TCP_and_over_ours(self):
        with served():
            self.assertEqual(self.curl(f"https://{HERE}/64m.bin"), DIGESTS["64m.bin"])
        with served(where=TUN):
            self.assertEqual(self.curl(f"https://{OURS}/64m.bin"), DIGESTS["64m.bin"])

    def test_each_suite_and_group(self):
        with served():
            for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                          "TLS_CHACHA20_POLY1305_SHA256"):
                text = s_client("-ciphersuites", suite, "-ign_eof", say=request("/"))
                self.assertIn(suite, text)
                self.assertIn("200 OK", text)
            for group in ("X25519", "P-256", "P-384", "ffdhe2048", "ffdhe3072"):
                self.assertIn("200 OK", s_client("-groups", group, "-ign_eof", say=request("/")))

    def test_a_client_whose_first_share_is_of_no_use_is_asked_again(self):
        with served():
            text = s_client("-groups", "P-521:P-384", "-msg", "-ign_eof", say=request("/"))
        self.assertEqual(text.count("ClientHello"), 2, text)
        self.assertIn("200 OK", text)

    def test_a_session_is_resumed(self):
        session = os.path.join(netns.directory(), "session")
        with served():
            first = s_client("-sess_out", session, "-ign_eof", say=request("/"))
            again = s_client("-sess_in", session, "-ign_eof", say=request("/"))
        self.assertIn("New, TLSv1.3", first)
        self.assertIn("Reused, TLSv1.3", again)
        self.assertIn("200 OK", again)

    def test_the_protocol_is_agreed_on(self):
        with served():
            self.assertIn("ALPN protocol: http/1.1", s_client("-alpn", "h2,http/1.1"))
            text = s_client("-alpn", "h2")
        self.assertIn("no application protocol", text)

    def test_keys_are_updated_when_the_client_says_so(self):
        with served():
            for command in ("K", "k"):  # with and without asking for the server's
                client = subprocess.Popen(
                    ["openssl", "s_client", "-connect", HERE, "-CAfile", f"{LAB}/ca.pem"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    preexec_fn=netns._die_with_parent)
                text = b""
                while b"Verify return code" not in text:
                    text += os.read(client.stdout.fileno(), 4096)
                client.stdin.write(f"{command}\n".encode())
                client.stdin.flush()
                while b"KEYUPDATE" not in text:
                    text += os.read(client.stdout.fileno(), 4096)
                client.stdin.write(request("/").encode())
                client.stdin.flush()
                while b"</html>" not in text.lower():
                    piece = os.read(client.stdout.fileno(), 4096)
                    self.assertTrue(piece, text)
                    text += piece
                client.stdin.close()
                client.wait(timeout=10)
                client.stdout.close()
                self.assertIn(b"200 OK", text)

    def test_a_client_certificate_is_wanted(self):
        with served("--client-ca", f"{LAB}/ca.pem") as server:
            text = s_client("-cert", ALICE[0], "-key", ALICE[1], "-ign_eof", say=request("/"))
            self.assertIn("200 OK", text)
            text = s_client("-ign_eof", say=request("/"))
            self.assertIn("certificate required", text)
            self.assertIn("no certificate to show", server.printed(server.err))

    def test_the_end_is_clean(self):
        with served(), socket.create_connection(("127.0.0.1", PORT), timeout=10) as plain:
            context = ssl.create_default_context(cafile=f"{LAB}/ca.pem")
            # Raises where the stream ends without close_notify.
            with context.wrap_socket(plain, server_hostname=NAME,
                                     suppress_ragged_eofs=False) as client:
                client.sendall(request().encode())
                size = 0
                while piece := client.recv(65536):
                    size += len(piece)
                client.unwrap()
        self.assertGreater(size, 1 << 20)

    def refused(self, said, heard, *options):
        """What the server says about it, and what the client hears."""
        with served() as server:
            self.assertIn(heard, s_client(*options))
            wait_for(lambda: server.printed(server.err), "word from the server")
            self.assertIn(said, server.printed(server.err))

    def test_no_suite_in_common(self):
        self.refused("TLS_AES_128_CCM_SHA256", "handshake failure", "-ciphersuites",
                     "TLS_AES_128_CCM_SHA256", "-tls1_3")

    def test_old_versions_are_named(self):
        for option, name in (("-tls1", "TLS 1.0"), ("-tls1_1", "TLS 1.1")):
            self.refused(name, "protocol version", option, "-cipher", "DEFAULT@SECLEVEL=0")

    def test_TLS_1_2_with_each_suite_and_group(self):
        for kind in ("ecdsa", "rsa"):
            files = "server" if kind == "ecdsa" else "rsa"
            with serving(SITE, "--listen", HERE, "--tls", "--cert", f"{LAB}/{files}.pem", "--key",
                         f"{LAB}/{files}.key"):
                for suite in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"):
                    name = f"ECDHE-{kind.upper()}-{suite}"
                    text = s_client("-tls1_2", "-cipher", name, "-ign_eof", say=request("/"))
                    self.assertIn(f"Cipher is {name}", text)
                    self.assertIn("200 OK", text)
                for group in ("X25519:P-256", "P-256", "P-384:P-256"):
                    self.assertIn("200 OK", s_client("-tls1_2", "-groups", group, "-ign_eof",
                                                     say=request("/")))

    def test_TLS_1_2_is_resumed_shows_certificates_and_carries_much(self):
        session = os.path.join(netns.directory(), "session")
        with served():
            first = s_client("-tls1_2", "-sess_out", session, "-ign_eof", say=request("/"))
            again = s_client("-tls1_2", "-sess_in", session, "-ign_eof", say=request("/"))
            self.assertIn("New, TLSv1.2", first)
            self.assertIn("Extended master secret: yes", first)
            self.assertIn("Secure Renegotiation IS supported", first)
            self.assertIn("Reused, TLSv1.2", again)
            self.assertIn("200 OK", again)
            self.assertEqual(self.curl(f"https://{HERE}/64m.bin", "--tls-max", "1.2"),
                             DIGESTS["64m.bin"])
            # Renegotiation is refused, and ends the connection.
            self.assertIn("no renegotiation", s_client("-tls1_2", say="R\n"))
        with served("--client-ca", f"{LAB}/ca.pem"):
            self.assertIn("200 OK", s_client("-tls1_2", "-cert", ALICE[0], "-key", ALICE[1],
                                             "-ign_eof", say=request("/")))
            self.assertIn("handshake failure", s_client("-tls1_2", "-ign_eof", say=request("/")))

    def test_plain_HTTP_is_named(self):
        with served() as server:
            with socket.create_connection(("127.0.0.1", PORT), timeout=10) as plain:
                plain.sendall(request().encode())
                while plain.recv(4096):
                    pass
            self.assertIn("HTTP", server.printed(server.err))


@contextlib.contextmanager
def s_server(*options, certificate="server"):
    """`openssl s_server`, which answers each GET with a page of its own."""
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", HERE, "-cert", f"{LAB}/{certificate}.pem", "-key",
         f"{LAB}/{certificate}.key", "-www", "-quiet", *options], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, preexec_fn=netns._die_with_parent)

    def listens():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
            return True
        return False

    try:
        wait_for(listens, "openssl s_server")
        yield server
    finally:
        server.kill()
        server.wait(timeout=10)


def nginx(version="TLSv1.3"):
    return netns.nginx(SITE, f"""listen {PORT} ssl; ssl_protocols {version};
        ssl_certificate {LAB}/server.pem; ssl_certificate_key {LAB}/server.key;
        ssl_session_cache shared:S:1m;""")


@contextlib.contextmanager
def scripted(talk):
    """A server by Python's ssl that does `talk(connection)` with its one client."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{LAB}/server.pem", f"{LAB}/server.key")
    with socket.create_server(("127.0.0.1", PORT)) as listener:
        listener.settimeout(10)

        def serve():
            plain, _ = listener.accept()
            plain.settimeout(10)
            with plain, contextlib.suppress(OSError):
                connection = context.wrap_socket(plain, server_side=True)
                connection.recv(4096)
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            thread.join(timeout=15)


class Get(unittest.TestCase):
    def fetch(self, url, *options, trust=CA):
        path = os.path.join(netns.directory(), "out")
        result = handfast("get", url, "-o", path, "-v", *trust, *options, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        return path, result.stderr

    def failed(self, url, *words, trust=CA):
        result = handfast("get", url, *trust)
        self.assertEqual(result.returncode, 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_64_MiB_from_nginx_over_the_kernels_TCP_and_over_ours(self):
        with nginx():
            path, _ = self.fetch(f"https://{HERE}/64m.bin")
            self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])
            path, _ = self.fetch(f"https://{KERNEL}:{PORT}/64m.bin", *TUN)
            self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])

    def test_a_second_connection_resumes_the_session(self):
        with nginx():
            path, told = self.fetch(f"https://{HERE}/moved")
        self.assertEqual(netns.sha256(path), DIGESTS["1m.bin"])
        lines = [line for line in told.splitlines() if "TLS 1.3," in line]
        self.assertEqual([("resumed" in line) for line in lines], [False, True], told)
        self.assertIn("http/1.1", lines[0])

    def test_each_suite_and_group(self):
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                      "TLS_CHACHA20_POLY1305_SHA256"):
            with s_server("-ciphersuites", suite):
                self.assertIn(suite, self.fetch(f"https://{HERE}/")[1])
        for group, name in (("X25519", "x25519"), ("P-256", "secp256r1"), ("P-384", "secp384r1"),
                            ("ffdhe2048", "ffdhe2048"), ("ffdhe3072", "ffdhe3072")):
            with s_server("-groups", group):
                told = self.fetch(f"https://{HERE}/")[1]
                self.assertIn(name, told)
                self.assertEqual("HelloRetryRequest" in told, name != "x25519")

    def test_TLS_1_2_with_each_suite_and_group(self):
        for kind, files in (("ECDSA", "server"), ("RSA", "rsa")):
            for suite, iana in (("AES128-GCM-SHA256", "AES_128_GCM_SHA256"),
                                ("AES256-GCM-SHA384", "AES_256_GCM_SHA384"),
                                ("CHACHA20-POLY1305", "CHACHA20_POLY1305_SHA256")):
                with s_server("-tls1_2", "-cipher", f"ECDHE-{kind}-{suite}", certificate=files):
                    told = self.fetch(f"https://{HERE}/")[1]
                    self.assertIn(f"TLS 1.2, TLS_ECDHE_{kind}_WITH_{iana}", told)
        for group, name in (("X25519", "x25519"), ("P-256", "secp256r1"), ("P-384", "secp384r1")):
            with s_server("-tls1_2", "-groups", group):
                self.assertIn(name, self.fetch(f"https://{HERE}/")[1])
        with s_server("-tls1_2", "-Verify", "1", "-CAfile", f"{LAB}/ca.pem"):
            self.fetch(f"https://{HERE}/", "--cert", ALICE[0], "--key", ALICE[1])

    def test_TLS_1_2_carries_64_MiB_and_resumes(self):
        with nginx("TLSv1.2"):
            path, told = self.fetch(f"https://{HERE}/64m.bin")
            self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])
            self.assertIn("TLS 1.2", told)
            told = self.fetch(f"https://{HERE}/moved")[1]
        lines = [line for line in told.splitlines() if "TLS 1.2," in line]
        self.assertEqual([("resumed" in line) for line in lines], [False, True], told)

    def test_a_certificate_is_shown_where_it_is_wanted(self):
        wanted = ("-Verify", "1", "-CAfile", f"{LAB}/ca.pem", "-verify_return_error")
        with s_server(*wanted):
            self.fetch(f"https://{HERE}/", "--cert", ALICE[0], "--key", ALICE[1])
        with s_server(*wanted):
            self.failed(f"https://{HERE}/", "certificate_required")

    def test_keys_are_logged_for_who_asks(self):
        log = os.path.join(netns.directory(), "keys")
        with s_server():
            result = handfast("get", f"https://{HERE}/", *CA, env={**os.environ,
                                                                   "SSLKEYLOGFILE": log})
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(log, encoding="ascii") as file:
            labels = {line.split()[0] for line in file}
        self.assertLessEqual({"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}, labels)

    def test_keys_are_updated_when_the_server_says_so(self):
        server = subprocess.Popen(
            ["openssl", "s_server", "-accept", HERE, "-cert", f"{LAB}/server.pem", "-key",
             f"{LAB}/server.key", "-crlf"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=netns._die_with_parent)
        text = b""
        while b"ACCEPT" not in text:
            text += os.read(server.stdout.fileno(), 4096)
        outcome = []
        client = threading.Thread(
            target=lambda: outcome.append(handfast("get", f"https://{HERE}/", *CA)))
        client.start()
        while b"GET / " not in text:
            text += os.read(server.stdout.fileno(), 4096)
        for line in ("K\n", "HTTP/1.1 200 OK\nContent-Length: 7\n\nhello\n"):
            server.stdin.write(line.encode())
            server.stdin.flush()
            while b"SSL_do_handshake -> 1" not in text:  # K is done
                text += os.read(server.stdout.fileno(), 4096)
        client.join(timeout=30)
        server.kill()
        server.wait(timeout=10)
        server.stdin.close()
        server.stdout.close()
        self.assertEqual(outcome[0].returncode, 0, outcome[0].stderr)
        self.assertEqual(outcome[0].stdout, "hello\n")

    def test_a_stream_that_is_cut_off_is_no_success(self):
        def talk(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
            socket.close(connection.detach())  # FIN without close_notify

        with scripted(talk):
            self.failed(f"https://{HERE}/", "close_notify")

    def test_certificates_that_are_not_accepted(self):
        with s_server():
            self.failed(f"https://{HERE}/", "trust", trust=())
            self.failed(f"https://localhost:{PORT}/", "localhost", NAME)
            self.fetch(f"https://localhost:{PORT}/", "--insecure", trust=())
        with s_server(certificate="expired"):
            self.failed(f"https://{HERE}/", "expired")

    def test_a_certificate_is_accepted_knowingly_for_its_name_alone(self):
        with s_server():
            result = handfast("get", f"https://localhost:{PORT}/", "-v")
            self.assertEqual(result.returncode, 1)
            self.assertIn("* the server's certificate:", result.stderr)
            pin = re.search(r"--accept ([0-9a-f]{64})\)", result.stderr)[1]
            self.assertIn(pin, result.stderr.replace(":", ""))
            self.fetch(f"https://localhost:{PORT}/", "--accept", pin, trust=())
            self.fetch(f"https://{HERE}/", "--accept", pin.upper(), trust=())
            self.failed(f"https://{HERE}/", "trust", trust=("--accept", pin[::-1]))
        with s_server(certificate="expired"):
            self.failed(f"https://{HERE}/", "expired", trust=(*CA, "--accept", pin))
        result = handfast("get", f"https://{HERE}/", "--accept", pin[1:])
        self.assertEqual(result.returncode, 2)

    def test_servers_that_speak_something_old_or_else(self):
        for option in ("-tls1", "-tls1_1"):
            with s_server(option, "-cipher", "DEFAULT@SECLEVEL=0"):
                # openssl sees what is offered, and answers by an alert.
                self.failed(f"https://{HERE}/", "protocol_version")
        with s_server("-ciphersuites", "TLS_AES_128_CCM_SHA256", "-tls1_3"):
            self.failed(f"https://{HERE}/", "handshake_failure")


if __name__ == "__main__":
    netns.main("openssl", "curl", "nginx")
