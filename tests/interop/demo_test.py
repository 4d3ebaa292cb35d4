#!/usr/bin/env python3
"""`handfast demo`: what it prints, how it ends, and what tshark sees in its capture."""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import unittest
from pathlib import Path

HANDFAST = os.environ.get("HANDFAST")
ARROW = re.compile(r"│(.*[▶◀✗╌─].*)│")
LABEL = re.compile(r"\b((?:FIN|SYN|RST|PSH|ACK)(?:,(?:PSH|ACK))*) seq (\d+)(?: ack (\d+))?(?: len (\d+))?")


def run(*arguments, env=None, check=True):
    """stdout of `handfast …` as text; `check` insists on success."""
    environment = {**os.environ, **(env or {})}
    done = subprocess.run([HANDFAST, *arguments], capture_output=True, env=environment,
                          stdin=subprocess.DEVNULL, timeout=120, check=False)
    done.stdout = done.stdout.decode()
    done.stderr = done.stderr.decode()
    if check and done.returncode != 0:
        raise AssertionError(f"handfast {' '.join(arguments)}: {done.returncode}\n{done.stderr}")
    return done


def demo(*arguments, **more):
    return run("demo", *arguments, **more).stdout


def segments(ladder):
    """(flags, seq, ack, length) of each arrow that begins, in order. Where a message stands on the
    arrow, they stand below it."""
    found = []
    lines = ladder.splitlines()
    for number, line in enumerate(lines):
        arrow = ARROW.search(line)
        if not arrow:
            continue
        label = LABEL.search(arrow[1])
        for below in lines[number + 1:]:
            if label or ARROW.search(below):
                break
            label = LABEL.search(below)
        if not label:
            continue
        # The second half of a segment that crosses another has a broken tail at its sender's side.
        middle = arrow[1].strip()
        arrives = middle.startswith("╌") and middle.endswith("▶") or \
            middle.startswith("◀") and middle.endswith("╌")
        if not arrives:
            found.append((label[1], int(label[2]), int(label[3] or 0), int(label[4] or 0)))
    return found


def in_terminal(columns, *arguments, env=None):
    """What `handfast …` prints into a terminal of so many columns."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("NO_COLOR", "COLUMNS")}
    environment |= {"TERM": "xterm-256color", **(env or {})}
    process = subprocess.Popen([HANDFAST, *arguments], stdin=child, stdout=child, stderr=child,
                               env=environment)
    os.close(child)
    output = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:  # EIO: the other side has closed
            break
        if not piece:
            break
        output += piece
    os.close(parent)
    process.wait(timeout=30)
    return output.decode().replace("\r\n", "\n")


class Ladder(unittest.TestCase):
    def test_three_segments_open_and_four_close(self):
        flags = [segment[0] for segment in segments(demo())]
        self.assertEqual(flags[:3], ["SYN", "SYN,ACK", "ACK"])
        self.assertEqual(flags[-4:], ["FIN,ACK", "ACK", "FIN,ACK", "ACK"])
        self.assertEqual(sum("SYN" in one for one in flags), 2)
        self.assertEqual(sum("FIN" in one for one in flags), 2)

    def test_states_stand_in_the_order_of_the_diagram(self):
        lines = demo("--width", "140").splitlines()
        left = [m[1] for line in lines if (m := re.match(r"[ \d.]+ +([A-Z_0-9]{5,})  .*│.*│", line))]
        self.assertEqual(left, ["SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT",
                                "CLOSED"])
        right = [m[1] for line in lines if (m := re.search(r"│ ([A-Z_0-9]{5,})  \S.*$", line))]
        self.assertEqual(right, ["LISTEN", "SYN_RCVD", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK",
                                 "CLOSED"])

    def test_every_state_has_its_reason(self):
        text = demo("--width", "140")
        self.assertIn("SYN_RCVD  SYN accepted, backlog 1/128", text)
        self.assertIn("SYN_SENT  active open", text)

    def test_three_segments_close_where_the_other_end_closes_at_once(self):
        flags = [segment[0] for segment in segments(demo("--close-after", "0"))]
        self.assertEqual(flags[-3:], ["FIN,ACK", "FIN,ACK", "ACK"])

    def test_fins_that_cross_go_through_closing_on_both_ends(self):
        text = demo("--close", "both", "--width", "160")
        self.assertEqual(text.count("CLOSING  FIN crossed ours"), 2)
        self.assertEqual(text.count("TIME_WAIT  "), 2)

    def test_the_server_can_close_first(self):
        text = demo("--close", "server", "--width", "140")
        self.assertRegex(text, r"│ FIN_WAIT_1  ")
        self.assertRegex(text, r"LAST_ACK  [^│]*│")

    def test_ipv6(self):
        self.assertIn("[2001:db8::2]:80", demo("--ipv6", "--width", "140"))

    def test_a_page_of_any_size_arrives(self):
        for size in ("0", "1", "1460", "100k", "1MiB"):
            with self.subTest(size=size):
                self.assertIn("page of ", demo("--size", size))

    def test_a_long_transfer_is_folded(self):
        folded = demo("--size", "1MiB")
        self.assertIn("more from server", folded)
        self.assertLess(len(folded.splitlines()), 60)
        self.assertGreater(len(demo("--size", "1MiB", "--unfolded").splitlines()), 700)


class Loss(unittest.TestCase):
    def test_a_lost_syn_ack_is_sent_again(self):
        text = demo("--loss", "syn-ack:1")
        self.assertRegex(text, r"✗.*SYN,ACK|SYN,ACK.*✗")
        self.assertIn("lost on the wire", text)
        self.assertIn("retransmission", text)

    def test_each_kind_can_be_lost_and_the_page_still_arrives(self):
        for loss in ("syn:1", "syn:1,syn:2", "syn-ack:1", "ack:1", "data:1", "client-data:1", "fin:1",
                     "server-fin:1", "syn:1,syn-ack:1,data:1,fin:1"):
            with self.subTest(loss=loss):
                text = demo("--loss", loss)
                self.assertEqual(len(re.findall("lost on the", text)), loss.count(",") + 1)
                self.assertIn("page of 1000 bytes complete", text)

    def test_a_hole_is_filled_by_fast_retransmission(self):
        text = demo("--size", "100k", "--loss", "data:9", "--width", "140")
        self.assertRegex(text, r"retransmission 1, fast")

    def test_chance_loses_some_and_the_page_still_arrives(self):
        text = demo("--loss", "5%", "--size", "200k", "--seed", "7")
        self.assertRegex(text, r"segments, [1-9]\d* lost")

    def test_duplicates_reordering_and_corruption_are_told(self):
        text = demo("--size", "300k", "--duplicate", "3%", "--reorder", "3%", "--corrupt", "1%",
                    "--width", "140")
        for word in ("duplicated on the wire", "reordered on the wire", "corrupted on the wire"):
            self.assertIn(word, text)

    def test_a_peer_that_never_answers_is_a_failure(self):
        done = run("demo", "--loss", "syn:*", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("timed out", done.stderr)
        self.assertIn("✗", done.stdout)

    def test_a_wrong_value_is_answered_with_what_is_allowed(self):
        for loss in ("syn-akc:1", "syn", "syn:0", "syn:x", "120%", "5"):
            with self.subTest(loss=loss):
                done = run("demo", "--loss", loss, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stdout, "")
                self.assertRegex(done.stderr, r"^handfast: wrong value: --loss ")
                self.assertIn("syn, syn-ack, ack, data, fin, rst", done.stderr)
        self.assertIn("did you mean syn-ack?", run("demo", "--loss", "syn-akc:1", check=False).stderr)


class Output(unittest.TestCase):
    def test_the_same_seed_gives_the_same_bytes(self):
        options = ("--loss", "10%", "--size", "50k", "--seed", "42")
        self.assertEqual(demo(*options), demo(*options))
        self.assertNotEqual(demo(*options), demo(*options[:-1], "43"))

    def test_no_line_is_longer_than_the_width(self):
        for width in (60, 61, 72, 80, 100, 120, 140, 200):
            for more in ((), ("--loss", "syn-ack:1,data:1"), ("--close", "both"), ("--ipv6",),
                         ("--size", "100k", "--loss", "5%")):
                with self.subTest(width=width, more=more):
                    text = demo("--width", str(width), *more)
                    self.assertLessEqual(max(map(len, text.splitlines())), width)

    def test_ascii_is_ascii(self):
        text = demo("--ascii", "--loss", "syn-ack:1", "--size", "100k")
        self.assertTrue(text.isascii())
        self.assertIn("x", text)

    def test_colour_only_on_a_terminal_and_never_with_no_color(self):
        self.assertNotIn("\x1b", demo())
        self.assertIn("\x1b[", demo("--color", "always"))
        self.assertIn("\x1b[", in_terminal(100, "demo"))
        self.assertNotIn("\x1b", in_terminal(100, "demo", env={"NO_COLOR": "1"}))
        self.assertNotIn("\x1b", in_terminal(100, "demo", env={"TERM": "dumb"}))
        self.assertNotIn("\x1b", in_terminal(100, "demo", "--color", "never"))

    def test_the_terminal_sets_the_width(self):
        for columns in (80, 140):
            ladder = in_terminal(columns, "demo", "--color", "never").split("\n\n")[0]
            longest = max(map(len, ladder.splitlines()))
            self.assertLessEqual(longest, columns)
            self.assertGreater(longest, columns - 25)

    def test_a_reader_that_goes_away_is_no_error(self):
        done = subprocess.run(f"'{HANDFAST}' demo --size 10M --unfolded | head -1; "
                              "exit ${PIPESTATUS[0]}", shell=True, executable="/bin/bash",
                              capture_output=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))


class Usage(unittest.TestCase):
    def expect(self, arguments, code, pattern):
        done = run(*arguments, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, pattern)

    def test_help_and_version_succeed(self):
        for arguments in (("--help",), ("demo", "--help"), ("diagram", "--help")):
            text = run(*arguments).stdout
            self.assertIn("Example", text)
            self.assertLessEqual(max(map(len, text.splitlines())), 120)
        self.assertRegex(run("--version").stdout, r"^handfast \d+\.\d+\.\d+\n$")

    def test_wrong_usage_is_told_in_one_line_with_what_was_meant(self):
        self.expect(("dmeo",), 2, r"^handfast: no such subcommand: dmeo: did you mean demo\?.*\n$")
        self.expect(("demo", "--sede", "1"), 2, r"^handfast: no such option: --sede: did you mean --seed")
        self.expect(("diagram", "tpc"), 2, r"did you mean tcp\?")
        self.expect(("demo", "--close", "nobody"), 2, r"--close.*client")
        self.expect(("demo", "--seed", "x"), 2, r"--seed")
        self.expect(("demo", "--delay", "20"), 2, r"^handfast: wrong value: --delay 20: .*20ms")
        self.expect(("demo", "--size", "1T"), 2, r"--size 1T")
        self.expect(("demo", "--width", "20"), 2, r"--width 20: between 60 and")
        self.expect(("demo", "more"), 2, r"one argument too many: more")
        self.expect((), 2, r"Usage: handfast")

    def test_a_capture_that_cannot_be_written_is_a_failure(self):
        self.expect(("demo", "--pcap", "/nonexistent/x.pcapng"), 1,
                    r"^handfast: cannot write the capture: /nonexistent/x.pcapng: No such file")
        self.expect(("demo", "--pcap", "/dev/full"), 1, r"/dev/full: No space left")

    def test_the_diagram_has_every_state(self):
        text = run("diagram", "tcp").stdout
        self.assertTrue(text.startswith("stateDiagram-v2\n"))
        for state in ("CLOSED LISTEN SYN_SENT SYN_RECEIVED ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 "
                      "CLOSE_WAIT CLOSING LAST_ACK TIME_WAIT").split():
            self.assertRegex(text, rf"\b{state}\b")


def costs(text):
    """{what: (times, round trips, milliseconds)} of the table below the ladder."""
    row = re.compile(r"^(\S.*?) +(\d+) +(\d+) +([\d.]+) ms$", re.M)
    return {m[1]: (int(m[2]), int(m[3]), float(m[4])) for m in row.finditer(text)}


def messages(ladder):
    """Names of the messages on the arrows, in order: "ClientHello", "{Certificate}", "[GET /]"."""
    names = (r"[({\[]?(?:ClientHello|ServerHello|EncryptedExtensions|CertificateVerify|Certificate|"
             r"ServerKeyExchange|ServerHelloDone|ClientKeyExchange|ChangeCipherSpec|NewSessionTicket|"
             r"EndOfEarlyData|Finished|Alert|GET /|200 OK)[)}\]]?")
    found = []
    for line in ladder.splitlines():
        middle = re.search(r"│(.*)│", line)
        # Not again at the end of one that crosses another.
        if not middle or re.match(r" *╌.*▶$|◀.*╌ *$", middle[1]):
            continue
        name = re.match(rf"(?:[─◀╌ ]*?(?::\d+)? *)({names})(?= |$)", middle[1])
        if name:
            found.append(name[1])
    return found


class Tls(unittest.TestCase):
    def test_the_handshake_of_tls13_stands_on_its_segments(self):
        self.assertEqual(messages(demo("--tls", "--width", "120")), [
            "ClientHello", "ServerHello", "{EncryptedExtensions}", "{Certificate}",
            "{CertificateVerify}", "{Finished}", "{Finished}", "[GET /]", "[200 OK]", "[Alert]",
            "[Alert]"])

    def test_the_handshake_of_tls12(self):
        self.assertEqual(messages(demo("--tls12", "--width", "120")), [
            "ClientHello", "ServerHello", "Certificate", "ServerKeyExchange", "ServerHelloDone",
            "ClientKeyExchange", "ChangeCipherSpec", "[Finished]", "ChangeCipherSpec", "[Finished]",
            "[GET /]", "[200 OK]", "[Alert]", "[Alert]"])

    def test_the_classic_exchange(self):
        text = demo("--tls12", "--rsa", "--width", "120")
        self.assertEqual(messages(text)[:7], [
            "ClientHello", "ServerHello", "Certificate", "ServerHelloDone", "ClientKeyExchange",
            "ChangeCipherSpec", "[Finished]"])
        said = " ".join(re.sub(r"[│\n]", " ", text).split())
        self.assertIn("pre-master secret, encrypted to the", said)
        self.assertIn("keys from both randoms,", said)

    def test_the_first_arrow_says_what_is_offered(self):
        for width in ("80", "100", "120"):
            self.assertIn("ClientHello TLS1.3 SNI ALPN x25519 ─", demo("--tls", "--width", width))

    def test_states_and_keys_stand_beside(self):
        text = demo("--tls", "--width", "140")
        self.assertRegex(text, r"TLS WAIT_SH +│─")
        self.assertRegex(text, r"TLS WAIT_FINISHED  keys from x25519")
        self.assertRegex(text, r"TLS CONNECTED +│◀─ ServerHello")
        self.assertIn("keys from x25519; 1 ", text)

    def test_round_trips(self):
        one, two = (1, 1, 20.0), (1, 2, 40.0)
        self.assertEqual(costs(demo("--tls")), {"TCP": one, "TLS 1.3": one, "GET /": one})
        self.assertEqual(costs(demo("--tls12")), {"TCP": one, "TLS 1.2": two, "GET /": one})
        self.assertEqual(costs(demo("--tls", "--resume")),
                         {"TCP": one, "TLS 1.3 resumed": one, "GET /": one})
        self.assertEqual(costs(demo("--tls12", "--resume")),
                         {"TCP": one, "TLS 1.2 resumed": one, "GET /": one})

    def test_a_resumed_session_needs_no_certificate(self):
        self.assertNotIn("Certificate", demo("--tls", "--resume"))

    def test_early_data_costs_no_round_trip(self):
        text = demo("--early-data", "--width", "120")
        self.assertEqual(messages(text)[:5], [
            "ClientHello", "(GET /)", "ServerHello", "{EncryptedExtensions}", "{Finished}"])
        self.assertIn("(EndOfEarlyData)", messages(text))
        self.assertEqual(costs(text), {"TCP": (1, 1, 20.0), "GET /": (1, 1, 20.0),
                                       "TLS 1.3 resumed, early data": (1, 0, 0.0)})

    def test_lost_segments_cost_time_and_no_round_trips(self):
        table = costs(demo("--tls", "--loss", "data:1"))
        self.assertEqual(table["TLS 1.3"][:2], (1, 1))
        self.assertGreater(table["TLS 1.3"][2], 100)

    def test_the_same_seed_shows_the_same_bytes(self):
        self.assertEqual(demo("--tls"), demo("--tls"))
        self.assertNotEqual(demo("--tls"), demo("--tls", "--seed", "2"))

    def test_wrong_use_is_told(self):
        self.assertEqual(run("demo", "--tls12", "--early-data", check=False).returncode, 2)
        self.assertEqual(run("demo", "--rsa", check=False).returncode, 2)
        self.assertEqual(run("demo", "--keep-alive", "2", "--connection-close", "2",
                             check=False).returncode, 2)


class KeepAlive(unittest.TestCase):
    def test_three_requests_on_one_connection_need_one_handshake(self):
        text = demo("--keep-alive", "3")
        self.assertEqual(messages(text).count("GET /"), 3)
        self.assertEqual([flags for flags, *_ in segments(text)].count("SYN"), 1)
        self.assertEqual(costs(text), {"TCP": (1, 1, 20.0), "GET /": (3, 3, 60.0)})
        self.assertIn("kept alive saves 2 round trips and 40 ms", text)

    def test_three_requests_that_close_need_three_handshakes_and_three_closes(self):
        text = demo("--connection-close", "3", "--tls", "--width", "140")
        flags = [one[0] for one in segments(text)]
        self.assertEqual(flags.count("SYN"), 3)
        self.assertEqual(sum("FIN" in one for one in flags), 6)
        self.assertEqual(messages(text).count("ClientHello"), 3)
        self.assertEqual(costs(text), {"TCP": (3, 3, 60.0), "TLS 1.3": (3, 3, 60.0),
                                       "GET /": (3, 3, 60.0)})

    def test_both_ways_are_compared_whichever_is_shown(self):
        for way in ("--keep-alive", "--connection-close"):
            text = " ".join(demo(way, "3", "--tls").split())
            self.assertIn("3 requests on one connection: 5 round trips, 100 ms; on 3 connections "
                          "(Connection: close): 9 round trips, 180 ms", text)
            self.assertIn("kept alive saves 4 round trips and 80 ms", text)


class Capture(unittest.TestCase):
    SCENES = ((), ("--loss", "syn-ack:1"), ("--close", "both"), ("--close-after", "0"), ("--ipv6",),
              ("--size", "100k", "--loss", "data:9"), ("--size", "60k", "--loss", "5%", "--seed", "3"),
              ("--size", "60k", "--duplicate", "5%", "--reorder", "5%"), ("--tls",), ("--tls12",),
              ("--keep-alive", "3", "--tls"))

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = str(Path(self.directory.name) / "demo.pcapng")

    def tearDown(self):
        self.directory.cleanup()

    def tshark(self, *arguments):
        return subprocess.run(
            ["tshark", "-n", "-r", self.path, "-o", "tcp.check_checksum:TRUE", "-o",
             "ip.check_checksum:TRUE", *arguments], capture_output=True, text=True, timeout=120,
            check=True).stdout

    def test_tshark_finds_no_malformed_packet_and_no_bad_checksum(self):
        for scene in self.SCENES:
            with self.subTest(scene=scene):
                demo("--pcap", self.path, *scene)
                bad = ("_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || "
                       "_ws.unreassembled")
                self.assertEqual(self.tshark("-Y", bad), "")
                good = self.tshark("-Y", "tcp.checksum.status == 1", "-T", "fields", "-e", "frame.number")
                everything = self.tshark("-T", "fields", "-e", "frame.number")
                self.assertEqual(good, everything)
                self.assertGreater(len(everything.splitlines()), 6)

    def test_the_capture_has_the_segments_of_the_ladder(self):
        names = (("fin", "FIN"), ("syn", "SYN"), ("reset", "RST"), ("push", "PSH"), ("ack", "ACK"))
        fields = [f"tcp.flags.{name}" for name, _ in names] + ["tcp.seq", "tcp.ack", "tcp.len"]
        for scene in self.SCENES:
            with self.subTest(scene=scene):
                ladder = demo("--pcap", self.path, "--unfolded", "--width", "140", *scene)
                rows = self.tshark("-T", "fields", *[part for field in fields for part in ("-e", field)])
                captured = []
                for row in rows.splitlines():
                    values = row.split("\t")
                    flags = ",".join(text for (_, text), value in zip(names, values)
                                     if value in ("1", "True"))
                    captured.append((flags, *map(int, values[5:])))
                self.assertEqual(captured, segments(ladder))

    def test_tshark_decrypts_what_it_is_given_the_keys_for(self):
        for scene in (("--tls",), ("--tls12",), ("--tls12", "--rsa"), ("--tls", "--resume"),
                      ("--early-data",), ("--tls12", "--resume"),
                      ("--connection-close", "2", "--tls"), ("--tls", "--size", "100k")):
            with self.subTest(scene=scene):
                demo("--pcap", self.path, *scene)
                count = 2 if "2" in scene else 1
                asked = self.tshark("-Y", "http.request && tls", "-T", "fields", "-e",
                                    "http.request.full_uri")
                self.assertEqual(asked.split(), ["https://server.example/"] * count)
                got = self.tshark("-Y", "http.response", "-T", "fields", "-e", "http.response.code")
                self.assertEqual(got.split(), ["200"] * count)
                closed = self.tshark("-Y", "tls.alert_message.desc == 0", "-T", "fields", "-e",
                                     "frame.number")
                self.assertEqual(len(closed.split()), 2 * count)

    def test_without_its_keys_the_capture_would_be_closed(self):
        demo("--pcap", self.path, "--tls")
        keys = "tls.keylog_file:/dev/null"
        block = Path(self.path).read_bytes()
        self.assertIn(b"CLIENT_TRAFFIC_SECRET_0 ", block)
        Path(self.path).write_bytes(block.replace(b"CLIENT_TRAFFIC_SECRET_0 ",
                                                  b"#LIENT_TRAFFIC_SECRET_0 "))
        self.assertEqual(self.tshark("-o", keys, "-Y", "http.request"), "")

    def test_comments_tell_states_and_losses(self):
        demo("--pcap", self.path, "--loss", "syn-ack:1")
        comments = self.tshark("-T", "fields", "-e", "frame.comment")
        self.assertIn("server enters SYN_RCVD: SYN accepted, backlog 1/128", comments)
        self.assertIn("lost on the wire", comments)

    @unittest.skipUnless(shutil.which("capinfos"), "capinfos is missing")
    def test_capinfos_reads_the_interfaces_and_nanoseconds(self):
        demo("--pcap", self.path)
        text = subprocess.run(["capinfos", self.path], capture_output=True, text=True, timeout=60,
                              check=True).stdout
        self.assertIn("pcapng", text)
        self.assertIn("Name = client", text)
        self.assertIn("Name = server", text)
        self.assertIn("nanoseconds (9)", text)
        self.assertIn("Encapsulation = Raw IP", text)


if __name__ == "__main__":
    if not HANDFAST:
        print("skipped: HANDFAST does not name the command")
        sys.exit(77)
    unittest.main(verbosity=2)
