"""TLS 1.3 against openssl, curl and nginx, in both roles: `serve --tls` and `get https://`."""

import contextlib
import os
import re
import socket
import ssl
import subprocess
import threading
import unittest

import netns
from netns import KERNEL, OURS, handfast
from tls_lab import (ALICE, Asking, CA, DIGESTS, HERE, LAB, NAME, PORT, TUN, curl, nginx, request,
                     s_client, s_server, served)


class Serve(unittest.TestCase):
    def test_curl_downloads_64_MiB_over_the_kernels_TCP_and_over_ours(self):
        with served():
            self.assertEqual(curl(f"https://{HERE}/64m.bin"), DIGESTS["64m.bin"])
        with served(where=TUN):
            self.assertEqual(curl(f"https://{OURS}/64m.bin"), DIGESTS["64m.bin"])

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
            self.assertIn("ALPN protocol: h2", s_client("-alpn", "http/1.1,h2"))
            self.assertIn("ALPN protocol: http/1.1", s_client("-alpn", "http/1.1"))
            text = s_client("-alpn", "h3")
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
            server.wait_to_say("no certificate to show")

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
            server.wait_to_say(said)

    def test_no_suite_in_common(self):
        self.refused("TLS_AES_128_CCM_SHA256", "handshake failure", "-ciphersuites",
                     "TLS_AES_128_CCM_SHA256", "-tls1_3")

    def test_old_versions_are_named(self):
        for option, name in (("-tls1", "TLS 1.0"), ("-tls1_1", "TLS 1.1")):
            self.refused(name, "protocol version", option, "-cipher", "DEFAULT@SECLEVEL=0")

    def test_a_client_that_refuses_our_certificate(self):
        self.refused("unknown_ca", "unable to get local issuer", "-CAfile", f"{LAB}/alice.pem")
        self.refused("bad_certificate", "hostname mismatch", "-verify_hostname", "other.lab")
        with served(certificate="expired") as server:
            self.assertIn("certificate has expired", s_client())
            server.wait_to_say("certificate_expired")

    def test_plain_HTTP_is_named(self):
        with served() as server:
            with socket.create_connection(("127.0.0.1", PORT), timeout=10) as plain:
                plain.sendall(request().encode())
                while plain.recv(4096):
                    pass
            server.wait_to_say("HTTP")


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


class Get(Asking):
    def test_64_MiB_from_nginx_over_the_kernels_TCP_and_over_ours(self):
        with nginx():
            path, _ = self.fetch(f"https://{HERE}/64m.bin")
            self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])
            path, _ = self.fetch(f"https://{KERNEL}:{PORT}/64m.bin", *TUN)
            self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])

    def test_a_second_connection_resumes_the_session(self):
        with nginx("TLSv1.3; keepalive_timeout 0"):
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
             f"{LAB}/server.key", "-crlf", "-msg"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
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
            while b"KeyUpdate" not in text:  # K is done
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
