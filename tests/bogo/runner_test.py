"""BoringSSL's own TLS tests against bogo_shim, where somebody has built their runner.

HANDFAST_BOGO_RUNNER    the runner, built by `go test -c`; it is run where it lies, among its keys
HANDFAST_BOGO_TESTS     patterns of test names, with ; between; all of them unless set

config.json says which tests cannot pass and why, and how their names of errors read here.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHIM = (Path(os.environ.get("HANDFAST_BUILD", ROOT / "build/release")) / "bin/bogo_shim").resolve()
RUNNER = os.environ.get("HANDFAST_BOGO_RUNNER")
TESTS = os.environ.get("HANDFAST_BOGO_TESTS", "")
CONFIG = Path(__file__).resolve().parent / "config.json"
LIMIT = 280  # seconds


def main():
    if not RUNNER:
        print("skipped: HANDFAST_BOGO_RUNNER does not name BoringSSL's test runner")
        return 77
    runner = Path(RUNNER).resolve()
    if not os.access(runner, os.X_OK):
        print(f"HANDFAST_BOGO_RUNNER: {runner} is no program")
        return 1
    with tempfile.TemporaryDirectory(prefix="bogo-") as directory:
        output = Path(directory) / "results.json"
        done = subprocess.run(
            [runner, "-shim-path", SHIM, "-shim-config", CONFIG, "-allow-unimplemented", "-pipe",
             "-json-output", output, "-test", TESTS],
            cwd=runner.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=LIMIT, check=False)
        if not output.exists():
            print(done.stdout)
            print("the runner left no results")
            return 1
        results = json.loads(output.read_text(encoding="utf-8"))["tests"]
    verdicts = [test["actual"] for test in results.values()]
    failed = sorted(name for name, test in results.items()
                    if test["actual"] not in ("PASS", "SKIP"))
    if failed:
        print(done.stdout)
    for name in failed:
        print(f"failed: {name}")
    passed, skipped = verdicts.count("PASS"), verdicts.count("SKIP")
    print(f"{passed + len(failed)} tests were truly run, {passed} of them passed; "
          f"{skipped} ask for what is not there, or are not for us")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
