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
    """(flags, seq, ack, length) of each arrow that begins, in order."""
    found = []
    for line in ladder.splitlines():
        arrow = ARROW.search(line)
        label = arrow and LABEL.search(arrow[1])
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


@unittest.skipUnless(shutil.which("tshark"), "tshark is missing")
class Capture(unittest.TestCase):
    SCENES = ((), ("--loss", "syn-ack:1"), ("--close", "both"), ("--close-after", "0"), ("--ipv6",),
              ("--size", "100k", "--loss", "data:9"), ("--size", "60k", "--loss", "5%", "--seed", "3"),
              ("--size", "60k", "--duplicate", "5%", "--reorder", "5%"))

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
