"""`handfast get` against servers by other TLS libraries, all by one list: much both ways, a clean
end, resumption, HelloRetryRequest, a client certificate, and whom we refuse or are refused by."""

import os
import subprocess
import threading

import netns
from netns import handfast, wait_for
from tls_lab import (Asking, CA, DIGESTS, ECHO, Echo, HERE, LAB, PORT, Peer, SHOW_ALICE, SITE,
                     needs, s_server, write)


class List:
    """The tests; a class for each server says how it is started.

    server(certificate, version, group, suites, wants_alice) is a context in which it serves SITE,
    and passes on to Echo what is asked of /echo."""

    VERSIONS = ("1.2", "1.3")
    STRANGE = ("1.2", "ECDHE-ECDSA-AES128-SHA")  # a suite that we lack
    TOO_OLD = "protocol_version"

    def told(self, *options):
        """Two connections, one after the other; the lines in which they say what was agreed on."""
        paths = [os.path.join(netns.directory(), "out") for _ in range(2)]
        result = handfast("get", "--http1.1", "-v", *CA, *options, f"https://{HERE}/1m.bin",
                          f"https://{HERE}/1m.bin", "-o", paths[0], "-o", paths[1])
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stderr, [line for line in result.stderr.splitlines() if "* TLS 1." in line]

    def test_64_MiB_both_ways_and_a_clean_end(self):
        with Echo(), self.server(version=self.VERSIONS[-1]):
            path, told = self.fetch(f"https://{HERE}/echo", "--http1.1", "-d",
                                    f"@{SITE}/64m.bin")
        self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])
        self.assertIn(f"* TLS {self.VERSIONS[-1]}", told)
        self.assertIn("http/1.1", told)
        self.assertIn(f"<- {HERE}  [Alert] close_notify", told)

    def test_resumption(self):
        for version in self.VERSIONS:
            with self.subTest(version), self.server(version=version):
                told, lines = self.told()
                self.assertEqual([f"TLS {version}" in line for line in lines], [True, True])
                self.assertEqual(["resumed" in line for line in lines], [False, True], told)

    def test_HelloRetryRequest(self):
        with self.server(group="P-384", version="1.3"):
            told, lines = self.told()
            self.assertIn("HelloRetryRequest", told)
            self.assertIn("secp384r1", lines[0])

    def test_a_client_certificate(self):
        for version in self.VERSIONS:
            with self.subTest(version), self.server(version=version, wants_alice=True):
                self.assertEqual(len(self.told(*SHOW_ALICE)[1]), 2)
                self.failed(f"https://{HERE}/1m.bin")

    def test_an_expired_certificate(self):
        with self.server(certificate="expired"):
            self.failed(f"https://{HERE}/", "expired")

    def test_another_name_and_an_unknown_CA(self):
        with self.server():
            self.failed(f"https://localhost:{PORT}/", "localhost")
            self.failed(f"https://{HERE}/", "trust", trust=())

    def test_no_suite_in_common(self):
        version, suites = self.STRANGE
        with self.server(version=version, suites=suites):
            self.failed(f"https://{HERE}/", "handshake_failure")

    def test_TLS_1_1_alone(self):
        with self.server(version="1.1"):
            self.failed(f"https://{HERE}/", self.TOO_OLD)


@needs("nginx")
class Nginx(List, Asking):
    def server(self, certificate="server", version=None, group=None, suites=None,
               wants_alice=False):
        lines = [f"ssl_protocols TLSv{version};" if version else ""]
        if group:
            lines.append(f"ssl_ecdh_curve {group};")
        if wants_alice:
            lines.append(f"ssl_verify_client on; ssl_client_certificate {LAB}/ca.pem;")
        if version == "1.1":
            suites = "DEFAULT@SECLEVEL=0"
        if suites:
            lines.append(f"ssl_ciphers {suites};")
        return netns.nginx(SITE, f"""listen {PORT} ssl; keepalive_timeout 0;
            ssl_certificate {LAB}/{certificate}.pem; ssl_certificate_key {LAB}/{certificate}.key;
            ssl_session_cache shared:S:1m; client_max_body_size 0; chunked_transfer_encoding off;
            location /echo {{ proxy_pass http://127.0.0.1:{ECHO}; }} {' '.join(lines)}""")


class OpenSsl(List, Asking):
    def server(self, certificate="server", version=None, group=None, suites=None,
               wants_alice=False):
        options = ["-WWW"]
        if version:
            options.append("-tls" + version.replace(".", "_").removesuffix("_0"))
        if group:
            options += ["-groups", group]
        if wants_alice:
            options += ["-Verify", "1", "-CAfile", f"{LAB}/ca.pem", "-verify_return_error"]
        if version == "1.1":
            suites = "DEFAULT@SECLEVEL=0"
        if suites:
            options += ["-cipher", suites]
        return s_server(*options, certificate=certificate)

    def test_64_MiB_both_ways_and_a_clean_end(self):
        server = Peer("openssl", "s_server", "-quiet", "-accept", HERE, "-naccept", "2", "-cert",
                      f"{LAB}/server.pem", "-key", f"{LAB}/server.key", "-alpn", "http/1.1",
                      stdin=subprocess.PIPE)
        outcome = []
        with server, open(f"{SITE}/64m.bin", "rb") as file:
            content = file.read()
            client = threading.Thread(target=lambda: outcome.append(self.fetch(
                f"https://{HERE}/", "-d", f"@{SITE}/64m.bin")))
            client.start()
            wait_for(lambda: os.path.getsize(server.file) > len(content), "request", timeout=30)
            with open(server.file, "rb") as file:
                self.assertTrue(file.read().endswith(content))
            server.process.stdin.write(b"HTTP/1.0 200 OK\r\n\r\n" + content)
            server.process.stdin.close()  # and it says close_notify
            client.join(timeout=30)
        path, told = outcome[0]
        self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])
        for word in ("* TLS 1.3", "http/1.1", f"<- {HERE}  [Alert] close_notify"):
            self.assertIn(word, told)


class Lighttpd(List):
    """LIBRARY as lighttpd has it."""

    TRUST = f'ssl.ca-file = "{LAB}/ca.pem"'

    def server(self, certificate="server", version=None, group=None, suites=None,
               wants_alice=False):
        if not os.path.exists(f"/usr/lib/lighttpd/mod_{self.LIBRARY}.so"):
            self.skipTest(f"lighttpd-mod-{self.LIBRARY} is not installed")
        commands = {"CipherString": suites, "Groups": group,
                    "MinProtocol": version and f"TLSv{version}",
                    "MaxProtocol": version and f"TLSv{version}"}
        lines = [f'server.document-root = "{SITE}"', f"server.port = {PORT}",
                 'server.bind = "127.0.0.1"', "server.max-keep-alive-requests = 0",
                 f'server.modules = ("mod_{self.LIBRARY}", "mod_proxy")',
                 'server.protocol-http11 = "disable"', "server.stream-response-body = 1",
                 f'proxy.server = ("/echo" => (("host" => "127.0.0.1", "port" => {ECHO})))',
                 'ssl.engine = "enable"', self.TRUST, f'ssl.pemfile = "{LAB}/{certificate}.pem"',
                 f'ssl.privkey = "{LAB}/{certificate}.key"',
                 "ssl.openssl.ssl-conf-cmd = (" +
                 ", ".join(f'"{name}" => "{it}"' for name, it in commands.items() if it) + ")"]
        if wants_alice:
            lines += ['ssl.verifyclient.activate = "enable"',
                      'ssl.verifyclient.enforce = "enable"']
        return Peer("lighttpd", "-D", "-f", write("conf", "\n".join(lines)))


@needs("lighttpd")
class GnuTls(Lighttpd, Asking):
    LIBRARY = "gnutls"
    TOO_OLD = "ended"  # it says nothing
    test_no_suite_in_common = None


@needs("lighttpd")
class Nss(Lighttpd, Asking):
    """Groups are not for it to choose, and it fails to read whose client certificates to take."""

    LIBRARY = "nss"
    TRUST = ""
    test_HelloRetryRequest = test_a_client_certificate = None


@needs("lighttpd")
class WolfSsl(Lighttpd, Asking):
    """Takes X25519 whatever groups it is given, and does not serve what is expired."""

    LIBRARY = "wolfssl"
    TOO_OLD = "handshake_failure"
    test_HelloRetryRequest = test_an_expired_certificate = None


@needs("lighttpd")
class MbedTls(Lighttpd, Asking):
    """2.28 speaks TLS 1.2 alone."""

    LIBRARY = "mbedtls"
    STRANGE = ("1.2", "EDH+AESGCM")
    TOO_OLD = "handshake_failure"
    VERSIONS = ("1.2",)
    test_HelloRetryRequest = None


if __name__ == "__main__":
    netns.main("openssl")
