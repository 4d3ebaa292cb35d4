#!/usr/bin/env python3
"""Runs an outside packetdrill and its own scripts against our stack, and tells what passes.

HANDFAST_PACKETDRILL            the packetdrill binary
HANDFAST_PACKETDRILL_SCRIPTS    a directory of scripts (.pkt)
HANDFAST_PACKETDRILL_FAMILIES   of ipv4, ipv6, mapped, with commas between; all of them unless set
HANDFAST_PACKETDRILL_LEAST      how many of a hundred must pass; 95 unless set

Each script has a network namespace of its own, which goes away with it.
"""

import collections
import concurrent.futures
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import netns

ROOT = Path(__file__).resolve().parent.parent.parent
OBJECT = Path(os.environ.get("HANDFAST_BUILD", ROOT / "build/release")).resolve() / \
    "libhandfast_packetdrill.so"
PACKETDRILL = os.environ.get("HANDFAST_PACKETDRILL")
SCRIPTS = os.environ.get("HANDFAST_PACKETDRILL_SCRIPTS")
FAMILIES = os.environ.get("HANDFAST_PACKETDRILL_FAMILIES", "ipv4,ipv6,mapped").split(",")
LEAST = float(os.environ.get("HANDFAST_PACKETDRILL_LEAST", "95"))
LIMIT = 60  # seconds of real time; a script's own time is virtual

V4 = ["--local_ip=192.168.0.1", "--gateway_ip=192.168.0.1", "--netmask_ip=255.255.0.0",
      "--remote_ip=192.0.2.1", "-D", "TFO_COOKIE=3021b9d889017eeb"]
ARGUMENTS = {
    "ipv4": ["--ip_version=ipv4", *V4, "-D", "CMSG_LEVEL_IP=SOL_IP", "-D",
             "CMSG_TYPE_RECVERR=IP_RECVERR", "-D", "CODE=host_unreachable"],
    "mapped": ["--ip_version=ipv4-mapped-ipv6", *V4, "-D", "CMSG_LEVEL_IP=SOL_IPV6", "-D",
               "CMSG_TYPE_RECVERR=IPV6_RECVERR", "-D", "CODE=host_unreachable"],
    "ipv6": ["--ip_version=ipv6", "--mtu=1520", "--local_ip=fd3d:0a0b:17d6::1",
             "--gateway_ip=fd3d:0a0b:17d6:8888::1", "--remote_ip=fd3d:fa7b:d17d::1", "-D",
             "TFO_COOKIE=c1d1e9742a47a9bc", "-D", "CMSG_LEVEL_IP=SOL_IPV6", "-D",
             "CMSG_TYPE_RECVERR=IPV6_RECVERR", "-D", "CODE=address_unreachable"],
}
FLAGS = {"ipv4": "local=192.168.0.1/16,mtu=1500", "mapped": "local=192.168.0.1/16,mtu=1500",
         "ipv6": "local=fd3d:0a0b:17d6::1/64,mtu=1520"}
# A TUN device that nobody reads: scripts name it in `tc` and `ip` commands.
PREPARE = ("ip link set lo up && ip tuntap add tun0 mode tun && "
           "ip addr add 192.168.0.1/16 dev tun0 && ip link set tun0 up && exec ")


def run(job):
    """(passed, the first lines of what packetdrill said)"""
    path, family = job
    command = ["env", f"LD_PRELOAD={OBJECT}", os.path.abspath(PACKETDRILL), "--send_omit_free",
               *ARGUMENTS[family], f"--so_filename={OBJECT}", f"--so_flags={FLAGS[family]}",
               path.name]
    try:
        result = subprocess.run(["unshare", "--net", "sh", "-c", PREPARE + shlex.join(command)],
                                cwd=path.parent, timeout=LIMIT, capture_output=True, text=True,
                                errors="replace", check=False)
    except subprocess.TimeoutExpired:
        return False, f"did not end within {LIMIT} s"
    said = (result.stdout + result.stderr).strip().splitlines()
    return result.returncode == 0, " | ".join(said[:3])[:300]


def jobs():
    for path in sorted(Path(SCRIPTS).resolve().rglob("*.pkt")):
        for family in FAMILIES:
            # By their names some are for one family only.
            other = "v4.pkt" if family == "ipv6" else "v6.pkt"
            if not path.name.endswith(other):
                yield path, family


def main():
    if not PACKETDRILL or not SCRIPTS:
        netns.skip("HANDFAST_PACKETDRILL and HANDFAST_PACKETDRILL_SCRIPTS name no packetdrill and "
                   "no directory of its scripts")
    if not OBJECT.exists():
        netns.skip(f"there is no {OBJECT}")
    if not os.access(PACKETDRILL, os.X_OK):
        netns.skip(f"cannot run {PACKETDRILL}")
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        netns.skip("network namespaces and TUN devices need root and /dev/net/tun")
    for tool in ("ip", "unshare"):
        if shutil.which(tool) is None:
            netns.skip(f"{tool} is not installed")

    todo = list(jobs())
    passed, total = collections.Counter(), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (path, family), (good, said) in zip(todo, pool.map(run, todo)):
            folder = str(path.parent.relative_to(Path(SCRIPTS).resolve()))
            total[folder, family] += 1
            passed[folder, family] += good
            if not good:
                print(f"failed: {folder}/{path.name} ({family}): {said}", flush=True)

    print(f"\n{'folder':40}" + "".join(f"{family:>12}" for family in FAMILIES))
    for folder in sorted({folder for folder, _ in total}):
        cells = (f"{passed[folder, f]}/{total[folder, f]}" for f in FAMILIES)
        print(f"{folder:40}" + "".join(f"{cell:>12}" for cell in cells))
    good, everything = sum(passed.values()), sum(total.values())
    share = 100 * good / max(everything, 1)
    print(f"{good} of {everything} pass: {share:.1f} %, and {LEAST:g} % must")
    sys.exit(0 if share >= LEAST and everything else 1)


if __name__ == "__main__":
    main()
