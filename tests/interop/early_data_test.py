"""Early data (0-RTT) of TLS 1.3 against openssl, in both roles, and who sends it again."""

import contextlib
import os
import socket
import subprocess
import threading
import unittest

import netns
from netns import handfast
from tls_lab import CA, HERE, LAB, PORT, request, s_client, served


class Relay:
    """Passes one connection on to `port`, and keeps what its client sent before it heard a word."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.from_client = b""
        self.thread = threading.Thread(target=self.carry, args=(port,))
        self.thread.start()

    def carry(self, port):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", port), timeout=30)
        with client, server:
            client.settimeout(0.5)  # all of the first flight is there by then
            with contextlib.suppress(TimeoutError):
                while piece := client.recv(65536):
                    self.from_client += piece
            server.sendall(self.from_client)
            client.settimeout(30)
            back = threading.Thread(target=self.pump, args=(server, client))
            back.start()
            self.pump(client, server)
            back.join()

    @staticmethod
    def pump(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def recorded(port):
    relay = Relay(port)
    try:
        yield relay
    finally:
        relay.thread.join(timeout=30)
        relay.listener.close()


class Serve(unittest.TestCase):
    def first_session(self):
        session = os.path.join(netns.directory(), "session")
        self.assertIn("200 OK", s_client("-sess_out", session, "-ign_eof", say=request("/")))
        return session

    def early(self, session, text, where=HERE):
        """What a client hears that resumes `session` and sends `text` as early data."""
        path = os.path.join(netns.directory(), "early")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return s_client("-sess_in", session, "-early_data", path, "-ign_eof", where=where)

    def test_early_data_is_answered_and_only_where_that_is_switched_on(self):
        with served("--early-data") as server:
            text = self.early(self.first_session(), request("/"))
            self.assertIn("Early data was accepted", text)
            self.assertIn("200 OK", text)
            # What does more than to ask has to wait for the end of the handshake (RFC 8470).
            text = self.early(self.first_session(), request("/").replace("GET", "POST"))
            self.assertIn("Early data was accepted", text)
            self.assertIn("425 Too Early", text)
            self.assertNotIn("TLS failed", server.printed(server.err))
        with served():
            self.assertIn("Max Early Data: 0", s_client("-ign_eof", say=request("/")))

    def test_early_data_that_somebody_sends_again_is_not_taken(self):
        with served("--early-data") as server:
            session = self.first_session()
            with recorded(PORT) as relay:
                text = self.early(session, request("/early"), f"127.0.0.1:{relay.port}")
            self.assertIn("Early data was accepted", text)
            self.assertIn("404 Not Found", text)
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", PORT), timeout=10) as attacker:
                    attacker.sendall(relay.from_client)
                    attacker.settimeout(1)
                    heard = b""
                    with contextlib.suppress(TimeoutError):
                        while piece := attacker.recv(65536):
                            heard += piece
                    # A ServerHello and what belongs to it; no answer.
                    self.assertLess(len(heard), 2000)
                    self.assertEqual(heard[0], 22)
            self.assertIn("200 OK", s_client("-ign_eof", say=request("/")))
            self.assertEqual(server.printed(server.out).count("/early"), 1)


class Get(unittest.TestCase):
    def early_server(self, *options):
        """`openssl s_server` that reads early data, and `say(text)` to answer its client."""
        server = subprocess.Popen(
            ["openssl", "s_server", "-accept", HERE, "-cert", f"{LAB}/server.pem", "-key",
             f"{LAB}/server.key", "-crlf", "-early_data", *options], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=netns._die_with_parent)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.stdin.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.heard = ""

        def hear(word):
            """All that it printed since the last time, up to `word`."""
            while word not in self.heard:
                piece = os.read(server.stdout.fileno(), 4096).decode(errors="replace")
                self.assertTrue(piece, self.heard)
                self.heard += piece
            text, _, self.heard = self.heard.partition(word)
            return text + word

        def say(text):
            server.stdin.write(text.encode())
            server.stdin.flush()

        hear("ACCEPT")
        return hear, say

    def fetch_early(self, word, *options):
        """Two requests to s_server, the second by early data where the ticket allows. `word` is what
        s_server prints of that; returns what `get` told."""
        hear, say = self.early_server(*options)
        outcome = []
        client = threading.Thread(target=lambda: outcome.append(
            handfast("get", f"https://{HERE}/first", "--early-data", "-v", *CA)))
        client.start()
        hear("GET /first")
        hear("Accept: */*")
        say("HTTP/1.1 302 Found\nLocation: /second\nContent-Length: 0\nConnection: close\n\n")
        text = hear("GET /second")
        if word not in text:
            hear(word)
        say("HTTP/1.1 200 OK\nContent-Length: 7\nConnection: close\n\nhello\n")
        client.join(timeout=30)
        self.assertEqual(outcome[0].returncode, 0, outcome[0].stderr)
        self.assertEqual(outcome[0].stdout, "hello\n")
        return outcome[0].stderr

    def test_early_data_is_sent_and_accepted(self):
        told = self.fetch_early("End of early data")
        self.assertIn("early data accepted", told)

    def test_early_data_that_is_rejected_is_sent_again(self):
        # s_server asks for another share, and so takes no early data.
        told = self.fetch_early("Early data was rejected", "-groups", "P-256")
        self.assertIn("early data rejected", told)


if __name__ == "__main__":
    netns.main("openssl")
