#!/usr/bin/env python3
"""tools/rfc_coverage refuses a row that names what is not there, and finds its page stale."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TOOL = ROOT / "tools" / "rfc_coverage"
ROW = """
[6298.MUST-double]
section = "5.5"
rule = "a time-out doubles"
status = "yes"
where = ["src/tcp/rtt.hpp back_off"]
test = ["host.Timer.doubles", "rto.pkt", "tests/interop/flood_test.py"]
"""
REASON = 'why = "nobody wanted it"\n'
FILES = {
    "src/tcp/rtt.hpp": "void back_off();\n",
    "tests/host/timer_test.cpp": "TEST(Timer,\n     doubles) {}\nTEST_P(Timer, waits) {}\n",
    "tests/packetdrill/scripts/rto.pkt": "// RFC 6298\n",
    "tests/packetdrill/scripts/known.pkt": "--known=not yet\n",
    "tests/interop/flood_test.py": "",
}
NUMBERED = {"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1}


def numbered(left_out=""):
    """A row for each requirement of RFC 9293, but for one."""
    rows = "".join(f'[9293.{kind}-{number}]\nsection = "3"\nrule = "r"\nstatus = "no"\n{REASON}'
                   for kind, count in NUMBERED.items() for number in range(1, count + 1)
                   if f"{kind}-{number}" != left_out)
    return f'[9293]\ntitle = "TCP"\n{rows}[6298]\ntitle = "RTO"\n'


class CoverageTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        for path, text in FILES.items():
            self.write(path, text)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def run_on(self, table, *arguments):
        self.write("docs/rfc-coverage.toml", table)
        run = subprocess.run([sys.executable, TOOL, "--root", self.root, *arguments],
                             capture_output=True, text=True, check=False)
        return run.returncode, run.stdout

    def refused(self, table, *words):
        code, text = self.run_on(table)
        self.assertEqual(code, 1, text)
        for word in words:
            self.assertIn(word, text)
        self.assertFalse((self.root / "docs/rfc-coverage.md").exists())

    def test_a_true_row_makes_a_page_that_then_agrees(self):
        self.assertEqual(self.run_on(numbered() + ROW)[0], 0)
        page = (self.root / "docs/rfc-coverage.md").read_text()
        self.assertIn("a time-out doubles", page)
        self.assertIn("(../tests/host/timer_test.cpp)", page)
        self.assertEqual(self.run_on(numbered() + ROW, "--check")[0], 0)

    def test_a_stale_page_is_found_and_left_as_it_is(self):
        self.run_on(numbered() + ROW)
        code, text = self.run_on(numbered() + ROW.replace("doubles\"\ns", "is doubled\"\ns"), "--check")
        self.assertEqual(code, 1)
        self.assertIn("is doubled", text)
        self.assertNotIn("is doubled", (self.root / "docs/rfc-coverage.md").read_text())

    def test_what_is_not_there_is_named_with_its_row(self):
        for old, new, what in (("rtt.hpp back", "gone.hpp back", "src/tcp/gone.hpp"),
                               ("back_off", "back", "no 'back'"),
                               ("Timer.doubles", "Timer.double", "host.Timer.double"),
                               ("host.Timer.doubles", "tcp.Timer.doubles", "tcp.Timer.doubles"),
                               ("rto.pkt", "other.pkt", "other.pkt"),
                               ("rto.pkt", "known.pkt", "known to fail"),
                               ("flood_test", "drought_test", "drought_test.py")):
            self.refused(numbered() + ROW.replace(old, new), "RFC 6298 MUST-double", what)

    def test_a_status_needs_its_grounds(self):
        row = ROW.replace('"yes"', '"no"')
        self.refused(numbered() + row + REASON, "and yet a place or a test")
        self.refused(numbered() + ROW.replace('"yes"', '"part"'), "no reason")
        self.refused(numbered() + ROW.replace('where = ["src/tcp/rtt.hpp back_off"]\n', ""), "no place")
        self.refused(numbered() + ROW.replace('"yes"', '"perhaps"'), "'perhaps'")
        self.refused(numbered() + ROW + 'wheer = "x"\n', "unknown field wheer")
        self.refused(numbered() + ROW.replace("MUST-", "OUGHT-"), "its name begins with none of")

    def test_each_requirement_of_rfc_9293_has_a_row(self):
        self.refused(numbered("SHLD-17") + ROW, "RFC 9293 SHLD-17: has no row")


if __name__ == "__main__":
    unittest.main()
