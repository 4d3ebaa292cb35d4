"""What `handfast ca` makes, judged by openssl; and what it refuses to do."""

import datetime
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

from netns import HANDFAST, handfast, skip


def openssl(*arguments, check=True):
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=60,
                          check=check)


def shown(path, *what):
    return openssl("x509", "-in", path, "-noout", *what).stdout


class Ca(unittest.TestCase):
    def setUp(self):
        self.directory = os.path.join(tempfile.mkdtemp(prefix="handfast-ca-"), "lab")
        self.addCleanup(shutil.rmtree, os.path.dirname(self.directory))

    def path(self, name):
        return os.path.join(self.directory, name)

    def made(self, *arguments):
        result = handfast("ca", self.directory, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        return result.stdout

    def refused(self, code, arguments, *words):
        result = handfast("ca", self.directory, *arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        for word in ("handfast: ", *words):
            self.assertIn(word, lines[0])

    def verified(self, name, *options):
        result = openssl("verify", "-x509_strict", "-CAfile", self.path("ca.pem"), *options,
                         self.path(name), check=False)
        return result.returncode == 0

    def key_of(self, name):
        return openssl("pkey", "-in", self.path(name), "-pubout").stdout

    def test_one_command_makes_a_ca_and_a_server_on_localhost(self):
        text = self.made()
        self.assertEqual(sorted(os.listdir(self.directory)),
                         ["ca.key", "ca.pem", "server.key", "server.pem"])
        for name in os.listdir(self.directory):
            mode = stat.S_IMODE(os.stat(self.path(name)).st_mode)
            self.assertEqual(mode, 0o600 if name.endswith(".key") else 0o644, name)
            self.assertIn(self.path(name), text)
        for name in ("localhost", "www.lab"):
            self.assertEqual(self.verified("server.pem", "-verify_hostname", name),
                             name == "localhost")
        for address in ("127.0.0.1", "::1"):
            self.assertTrue(self.verified("server.pem", "-verify_ip", address))
        self.assertTrue(self.verified("server.pem", "-purpose", "sslserver"))
        self.assertFalse(self.verified("server.pem", "-purpose", "sslclient"))
        constraints = shown(self.path("ca.pem"), "-ext", "basicConstraints,keyUsage")
        self.assertIn("CA:TRUE, pathlen:0", constraints)
        self.assertIn("Certificate Sign", constraints)
        self.assertEqual(shown(self.path("server.pem"), "-pubkey"), self.key_of("server.key"))
        self.assertEqual(shown(self.path("ca.pem"), "-pubkey"), self.key_of("ca.key"))

    def test_a_ca_that_is_there_issues_more(self):
        self.made()
        ca = shown(self.path("ca.pem"), "-fingerprint")
        self.made("--name", "www.lab", "--name", "*.sub.lab", "--name", "192.0.2.2", "--name",
                  "2001:db8::2", "--out", "www")
        self.made("--client", "alice", "--client", "bob@lab")
        self.assertEqual(shown(self.path("ca.pem"), "-fingerprint"), ca)
        for name in ("www.lab", "a.sub.lab"):
            self.assertTrue(self.verified("www.pem", "-verify_hostname", name))
        for address in ("192.0.2.2", "2001:db8::2"):
            self.assertTrue(self.verified("www.pem", "-verify_ip", address))
        for client in ("alice", "bob@lab"):
            self.assertTrue(self.verified(client + ".pem", "-purpose", "sslclient"))
            self.assertFalse(self.verified(client + ".pem", "-purpose", "sslserver"))
            self.assertIn("CN = " + client, shown(self.path(client + ".pem"), "-subject"))
        serials = {shown(self.path(name), "-serial") for name in os.listdir(self.directory)
                   if name.endswith(".pem")}
        self.assertEqual(len(serials), 5)

    def test_keys_of_every_kind(self):
        for kind, algorithm in (("ecdsa", "id-ecPublicKey"), ("rsa", "rsaEncryption"),
                                ("ed25519", "ED25519")):
            shutil.rmtree(self.directory, ignore_errors=True)
            self.made("--key", kind)
            for name in ("ca.pem", "server.pem"):
                self.assertIn(f"Public Key Algorithm: {algorithm}",
                              shown(self.path(name), "-text"))
            self.assertTrue(self.verified("server.pem", "-verify_hostname", "localhost"))

    def test_validity_is_as_asked_and_ends_no_later_than_the_cas(self):
        def end(name):
            text = shown(self.path(name), "-enddate").strip().split("=")[1]
            return datetime.datetime.strptime(text, "%b %d %H:%M:%S %Y %Z")

        now = datetime.datetime.utcnow()
        self.made("--days", "30")
        self.assertAlmostEqual((end("server.pem") - now).total_seconds() / 86400, 30, delta=0.1)
        self.assertAlmostEqual((end("ca.pem") - now).total_seconds() / 86400, 3650, delta=0.1)
        self.made("--days", "9999", "--out", "late")
        self.assertEqual(end("late.pem"), end("ca.pem"))
        self.made("--expired", "--out", "old")
        self.assertLess(end("old.pem"), now)
        self.assertFalse(self.verified("old.pem"))
        self.assertTrue(self.verified("old.pem", "-no_check_time"))

    def test_nothing_is_overwritten_without_force(self):
        self.made()
        before = shown(self.path("server.pem"), "-fingerprint")
        self.refused(1, ["--client", "alice", "--name", "x.lab"], "server.pem", "--force", "--out")
        self.assertEqual(shown(self.path("server.pem"), "-fingerprint"), before)
        self.assertNotIn("alice.pem", os.listdir(self.directory))
        ca = shown(self.path("ca.pem"), "-fingerprint")
        os.chmod(self.path("server.key"), 0o666)
        self.made("--force")
        self.assertNotEqual(shown(self.path("server.pem"), "-fingerprint"), before)
        self.assertEqual(shown(self.path("ca.pem"), "-fingerprint"), ca)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("server.key")).st_mode), 0o600)
        self.assertTrue(self.verified("server.pem"))

    def test_half_a_ca_or_another_ones_key_is_no_ca(self):
        self.made()
        other = self.path("other")
        self.assertEqual(handfast("ca", other).returncode, 0)
        shutil.copy(os.path.join(other, "ca.key"), self.path("ca.key"))
        self.refused(1, ["--out", "x"], "ca.key", "is not the key of")
        os.unlink(self.path("ca.key"))
        self.refused(1, ["--out", "x"], "half of a CA", "ca.pem")
        shutil.copy(self.path("server.pem"), self.path("ca.pem"))
        shutil.copy(self.path("server.key"), self.path("ca.key"))
        self.refused(1, ["--out", "x"], "not a CA")

    def test_wrong_use_is_answered_by_one_line(self):
        for name in ("a b", "-x", "*", "*.", "192.0.2.300", "a,DNS:b"):
            self.refused(2, [f"--name={name}"], "not a name for a server", "--name example.lan")
        for name in ("../x", ".x", "-x", "a/b", "ca", "x" * 65):
            self.refused(2, [f"--client={name}"], "not a name for --client")
            self.refused(2, [f"--out={name}"], "not a name for --out")
        self.refused(2, ["--days", "0"], "--days")
        self.refused(2, ["--key", "dsa"], "--key", "ecdsa", "ed25519", "rsa")
        self.assertFalse(os.path.exists(self.directory))
        with open(self.directory, "w", encoding="utf-8"):
            pass
        self.refused(1, [], self.directory)
        os.unlink(self.directory)


if __name__ == "__main__":
    if not os.access(HANDFAST, os.X_OK):
        skip(f"there is no {HANDFAST} (set HANDFAST)")
    if shutil.which("openssl") is None:
        skip("openssl is not installed")
    unittest.main(verbosity=2)
