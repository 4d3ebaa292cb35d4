#!/usr/bin/env python3
"""The shared object for packetdrill, called as packetdrill calls it, and our scripts run on it.

Each script runs in a process of its own, so that a stack that stops takes only one script along.
"""

import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import namespace
import runner
import script as language
from loader import OBJECT, SLOTS, Stack, address_of, load, socket_address

SCRIPTS = Path(__file__).parent / "scripts"
SKIPPED = 77
REAL_LIMIT = 120  # seconds; a script takes far less than one
LOCAL, REMOTE = bytes([192, 168, 0, 1]), bytes([192, 0, 2, 1])
BROKEN, ISOLATED = 3, False
HANDSHAKE = """
 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1460>
+0 > S. 0:0(0) ack 1 <mss 1460>
+0 < . 1:1(0) ack 1
"""


def run_in_child(path, family, settings):
    """Runs a script; the exit code. What was wrong goes to stderr, which is a pipe."""
    try:
        if settings and not namespace.enter(settings):
            print("cannot set sysctls", file=sys.stderr)
            return BROKEN
        runner.run_script(path, family)
    except (runner.Failed, language.ScriptError) as why:
        print(why, file=sys.stderr)
        return 1
    except Exception as why:  # a mistake of the tests' own
        print(f"{type(why).__name__}: {why}", file=sys.stderr)
        return BROKEN
    return 0


def run_apart(path, family, settings):
    """(exit code, what was printed) of a script in a child process."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(REAL_LIMIT)
        os.dup2(writer, 2)
        os.close(reader)
        os.close(writer)
        code = run_in_child(path, family, settings)
        sys.stderr.flush()
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8", errors="replace") as output:
        text = output.read()
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status), text.strip()


class Scripts(unittest.TestCase):
    def test_every_script_goes_as_it_says(self):
        paths = sorted(SCRIPTS.glob("*.pkt"))
        self.assertGreater(len(paths), 0)
        done = 0
        for path in paths:
            settings = language.parse(path.read_text(encoding="utf-8")).settings
            sysctls = namespace.settings_in(settings["sysctl"])
            if sysctls and not ISOLATED:
                print(f"left out, for want of a network namespace: {path.name}")
                continue
            for family in settings["families"].split(","):
                with self.subTest(script=path.name, family=family):
                    code, text = run_apart(path, family, sysctls)
                    done += 1
                    if settings["known"]:
                        self.tell_of_known(path.name, settings["known"], code)
                    else:
                        self.assertEqual(code, 0, f"{path.name} ({family}): {text}")
        print(f"{done} runs of {len(paths)} scripts")


    def tell_of_known(self, name, why, code):
        """A script that is ahead of the stack, and says in which way."""
        self.assertIn(code, (0, 1))
        print(f"{name}: {why if code else 'goes as it says: it needs no --known any more'}")


class Table(unittest.TestCase):
    def test_every_slot_is_filled(self):
        stack = Stack()
        for name, _ in SLOTS:
            self.assertTrue(getattr(stack.table, name), name)
        stack.free()

    def test_an_unknown_descriptor_is_ebadf_everywhere(self):
        stack = Stack()
        calls = [lambda: stack.listen(5, 1), lambda: stack.close(5), lambda: stack.read(5, 1),
                 lambda: stack.shutdown(5, 0), lambda: stack.bind(5, socket_address(2, LOCAL, 1)),
                 lambda: stack.connect(5, socket_address(2, LOCAL, 1)),
                 lambda: stack.accept(5), lambda: stack.recv(5, 1, 0),
                 lambda: stack.recvfrom(5, 1, 0), lambda: stack.recvmsg(5, [1], 0),
                 lambda: stack.readv(5, [1]), lambda: stack.write(5, b"x", 1),
                 lambda: stack.writev(5, [b"x"]), lambda: stack.send(5, b"x", 1, 0),
                 lambda: stack.sendto(5, b"x", 0), lambda: stack.sendmsg(5, [b"x"], 0),
                 lambda: stack.fcntl(5, 3), lambda: stack.ioctl(5, 0x541b, 0),
                 lambda: stack.getsockopt(5, 6, 1, 4), lambda: stack.setsockopt(5, 6, 1, b"1234"),
                 lambda: stack.epoll_wait(5, 1, 0), lambda: stack.epoll_ctl(5, 1, 6, 1, 1),
                 lambda: stack.splice(5, 6, 1, 0)]
        for call in calls:
            with self.assertRaises(OSError) as raised:
                call()
            self.assertEqual(raised.exception.errno, 9)
        stack.free()

    def test_the_clock_moves_at_each_look_and_by_sleeping(self):
        stack = Stack()
        first = stack.now()
        self.assertEqual(stack.now(), first + 1)
        stack.sleep_until(first + 5_000_000)
        self.assertGreaterEqual(stack.now(), first + 5_000_000)
        self.assertLess(stack.now(), first + 5_000_100)
        stack.free()

    def test_where_no_packet_will_come_there_is_none(self):
        stack = Stack()
        stack.socket(2, 1, 0)
        self.assertIsNone(stack.next_sent())
        stack.free()


class Instances(unittest.TestCase):
    """packetdrill runs many scripts in one process, with an init for each."""

    def handshake(self, library, free=True):
        script = language.parse(HANDSHAKE + "+0 accept(3, ..., ...) = 4\n+0 close(4) = 0\n"
                                "+0 > F. 1:1(0) ack 1\n")
        one = runner.Runner(script, "ipv4", library=library)
        one.run()
        if free:
            one.free()
        return one

    def test_one_after_the_other(self):
        library = load()
        for _ in range(3):
            self.handshake(library)

    def test_beside_each_other_and_freed_in_any_order(self):
        library = load()
        all_of_them = [self.handshake(library, free=False) for _ in range(3)]
        all_of_them[1].free()
        self.handshake(library)
        all_of_them[0].free()
        all_of_them[2].free()

    def test_init_without_flags_and_free_without_a_call(self):
        Stack(None).free()

    def test_sockets_left_open_are_freed(self):
        stack = Stack()
        for _ in range(3):
            stack.socket(2, 1, 0)
            stack.socket(10, 2, 0)
        stack.pipe()
        stack.epoll_create(1)
        listener = stack.socket(2, 1, 0)
        stack.bind(listener, socket_address(2, bytes(4), 8080))
        stack.listen(listener, 5)
        active = stack.socket(2, 1, 0)
        stack.fcntl(active, 4, os.O_NONBLOCK)
        with self.assertRaises(BlockingIOError):
            stack.connect(active, socket_address(2, REMOTE, 8080))
        stack.free()

    def test_a_lowest_descriptor_is_used_again_and_none_is_the_processs(self):
        stack = Stack()
        first, second = stack.socket(2, 1, 0), stack.socket(2, 1, 0)
        self.assertGreaterEqual(first, 100_000)
        self.assertNotEqual(first, second)
        stack.close(first)
        self.assertEqual(stack.socket(2, 1, 0), first)
        stack.free()


class SecondThread(unittest.TestCase):
    """Calls that block come by a thread of their own, which must really sleep."""

    def test_accept_sleeps_until_a_connection_is_there(self):
        stack = Stack()
        listener = stack.socket(2, 1, 0)
        stack.bind(listener, socket_address(2, bytes(4), 8080))
        stack.listen(listener, 5)
        call = runner.BlockingCall(stack, lambda: stack.accept(listener))
        self.assertTrue(call.wait_until_asleep())
        stat = Path(f"/proc/self/task/{call.tid}/stat").read_text(encoding="ascii")
        self.assertEqual(stat.rsplit(")", 1)[1].split()[0], "S")
        ticks = self.ticks(call.tid)
        time.sleep(0.05)
        self.assertEqual(self.ticks(call.tid), ticks)

        peer = runner.Flow(0, runner.Family("ipv4"))
        for line in ("< S 0:0(0) win 1000 <mss 1460>", "> S.", "< . 1:1(0) ack 1 win 1000"):
            if line.startswith("<"):
                segment = language.parse_packet("", "<", line[1:].strip())
                stack.deliver(runner.packets.emit(peer.in_packet(segment)))
            else:
                packet = runner.packets.parse(stack.next_sent()[0])
                peer.local_isn = packet.seq
        call.join(timeout=10)
        self.assertFalse(call.is_alive())
        self.assertEqual(address_of(call.outcome[1]), (2, REMOTE, peer.remote_port))
        stack.free()

    @staticmethod
    def ticks(tid):
        """How often the thread has run so far."""
        status = Path(f"/proc/self/task/{tid}/status").read_text(encoding="ascii")
        return [line for line in status.splitlines() if "ctxt_switches" in line]

    def test_its_time_limit_wakes_it_at_that_time(self):
        stack = Stack()
        fd = stack.socket(2, 1, 0)
        stack.bind(fd, socket_address(2, bytes(4), 8080))
        stack.listen(fd, 1)
        seconds = 2
        stack.setsockopt(fd, 1, 20, seconds.to_bytes(8, "little") + bytes(8))
        errors = []

        def accept():
            try:
                stack.accept(fd)
            except OSError as error:
                errors.append(error.errno)

        start = stack.now()
        call = runner.BlockingCall(stack, accept)
        self.assertTrue(call.wait_until_asleep())
        stack.sleep_until(start + 1_900_000)
        self.assertTrue(call.is_alive())
        stack.sleep_until(start + 2_100_000)
        call.join(timeout=10)
        self.assertEqual(errors, [11])
        self.assertAlmostEqual(call.ended_at, start + 2_000_000, delta=1000)
        stack.free()


PRELOADED = """
import os, socket, subprocess, sys, tempfile
with tempfile.TemporaryFile() as file:
    file.write(b'text')
fd = os.open('/dev/null', os.O_RDONLY)
os.close(fd)
try:
    os.close(fd)
    sys.exit('a closed descriptor was closed again')
except OSError as error:
    assert error.errno == 9, error
for far in (100000, 123456):
    try:
        os.close(far)
        sys.exit('a descriptor of no stack was closed')
    except OSError as error:
        assert error.errno == 9, error
with socket.socket() as one:
    assert one.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
assert subprocess.run(['true']).returncode == 0
"""
PRELOADED_BESIDE_A_STACK = """
import ctypes, os, sys
sys.path.insert(0, sys.argv[1])
import loader
libc = ctypes.CDLL(None, use_errno=True)
stack = loader.Stack()
fd = stack.socket(2, 1, 0)
info, length = (ctypes.c_char * 512)(), ctypes.c_uint32(512)
for level, name in ((6, 11), (6, 26), (1, 55)):
    length.value = 512
    assert libc.getsockopt(fd, level, name, info, ctypes.byref(length)) == 0, (level, name)
assert libc.close(fd) == 0
assert libc.close(fd) == -1 and ctypes.get_errno() == 9
left_open = stack.socket(2, 1, 0)
stack.free()
assert libc.close(left_open) == -1 and ctypes.get_errno() == 9
"""


class Preloaded(unittest.TestCase):
    """packetdrill runs with the object preloaded, and so does all that it starts."""

    def python(self, code, *arguments):
        result = subprocess.run([sys.executable, "-c", code, *arguments], timeout=60, check=False,
                                env={**os.environ, "LD_PRELOAD": str(OBJECT.resolve())},
                                capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_what_is_not_ours_goes_to_the_kernel(self):
        self.python(PRELOADED)

    def test_the_c_librarys_names_reach_our_sockets(self):
        self.python(PRELOADED_BESIDE_A_STACK, str(Path(__file__).parent))


def main():
    global ISOLATED
    if not OBJECT.exists():
        print(f"skipped: there is no {OBJECT} (it is not built under sanitizers)")
        sys.exit(SKIPPED)
    ISOLATED = namespace.enter()
    assert threading.active_count() == 1
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
