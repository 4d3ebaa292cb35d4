"""Chromium and Firefox load a page of 50 assets over HTTPS, from `serve --tls` on our own TCP. They
trust the lab's CA as they would any other, and a screenshot shows what they made of the page. And
they resume sessions, carry 64 MiB both ways, show a certificate, and refuse and are refused.

HANDFAST_SCREENSHOTS=DIR keeps the screenshots."""

import contextlib
import os
import re
import struct
import subprocess
import unittest
import zlib

import netns
from netns import OURS, handfast, run, serving, wait_for
from tls_lab import (ALICE, DIGESTS, ECHO, Echo, LAB, NAME, SITE, TUN, credentials, served)

ACROSS, DOWN, WIDTH, HEIGHT = 8, 6, 100, 80  # 48 tiles, with the style and the script 50 assets
HEAD = 40  # pixels above the first row


def color(tile):
    return (tile * 5, 255 - tile * 5, (tile * 37) % 256)


def png(pixel):
    """A tile of one colour (PNG, ISO/IEC 15948)."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes(pixel) * WIDTH) * HEIGHT
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b""))


def paeth(left, up, corner):
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def pixels(path):
    """Reads an 8-bit RGB or RGBA image: (x, y) → colour, and the size."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, mode = struct.unpack_from(">IIBB", body)
            assert depth == 8 and mode in (2, 6), "no RGB image of 8 bits"
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    deep = 4 if mode == 6 else 3
    raw, stride, rows = zlib.decompress(packed), width * deep, []
    above = bytearray(stride)
    for y in range(height):
        how, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride if how else 0):
            left, corner = (row[x - deep], above[x - deep]) if x >= deep else (0, 0)
            row[x] = (row[x] + (0, left, above[x], (left + above[x]) // 2,
                                paeth(left, above[x], corner))[how]) & 255
        rows.append(row)
        above = row
    return lambda x, y: tuple(rows[y][x * deep:x * deep + 3])


def make_site():
    tiles = "".join(f'<img src="tiles/{n}.png" alt="">' for n in range(ACROSS * DOWN))
    os.mkdir(f"{SITE}/tiles")
    files = {
        "index.html": "<!doctype html><title>loading</title><link rel=stylesheet href=style.css>"
                      f"<h1>loading</h1><div>{tiles}</div><script src=count.js></script>",
        "style.css": f"* {{ margin: 0 }} h1 {{ font: 24px/{HEAD}px sans-serif; height: {HEAD}px }} "
                     f"div {{ width: {ACROSS * WIDTH}px; line-height: 0 }}",
        "count.js": "addEventListener('load', () => { const all = [...document.images];"
                    "document.querySelector('h1').textContent ="
                    "all.filter(i => i.naturalWidth).length + ' of ' + all.length + ' tiles' })",
        "much.html": "<!doctype html><title>much</title><script type=module>"
                     "const got = await (await fetch('/64m.bin')).blob();"
                     "await fetch('/echo', {method: 'POST', body: got})</script>"
                     + tiles,  # by HTTP/1.1 each connection that they open resumes the first
    }
    for name, text in files.items():
        with open(f"{SITE}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    for n in range(ACROSS * DOWN):
        with open(f"{SITE}/tiles/{n}.png", "wb") as file:
            file.write(png(color(n)))


def trust(database, ca=f"{LAB}/ca.pem"):
    """Makes a certificate store of NSS that has the lab's CA, and a client's certificate."""
    os.makedirs(database, exist_ok=True)
    run(["openssl", "pkcs12", "-export", "-in", ALICE[0], "-inkey", ALICE[1], "-out",
         f"{database}/alice", "-passout", "pass:"])
    for command in (["certutil", "-N", "--empty-password"],
                    ["certutil", "-A", "-n", "lab", "-t", "C,,", "-i", ca],
                    ["pk12util", "-i", f"{database}/alice", "-W", ""]):
        made = run([*command, "-d", f"sql:{database}"])
        assert made.returncode == 0, made.stderr


def chromium(url, *options, ca=f"{LAB}/ca.pem"):
    """Its stdout and stderr."""
    home = netns.directory()
    trust(f"{home}/.pki/nssdb", ca)
    return run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", f"--user-data-dir={home}/profile", "--hide-scrollbars",
                f"--host-resolver-rules=MAP *.lab {OURS}", "--window-size=800,700",
                "--virtual-time-budget=20000", *options, url], env={**os.environ, "HOME": home})


def firefox_command(home, *preferences):
    trust(f"{home}/profile")
    with open(f"{home}/profile/user.js", "w", encoding="utf-8") as file:
        for name, value in (("network.dns.localDomains", '""'),
                            ("browser.shell.checkDefaultBrowser", "false"),
                            ("datareporting.policy.dataSubmissionEnabled", "false"),
                            ("app.normandy.enabled", "false"), *preferences):
            file.write(f'user_pref("{name}", {value});')
    return ["firefox-esr", "--headless", "--no-remote", "--profile", f"{home}/profile"]


def environment(home):
    return {**os.environ, "HOME": home, "MOZ_DISABLE_AUTO_SAFE_MODE": "1"}


def firefox(url, shot):
    home = netns.directory()
    result = run([*firefox_command(home), "--window-size=800,700", "--screenshot", shot, url],
                 env=environment(home))
    assert os.path.exists(shot), result.stderr


@contextlib.contextmanager
def firefox_at(*urls, preferences=()):
    """Firefox with a tab for each."""
    home = netns.directory()
    browser = subprocess.Popen([*firefox_command(home, *preferences), *urls],
                               env=environment(home), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, preexec_fn=netns._die_with_parent)
    try:
        yield
    finally:
        browser.terminate()
        browser.wait(timeout=20)


class Browsers(unittest.TestCase):
    def serving(self, certificate="server"):
        return serving(SITE, *TUN, *credentials(certificate))

    def carrying(self, *options):
        """By HTTP/1.1: more than one connection."""
        return served("--http1.1", "-v", "--proxy", f"/echo=http://127.0.0.1:{ECHO}", *options,
                      where=TUN)

    def shot(self, name):
        directory = os.environ.get("HANDFAST_SCREENSHOTS") or netns.directory()
        os.makedirs(directory, exist_ok=True)
        return os.path.join(directory, f"{name}.png")

    def check(self, shot):
        at = pixels(shot)
        for tile in range(ACROSS * DOWN):
            x, y = tile % ACROSS * WIDTH + WIDTH // 2, HEAD + tile // ACROSS * HEIGHT + HEIGHT // 2
            for want, have in zip(color(tile), at(x, y)):
                self.assertLessEqual(abs(want - have), 3, f"tile {tile}")

    def summary(self, server):
        text = server.finish()
        return {what: int(number) for number, what in re.findall(r"(\d+) (request|connection)", text)}

    def test_Chromium_shows_a_page_of_50_assets(self):
        shot = self.shot("chromium")
        with self.serving() as server:
            result = chromium(f"https://{NAME}/", f"--screenshot={shot}", "--dump-dom")
            counts = self.summary(server)
        self.assertIn("48 of 48 tiles", result.stdout, result.stderr)
        self.check(shot)
        self.assertGreaterEqual(counts["request"], 51)
        self.assertLessEqual(counts["connection"], 12)

    def test_Firefox_shows_a_page_of_50_assets(self):
        shot = self.shot("firefox")
        with self.serving() as server:
            firefox(f"https://{OURS}/", shot)
            counts = self.summary(server)
        self.check(shot)
        self.assertGreaterEqual(counts["request"], 51)
        self.assertLessEqual(counts["connection"], 12)

    def test_Chromium_carries_64_MiB_both_ways_and_resumes(self):
        with Echo() as echo, self.carrying() as server:
            chromium(f"https://{NAME}/much.html", "--dump-dom")
            self.assertEqual(echo.digests, [DIGESTS["64m.bin"]])
            self.assertRegex(server.printed(server.err), "TLS 1.3 with .* http/1.1, resumed")

    def test_Firefox_carries_64_MiB_both_ways_and_resumes(self):
        with Echo() as echo, self.carrying() as server, firefox_at(f"https://{OURS}/much.html"):
            wait_for(lambda: echo.digests, "answer of Firefox", timeout=60)
            self.assertEqual(echo.digests, [DIGESTS["64m.bin"]])
            self.assertRegex(server.printed(server.err), "TLS 1.3 with .* http/1.1, resumed")

    def test_Firefox_shows_a_certificate(self):
        chosen = ("security.default_personal_cert", '"Select Automatically"')
        with served("--client-ca", f"{LAB}/ca.pem") as server, \
             firefox_at("https://127.0.0.1:8443/", preferences=[chosen]):
            wait_for(lambda: "GET / 200" in server.printed(), "request of Firefox", timeout=60)

    def test_Chromium_refuses_what_is_expired_or_of_another_name_or_CA(self):
        ca = f"{LAB}/ca.pem"
        for certificate, name, trusted, why in (
                ("expired", NAME, ca, "ERR_CERT_DATE_INVALID"),
                ("server", "other.lab", ca, "ERR_CERT_COMMON_NAME_INVALID"),
                ("server", NAME, ALICE[0], "ERR_CERT_AUTHORITY_INVALID")):
            with self.subTest(why), self.serving(certificate) as server:
                result = chromium(f"https://{name}/", "--dump-dom", ca=trusted)
                counts = self.summary(server)
                self.assertIn(why, result.stderr)
                self.assertEqual(counts.get("request", 0), 0)

    def test_Chromium_without_a_suite_in_common(self):
        ours = "0xc02b,0xc02c,0xc02f,0xc030,0xcca8,0xcca9"
        with served() as server:
            chromium("https://127.0.0.1:8443/", "--ssl-version-max=tls1.2",
                     f"--cipher-suite-blacklist={ours}", "--dump-dom")
            server.wait_to_say("no cipher suite of TLS 1.2 in common")

    def test_Firefox_refuses_what_is_expired_or_of_another_name_or_CA(self):
        other = netns.directory()
        handfast("ca", other, "--name", "127.0.0.1")
        with served(certificate="expired", where=("--listen", "127.0.0.1:8441")) as expired, \
             served(where=("--listen", "127.0.0.2:8442")) as misnamed, \
             serving(SITE, "--listen", "127.0.0.1:8443", "--tls", "--cert", f"{other}/server.pem",
                     "--key", f"{other}/server.key") as unknown, \
             firefox_at("https://127.0.0.1:8441", "https://127.0.0.2:8442",
                        "https://127.0.0.1:8443"):
            for server, why in ((expired, "bad_certificate"), (misnamed, "bad_certificate"),
                                (unknown, "unknown_ca")):
                server.wait_to_say(why, timeout=60)

    def test_Firefox_without_a_suite_or_a_version_in_common(self):
        none = [(f"security.ssl3.ecdhe_{kind}_{suite}", "false") for kind in ("rsa", "ecdsa")
                for suite in ("aes_128_gcm_sha256", "aes_256_gcm_sha384",
                              "chacha20_poly1305_sha256")]
        for preferences, why in (
                ([("security.tls.version.max", "3"), *none], "no cipher suite"),
                ([("security.tls.version.min", "2"), ("security.tls.version.max", "2"),
                  ("security.tls.version.enable-deprecated", "true")], "offers TLS 1.1")):
            with self.subTest(why), served() as server, \
                 firefox_at("https://127.0.0.1:8443", preferences=preferences):
                server.wait_to_say(why, timeout=60)


if __name__ == "__main__":
    make_site()
    netns.main("chromium", "firefox-esr", "certutil", "pk12util", "openssl")
