"""Chromium and Firefox load a page of 50 assets over HTTPS, from `serve --tls` on our own TCP. They
trust the lab's CA as they would any other, and a screenshot shows what they made of the page.

HANDFAST_SCREENSHOTS=DIR keeps the screenshots."""

import os
import re
import shutil
import struct
import unittest
import zlib

import netns
from netns import ADDRESSES, OURS, handfast, run, serving

LAB = netns.directory()
SITE = netns.directory()
NAME = "www.lab"
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
    }
    for name, text in files.items():
        with open(f"{SITE}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    for n in range(ACROSS * DOWN):
        with open(f"{SITE}/tiles/{n}.png", "wb") as file:
            file.write(png(color(n)))


def trust(database):
    """Makes a certificate store of NSS that has the lab's CA."""
    os.makedirs(database, exist_ok=True)
    for arguments in (["-N", "--empty-password"],
                      ["-A", "-n", "lab", "-t", "C,,", "-i", f"{LAB}/ca.pem"]):
        made = run(["certutil", "-d", f"sql:{database}", *arguments])
        assert made.returncode == 0, made.stderr


def chromium(url, *options):
    """Its stdout and stderr."""
    home = netns.directory()
    trust(f"{home}/.pki/nssdb")
    return run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", f"--user-data-dir={home}/profile", "--hide-scrollbars",
                f"--host-resolver-rules=MAP *.lab {OURS}", "--window-size=800,700",
                "--virtual-time-budget=20000", *options, url], env={**os.environ, "HOME": home})


def firefox(url, shot):
    home = netns.directory()
    trust(f"{home}/profile")
    with open(f"{home}/profile/user.js", "w", encoding="utf-8") as file:
        file.write('user_pref("network.dns.localDomains", "");'
                   'user_pref("browser.shell.checkDefaultBrowser", false);'
                   'user_pref("datareporting.policy.dataSubmissionEnabled", false);'
                   'user_pref("app.normandy.enabled", false);')
    result = run(["firefox-esr", "--headless", "--no-remote", "--profile", f"{home}/profile",
                  "--window-size=800,700", "--screenshot", shot, url],
                 env={**os.environ, "HOME": home, "MOZ_DISABLE_AUTO_SAFE_MODE": "1"})
    assert os.path.exists(shot), result.stderr


class Browsers(unittest.TestCase):
    def serving(self, certificate="server"):
        return serving(SITE, "--tun", "hf0", *ADDRESSES, "--tls", "--cert",
                       f"{LAB}/{certificate}.pem", "--key", f"{LAB}/{certificate}.key")

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

    def test_Chromium_refuses_what_is_expired_or_of_another_name(self):
        for certificate, name, why in (("expired", NAME, "ERR_CERT_DATE_INVALID"),
                                       ("server", "other.lab", "ERR_CERT_COMMON_NAME_INVALID")):
            with self.subTest(why), self.serving(certificate) as server:
                result = chromium(f"https://{name}/", "--dump-dom")
                counts = self.summary(server)
                self.assertIn(why, result.stderr)
                self.assertEqual(counts.get("request", 0), 0)


def make_lab():
    for arguments in (["--name", NAME, "--name", OURS],
                      ["--name", NAME, "--name", OURS, "--out", "expired", "--expired"]):
        made = handfast("ca", LAB, *arguments)
        assert made.returncode == 0, made.stderr


if __name__ == "__main__":
    if shutil.which("chromium") and shutil.which("firefox-esr"):
        make_lab()
        make_site()
    netns.main("chromium", "firefox-esr", "certutil")
