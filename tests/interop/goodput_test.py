"""Goodput over a bad link, ours beside the kernel's, and how the two share one link.

The link is `handfast relay` between two namespaces. Behind one end is a kernel; behind the other a
kernel, or our own stack through that kernel. So a run of ours and one of the kernel's differ in
one TCP only, and lose the packets of the same seeds. The suite runs a few seconds of this with a
bound that leaves room for chance; the whole table takes its time:

    make bench-goodput              # SECONDS=10 for a quick look
"""

import contextlib
import ctypes
import os
import subprocess
import sys
import time
import unittest

import netns
from netns import HANDFAST

LEFT, RIGHT, OURS = "192.0.2.1", "192.0.2.2", "198.51.100.2"  # RFC 5737
ENDLESS = 1 << 40  # bytes; a file with a hole that big
SITE = netns.directory()

# What the link does, each way, and how many seeds are tried at the same time.
POINTS = (
    ("50 ms, 40 Mbit/s", "delay=25ms,rate=40M,queue=250k", 1),
    ("200 ms, 40 Mbit/s", "delay=100ms,rate=40M,queue=1M", 1),
    ("50 ms, loss 1%", "delay=25ms,loss=1%", 4),
    ("50 ms, loss 5%", "delay=25ms,loss=5%", 4),
    ("50 ms, loss 10%", "delay=25ms,loss=10%", 4),
    ("200 ms, loss 1%", "delay=100ms,loss=1%", 4),
    ("200 ms, loss 5%", "delay=100ms,loss=5%", 4),
    ("200 ms, loss 10%", "delay=100ms,loss=10%", 4),
    ("50 ms, reordering 5%", "delay=25ms,reorder=5%,rate=40M,queue=250k", 1),
    ("200 ms, reordering 5%", "delay=100ms,reorder=5%,rate=40M,queue=1M", 1),
    ("2 ms, loss 2%, reordering 2%", "delay=1ms,loss=2%,reorder=2%,rate=100M", 1),
)


def unshare_network():
    """In a child: a namespace of its own, which goes when the last process in it does."""
    netns._die_with_parent()
    if ctypes.CDLL(None, use_errno=True).unshare(netns.CLONE_NEWNET) != 0:
        os._exit(1)


class Namespace:
    def __init__(self):
        self.holder = subprocess.Popen(["sleep", "infinity"], preexec_fn=unshare_network)
        self.pid = str(self.holder.pid)
        mine = os.readlink("/proc/self/ns/net")
        netns.wait_for(lambda: os.readlink(f"/proc/{self.pid}/ns/net") != mine, "namespace")
        self.run("ip", "link", "set", "lo", "up")

    def command(self, *words):
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *words]

    def run(self, *words):
        result = netns.run(self.command(*words))
        assert result.returncode == 0, f"{words}: {result.stderr}"

    def start(self, *words, **options):
        return subprocess.Popen(self.command(*words), preexec_fn=netns._die_with_parent,
                                **options)

    def close(self):
        self.holder.kill()
        self.holder.wait(timeout=10)


class Path:
    """Two namespaces with a bad link between them, and processes in both."""

    names = 0

    def __init__(self, impair, seed):
        self.left, self.right = Namespace(), Namespace()
        self.processes = []
        Path.names += 1
        devices = [f"l{Path.names}", f"r{Path.names}"]
        self.relay = subprocess.Popen(
            [HANDFAST, "relay", "--tun", devices[0], "--tun", devices[1], "--impair", impair,
             "--seed", str(seed)], stdout=subprocess.PIPE, text=True,
            preexec_fn=netns._die_with_parent)
        assert "Relaying" in self.relay.stdout.readline(), "no relay"
        for device, space, address in zip(devices, (self.left, self.right), (LEFT, RIGHT)):
            subprocess.run(["ip", "link", "set", device, "netns", space.pid], check=True,
                           timeout=10)
            space.run("ip", "address", "add", f"{address}/24", "dev", device)
            space.run("ip", "link", "set", device, "up")
        self.left.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self.right.run("ip", "route", "add", "198.51.100.0/24", "via", LEFT)

    def serve(self, space, *where):
        server = space.start(HANDFAST, "serve", SITE, "-q", *where, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        self.processes.append(server)
        said = ""
        while "Ctrl-C" not in said:
            line = server.stdout.readline()
            assert line, f"no server: {said}"
            said += line

    def fetch(self, space, *command):
        """Starts a download; returns how to end it and get the number of bytes."""
        client = space.start(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        counter = subprocess.Popen(["wc", "-c"], stdin=client.stdout, stdout=subprocess.PIPE,
                                   text=True)
        client.stdout.close()
        self.processes += [client, counter]

        def finish():
            client.terminate()
            return int(counter.communicate(timeout=20)[0])
        return finish

    def send(self, ours):
        """The left end sends, the kernel on the right receives."""
        if ours:
            self.serve(self.left, "--tun", "hf0", "--address", f"{OURS}/24")
        else:
            self.serve(self.left, "--listen", f"{LEFT}:80")
        return self.fetch(self.right, "curl", "-sS", "-o", "-",
                          f"http://{OURS if ours else LEFT}/endless")

    def receive(self, ours):
        """The kernel on the right sends, the left end receives."""
        self.serve(self.right, "--listen", f"{RIGHT}:80")
        url = f"http://{RIGHT}/endless"
        if not ours:
            return self.fetch(self.left, "curl", "-sS", "-o", "-", url)
        return self.fetch(self.left, HANDFAST, "get", "-q", url, "-o", "-", "--tun", "hf0",
                          "--address", f"{OURS}/24")

    def close(self):
        for process in [*self.processes, self.relay]:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=10)
            if process.stdout and not process.stdout.closed:
                process.stdout.close()
        self.left.close()
        self.right.close()


def measure(impair, seeds, seconds):
    """Mbit/s of each kind, all at the same time: {"send ours": …, "send kernel": …, …}."""
    kinds = [(way, who) for way in ("send", "receive") for who in ("ours", "kernel")]
    sums = {kind: 0 for kind in kinds}
    with contextlib.ExitStack() as stack:
        finish = []
        for kind in kinds:
            for seed in range(1, seeds + 1):
                path = Path(impair, seed)
                stack.callback(path.close)
                way = path.send if kind[0] == "send" else path.receive
                started = time.monotonic()
                finish.append((kind, started, way(kind[1] == "ours")))
        for kind, started, end in finish:
            time.sleep(max(0, started + seconds - time.monotonic()))
            sums[kind] += end() * 8 / 1e6 / (time.monotonic() - started) / seeds
    return {f"{way} {who}": value for (way, who), value in sums.items()}


def share(impair, seconds):
    """Mbit/s of one flow of ours and one of the kernel's over one link, both sending."""
    with contextlib.closing(Path(impair, 1)) as path:
        both = [path.send(ours=False), path.send(ours=True)]
        time.sleep(seconds)
        return [end() * 8 / 1e6 / seconds for end in both]


def jain(shares):
    return sum(shares) ** 2 / (len(shares) * sum(s * s for s in shares))


class Goodput(unittest.TestCase):
    def test_is_like_the_kernels_where_packets_are_lost(self):
        got = measure("delay=5ms,loss=2%", 3, 4)
        for way in ("send", "receive"):
            self.assertGreater(got[f"{way} ours"], 0.6 * got[f"{way} kernel"], got)

    def test_is_like_the_kernels_where_packets_are_reordered(self):
        got = measure("delay=5ms,reorder=5%,rate=20M,queue=50k", 1, 4)
        for way in ("send", "receive"):
            self.assertGreater(got[f"{way} ours"], 0.6 * got[f"{way} kernel"], got)

    def test_leaves_a_share_to_the_kernel_and_takes_one(self):
        shares = share("delay=10ms,rate=20M,queue=50k", 10)
        self.assertGreater(jain(shares), 0.7, shares)


def bench(seconds):
    print(f"{'link':30} {'we send':>8} {'kernel':>8} {'ratio':>6} {'we recv':>8} {'kernel':>8} "
          f"{'ratio':>6}   Mbit/s, {seconds} s", flush=True)
    for name, impair, seeds in POINTS:
        got = measure(impair, seeds, seconds)
        cells = []
        for way in ("send", "receive"):
            ours, kernel = got[f"{way} ours"], got[f"{way} kernel"]
            cells.append(f"{ours:8.3f} {kernel:8.3f} {ours / kernel:6.2f}")
        print(f"{name:30} {' '.join(cells)}", flush=True)
    for name, impair in (("20 ms, 20 Mbit/s", "delay=10ms,rate=20M,queue=50k"),
                         ("50 ms, 40 Mbit/s", "delay=25ms,rate=40M,queue=250k")):
        kernel, ours = share(impair, seconds)
        print(f"shared: {name:22} ours {ours:.2f}, kernel's {kernel:.2f}, "
              f"Jain {jain([ours, kernel]):.3f}", flush=True)


if __name__ == "__main__":
    os.truncate(os.open(f"{SITE}/endless", os.O_CREAT | os.O_WRONLY, 0o644), ENDLESS)
    if sys.argv[1:2] == ["bench"]:
        unittest.main = lambda **_: bench(float(os.environ.get("SECONDS", "60")))
    netns.main("curl", "nsenter")
