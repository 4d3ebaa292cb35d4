#!/usr/bin/env python3
"""docs/tls-interop.md names tests that are there, and a reason for each cell that is not "yes"."""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "tls-interop.md").read_text(encoding="utf-8")


class Page(unittest.TestCase):
    def test_names_tests_that_are_there(self):
        text, named = "", 0
        for span in re.findall(r"`([^`]+)`", PAGE):
            file, _, test = span.rpartition(" ")
            if span.endswith("_test.py"):
                file, test = span, ""
            if file.endswith("_test.py"):
                path = ROOT / "tests" / "interop" / file
                self.assertTrue(path.is_file(), file)
                text = path.read_text(encoding="utf-8")
            if re.fullmatch(r"\w+\.test_\w+", test):
                group, name = test.split(".")
                self.assertRegex(text, rf"(?m)^class {group}\b", span)
                self.assertRegex(text, rf"(?m)^    def {name}\(", span)
                named += 1
        self.assertGreater(named, 40)

    def test_has_a_reason_for_each_gap(self):
        cells = {cell.strip() for line in PAGE.splitlines() if line.count("|") == 15
                 for cell in line.split("|")[2:-1]}
        gaps = {cell for cell in cells if len(cell) == 1}
        self.assertEqual(gaps, set(re.findall(r"(?m)^- (\w): ", PAGE)))


if __name__ == "__main__":
    sys.exit(unittest.main())
