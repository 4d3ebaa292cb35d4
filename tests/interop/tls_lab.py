"""What tests of TLS have in common: certificates, files to serve, peers."""

import contextlib
import hashlib
import os
import shutil
import socket
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
SHOW_ALICE = ["--cert", ALICE[0], "--key", ALICE[1]]
WANT_ALICE = ["--client-ca", f"{LAB}/ca.pem"]
ECHO = 8080


def credentials(name="server"):
    return ["--tls", "--cert", f"{LAB}/{name}.pem", "--key", f"{LAB}/{name}.key"]


@contextlib.contextmanager
def served(*options, where=("--listen", HERE), certificate="server"):
    """`handfast serve` with the files of SITE."""
    with serving(SITE, *where, *credentials(certificate), *options) as server:
        yield server


def s_client(*options, say="", where=HERE, timeout=30):
    """`openssl s_client`, which says `say` and ends when the server does; all that it prints."""
    client = run(["openssl", "s_client", "-connect", where, "-CAfile", f"{LAB}/ca.pem",
                  "-verify_return_error", "-servername", NAME, *options],
                 input=say, timeout=timeout)
    return client.stdout + client.stderr


def request(path="/1m.bin"):
    return f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"


def curl(url, *options):
    """The SHA-256 of what curl downloads."""
    path = os.path.join(netns.directory(), "out")
    netns.curl(url, "--cacert", f"{LAB}/ca.pem", "-o", path, *options)
    return netns.sha256(path)


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


def nginx(version="TLSv1.3", certificate="server"):
    return netns.nginx(SITE, f"""listen {PORT} ssl; ssl_protocols {version};
        ssl_certificate {LAB}/{certificate}.pem; ssl_certificate_key {LAB}/{certificate}.key;
        ssl_session_cache shared:S:1m;""")


def needs(*tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return unittest.skipIf(missing, f"{', '.join(missing)} not installed")


def write(name, text):
    path = os.path.join(netns.directory(), name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Peer:
    """A server of somebody else's, from when it listens to the end of the block."""

    def __init__(self, *command, **options):
        self.file = os.path.join(netns.directory(), "printed")
        options.setdefault("stdin", subprocess.DEVNULL)
        with open(self.file, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out,
                                            preexec_fn=netns._die_with_parent, **options)

    def printed(self):
        with open(self.file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def listens(self):
        assert self.process.poll() is None, self.printed()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
            return True
        return False

    def __enter__(self):
        wait_for(self.listens, "server", timeout=30)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(timeout=10)


class Echo:
    """Speaks plain HTTP on port ECHO of the loopback, behind a server of TLS: gives back the
    content that it gets, of which `digests` are kept; or the digest alone, where the path ends with
    "sum". Its answers have no length: who passes them on has to mark the end."""

    def __enter__(self):
        self.digests = []
        self.listener = socket.create_server(("127.0.0.1", ECHO))
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RD)  # accept() fails
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                threading.Thread(target=self.answer, args=[connection], daemon=True).start()

    def answer(self, connection):
        with connection, contextlib.suppress(OSError):
            stream = connection.makefile("rb")
            path = stream.readline().split()[1]
            size = 0
            while (line := stream.readline().lower()) > b"\r\n":
                if line.startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            content = stream.read(size)
            self.digests.append(hashlib.sha256(content).hexdigest())
            if path.endswith(b"sum"):
                content = self.digests[-1].encode()
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + content)


class Asking(unittest.TestCase):
    """Asks by `handfast get`."""

    def fetch(self, url, *options, trust=CA):
        path = os.path.join(netns.directory(), "out")
        result = handfast("get", url, "-o", path, "-v", *trust, *options, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        return path, result.stderr

    def failed(self, url, *words, trust=CA, options=()):
        result = handfast("get", url, *trust, *options)
        self.assertEqual(result.returncode, 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
