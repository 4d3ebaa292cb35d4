"""TLS against other implementations: GnuTLS and NSS in both roles; curl; 64 MiB from clients and
back. Each is skipped where it is not installed. tls_servers_test.py has more of them as servers."""

import hashlib
import os
import shutil
import subprocess
import unittest

import netns
from netns import run
from tls_lab import (ALICE, Asking, DIGESTS, ECHO, Echo, HERE, LAB, NAME, PORT, Peer, SHOW_ALICE,
                     SITE, WANT_ALICE, needs, request, served, write)

@needs("gnutls-cli", "gnutls-serv")
class GnuTls(Asking):
    def client(self, *options, say=request("/"), name=NAME, ca=f"{LAB}/ca.pem"):
        done = run(["gnutls-cli", "-p", str(PORT), "127.0.0.1", "--sni-hostname", name,
                    "--verify-hostname", name, "--x509cafile", ca, *options], input=say)
        return done.stdout + done.stderr

    def answered(self, *options, **more):
        text = self.client(*options, **more)
        self.assertIn("200 OK", text)
        self.assertIn("Peer has closed the GnuTLS connection", text)  # by close_notify
        return text

    def test_client(self):
        with served() as server:
            text = self.answered("--alpn", "http/1.1")
            self.assertIn("(TLS1.3-X.509)-(ECDHE-X25519)", text)
            self.assertIn("Application protocol: http/1.1", text)
            for version in ("TLS1.3", "TLS1.2"):
                only = ["--priority", f"NORMAL:-VERS-ALL:+VERS-{version}"]
                self.assertIn("*** This is a resumed session", self.answered("--resume", *only))
            without_tickets = ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_TICKETS"]
            self.assertIn("resumed session", self.answered("--resume", *without_tickets))
            groups = "NORMAL:-GROUP-ALL:+GROUP-SECP521R1:+GROUP-SECP384R1"
            text = self.answered("--single-key-share", "--priority", groups)
            self.assertIn("ECDHE-SECP384R1", text)
            text = self.answered("--inline-commands", say="^rekey^\n" + request("/"))
            self.assertIn("Rekey was completed", text)
            self.assertEqual(server.printed(server.err), "")
        with served(*WANT_ALICE):
            shown = ["--x509certfile", ALICE[0], "--x509keyfile", ALICE[1]]
            self.answered(*shown)
            self.answered(*shown, "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2")

    def test_client_over_the_fields_of_RFC_7919(self):
        dhe = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA:-GROUP-ALL:+GROUP-"
        with served("--dhe", "--rsa-key-transport", certificate="rsa"):
            for field in ("FFDHE2048", "FFDHE3072"):
                self.assertIn(f"(DHE-{field})", self.answered("--priority", dhe + field))
            self.assertIn("Insufficient security", self.client("--priority", dhe + "FFDHE8192"))
            transport = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA"
            self.assertIn("(RSA)", self.answered("--priority", transport))

    def test_client_and_server_that_refuse_each_other(self):
        with served() as server:
            for priority, heard, said in (
                    ("-VERS-ALL:+VERS-TLS1.1", "protocol version", "the client offers TLS 1.1"),
                    ("-CIPHER-ALL:+AES-128-CCM", "Handshake failed", "AES_128_CCM")):
                self.assertIn(heard, self.client("--priority", f"NORMAL:{priority}"))
                server.wait_to_say(said)
            self.client(ca=f"{LAB}/alice.pem")
            self.client(name="other.lab")
            server.wait_to_say("our certificate")
        with served(certificate="expired"):
            self.assertIn("expired", self.client())

    def server(self, *options, certificate="server"):
        return Peer("gnutls-serv", "--http", "--port", str(PORT), "--x509certfile",
                    f"{LAB}/{certificate}.pem", "--x509keyfile", f"{LAB}/{certificate}.key",
                    *options)

    def test_server(self):
        for priority, words in (("", ["TLS 1.3", "x25519", "http/1.1"]),
                                (":-GROUP-ALL:+GROUP-SECP384R1", ["HelloRetryRequest"]),
                                (":-VERS-ALL:+VERS-TLS1.2", ["TLS 1.2", "ECDHE_ECDSA"])):
            with self.server("-a", "--alpn", "http/1.1", "--priority", "NORMAL" + priority):
                told = self.fetch(f"https://{HERE}/")[1]
                for word in words:
                    self.assertIn(word, told)
        for kind, option in (("DHE-RSA", "--dhe"), ("RSA", "--rsa-key-transport")):
            priority = f"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+{kind}"
            with self.server("-a", "--priority", priority, certificate="rsa"):
                self.assertIn(f"TLS_{kind.replace('-', '_')}_WITH",
                              self.fetch(f"https://{HERE}/", option)[1])
        with self.server("--require-client-cert", "--verify-client-cert", "--x509cafile",
                         f"{LAB}/ca.pem"):
            self.fetch(f"https://{HERE}/", *SHOW_ALICE)
            self.failed(f"https://{HERE}/", "certificate_required")

    def test_servers_that_are_refused(self):
        for priority in ("-VERS-ALL:+VERS-TLS1.1", "-CIPHER-ALL:+AES-128-CCM"):
            with self.server("-a", "--priority", f"NORMAL:{priority}"):
                self.failed(f"https://{HERE}/", "handshake_failure")
        with self.server("-a", certificate="expired"):
            self.failed(f"https://{HERE}/", "expired")


@needs("tstclnt", "selfserv", "certutil", "pk12util")
class Nss(Asking):
    @staticmethod
    def store(home=None, trusted="ca"):
        """A store of certificates in `home` that trusts the lab's CA, or another certificate."""
        database = f"sql:{home or netns.directory()}"
        for command in (["certutil", "-N", "--empty-password"],
                        ["certutil", "-A", "-n", "ca", "-t", "CT,C,C", "-i",
                         f"{LAB}/{trusted}.pem"]):
            assert run([*command, "-d", database]).returncode == 0
        return database

    @classmethod
    def setUpClass(cls):
        home = netns.directory()
        cls.database = cls.store(home)
        for name in ("server", "alice"):
            run(["openssl", "pkcs12", "-export", "-in", f"{LAB}/{name}.pem", "-inkey",
                 f"{LAB}/{name}.key", "-out", f"{home}/{name}", "-passout", "pass:", "-name", name])
            done = run(["pk12util", "-i", f"{home}/{name}", "-d", cls.database, "-W", ""])
            assert done.returncode == 0, done.stderr
        cls.request = write("request", request("/1m.bin"))

    def client(self, *options, versions="tls1.2:tls1.3", name=NAME, database=None):
        done = run(["tstclnt", "-h", "127.0.0.1", "-p", str(PORT), "-a", name, "-d",
                    database or self.database, "-V", versions, "-v", "-A", self.request, *options],
                   errors="replace")
        return done.returncode, done.stdout + done.stderr

    def answered(self, *options, **more):
        code, text = self.client(*options, **more)
        self.assertEqual(code, 0, text)
        self.assertIn("Read from server 0 bytes", text)  # close_notify
        return text

    def test_client(self):
        with served() as server:
            self.assertIn("SSL version 3.4", self.answered())
            self.assertIn("Key Exchange: 384-bit", self.answered("-I", "P521,P384"))
            self.assertIn("1 stateless resumes", self.answered("-u", "-L", "2"))
            text = self.answered("-u", "-L", "2", versions="tls1.2:tls1.2")
            self.assertIn("1 stateless resumes", text)
            text = self.answered("-L", "2", versions="tls1.2:tls1.2")  # by the session's ID
            self.assertIn("1 cache hits", text)
            self.assertIn("0 stateless resumes", text)
            self.assertEqual(server.printed(server.err), "")
            self.assertNotEqual(self.client(versions="tls1.1:tls1.1")[0], 0)
            server.wait_to_say("the client offers TLS 1.1")
        with served(*WANT_ALICE):
            for version in ("tls1.2", "tls1.3"):
                self.answered("-n", "alice", versions=f"{version}:{version}")

    def test_client_that_refuses_or_is_refused(self):
        with served() as server:
            for options, more, words in (
                    (["-c", ":C009"], {"versions": "tls1.2:tls1.2"}, "AES_128_CBC"),
                    ([], {"name": "other.lab"}, "bad_certificate"),
                    ([], {"database": self.store(trusted="alice")}, "unknown_ca")):
                self.assertNotEqual(self.client(*options, **more)[0], 0)
                server.wait_to_say(words)
        with served(certificate="expired"):
            self.assertNotEqual(self.client()[0], 0)

    def server(self, *options):
        return Peer("selfserv", "-d", self.database, "-e", "server", "-n", "server", "-p",
                    str(PORT), "-V", "tls1.2:tls1.3", "-G", *options)

    def test_server(self):
        for options, words in ((["-Q", "-u"], ["TLS 1.3", "http/1.1"]),
                               (["-I", "P384"], ["secp384r1", "HelloRetryRequest"]),
                               (["-V", "tls1.2:tls1.2"], ["TLS 1.2"])):
            with self.server(*options):
                told = self.fetch(f"https://{HERE}/")[1]
                for word in words:
                    self.assertIn(word, told)
        with self.server("-r", "-r"):
            self.fetch(f"https://{HERE}/", *SHOW_ALICE)
            self.failed(f"https://{HERE}/", "certificate")


@needs("curl")
class Curl(unittest.TestCase):
    def client(self, *options, name=NAME, ca=f"{LAB}/ca.pem"):
        done = run(["curl", "-sS", "-v", "--cacert", ca, "--resolve", f"{name}:{PORT}:127.0.0.1",
                    "-H", "Connection: close", *options, f"https://{name}:{PORT}/1m.bin", "-o",
                    "/dev/null"], errors="replace")
        return done.returncode, done.stderr

    def test_client(self):
        with served("-v") as server:
            url = f"https://{NAME}:{PORT}/"
            for version in ("1.2", "1.3"):
                options = ["--tls-max", version, "--http1.1", url, "-o", "/dev/null"]
                self.assertEqual(self.client(*options)[0], 0)
                self.assertEqual(server.printed(server.err).count("resumed"), 1)
                self.assertRegex(server.printed(server.err), f"TLS {version} with .* resumed")
                server.err.truncate(0)
            self.assertIn("using HTTP/2", self.client()[1])
            self.assertEqual(self.client("--curves", "P-521:P-384", "--http1.1")[0], 0)
            server.wait_to_say("HelloRetryRequest")
            # Without a length: curl fails where no close_notify comes.
            self.assertEqual(self.client("-0")[0], 0)
        with served(*WANT_ALICE):
            for version in ("1.2", "1.3"):
                self.assertEqual(self.client("--tls-max", version, *SHOW_ALICE)[0], 0)
                self.assertNotEqual(self.client("--tls-max", version)[0], 0)

    def test_refusals(self):
        with served() as server:
            for options, words in (
                    (["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-SHA"], "AES_128_CBC"),
                    (["--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"],
                     "the client offers TLS 1.1")):
                self.assertEqual(self.client(*options)[0], 35)
                server.wait_to_say(words)
            self.assertEqual(self.client(ca=f"{LAB}/alice.pem")[0], 60)
            server.wait_to_say("unknown_ca")
            self.assertEqual(self.client(name="other.lab")[0], 60)
        with served(certificate="expired") as server:
            self.assertEqual(self.client()[0], 60)
            server.wait_to_say("certificate_expired")


class Much(unittest.TestCase):
    """64 MiB to the server and back, and the end said."""

    def check(self, *command, **options):
        path = os.path.join(netns.directory(), "out")
        with Echo(), served("-v", "--proxy", f"/echo=http://127.0.0.1:{ECHO}") as server, \
             open(path, "wb") as out:
            done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, timeout=60,
                                  check=False, **options)
            self.assertEqual(done.returncode, 0, done.stderr)
            server.wait_to_say("[Alert] close_notify")
        with open(path, "rb") as file:
            text = file.read()
        if text.startswith(b"HTTP/1."):
            text = text.split(b"\r\n\r\n", 1)[1]
        return hashlib.sha256(text).hexdigest()

    def post(self):
        """A file with a request that carries 64 MiB."""
        path = write("post", "POST /echo HTTP/1.0\r\nHost: www.lab\r\n"
                             f"Content-Length: {64 << 20}\r\n\r\n")
        with open(path, "ab") as post, open(f"{SITE}/64m.bin", "rb") as file:
            shutil.copyfileobj(file, post)
        return path

    def test_openssl(self):
        with open(self.post(), "rb") as post:
            self.assertEqual(self.check("openssl", "s_client", "-quiet", "-connect", HERE,
                                        stdin=post), DIGESTS["64m.bin"])

    @needs("curl")
    def test_curl(self):
        for version in ("1.2", "1.3"):
            # By HTTP/2 it ends without close_notify.
            self.assertEqual(self.check("curl", "-sS", "--tls-max", version, "--http1.1", "-T",
                                        f"{SITE}/64m.bin", "-X", "POST", "--cacert",
                                        f"{LAB}/ca.pem", f"https://{HERE}/echo"),
                             DIGESTS["64m.bin"])

    @needs("wget")
    def test_GnuTLS_of_wget(self):
        self.assertEqual(self.check("wget", "-q", "-O", "-", "--ca-certificate", f"{LAB}/ca.pem",
                                    "--post-file", f"{SITE}/64m.bin", f"https://{HERE}/echo"),
                         DIGESTS["64m.bin"])

    @needs("tstclnt", "certutil")
    def test_NSS(self):
        self.assertEqual(self.check("tstclnt", "-h", "127.0.0.1", "-p", str(PORT), "-a", NAME,
                                    "-d", Nss.store(), "-V", "tls1.2:tls1.3", "-A", self.post()),
                         DIGESTS["64m.bin"])


if __name__ == "__main__":
    netns.main("openssl")
