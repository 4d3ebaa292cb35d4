"""What an idle keep-alive connection costs `handfast serve`: its own resident memory, after a
request on each, over the kernel's TCP. Prints bytes a connection without TLS and with it.

    HANDFAST=build/release/bin/handfast CONNECTIONS=10000 TLS_CONNECTIONS=1000 python3 bench/http_idle.py
"""

import os
import resource
import socket
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/interop"))
import netns  # noqa: E402
from netns import handfast, serving  # noqa: E402

CONNECTIONS = int(os.environ.get("CONNECTIONS", "10000"))
TLS_CONNECTIONS = int(os.environ.get("TLS_CONNECTIONS", "1000"))
IDLE_AFTER = 2  # seconds: then the server takes a connection for idle
SITE, LAB = netns.directory(), netns.directory()
netns.make_file(f"{SITE}/file", 1024)
REQUEST = b"GET /file HTTP/1.1\r\nHost: a\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" \
          b"Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nCookie: session=0123456789\r\n\r\n"


def resident_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no Anonymous line")


def asked(connection):
    connection.sendall(REQUEST)
    got = b""
    while len(got) < 1024 or b"\r\n\r\n" not in got:
        piece = connection.recv(4096)
        assert piece, "the server closed"
        got += piece
    return connection


def measure(name, count, port, connect, *options):
    with serving(SITE, "--listen", f"127.0.0.1:{port}", "-q", "--connections-max", "20000",
                 *options) as server:
        # What the first connections bring is not theirs alone.
        connections = [asked(connect(port)) for _ in range(300)]
        time.sleep(IDLE_AFTER)
        before = resident_bytes(server.process.pid)
        connections += [asked(connect(port)) for _ in range(count)]
        time.sleep(IDLE_AFTER)
        each = (resident_bytes(server.process.pid) - before) / count
        for connection in connections[:: max(1, count // 20)]:
            asked(connection)
        for connection in connections:
            connection.close()
    print(f"{name}: {count} idle connections, {each:.0f} bytes each")


def plain(port):
    return socket.create_connection(("127.0.0.1", port))


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 30000), hard))
    measure("HTTP", CONNECTIONS, 8080, plain)
    made = handfast("ca", LAB, "--name", "a.example")
    assert made.returncode == 0, made.stderr
    context = ssl.create_default_context(cafile=f"{LAB}/ca.pem")
    measure("HTTPS", TLS_CONNECTIONS, 8443,
            lambda port: context.wrap_socket(plain(port), server_hostname="a.example"),
            "--tls", "--cert", f"{LAB}/server.pem", "--key", f"{LAB}/server.key")


main()
