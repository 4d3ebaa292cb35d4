"""TLS 1.2 against openssl, curl and nginx, in both roles: each key exchange, and resumption."""

import base64
import os
import unittest

import netns
from tls_lab import (ALICE, Asking, DIGESTS, HERE, LAB, curl, nginx, request, s_client, s_server,
                     served)

SUITES = (("AES128-GCM-SHA256", "AES_128_GCM_SHA256"), ("AES256-GCM-SHA384", "AES_256_GCM_SHA384"),
          ("CHACHA20-POLY1305", "CHACHA20_POLY1305_SHA256"))


def dh_parameters(prime, generator):
    """A file of PKCS #3 parameters."""
    def der(tag, content):
        return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content

    numbers = [der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))
               for number in (prime, generator)]
    text = base64.encodebytes(der(0x30, b"".join(numbers))).decode()
    path = os.path.join(netns.directory(), "parameters")
    with open(path, "w", encoding="ascii") as file:
        file.write(f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n")
    return path


class Serve(unittest.TestCase):
    def answered(self, *options):
        text = s_client("-tls1_2", *options, "-ign_eof", say=request("/"))
        self.assertIn("200 OK", text)
        return text

    def test_each_suite_and_group(self):
        for kind in ("ecdsa", "rsa"):
            with served(certificate="server" if kind == "ecdsa" else "rsa"):
                for suite, _ in SUITES:
                    name = f"ECDHE-{kind.upper()}-{suite}"
                    self.assertIn(f"Cipher is {name}", self.answered("-cipher", name))
                for group in ("X25519:P-256", "P-256", "P-384:P-256"):
                    self.answered("-groups", group)

    def test_DHE_only_where_it_is_asked_for(self):
        with served("--dhe", certificate="rsa"):
            for suite, _ in SUITES:
                self.assertIn(f"Cipher is DHE-RSA-{suite}",
                              self.answered("-cipher", f"DHE-RSA-{suite}"))
            # openssl names no finite field in its hello.
            self.assertIn("Server Temp Key: DH, 2048 bits", self.answered("-cipher", "DHE+AESGCM"))
        with served(certificate="rsa"):
            self.assertIn("handshake failure", s_client("-tls1_2", "-cipher", "DHE"))

    def test_RSA_key_transport_only_where_it_is_asked_for(self):
        with served("--rsa-key-transport", certificate="rsa"):
            for suite, _ in SUITES[:2]:
                self.assertIn(f"Cipher is {suite}", self.answered("-cipher", suite))
            # It is the last choice.
            self.assertIn("Cipher is ECDHE", self.answered("-cipher", "AES128-GCM-SHA256:ECDHE"))
        with served("--rsa-key-transport", "--client-ca", f"{LAB}/ca.pem", certificate="rsa"):
            self.answered("-cipher", "AES128-GCM-SHA256", "-cert", ALICE[0], "-key", ALICE[1])
        with served(certificate="rsa"):
            self.assertIn("handshake failure", s_client("-tls1_2", "-cipher", "kRSA+AESGCM"))

    def resumed(self, *options):
        session = os.path.join(netns.directory(), "session")
        first = self.answered("-sess_out", session, *options)
        again = self.answered("-sess_in", session, *options)
        self.assertIn("New, TLSv1.2", first)
        self.assertIn("Extended master secret: yes", first)
        self.assertIn("Secure Renegotiation IS supported", first)
        self.assertIn("Reused, TLSv1.2", again)
        return first

    def test_a_session_is_resumed_by_a_ticket_and_by_its_ID(self):
        with served("--dhe", "--rsa-key-transport", certificate="rsa"):
            self.assertIn("TLS session ticket:", self.resumed())
            for options in ((), ("-cipher", "AES256-GCM-SHA384"), ("-cipher", "DHE+AESGCM")):
                self.assertNotIn("TLS session ticket:", self.resumed("-no_ticket", *options))

    def test_certificates_are_shown_and_much_is_carried(self):
        with served():
            self.assertEqual(curl(f"https://{HERE}/64m.bin", "--tls-max", "1.2"),
                             DIGESTS["64m.bin"])
            # Renegotiation is refused, and ends the connection.
            self.assertIn("no renegotiation", s_client("-tls1_2", say="R\n"))
        with served("--client-ca", f"{LAB}/ca.pem"):
            self.answered("-cert", ALICE[0], "-key", ALICE[1])
            self.assertIn("handshake failure", s_client("-tls1_2", "-ign_eof", say=request("/")))


class Get(Asking):
    def told(self, *options):
        return self.fetch(f"https://{HERE}/", *options)[1]

    def test_each_suite_and_group(self):
        for kind, files in (("ECDSA", "server"), ("RSA", "rsa")):
            for suite, name in SUITES:
                with s_server("-tls1_2", "-cipher", f"ECDHE-{kind}-{suite}", certificate=files):
                    self.assertIn(f"TLS 1.2, TLS_ECDHE_{kind}_WITH_{name}", self.told())
        for group, name in (("X25519", "x25519"), ("P-256", "secp256r1"), ("P-384", "secp384r1")):
            with s_server("-tls1_2", "-groups", group):
                self.assertIn(name, self.told())
        with s_server("-tls1_2", "-Verify", "1", "-CAfile", f"{LAB}/ca.pem"):
            self.told("--cert", ALICE[0], "--key", ALICE[1])

    def test_DHE_over_the_fields_of_RFC_7919_alone(self):
        for group in ("ffdhe2048", "ffdhe3072"):
            parameters = os.path.join(netns.directory(), group)
            netns.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt",
                       f"group:{group}", "-out", parameters])
            for suite, name in SUITES:
                with s_server("-tls1_2", "-cipher", f"DHE-RSA-{suite}", "-dhparam", parameters,
                              certificate="rsa"):
                    told = self.told("--dhe")
                    self.assertIn(f"TLS 1.2, TLS_DHE_RSA_WITH_{name}, {group}", told)
        # By itself it takes a group of RFC 3526; and one that is too small.
        parameters = dh_parameters((1 << 1024) - 105, 2)
        for options, words in (((), "group of its own (2048 bits)"),
                               (("-dhparam", parameters), "1024 bits")):
            with s_server("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0", *options,
                          certificate="rsa"):
                self.failed(f"https://{HERE}/", words, options=["--dhe"])
        with s_server("-tls1_2", "-cipher", "DHE", certificate="rsa"):
            self.failed(f"https://{HERE}/", "handshake_failure")

    def test_RSA_key_transport(self):
        for suite, name in SUITES[:2]:
            with s_server("-tls1_2", "-cipher", suite, certificate="rsa"):
                self.assertIn(f"TLS 1.2, TLS_RSA_WITH_{name}", self.told("--rsa-key-transport"))
        with s_server("-tls1_2", "-cipher", "AES128-GCM-SHA256", "-Verify", "1", "-CAfile",
                      f"{LAB}/ca.pem", certificate="rsa"):
            self.told("--rsa-key-transport", "--cert", ALICE[0], "--key", ALICE[1])
            self.failed(f"https://{HERE}/", "handshake_failure")

    def test_64_MiB_and_resumption_by_a_ticket_and_by_a_sessions_ID(self):
        with nginx("TLSv1.2"):
            path, told = self.fetch(f"https://{HERE}/64m.bin")
            self.assertEqual(netns.sha256(path), DIGESTS["64m.bin"])
            self.assertIn("TLS 1.2", told)
        for tickets in ("on", "off"):
            with nginx(f"TLSv1.2; ssl_session_tickets {tickets}; keepalive_timeout 0"):
                told = self.fetch(f"https://{HERE}/moved")[1]
                lines = [line for line in told.splitlines() if "TLS 1.2," in line]
                self.assertEqual([("resumed" in line) for line in lines], [False, True], told)


if __name__ == "__main__":
    netns.main("openssl", "curl", "nginx")
