#!/usr/bin/env python3
"""Runs scripts against the object: `runner.py [-v] [--object FILE] SCRIPT…`. -v tells each packet."""

import argparse
import ipaddress
import re
import sys
import threading
import time
from pathlib import Path

import namespace
import packets
import script as language
from calls import Calls, Unlike as Failed, pattern
from loader import Stack
from packets import ICMP, ICMP6, TCP, UDP, BadPacket, Packet, flags_text, option_text

PORT = 8080
PEER_ISN = 0xfffffc00  # numbers of the peer wrap early in every script
MAPPED_PREFIX = b"\0" * 10 + b"\xff\xff"
REAL_PATIENCE = 10.0  # seconds; only how long a thread of ours may take


class Family:
    """ipv4, ipv6, or mapped: IPv6 sockets that carry IPv4."""

    def __init__(self, name):
        self.name = name
        self.domain = 2 if name == "ipv4" else 10
        v6 = name == "ipv6"
        self.local = ipaddress.ip_address("fd3d:a0b:17d6::1" if v6 else "192.168.0.1").packed
        self.remote = ipaddress.ip_address("fd3d:fa7b:d17d::1" if v6 else "192.0.2.1").packed
        # The same MSS as with IPv4.
        self.flags = f"local={ipaddress.ip_address(self.local)}/{64 if v6 else 16}" + \
                     f",mtu={1520 if v6 else 1500}"

    def place(self, name):
        nowhere = bytes(16) if self.domain == 10 else bytes(4)
        return {"local": self.local, "remote": self.remote, "any": nowhere}[name]

    def is_remote(self, family, address):
        if self.name == "mapped":
            return family == 10 and address == MAPPED_PREFIX + self.remote
        return family == self.domain and address == self.remote


class Flow:
    """One conversation: the ports, and what relates a script's numbers to those on the wire."""

    def __init__(self, number, family):
        self.family = family
        self.local_port, self.remote_port = PORT, 40001 + number
        self.peer_isn = (PEER_ISN - 0x10000 * number) & 0xffffffff
        self.local_isn = None
        self.clock_base = None  # the stack's timestamp that a script calls by its first value
        self.begun = False

    def in_packet(self, segment):
        options = tuple(self._option_in(option) for option in segment.options or ())
        if self.local_isn is None and segment.ack is not None:
            self.local_isn = 0  # the stack has not said anything: the script's numbers are as good
        base = self.local_isn or 0
        return Packet(self.family.remote, self.family.local, TCP, self.remote_port,
                      self.local_port, (self.peer_isn + segment.start) & 0xffffffff,
                      (base + segment.ack) & 0xffffffff if segment.ack is not None else 0,
                      segment.flags, 65535 if segment.window is None else segment.window,
                      segment.urgent or 0, options, pattern(segment.start, segment.length, True),
                      segment.ecn or 0)

    def _option_in(self, option):
        if option[0] == "TS" and option[2]:
            return ("TS", option[1], (option[2] + (self.clock_base or 0)) & 0xffffffff)
        if option[0] == "sack":
            base = self.local_isn or 0
            return ("sack", *(tuple((edge + base) & 0xffffffff for edge in block)
                              for block in option[1:]))
        return option

    def relative(self, packet):
        """(start, ack) of a packet of the stack, in the script's numbers."""
        isn = packet.seq if self.local_isn is None else self.local_isn
        return ((packet.seq - isn) & 0xffffffff,
                (packet.ack - self.peer_isn) & 0xffffffff)

    def _option_out(self, option):
        if option[0] == "TS" and self.clock_base is not None:
            return ("TS", (option[1] - self.clock_base) & 0xffffffff, option[2])
        if option[0] == "sack":
            return ("sack", *(tuple((edge - self.peer_isn) & 0xffffffff for edge in block)
                              for block in option[1:]))
        return option

    def describe(self, packet):
        """A packet in the words of a script."""
        inbound = packet.source_port == self.remote_port
        start, ack = self.relative(packet)
        options = packet.options
        if inbound:
            start = (packet.seq - self.peer_isn) & 0xffffffff
            ack = (packet.ack - (self.local_isn or 0)) & 0xffffffff
        else:
            options = tuple(map(self._option_out, options))
        text = f"{flags_text(packet.flags)} {start}:{start + len(packet.payload)}"
        text += f"({len(packet.payload)})"
        text += f" ack {ack}" if "." in packet.flags else ""
        text += f" win {packet.window}"
        text += f" urg {packet.urgent}" if "U" in packet.flags else ""
        return text + (f" <{','.join(map(option_text, options))}>" if options else "")

    def check(self, segment, packet, tolerance_us):
        """Raises Failed where a packet of the stack is not what the script says."""
        seen = self.describe(packet)
        start, ack = self.relative(packet)
        flags, their_flags = segment.flags, packet.flags
        if "p" in flags:
            flags, their_flags = flags - {"p"}, their_flags - {"P"}
        wanted = [("flags", flags, their_flags), ("start", segment.start, start),
                  ("length", segment.length, len(packet.payload)),
                  ("ack", segment.ack, ack if "." in packet.flags else None)]
        if segment.window is not None:
            wanted.append(("window", segment.window, packet.window))
        if segment.urgent is not None:
            wanted.append(("urgent pointer", segment.urgent, packet.urgent))
        if segment.ecn is not None:
            wanted.append(("ECN bits", segment.ecn, packet.ecn))
        for what, ours, theirs in wanted:
            if ours != theirs:
                raise Failed(f"another {what}: seen was  > {seen}")
        if segment.options is not None:
            self._check_options(segment.options, packet.options, seen, tolerance_us)
        if packet.payload != pattern(segment.start, len(packet.payload), False):
            raise Failed(f"not the bytes that were written:  > {seen}")

    def _check_options(self, wanted, seen, text, tolerance_us):
        if [option[0] for option in wanted] != [option[0] for option in seen]:
            raise Failed(f"other options: seen was  > {text}")
        for ours, theirs in zip(wanted, map(self._option_out, seen)):
            for ours_value, theirs_value in zip(ours[1:], theirs[1:], strict=True):
                close = ours_value is language.ANY or ours_value == theirs_value
                if ours[0] == "TS" and ours_value == ours[1] and not close:
                    close = abs(ours_value - theirs_value) * 1000 <= tolerance_us
                if not close:
                    raise Failed(f"another {ours[0]} option: seen was  > {text}")

    def learn(self, packet, segment):
        """The stack's initial number and clock, from the first segment of it."""
        if self.local_isn is None:
            self.local_isn = packet.seq if "S" in packet.flags else None
        if self.local_isn is None:
            self.local_isn = 0  # a reset of what was never open (RFC 9293 §3.10.7.1)
        stamp = next((option for option in packet.options if option[0] == "TS"), None)
        if stamp is not None and self.clock_base is None:
            said = next((o for o in segment.options or () if o[0] == "TS"), None)
            first = said[1] if said is not None and said[1] is not language.ANY else 0
            self.clock_base = (stamp[1] - first) & 0xffffffff


class BlockingCall(threading.Thread):
    """The second thread: one call that is to wait, and the time at which it came back."""

    def __init__(self, stack, run):
        super().__init__(daemon=True)
        self.stack, self.run_call = stack, run
        self.tid = None
        self.ended_at = None
        self.outcome = None

    def run(self):
        self.tid = threading.get_native_id()
        outcome = self.run_call()
        self.ended_at = self.stack.now()
        self.outcome = outcome

    def _sleep_count(self):
        """How often it went to sleep, if it sleeps now."""
        try:
            status = Path(f"/proc/self/task/{self.tid}/status").read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        if not re.search(r"^State:\s+S", status, re.M):
            return None
        return re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.M)[1]

    def wait_until_asleep(self):
        """True when it really sleeps in the call; False where it has come back already."""
        self.start()
        end = time.monotonic() + REAL_PATIENCE
        before = None
        while self.is_alive():
            if time.monotonic() > end:
                raise Failed("the call neither sleeps nor returns: it spins")
            # While this thread sleeps nobody else wants Python's lock: what still sleeps after
            # that, and has not run in between, sleeps in the call.
            time.sleep(0.002)
            count = self._sleep_count() if self.tid is not None else None
            if count is not None and count == before:
                return True
            before = count
        return False


class Runner:
    def __init__(self, script, family, object_path=None, verbose=False, library=None):
        self.script = script
        self.family = Family(family)
        self.verbose = verbose
        flags = ",".join(filter(None, (self.family.flags, script.settings["flags"])))
        self.stack = Stack(flags, object_path, library)
        number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", script.settings["tolerance"]).groups()
        self.tolerance = float(number) * {"us": 1, "ms": 1000, "s": 1000000}[unit]
        self.flows = {}
        self.start = self.stack.now()
        self.last = 0.0  # the time of the line before, seconds
        self.event = None
        self.blocked = []  # (event, BlockingCall)
        self.silent_until = None  # (time, line)
        self.pushed_back = None
        self.calls = Calls(self)

    # Time.

    def clock(self):
        return (self.stack.now() - self.start) / 1e6

    def tell(self, time_s, text):
        if self.verbose:
            print(f"{time_s:12.6f}  {text}")

    def check_time(self, wanted, seen, what):
        if abs(seen - wanted) * 1e6 > self.tolerance:
            raise Failed(f"{what} at {seen:.6f} s, and not at {wanted:.6f} s")

    def when(self, event):
        if event.time is None:
            return None
        return (self.last if event.relative else 0.0) + event.time

    # Packets.

    def flow(self, label):
        if label not in self.flows:
            self.flows[label] = Flow(len(self.flows), self.family)
        return self.flows[label]

    def take_sent(self):
        """The next packet of the stack with its time in the script."""
        if self.pushed_back is not None:
            sent, self.pushed_back = self.pushed_back, None
            return sent
        sent = self.stack.next_sent()
        if sent is None:
            return None
        packet = packets.parse(sent[0])
        seconds = (sent[1] - self.start) / 1e6
        self.tell(seconds, "> " + self.describe(packet))
        if self.silent_until is not None and seconds < self.silent_until[0] - self.tolerance / 1e6:
            raise Failed(f"nothing was to be sent up to line {self.silent_until[1]}, but at "
                         f"{seconds:.6f} s there was  > {self.describe(packet)}")
        return packet, seconds

    def describe(self, packet):
        if packet.protocol != TCP:
            return f"protocol {packet.protocol} ({len(packet.payload)}) {packet.icmp or ''}"
        for label, flow in self.flows.items():
            if packet.target_port == flow.remote_port:
                return (label + "> " if label else "") + flow.describe(packet)
        return Flow(0, self.family).describe(packet)

    def expect(self, event, segment):
        sent = self.take_sent()
        if sent is None:
            raise Failed("no packet came, and none ever will")
        packet, seconds = sent
        if (packet.source, packet.target) != (self.family.local, self.family.remote):
            raise Failed(f"a packet from {packet.source.hex()} to {packet.target.hex()}")
        flow = self.flow(segment.flow)
        if segment.kind == "tcp":
            packet = self.expect_tcp(flow, segment, packet, seconds)
        elif segment.kind == "udp":
            self.expect_udp(flow, segment, packet)
        else:
            raise Failed("only TCP and UDP are expected of the stack")
        wanted = self.when(event)
        if wanted is None:
            self.last = seconds
            return
        self.check_time(wanted, seconds, f"it came:  > {self.describe(packet)}:")
        self.last = wanted

    def expect_tcp(self, flow, segment, packet, seconds):
        if packet.protocol != TCP:
            raise Failed(f"protocol {packet.protocol} instead of TCP")
        if not flow.begun and "S" in packet.flags and "." not in packet.flags:
            flow.local_port, flow.remote_port = packet.source_port, packet.target_port
        flow.begun = True
        if (packet.source_port, packet.target_port) != (flow.local_port, flow.remote_port):
            raise Failed(f"a packet of another flow:  > {self.describe(packet)}")
        flow.learn(packet, segment)
        # Segments of one flight are looked at as one.
        while len(packet.payload) and len(packet.payload) < segment.length:
            after = self.take_sent()
            if after is None:
                break
            if not self.continues(packet, after[0], seconds, after[1]):
                self.pushed_back = after
                break
            packet = packet.joined(after[0])
        flow.check(segment, packet, self.tolerance)
        return packet

    def continues(self, packet, after, seconds, after_seconds):
        return (after.protocol == TCP and after.seq == packet.end() and after.ack == packet.ack
                and after.source_port == packet.source_port
                and after.target_port == packet.target_port and after.options == packet.options
                and len(after.payload) > 0
                and (after_seconds - seconds) * 1e6 <= self.tolerance)

    def expect_udp(self, flow, segment, packet):
        if packet.protocol != UDP:
            raise Failed(f"protocol {packet.protocol} instead of UDP")
        if not flow.begun:
            flow.local_port, flow.remote_port = packet.source_port, packet.target_port
        flow.begun = True
        if (packet.source_port, packet.target_port) != (flow.local_port, flow.remote_port):
            raise Failed(f"ports {packet.source_port} and {packet.target_port}")
        if packet.payload != pattern(0, segment.length, False):
            raise Failed(f"another datagram, of {len(packet.payload)} bytes")

    def inject(self, segment):
        flow = self.flow(segment.flow)
        if segment.kind == "tcp":
            packet = flow.in_packet(segment)
            self.tell(self.clock(), f"{segment.flow}< {flow.describe(packet)}")
        elif segment.kind == "udp":
            packet = Packet(self.family.remote, self.family.local, UDP, flow.remote_port,
                            flow.local_port, payload=pattern(0, segment.length, True))
        else:
            packet = self.icmp_about(flow, segment)
        flow.begun = True
        self.stack.deliver(packets.emit(packet))

    def icmp_about(self, flow, segment):
        """An error about a segment that the stack sent."""
        v6 = len(self.family.local) == 16
        about = Packet(self.family.local, self.family.remote, TCP, flow.local_port,
                       flow.remote_port, ((flow.local_isn or 0) + segment.start) & 0xffffffff,
                       payload=pattern(segment.start, segment.length, False))
        name, mtu = segment.icmp
        if name not in ICMP_ERRORS:
            raise Failed(f"nobody knows the ICMP error {name}")
        kind, code = ICMP_ERRORS[name][v6]
        return Packet(self.family.remote, self.family.local, ICMP6 if v6 else ICMP,
                      icmp=(kind, code, mtu), payload=packets.emit(about)[:68 if v6 else 28])

    # Events.

    def run(self):
        """Runs all lines; Failed with the line where one was not as it says."""
        try:
            for self.event in self.script.events:
                self.run_event(self.event)
            self.finish()
        except (Failed, BadPacket, OSError) as why:
            where = f"line {self.event.line}: {self.event.text}" if self.event else "the end"
            raise Failed(f"{where}\n    {why}") from None

    def run_event(self, event):
        wanted = self.when(event)
        if event.kind == "packet" and event.what.outbound:
            self.expect(event, event.what)
            return
        self.stack.sleep_until(self.start + int(wanted * 1e6))
        self.look_after_blocked(wanted)
        self.last = wanted
        match event.kind:
            case "packet":
                self.inject(event.what)
            case "quiet":
                self.silent_until = (wanted, event.line)
            case "check":
                self.calls.check(event.what)
            case "call":
                self.make_call(event)

    def make_call(self, event):
        if event.end is None:
            self.tell(self.clock(), event.text)
            self.calls.judge(event.what, self.calls.make(event.what))
            return
        thread = BlockingCall(self.stack, lambda: self.calls.make(event.what))
        if not thread.wait_until_asleep():
            raise Failed(f"the call did not wait, but returned {thread.outcome}")
        self.tell(self.clock(), event.text)
        end = event.end + (self.last - event.time if event.relative else 0.0)
        self.blocked.append((event, thread, end))

    def look_after_blocked(self, now, all_of_them=False):
        """What was to have returned by now must have, at its time."""
        for entry in list(self.blocked):
            event, thread, end = entry
            if end + self.tolerance / 1e6 < now or all_of_them:
                thread.join(timeout=REAL_PATIENCE)
            if thread.is_alive():
                if end + self.tolerance / 1e6 < now or all_of_them:
                    raise Failed(f"still waits: line {event.line}: {event.text}")
                continue
            self.blocked.remove(entry)
            self.event, waiting = event, self.event
            self.check_time(end, (thread.ended_at - self.start) / 1e6, "it returned")
            self.calls.judge(event.what, thread.outcome)
            self.event = waiting

    def finish(self):
        """Nothing may be left: no call that waits, no packet that no line expects."""
        if self.blocked:
            last = max(end for _, _, end in self.blocked)
            self.stack.sleep_until(self.start + int(last * 1e6 + self.tolerance))
        self.look_after_blocked(self.clock(), all_of_them=True)
        end = self.clock()
        sent = self.take_sent()
        if sent is not None and sent[1] <= end - self.tolerance / 1e6:
            raise Failed(f"nobody expected what was sent at {sent[1]:.6f} s:  "
                         f"> {self.describe(sent[0])}")

    def free(self):
        """Ends the instance, unless a thread still waits in it."""
        if not any(thread.is_alive() for _, thread, _ in self.blocked):
            self.stack.free()


# Name: (type, code) by IPv4 (RFC 792) and by IPv6 (RFC 4443).
ICMP_ERRORS = {
    "net_unreachable": ((3, 0), (1, 0)),
    "host_unreachable": ((3, 1), (1, 3)),
    "protocol_unreachable": ((3, 2), (4, 1)),
    "port_unreachable": ((3, 3), (1, 4)),
    "frag_needed": ((3, 4), (2, 0)),
    "prohibited": ((3, 13), (1, 1)),
    "ttl_exceeded": ((11, 0), (3, 0)),
}


def run_script(path, family, object_path=None, verbose=False, library=None):
    """Runs one script over one address family; raises Failed or ScriptError."""
    script = language.parse(Path(path).read_text(encoding="utf-8"))
    runner = Runner(script, family, object_path, verbose, library)
    try:
        runner.run()
    finally:
        runner.free()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scripts", nargs="+")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--object")
    arguments = parser.parse_args()
    isolated, failures = namespace.enter(), 0
    for path in arguments.scripts:
        settings = language.parse(Path(path).read_text(encoding="utf-8")).settings
        sysctls = namespace.settings_in(settings["sysctl"])
        if not isolated or (sysctls and not namespace.enter(sysctls)):
            print(f"{path}: with the machine's sysctls, for want of a network namespace")
        for family in settings["families"].split(","):
            try:
                run_script(path, family, arguments.object, arguments.verbose)
            except (Failed, language.ScriptError) as why:
                failures += 1
                print(f"{path} ({family}): {why}")
            else:
                print(f"{path} ({family}): as it says")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
