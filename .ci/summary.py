"""Sums up what .ci/run did: stages, skipped tests and why, then the suite's closing and its counts."""

import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

OUT = Path(sys.argv[1])
CLOSING = re.compile(r"^\d+% tests passed.*", re.M | re.S)


def results(stage):
    """(name, 'passed' | 'failed' | 'skipped', output) of every test of a stage."""
    path = OUT / f"{stage}.xml"
    if not path.exists():
        return []
    found = []
    for case in ElementTree.parse(path).iter("testcase"):
        verdict = {"run": "passed", "fail": "failed"}.get(case.get("status"), "skipped")
        found.append((case.get("name"), verdict, case.findtext("system-out") or ""))
    return found


def reason(output):
    """Why a test says it was skipped: GoogleTest's line behind `Skipped`, or a script's last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for at, line in enumerate(lines[:-1]):
        if line.endswith(": Skipped"):
            return lines[at + 1]
    return lines[-1] if lines else "no reason given"


def count(tests, verdict):
    return sum(1 for test in tests if test[1] == verdict)


def counts(tests):
    return ", ".join(f"{count(tests, verdict)} {verdict}"
                     for verdict in ("passed", "failed", "skipped"))


def closing(stage):
    log = OUT / f"{stage}.log"
    match = CLOSING.search(log.read_text(errors="replace")) if log.exists() else None
    text = match.group() if match else f"{stage}: no test ran"
    lines = [line for line in text.rstrip().split("\n") if not line.startswith("make")]
    return "\n".join(lines).rstrip()


def last_lines(what, text):
    print(f"\nFAILED {what}; its last lines:")
    print("\n".join(f"  {line}" for line in text.rstrip().split("\n")[-20:]))


def main():
    rows = [line.split("\t") for line in (OUT / "stages.tsv").read_text().splitlines()]
    tests = {name: results(name) for name, _, _ in rows}

    print("\n=== summary\n")
    print(f"{'stage':<12}{'result':<9}{'seconds':>7}  tests")
    for name, status, seconds in rows:
        verdict = "ok" if status == "0" else "FAILED"
        print(f"{name:<12}{verdict:<9}{seconds:>7}  {counts(tests[name]) if tests[name] else '-'}")

    interop = [t for t in tests["test"] if t[0].startswith("interop.")]
    print(f"\ninterop tests, as uid {os.getuid()}: {counts(interop)}")
    for stage, found in tests.items():
        for name, verdict, output in found:
            if verdict != "passed":
                why = f": {reason(output)}" if verdict == "skipped" else ""
                print(f"{verdict.upper()} {stage} {name}{why}")

    # A stage that failed without a failed test (a build, a norm) counts as one failure.
    failed = sum(max(count(tests[name], "failed"), int(status != "0")) for name, status, _ in rows)
    suite = tests["test"]
    print(f"\n{closing('test')}")
    # Last, where even an excerpt of the end shows it: why it failed.
    for name, status, _ in rows:
        if status != "0" and not count(tests[name], "failed"):
            last_lines(f"stage {name}", (OUT / f"{name}.log").read_text(errors="replace"))
        for test, verdict, output in tests[name]:
            if verdict == "failed":
                last_lines(f"{name} {test}", output)
    print(f"\n{count(suite, 'passed')} passed, {failed} failed, {count(suite, 'skipped')} skipped")
    return 1 if failed or not suite else 0


if __name__ == "__main__":
    sys.exit(main())
