#!/usr/bin/env python3
"""What the docs quote from the command is what the command says."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HANDFAST = os.environ.get("HANDFAST")

if not HANDFAST:
    print("skipped: HANDFAST does not name the command")
    sys.exit(77)
sys.exit(subprocess.run([sys.executable, ROOT / "tools" / "docs", "--check", HANDFAST],
                        check=False).returncode)
