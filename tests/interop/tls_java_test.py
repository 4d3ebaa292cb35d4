"""TLS against Java's (JSSE), in both roles."""

import hashlib
import os

import netns
from netns import handfast, run, serving
from tls_lab import (Asking, DIGESTS, ECHO, Echo, HERE, LAB, NAME, PORT, Peer, SHOW_ALICE, SITE,
                     WANT_ALICE, served)


class Java(Asking):
    FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "TlsPeer.java")
    MUCH = hashlib.sha256(bytes(i * 31 >> 3 & 255 for i in range(65536)) * 1024).hexdigest()
    CBC = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"

    def command(self, role, *what, options=()):
        return ["java", "-XX:TieredStopAtLevel=1", *options, self.FILE, role, LAB, *what]

    def client(self, *asks, options=()):
        done = run(self.command("client", *asks, options=options), timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def test_client(self):
        asks = [f"{PORT},{ask}" for ask in ("/1m.bin", "/echo", "/1m.bin,TLSv1.2",
                                            "/1m.bin,TLSv1.2")]
        with Echo() as echo, served("-v", "--proxy", f"/echo=http://127.0.0.1:{ECHO}",
                                    *WANT_ALICE) as server:
            lines = [line.split() for line in self.client(*asks)]
            self.assertEqual([line[:4] for line in lines], [
                [version, "http/1.1", how, "200"] for version in ("TLSv1.3", "TLSv1.2")
                for how in ("new", "resumed")])
            self.assertEqual([line[4] for line in lines],
                             [DIGESTS["1m.bin"], self.MUCH, *[DIGESTS["1m.bin"]] * 2])
            # Its one share is of a group that we lack.
            retried = self.client(f"{PORT},/echo/sum", options=[
                "-Djdk.tls.namedGroups=secp521r1,secp256r1", "-DkeyLimit=2^20"])
            self.assertTrue(retried[0].startswith("TLSv1.3 http/1.1 new 200"), retried)
            self.assertEqual(echo.digests[-1], self.MUCH)
            server.wait_to_say("HelloRetryRequest")
            self.assertGreater(server.printed(server.err).count("[KeyUpdate] update_req"), 60)

    def test_client_that_refuses_or_is_refused(self):
        directory = netns.directory()
        handfast("ca", directory, "--name", NAME)
        with served() as server, \
             served(where=("--listen", "127.0.0.1:8444"), certificate="expired"), \
             serving(SITE, "--listen", "127.0.0.1:8445", "--tls", "--cert",
                     f"{directory}/server.pem", "--key", f"{directory}/server.key"):
            lines = self.client(f"{PORT},/1m.bin,,,other.lab", "8444,/1m.bin", "8445,/1m.bin",
                                f"{PORT},/1m.bin,TLSv1.2,{self.CBC}",
                                f"{PORT},/1m.bin,TLSv1.1,{self.CBC}")
            for line, words in zip(lines, ("No subject alternative DNS name", "validity check",
                                           "unable to find valid certification path",
                                           "handshake_failure", "protocol_version"), strict=True):
                self.assertRegex(line, f"refused: .*{words}")
            for words in ("our certificate", "AES_128_CBC_SHA", "the client offers TLS 1.1"):
                server.wait_to_say(words)

    def moved(self, version, where=HERE):
        """Two connections, of which the second resumes the session of the first."""
        told = self.fetch(f"https://{where}/moved/", *SHOW_ALICE)[1]
        lines = [line for line in told.splitlines() if f"* {version}," in line]
        self.assertEqual([("resumed" in line) for line in lines], [False, True], told)
        self.assertIn("http/1.1", lines[0])
        self.assertIn(f"<- {where}  [Alert] close_notify", told)
        return "HelloRetryRequest" in lines[0]

    def test_server(self):
        with Peer(*self.command("server", f"{PORT},server", "8444,server,TLSv1.2",
                                options=["-DkeyLimit=2^20"])):
            self.assertFalse(self.moved("TLS 1.3"))
            self.assertFalse(self.moved("TLS 1.2", "127.0.0.1:8444"))
            path, told = self.fetch(f"https://{HERE}/", "-d", f"@{SITE}/64m.bin", *SHOW_ALICE)
            self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])
            self.assertGreater(told.count("[KeyUpdate] update_requested"), 60)
        with Peer(*self.command("server", f"{PORT},server",
                                options=["-Djdk.tls.namedGroups=secp384r1"])):
            self.assertTrue(self.moved("TLS 1.3"))

    def test_servers_that_refuse_or_are_refused(self):
        with Peer(*self.command("server", f"{PORT},server", "8444,expired",
                                f"8445,server,TLSv1.2,{self.CBC}",
                                f"8446,server,TLSv1.1,{self.CBC}")):
            self.failed(f"https://{HERE}/", "certificate")  # we show none
            self.failed(f"https://localhost:{PORT}/", "localhost")
            self.failed(f"https://{HERE}/", "trust", trust=())
            self.failed("https://127.0.0.1:8444/", "expired")
            self.failed("https://127.0.0.1:8445/", "handshake_failure")
            self.failed("https://127.0.0.1:8446/", "version")


if __name__ == "__main__":
    netns.main("java")
