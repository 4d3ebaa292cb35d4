"""Loads `libhandfast_packetdrill.so` as packetdrill does, and calls its table of C functions.

`Stack` is one instance behind the table. Its methods take and give Python values; a call that
fails raises OSError with the errno that the stack set.
"""

import ctypes
import os
import struct
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_char, c_char_p, c_int, c_int64,
                    c_longlong, c_short, c_size_t, c_ssize_t, c_uint, c_uint32, c_ulong, c_void_p)
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("HANDFAST_BUILD", ROOT / "build/release"))
OBJECT = BUILD / "libhandfast_packetdrill.so"
RTLD_NODELETE, RTLD_DEEPBIND = 0x1000, 0x8
PACKET_MAX = 65536


class PollFd(Structure):
    _fields_ = [("fd", c_int), ("events", c_short), ("revents", c_short)]


class EpollEvent(Structure):
    _pack_ = 1
    _fields_ = [("events", c_uint32), ("data", c_int64)]


class IoVec(Structure):
    _fields_ = [("base", c_void_p), ("length", c_size_t)]


class MessageHeader(Structure):
    _fields_ = [("name", c_void_p), ("name_length", c_uint32), ("iov", POINTER(IoVec)),
                ("iov_length", c_size_t), ("control", c_void_p), ("control_length", c_size_t),
                ("flags", c_int)]


class TimeVal(Structure):
    _fields_ = [("seconds", c_int64), ("microseconds", c_int64)]


def _call(result, *arguments):
    return CFUNCTYPE(result, c_void_p, *arguments, use_errno=True)


_length = POINTER(c_uint32)
# The table, in its order. The third argument of fcntl and ioctl is variadic there; on the machines
# that we run on it is passed like any other.
SLOTS = [
    ("userdata", c_void_p),
    ("free", _call(None)),
    ("socket", _call(c_int, c_int, c_int, c_int)),
    ("bind", _call(c_int, c_int, c_void_p, c_uint32)),
    ("listen", _call(c_int, c_int, c_int)),
    ("accept", _call(c_int, c_int, c_void_p, _length)),
    ("connect", _call(c_int, c_int, c_void_p, c_uint32)),
    ("read", _call(c_ssize_t, c_int, c_void_p, c_size_t)),
    ("readv", _call(c_ssize_t, c_int, c_void_p, c_int)),
    ("recv", _call(c_ssize_t, c_int, c_void_p, c_size_t, c_int)),
    ("recvfrom", _call(c_ssize_t, c_int, c_void_p, c_size_t, c_int, c_void_p, _length)),
    ("recvmsg", _call(c_ssize_t, c_int, c_void_p, c_int)),
    ("write", _call(c_ssize_t, c_int, c_char_p, c_size_t)),
    ("writev", _call(c_ssize_t, c_int, c_void_p, c_int)),
    ("send", _call(c_ssize_t, c_int, c_char_p, c_size_t, c_int)),
    ("sendto", _call(c_ssize_t, c_int, c_char_p, c_size_t, c_int, c_void_p, c_uint32)),
    ("sendmsg", _call(c_ssize_t, c_int, c_void_p, c_int)),
    ("fcntl", _call(c_int, c_int, c_int, c_int)),
    ("ioctl", _call(c_int, c_int, c_ulong, POINTER(c_int))),
    ("close", _call(c_int, c_int)),
    ("shutdown", _call(c_int, c_int, c_int)),
    ("getsockopt", _call(c_int, c_int, c_int, c_int, c_void_p, _length)),
    ("setsockopt", _call(c_int, c_int, c_int, c_int, c_void_p, c_uint32)),
    ("poll", _call(c_int, c_void_p, c_ulong, c_int)),
    ("netdev_send", _call(c_int, c_char_p, c_size_t)),
    ("netdev_receive", _call(c_int, c_void_p, POINTER(c_size_t), POINTER(c_longlong))),
    ("usleep", _call(c_int, c_uint)),
    ("gettimeofday", _call(c_int, POINTER(TimeVal), c_void_p)),
    ("epoll_create", _call(c_int, c_int)),
    ("epoll_ctl", _call(c_int, c_int, c_int, c_int, POINTER(EpollEvent))),
    ("epoll_wait", _call(c_int, c_int, c_void_p, c_int, c_int)),
    ("pipe", _call(c_int, POINTER(c_int))),
    ("splice", _call(c_int, c_int, c_void_p, c_int, c_void_p, c_size_t, c_uint)),
]


class Table(Structure):
    _fields_ = SLOTS


def load(path=None):
    """The object, with the flags that packetdrill uses."""
    mode = os.RTLD_NOW | os.RTLD_LOCAL | RTLD_NODELETE | RTLD_DEEPBIND
    return ctypes.CDLL(str(path or OBJECT), mode=mode, use_errno=True)


def socket_address(family, address, port):
    """A sockaddr as the C library has it; `address` is packed."""
    if len(address) == 4 and family == 2:
        return struct.pack("=H", 2) + struct.pack("!H4s8x", port, address)
    if len(address) == 4:
        address = b"\0" * 10 + b"\xff\xff" + address
    return struct.pack("=H", 10) + struct.pack("!HI16sI", port, 0, address, 0)


def address_of(sockaddr):
    """(family, packed address, port) of a sockaddr; an IPv4-mapped address as it is."""
    family = struct.unpack_from("=H", sockaddr)[0]
    port = struct.unpack_from("!H", sockaddr, 2)[0]
    return family, sockaddr[4:8] if family == 2 else sockaddr[8:24], port


class Stack:
    """One instance. `free()` ends it, whatever is still open."""

    def __init__(self, flags=None, path=None, library=None):
        self.table = Table()
        init = (library or load(path)).packetdrill_interface_init
        init.restype, init.argtypes = None, [c_char_p, POINTER(Table)]
        init(flags.encode() if flags is not None else None, byref(self.table))
        self._slots = {name: getattr(self.table, name) for name, _ in SLOTS}

    def _invoke(self, slot, *arguments):
        ctypes.set_errno(0)
        status = self._slots[slot](self.table.userdata, *arguments)
        if status is not None and status < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return status

    def __getattr__(self, name):
        """Calls whose arguments are plain numbers."""
        if name.startswith("_") or name not in self._slots:
            raise AttributeError(name)
        return lambda *arguments: self._invoke(name, *arguments)

    # Time and packets.

    def now(self):
        """Microseconds. Each look moves the clock by one, as packetdrill needs it."""
        out = TimeVal()
        self._invoke("gettimeofday", byref(out), None)
        return out.seconds * 1_000_000 + out.microseconds

    def sleep_until(self, time):
        left = time - self.now()
        while left > 0:
            self._invoke("usleep", min(left, 1_000_000_000))
            left = time - self.now()

    def deliver(self, packet):
        self._invoke("netdev_send", packet, len(packet))

    def next_sent(self):
        """(packet, the time when it left), or None where none will ever come."""
        buffer, size = (c_char * PACKET_MAX)(), c_size_t(PACKET_MAX)
        time = c_longlong()
        self._invoke("netdev_receive", buffer, byref(size), byref(time))
        return (bytes(buffer[:size.value]), time.value) if size.value else None

    # Calls that need memory.

    def bind(self, fd, address):
        return self._invoke("bind", fd, address, len(address))

    def connect(self, fd, address):
        return self._invoke("connect", fd, address, len(address))

    def accept(self, fd):
        """(descriptor, sockaddr of the peer)"""
        out, length = (c_char * 128)(), c_uint32(128)
        status = self._invoke("accept", fd, out, byref(length))
        return status, bytes(out[:length.value])

    def read(self, fd, size):
        out = (c_char * max(size, 1))()
        return bytes(out[:self._invoke("read", fd, out, size)])

    def recv(self, fd, size, flags):
        """(what the call returned, the bytes in the buffer): they differ by MSG_TRUNC."""
        out = (c_char * max(size, 1))()
        status = self._invoke("recv", fd, out, size, flags)
        return status, bytes(out[:min(status, size)])

    def recvfrom(self, fd, size, flags):
        out, name, length = (c_char * max(size, 1))(), (c_char * 128)(), c_uint32(128)
        status = self._invoke("recvfrom", fd, out, size, flags, name, byref(length))
        return status, bytes(out[:min(status, size)]), bytes(name[:length.value])

    @staticmethod
    def _pieces(buffers):
        pieces = (IoVec * max(len(buffers), 1))()
        for piece, buffer in zip(pieces, buffers):
            piece.base, piece.length = ctypes.addressof(buffer), len(buffer)
        return pieces

    def readv(self, fd, sizes):
        buffers = [(c_char * size)() for size in sizes]
        status = self._invoke("readv", fd, self._pieces(buffers), len(sizes))
        return b"".join(bytes(b) for b in buffers)[:status]

    def recvmsg(self, fd, sizes, flags):
        """(status, bytes, flags of the message, control bytes)"""
        buffers = [(c_char * size)() for size in sizes]
        name, control = (c_char * 128)(), (c_char * 512)()
        message = MessageHeader(ctypes.addressof(name), 128, self._pieces(buffers), len(sizes),
                                ctypes.addressof(control), 512, 0)
        status = self._invoke("recvmsg", fd, byref(message), flags)
        text = b"".join(bytes(b) for b in buffers)[:status]
        return status, text, message.flags, bytes(control[:message.control_length])

    def writev(self, fd, texts):
        buffers = [(c_char * len(text)).from_buffer_copy(text) for text in texts]
        return self._invoke("writev", fd, self._pieces(buffers), len(texts))

    def sendmsg(self, fd, texts, flags, address=None):
        buffers = [(c_char * len(text)).from_buffer_copy(text) for text in texts]
        name = None if address is None else (c_char * len(address)).from_buffer_copy(address)
        message = MessageHeader(None if name is None else ctypes.addressof(name),
                                0 if name is None else len(address), self._pieces(buffers),
                                len(texts), None, 0, 0)
        return self._invoke("sendmsg", fd, byref(message), flags)

    def sendto(self, fd, text, flags, address=None):
        length = 0 if address is None else len(address)
        return self._invoke("sendto", fd, text, len(text), flags, address, length)

    def ioctl(self, fd, request, value):
        """(status, the number after the call)"""
        number = c_int(value)
        return self._invoke("ioctl", fd, request, byref(number)), number.value

    def fcntl(self, fd, command, argument=0):
        return self._invoke("fcntl", fd, command, argument)

    def getsockopt(self, fd, level, name, size):
        out, length = (c_char * max(size, 1))(), c_uint32(size)
        self._invoke("getsockopt", fd, level, name, out, byref(length))
        return bytes(out[:length.value])

    def setsockopt(self, fd, level, name, value):
        return self._invoke("setsockopt", fd, level, name, value, len(value))

    def poll(self, wanted, timeout):
        """`wanted` is (fd, events) …; gives (status, revents of each)."""
        all_of_them = (PollFd * max(len(wanted), 1))(*(PollFd(fd, e, -1) for fd, e in wanted))
        status = self._invoke("poll", all_of_them, len(wanted), timeout)
        return status, [one.revents for one in all_of_them[:len(wanted)]]

    def epoll_ctl(self, epoll, operation, fd, events, data):
        return self._invoke("epoll_ctl", epoll, operation, fd, byref(EpollEvent(events, data)))

    def epoll_wait(self, epoll, events_max, timeout):
        """(events, data) of each that is ready."""
        out = (EpollEvent * events_max)()
        status = self._invoke("epoll_wait", epoll, out, events_max, timeout)
        return [(event.events, event.data) for event in out[:status]]

    def pipe(self):
        ends = (c_int * 2)()
        self._invoke("pipe", ends)
        return tuple(ends)

    def splice(self, source, sink, size, flags):
        return self._invoke("splice", source, None, sink, None, size, flags)
