"""`serve` beside nginx, and over HTTP/2 beside nghttpd, one core each in turns, wrk or h2load on the
other: a file of 1 KiB over connections that are kept alive. Prints requests a second and, which
other load on the machine disturbs less, requests a second of the server's own CPU time. Nothing of
it leaves a namespace of its own. (nghttpd keeps a file open and does not look at it again.)

    HANDFAST=build/release/bin/handfast SECONDS=3 python3 bench/http_server.py
"""

import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/interop"))
import netns  # noqa: E402
from netns import ADDRESSES, OURS, handfast, run, serving, wait_for  # noqa: E402

SECONDS = os.environ.get("SECONDS", "3")
ROUNDS = 5
CONNECTIONS = "64"
HERE = "127.0.0.1"
LAB, SITE, HOME = netns.directory(), netns.directory(), netns.directory()
TLS = ["--tls", "--cert", f"{LAB}/server.pem", "--key", f"{LAB}/server.key"]
H1 = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s"]
H2 = ["h2load", "-t1", "-c16", "-m16", "-D", SECONDS]


@contextlib.contextmanager
def nginx():
    configuration = f"{HOME}/nginx.conf"
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f"""
            daemon off; master_process off; pid {HOME}/pid; error_log {HOME}/errors; user root;
            events {{ worker_connections 1024; }}
            http {{ access_log off; sendfile on; keepalive_requests 1000000000;
              client_body_temp_path {HOME}/b; proxy_temp_path {HOME}/p;
              fastcgi_temp_path {HOME}/f; uwsgi_temp_path {HOME}/u; scgi_temp_path {HOME}/s;
              server {{ listen {HERE}:8001; listen {HERE}:8002 ssl; root {SITE};
                ssl_certificate {LAB}/server.pem; ssl_certificate_key {LAB}/server.key; }} }}""")
    process = subprocess.Popen(["nginx", "-c", configuration, "-e", f"{HOME}/errors"])
    try:
        wait_for(lambda: os.path.exists(f"{HOME}/pid") or process.poll() is not None, "nginx")
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextlib.contextmanager
def nghttpd():
    process = subprocess.Popen(["nghttpd", "--no-tls", "-n1", "-d", SITE, "-a", HERE, "8005"])
    try:
        wait_for(lambda: listens(8005) or process.poll() is not None, "nghttpd")
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=10)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((HERE, port)) == 0


def cpu_seconds(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def measure(load, url, pid):
    """Requests a second, and a second of CPU."""
    before = cpu_seconds(pid)
    text = run(["taskset", "-c", "1", *load, url]).stdout
    spent = cpu_seconds(pid) - before
    assert "Non-2xx" not in text and "Socket errors" not in text, text
    assert load is H1 or " 0 failed, 0 errored, 0 timeout" in text, text
    rate = re.search(r"(?:Requests/sec: +|finished in [^,]*, )([\d.]+)", text)[1]
    count = re.search(r"requests: (\d+) total|(\d+) requests in", text)
    return float(rate), int(count[1] or count[2]) / spent


def bench():
    made = handfast("ca", LAB, "--name", HERE, "--name", OURS)
    assert made.returncode == 0, made.stderr
    netns.make_file(f"{SITE}/1k.bin", 1024)
    os.sched_setaffinity(0, {0})
    with contextlib.ExitStack() as stack:
        theirs = stack.enter_context(nginx())
        theirs_h2 = stack.enter_context(nghttpd())
        ours = {name: stack.enter_context(serving(SITE, "-q", *options)).process.pid
                for name, options in (("tcp", ["--listen", f"{HERE}:8003"]),
                                      ("tls", ["--listen", f"{HERE}:8004", *TLS]),
                                      ("tun", ["--tun", "hf0", *ADDRESSES]))}
        rows = {"nginx": (H1, f"http://{HERE}:8001/1k.bin", theirs),
                "handfast, the kernel's TCP": (H1, f"http://{HERE}:8003/1k.bin", ours["tcp"]),
                "handfast, its own over TUN": (H1, f"http://{OURS}/1k.bin", ours["tun"]),
                "nginx, TLS": (H1, f"https://{HERE}:8002/1k.bin", theirs),
                "handfast, TLS, the kernel's TCP": (H1, f"https://{HERE}:8004/1k.bin", ours["tls"]),
                "nghttpd, HTTP/2": (H2, f"http://{HERE}:8005/1k.bin", theirs_h2),
                "handfast, HTTP/2": (H2, f"http://{HERE}:8003/1k.bin", ours["tcp"])}
        taken = {name: [] for name in rows}
        for _ in range(ROUNDS):
            for name, row in rows.items():
                taken[name].append(measure(*row))
    print(f"{'medians of ' + str(ROUNDS) + ' rounds':32} {'requests/s':>11} {'ratio':>6} "
          f"{'requests/CPU-s':>15} {'ratio':>6}")
    base = None
    for name, values in taken.items():
        medians = [statistics.median(column) for column in zip(*values)]
        if not name.startswith("handfast"):
            base = medians
        print(f"{name:32} {medians[0]:11.0f} {medians[0] / base[0]:6.2f} {medians[1]:15.0f} "
              f"{medians[1] / base[1]:6.2f}")


if __name__ == "__main__":
    netns.unittest.main = lambda **_: bench()
    netns.main("nginx", "wrk", "taskset", "nghttpd", "h2load")
