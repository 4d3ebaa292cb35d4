"""What `-v` tells of TLS, and captures that come with their keys."""

import os
import subprocess
import unittest

import netns
from netns import KERNEL, OURS, wait_for
from tls_lab import Asking, DIGESTS, HERE, PORT, TUN, curl, nginx, s_client, served


def tshark(path, *arguments):
    return subprocess.run(["tshark", "-n", "-r", path, *arguments], capture_output=True, text=True,
                          timeout=120, check=True).stdout


class Verbose(unittest.TestCase):
    def test_the_server_tells_each_message_and_what_was_agreed_on(self):
        with served("-v") as server:
            # Over HTTP/2 this curl goes without close_notify.
            curl(f"https://{HERE}/1m.bin", "--http1.1", "--tls13-ciphers",
                 "TLS_AES_128_GCM_SHA256")
            wait_for(lambda: "Alert" in server.printed(server.err), "end of the connection")
            told = server.printed(server.err)
        self.assertRegex(told, r"<- 127\.0\.0\.1:\d+  ClientHello TLS1\.3 SNI=127|"
                               r"<- 127\.0\.0\.1:\d+  ClientHello TLS1\.3 .*x25519, \d+ bytes")
        for name in ("ServerHello TLS1.3 AES_128_GCM_SHA256 x25519", "{EncryptedExtensions}",
                     "{Certificate} www.lab", "{CertificateVerify}", "{Finished}"):
            self.assertIn(f"  {name}", told)
        self.assertRegex(told, r"TLS 1\.3 with 127\.0\.0\.1:\d+: TLS_AES_128_GCM_SHA256, x25519")

    def test_the_server_tells_alerts_and_why(self):
        with served("-v") as server:
            s_client("-ciphersuites", "TLS_AES_128_CCM_SHA256", "-tls1_3")
            wait_for(lambda: "Alert" in server.printed(server.err), "an alert")
            told = server.printed(server.err)
        self.assertRegex(told, r"-> \S+  Alert handshake_failure  \(no cipher suite in common; the "
                               r"client offers TLS_AES_128_CCM_SHA256")


class Capture(Asking):
    def test_what_the_server_captured_opens_decrypted(self):
        path = os.path.join(netns.directory(), "serve.pcapng")
        with served("--pcap", path, where=TUN) as server:
            self.assertEqual(curl(f"https://{OURS}/1m.bin"), DIGESTS["1m.bin"])
            curl(f"https://{OURS}/1m.bin", "--tls-max", "1.2")
            server.finish()
        asked = tshark(path, "-Y", "http.request || http2.headers.path", "-T", "fields", "-e",
                       "http.request.uri", "-e", "http2.headers.path")
        self.assertEqual(asked.split(), ["/1m.bin"] * 2)
        seen = tshark(path, "-Y", "tls.handshake.type == 11", "-T", "fields", "-e", "frame.number")
        self.assertEqual(len(seen.split()), 2, "the certificate of TLS 1.3 is seen too")

    def test_the_client_tells_each_message(self):
        with nginx():
            _, told = self.fetch(f"https://{HERE}/1m.bin")
        self.assertRegex(told, rf"-> {HERE}  ClientHello TLS1\.3 ALPN=\S+ x25519, \d+ bytes")
        self.assertRegex(told, rf"<- {HERE}  {{Certificate}} www\.lab ECDSA P-256, \d+ bytes")
        self.assertRegex(told, rf"-> {HERE}  {{Finished}}, \d+ bytes")
        self.assertEqual(told.count("TLS_AES_"), 1, "what was agreed on is said once")

    def test_what_the_client_captured_opens_decrypted(self):
        for version in ("TLSv1.3", "TLSv1.2"):
            path = os.path.join(netns.directory(), "get.pcapng")
            with nginx(version):
                self.fetch(f"https://{KERNEL}:{PORT}/1m.bin", *TUN, "--pcap", path)
            asked = tshark(path, "-d", f"tcp.port=={PORT},tls", "-Y", "http.request", "-T",
                           "fields", "-e", "http.request.uri")
            self.assertEqual(asked.split(), ["/1m.bin"], version)
            got = tshark(path, "-Y", "http.response.code == 200", "-T", "fields", "-e",
                         "http.content_length")
            self.assertEqual(got.split(), [str(1 << 20)], version)


if __name__ == "__main__":
    netns.main("openssl", "curl", "nginx", "tshark")
