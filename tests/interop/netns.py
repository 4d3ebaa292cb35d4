"""A network namespace for one test, real peers in it, and the `handfast` command.

The namespace belongs to this process alone and goes away with it; so do all processes that are
started here. Traffic stays inside. Every wait is bounded.
"""

import atexit
import contextlib
import ctypes
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HANDFAST = os.path.abspath(os.environ.get("HANDFAST", "build/release/bin/handfast"))
OURS, KERNEL = "192.0.2.2", "192.0.2.1"  # RFC 5737
OURS6, KERNEL6 = "2001:db8::2", "2001:db8::1"  # RFC 3849
ADDRESSES = ["--address", f"{OURS}/24", "--address", f"{OURS6}/64"]
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SKIPPED = 77

_libc = ctypes.CDLL(None, use_errno=True)
_directories = []


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def main(*tools):
    """Enters a namespace of our own and runs the tests of the calling script."""
    if not os.access(HANDFAST, os.X_OK):
        skip(f"there is no {HANDFAST} (set HANDFAST)")
    if os.geteuid() != 0:
        skip("network namespaces and TUN devices need root")
    for tool in ("ip", *tools):
        if shutil.which(tool) is None:
            skip(f"{tool} is not installed")
    if not os.path.exists("/dev/net/tun"):
        skip("there is no /dev/net/tun")
    if _libc.unshare(CLONE_NEWNET) != 0:
        skip(f"cannot make a network namespace: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
    unittest.main(module="__main__", verbosity=2)


def _clean_up():
    for directory in _directories:
        shutil.rmtree(directory, ignore_errors=True)


atexit.register(_clean_up)


def directory():
    """A fresh directory that is removed at the end. Others may read it (nginx's workers)."""
    path = tempfile.mkdtemp(prefix="handfast-interop-")
    os.chmod(path, 0o755)
    _directories.append(path)
    return path


def make_file(path, size):
    """Writes `size` bytes that do not repeat, and returns their SHA-256."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        state = 0
        left = size
        while left > 0:
            block = hashlib.shake_128(state.to_bytes(8, "big")).digest(min(left, 1 << 20))
            file.write(block)
            digest.update(block)
            left -= len(block)
            state += 1
    return digest.hexdigest()


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(command, timeout=60, **options):
    """Runs a command to its end; its stdout and stderr as text."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    return subprocess.run(command, timeout=timeout, text=True, preexec_fn=_die_with_parent,
                          check=False, **options)


def handfast(*arguments, **options):
    return run([HANDFAST, *arguments], **options)


def curl(*arguments, timeout=120):
    result = run(["curl", "--silent", "--show-error", "--max-time", str(timeout), *arguments],
                 timeout=timeout + 10)
    assert result.returncode == 0, f"curl {arguments}: {result.returncode} {result.stderr}"
    return result.stdout


def wait_for(condition, what, timeout=10):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"no {what} within {timeout} s"
        time.sleep(0.01)


def wait_for_bytes(path):
    """Until something of a download is there."""
    wait_for(lambda: os.path.exists(path) and os.path.getsize(path) > 0, f"byte of {path}")


class Serving:
    """`handfast serve` while it runs; `finish()` ends it by SIGINT and returns all it printed."""

    def __init__(self, *arguments):
        self.out = tempfile.TemporaryFile("w+")
        self.err = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([HANDFAST, "serve", *arguments], stdout=self.out,
                                        stderr=self.err, preexec_fn=_die_with_parent)

    def printed(self, file=None):
        file = file or self.out
        return os.pread(file.fileno(), 1 << 20, 0).decode()

    def wait_to_say(self, words, timeout=10):
        """Until it has said them on stderr: it may hear of an end after the peer is gone."""
        wait_for(lambda: words in self.printed(self.err), f"{words!r} from the server", timeout)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=10)
        self.out.close()
        self.err.close()

    def wait_until_ready(self):
        wait_for(lambda: "Ctrl-C" in self.printed() or self.process.poll() is not None,
                 "server that listens")
        assert self.process.poll() is None, self.printed(self.err)

    def finish(self, number=signal.SIGINT):
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        assert code == 0, f"serve ended with {code}: {self.printed(self.err)}"
        return self.printed()


@contextlib.contextmanager
def serving(*arguments):
    server = Serving(*arguments)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.close()


EVERYWHERE = "listen 80; listen [::]:80;"


@contextlib.contextmanager
def nginx(root, server=EVERYWHERE):
    """nginx, with these directives of its server; port 80 of every address of the kernel, also of
    those that come later, unless they say otherwise."""
    home = directory()
    configuration = os.path.join(home, "nginx.conf")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f"""
            daemon off; worker_processes 1; pid {home}/pid; error_log {home}/errors; user root;
            events {{ worker_connections 64; }}
            http {{
              access_log {home}/access;
              client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
              uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
              server {{ {server} root {root};
                location /moved {{ return 302 /1m.bin; }}
                location /loop {{ return 302 /loop; }} }}
            }}""")
    process = subprocess.Popen(["nginx", "-p", home, "-c", configuration, "-e", f"{home}/errors"],
                               preexec_fn=_die_with_parent)
    try:
        wait_for(lambda: os.path.exists(f"{home}/pid") or process.poll() is not None, "nginx")
        assert process.poll() is None, "nginx ended"
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def bad_packets(capture):
    """What tshark finds wrong with a capture, and how many packets it has."""
    checks = [f"-o{protocol}.check_checksum:TRUE" for protocol in ("ip", "tcp", "udp")]
    # Where a sum is 0 the kernel's skb_checksum_help() writes 0xffff, as for UDP: the same in one's
    # complement, and one packet in 65,536. Our own have no such excuse.
    kernels = f"(ip.src == {KERNEL} || ipv6.src == {KERNEL6})"
    wrong = ("_ws.malformed || ip.checksum.status == Bad || "
             f"(tcp.checksum.status == Bad && !(tcp.checksum.ffff && {kernels})) || "
             "icmp.checksum.status == Bad || icmpv6.checksum.status == Bad")
    bad = run(["tshark", "-n", "-r", capture, *checks, "-Y", wrong])
    assert bad.returncode == 0, bad.stderr
    count = run(["tshark", "-n", "-r", capture, "-T", "fields", "-e", "frame.number"])
    assert count.returncode == 0, count.stderr
    return bad.stdout, len(count.stdout.splitlines())


def number_in(pattern, text):
    found = re.search(pattern, text)
    assert found, f"no {pattern!r} in {text!r}"
    return int(found.group(1))
