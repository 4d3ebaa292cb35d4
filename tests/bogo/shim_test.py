"""bogo_shim without BoringSSL's runner: Python's ssl, which is OpenSSL, is the other end."""

import contextlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHIM = Path(os.environ.get("HANDFAST_BUILD", ROOT / "build/release")) / "bin/bogo_shim"
LAB = tempfile.TemporaryDirectory(prefix="bogo-")
KEY, CERTIFICATE = f"{LAB.name}/key.pem", f"{LAB.name}/certificate.pem"
OURS = ["-key-file", KEY, "-cert-file", CERTIFICATE]
SHIM_ID = 0x0123456789abcdef
LIMIT = 30  # seconds, for each wait


def xored(text):
    return bytes(byte ^ 0xff for byte in text)


def context(role, low=ssl.TLSVersion.TLSv1_2, high=ssl.TLSVersion.TLSv1_3):
    made = ssl.SSLContext(role)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.minimum_version, made.maximum_version = low, high
    if role == ssl.PROTOCOL_TLS_SERVER:
        made.load_cert_chain(CERTIFICATE, KEY)
    return made


class Runner:
    """Listens, starts the shim, and talks to it as BoringSSL's runner does."""

    def __init__(self, *options, ipv6=False):
        self.listener = socket.create_server(("::1" if ipv6 else "127.0.0.1", 0),
                                             family=socket.AF_INET6 if ipv6 else socket.AF_INET)
        self.listener.settimeout(LIMIT)
        port = self.listener.getsockname()[1]
        self.shim = subprocess.Popen(
            [SHIM, "-port", str(port), "-shim-id", str(SHIM_ID), *(["-ipv6"] if ipv6 else []),
             *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @contextlib.contextmanager
    def connection(self):
        stream, _ = self.listener.accept()
        with stream:
            stream.settimeout(LIMIT)
            identity = stream.recv(8, socket.MSG_WAITALL)
            assert identity == struct.pack("<Q", SHIM_ID), identity
            yield stream

    @contextlib.contextmanager
    def tls(self, with_context, **options):
        with self.connection() as stream:
            is_server = with_context.protocol == ssl.PROTOCOL_TLS_SERVER
            with with_context.wrap_socket(stream, server_side=is_server,
                                          suppress_ragged_eofs=False, **options) as talk:
                yield talk

    def end(self):
        """(exit code, stdout, stderr) of the shim."""
        out, error = self.shim.communicate(timeout=LIMIT)
        self.listener.close()
        return self.shim.returncode, out, error


def read(talk, size):
    got = b""
    while len(got) < size:
        more = talk.recv(size - len(got))
        assert more, got
        got += more
    return got


class Shim(unittest.TestCase):
    def succeeds(self, runner):
        self.assertEqual(runner.end(), (0, "", ""))

    def fails(self, runner, *words, code=1):
        status, out, error = runner.end()
        self.assertEqual((status, out), (code, ""), error)
        for word in words:
            self.assertIn(word, error)
        self.assertTrue(error.endswith("\n--- DONE ---\n"), error)

    def echoes(self, talk, text=b"hello, shim" * 1000):
        talk.sendall(text)
        self.assertEqual(read(talk, len(text)), xored(text))

    def test_answers_with_every_bit_turned_in_both_roles_and_versions(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for role, options in ((ssl.PROTOCOL_TLS_SERVER, []),
                                  (ssl.PROTOCOL_TLS_CLIENT, ["-server", *OURS])):
                for more in ([], ["-async"], ["-read-size", "1"], ["-peek-then-read"]):
                    with self.subTest(version=version, role=role, more=more):
                        runner = Runner(*options, *more)
                        with runner.tls(context(role, version, version)) as talk:
                            self.echoes(talk)
                        self.succeeds(runner)

    def test_connects_over_ipv6(self):
        runner = Runner("-server", *OURS, ipv6=True)
        with runner.tls(context(ssl.PROTOCOL_TLS_CLIENT)) as talk:
            self.echoes(talk)
        self.succeeds(runner)

    def test_resumes_as_often_as_it_is_told(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version):
                server = context(ssl.PROTOCOL_TLS_SERVER, version, version)
                # With TLS 1.2 OpenSSL renews no ticket that is still good.
                count = 1 if version == ssl.TLSVersion.TLSv1_2 else 2
                runner = Runner("-resume-count", str(count))
                for resumed in [False] + count * [True]:
                    with runner.tls(server) as talk:
                        self.echoes(talk)
                        self.assertEqual(talk.session_reused, resumed)
                self.succeeds(runner)

                client = context(ssl.PROTOCOL_TLS_CLIENT, version, version)
                runner = Runner("-server", *OURS, "-resume-count", "1")
                with runner.tls(client) as talk:
                    self.echoes(talk)
                    session = talk.session
                with runner.tls(client, session=session) as talk:
                    self.echoes(talk)
                    self.assertTrue(talk.session_reused)
                self.succeeds(runner)

    def test_fails_where_a_resumption_was_expected_and_did_not_come(self):
        runner = Runner("-resume-count", "1")
        for _ in range(2):  # each with ticket keys of its own
            with contextlib.suppress(ssl.SSLError, OSError), \
                    runner.tls(context(ssl.PROTOCOL_TLS_SERVER)) as talk:
                self.echoes(talk)
        self.fails(runner, "the session was not resumed")

    def test_prefixes_say_for_which_connection_an_option_is(self):
        server = context(ssl.PROTOCOL_TLS_SERVER)
        server.set_alpn_protocols(["one", "two"])
        runner = Runner("-resume-count", "1",
                        "-on-initial-advertise-alpn", "\x03one", "-on-initial-expect-alpn", "one",
                        "-on-resume-advertise-alpn", "\x03two", "-on-resume-expect-alpn", "two",
                        "-on-retry-expect-alpn", "never", "-on-handshaker-expect-alpn", "never")
        for wanted in ("one", "two"):
            with runner.tls(server) as talk:
                self.echoes(talk)
                self.assertEqual(talk.selected_alpn_protocol(), wanted)
        self.succeeds(runner)

    def test_an_expectation_that_is_not_met_is_a_failure(self):
        for option, word in ((["-expect-version", "771"], "the version is 0x0304"),
                             (["-expect-cipher", "1"], "0x0001 was expected"),
                             (["-expect-curve-id", "1"], "the group is"),
                             (["-expect-alpn", "x"], "the application protocol"),
                             (["-expect-hrr"], "HelloRetryRequest"),
                             (["-expect-peer-cert-file", KEY], "certificate")):
            with self.subTest(option=option):
                runner = Runner(*option)
                with contextlib.suppress(ssl.SSLError, OSError), \
                        runner.tls(context(ssl.PROTOCOL_TLS_SERVER)) as talk:
                    self.echoes(talk)
                self.fails(runner, word)

    def test_writes_first(self):
        runner = Runner("-shim-writes-first")
        with runner.tls(context(ssl.PROTOCOL_TLS_SERVER)) as talk:
            self.assertEqual(read(talk, 5), b"hello")
            self.echoes(talk)
        self.succeeds(runner)
        runner = Runner("-read-with-unfinished-write", "-async")
        with runner.tls(context(ssl.PROTOCOL_TLS_SERVER)) as talk:
            talk.sendall(b"abc")
            self.assertEqual(read(talk, 8), b"hello" + xored(b"abc"))
        self.succeeds(runner)

    def test_a_client_shows_its_certificate(self):
        server = context(ssl.PROTOCOL_TLS_SERVER)
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(CERTIFICATE)
        for more in ([], ["-async"]):
            runner = Runner(*OURS, *more)
            with runner.tls(server) as talk:
                self.echoes(talk)
                self.assertIsNotNone(talk.getpeercert(binary_form=True))
            self.succeeds(runner)

    def test_a_server_that_wants_a_certificate_fails_without(self):
        runner = Runner("-server", *OURS, "-require-any-client-certificate")
        with self.assertRaisesRegex(ssl.SSLError, "CERTIFICATE_REQUIRED"), \
                runner.tls(context(ssl.PROTOCOL_TLS_CLIENT)) as talk:
            talk.recv(1)
        self.fails(runner, "local certificate_required")

    def test_a_refused_certificate_is_told_to_the_peer(self):
        for more, alert in (([], "HANDSHAKE_FAILURE"),
                            (["-use-custom-verify-callback", "-async"], "CERTIFICATE_UNKNOWN")):
            runner = Runner("-verify-fail", "-verify-peer", *more)
            with self.assertRaisesRegex(ssl.SSLError, alert), \
                    runner.tls(context(ssl.PROTOCOL_TLS_SERVER)):
                pass
            self.fails(runner, f"local {alert.lower()}")

    def test_who_does_not_want_to_verify_the_peer_goes_on_with_a_refused_certificate(self):
        runner = Runner("-verify-fail", "-expect-verify-result")
        with runner.tls(context(ssl.PROTOCOL_TLS_SERVER)) as talk:
            self.echoes(talk)
        self.succeeds(runner)

    def test_the_alert_of_the_peer_is_told(self):
        server = context(ssl.PROTOCOL_TLS_SERVER)
        server.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")  # and a key of RSA
        server.maximum_version = ssl.TLSVersion.TLSv1_2
        runner = Runner()
        with self.assertRaisesRegex(ssl.SSLError, "NO_SHARED_CIPHER"), runner.tls(server):
            pass
        self.fails(runner, "remote handshake_failure")

    def test_close_notify_is_checked_where_that_is_wished(self):
        runner = Runner("-check-close-notify")
        with runner.tls(context(ssl.PROTOCOL_TLS_SERVER)) as talk:
            self.echoes(talk)
            talk.unwrap().close()
        self.succeeds(runner)
        runner = Runner("-check-close-notify")
        with runner.tls(context(ssl.PROTOCOL_TLS_SERVER)) as talk:
            self.echoes(talk)
        self.fails(runner, "without the peer's close_notify")

    def test_sends_an_alert_where_that_is_wished(self):
        runner = Runner("-send-alert")
        with self.assertRaisesRegex(ssl.SSLError, "DECOMPRESSION_FAILURE"), \
                runner.tls(context(ssl.PROTOCOL_TLS_SERVER)) as talk:
            talk.recv(1)
        self.succeeds(runner)

    def test_what_is_not_there_is_89(self):
        for options in (["-dtls"], ["-quic"], ["-no-such-option"], ["-max-version", "769"],
                        ["-curves", "21"], ["-server", "-fail-ocsp-callback"]):
            self.fails(Runner(*options), code=89)

    def test_an_option_without_its_value_or_with_a_wrong_one_is_a_failure(self):
        self.fails(Runner("-resume-count"), "-resume-count lacks its value")
        self.fails(Runner("-resume-count", "x"), "-resume-count wants a number, not x")
        self.fails(Runner("-ocsp-response", "*"), "base64")

    def test_says_that_it_hands_no_handshake_over(self):
        asked = subprocess.run([SHIM, "-is-handshaker-supported"], capture_output=True, text=True,
                               timeout=LIMIT, check=False)
        self.assertEqual((asked.returncode, asked.stdout, asked.stderr), (0, "No\n", ""))


if __name__ == "__main__":
    if not SHIM.exists():
        print(f"skipped: {SHIM} is not built")
        sys.exit(77)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                    "/CN=bogo", "-keyout", KEY, "-out", CERTIFICATE],
                   check=True, capture_output=True)
    unittest.main()
