"""A network namespace of this process's own, so that no sysctl of the machine changes an outcome.

The stack sends nothing through it: it reads net.ipv4.tcp_* there, as packetdrill's scripts expect.
"""

import ctypes
from pathlib import Path

CLONE_NEWNET = 0x40000000
SYSCTLS = Path("/proc/sys/net/ipv4")
# A new namespace takes these from the machine; the rest begins with Linux's defaults.
DEFAULTS = {"tcp_rmem": "4096 131072 6291456", "tcp_wmem": "4096 16384 4194304",
            "tcp_congestion_control": "cubic"}


def enter(settings=None):
    """True where there is one now, with `settings` (name: value) in it."""
    if ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
        return False
    try:
        for name, value in {**DEFAULTS, **(settings or {})}.items():
            (SYSCTLS / name).write_text(value, encoding="ascii")
    except OSError:
        return False
    return True


def settings_in(text):
    """`tcp_sack=0; tcp_dsack=0` as a dictionary."""
    pairs = (part.split("=", 1) for part in text.split(";") if part.strip())
    return {name.strip(): value.strip() for name, value in pairs}
