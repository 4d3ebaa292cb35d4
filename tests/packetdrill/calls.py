"""The system calls of the scripts: a line to a call of the stack, and its outcome judged."""

import struct
from types import SimpleNamespace

from loader import address_of, socket_address
from script import ANY, Address

IPPROTO_TCP, TCP_INFO = 6, 11
PORT = 8080
# struct tcp_info of linux/tcp.h up to tcpi_delivered_ce, as Linux documents it.
INFO = [(name, "B") for name in ("state", "ca_state", "retransmits", "probes", "backoff", "options",
                                 "wscales", "flags")]
INFO += [(name, "I") for name in (
    "rto", "ato", "snd_mss", "rcv_mss", "unacked", "sacked", "lost", "retrans", "fackets",
    "last_data_sent", "last_ack_sent", "last_data_recv", "last_ack_recv", "pmtu", "rcv_ssthresh",
    "rtt", "rttvar", "snd_ssthresh", "snd_cwnd", "advmss", "reordering", "rcv_rtt", "rcv_space",
    "total_retrans")]
INFO += [(name, "Q") for name in ("pacing_rate", "max_pacing_rate", "bytes_acked",
                                  "bytes_received")]
INFO += [(name, "I") for name in ("segs_out", "segs_in", "notsent_bytes", "min_rtt",
                                  "data_segs_in", "data_segs_out")]
INFO += [(name, "Q") for name in ("delivery_rate", "busy_time", "rwnd_limited", "sndbuf_limited")]
INFO += [(name, "I") for name in ("delivered", "delivered_ce")]


class Unlike(Exception):
    """An outcome that is not the script's."""


def pattern(start, length, inbound):
    """The stream's bytes from number `start` on: each tells where it belongs, and whose it is."""
    step = 7 if inbound else 11
    return bytes((step * i + i // 251) & 0xff for i in range(start, start + length))


class Outcome:
    """What a call gave: its result or error, and checks of what it wrote that are still to make."""

    def __init__(self, result, error=None, wrong=None):
        self.result, self.error, self.wrong = result, error, wrong

    def __str__(self):
        return f"-1 {self.error.strerror}" if self.error else str(self.result)


class Calls:
    def __init__(self, runner):
        self.runner = runner
        self.stack = runner.stack
        self.live = {}  # the script's descriptor: the stack's
        self.written = {}  # the script's descriptor: number of the next byte of its stream
        self.taken = {}
        self.info = {}

    # Lines.

    def make(self, call):
        """Makes the call; an Outcome."""
        method = getattr(self, "do_" + call.name, None)
        if method is None:
            return Outcome(None, wrong=f"nobody knows the call {call.name}")
        try:
            outcome = method(call, *call.arguments)
        except OSError as error:
            return Outcome(-1, error)
        except Unlike as why:
            return Outcome(None, wrong=str(why))
        return outcome if isinstance(outcome, Outcome) else Outcome(outcome)

    def judge(self, call, outcome):
        if outcome.wrong:
            raise Unlike(outcome.wrong)
        if outcome.error is not None:
            if call.error != outcome.error.errno:
                raise Unlike(f"the call gave {outcome}")
        elif call.error is not None or (call.result is not ANY and call.result != outcome.result):
            raise Unlike(f"the call gave {outcome}")

    def check(self, code):
        """Python statements over tcp_info (tcpi_…), of the descriptor that info(fd) names."""
        def info(fd):
            text = self.stack.getsockopt(self.fd(fd), IPPROTO_TCP, TCP_INFO, 280)
            values = struct.unpack_from("=" + "".join(kind for _, kind in INFO), text)
            return SimpleNamespace(**{f"tcpi_{name}": value for (name, _), value in zip(INFO, values)})
        try:
            exec(code, {"info": info})  # scripts are ours, as this file is
        except AssertionError as why:
            raise Unlike(f"not so: {why}") from None
        except AttributeError as why:
            raise Unlike(str(why)) from None

    # Helpers.

    def fd(self, number):
        return self.live.get(number, 99_999) if number >= 0 else number

    def address(self, given, place):
        family = self.runner.family
        given = Address(place, PORT) if given is ANY else given
        return socket_address(family.domain, family.place(given.place), given.port)

    def name(self, call, live):
        """The script's name of a new descriptor is the number that it expects."""
        if not isinstance(call.result, int) or call.result < 0:
            raise Unlike(f"the call gave a descriptor, and not {call.result}")
        if call.result in self.live:
            raise Unlike(f"{call.result} is in use")
        self.live[call.result] = live
        self.written[call.result] = self.taken[call.result] = 1
        return call.result

    def check_peer(self, sockaddr):
        family, address, port = address_of(sockaddr)
        known = [flow for flow in self.runner.flows.values() if flow.remote_port == port]
        if not known or not self.runner.family.is_remote(family, address):
            raise Unlike(f"the peer's address: family {family}, {address.hex()}, port {port}")

    def took(self, fd, text, advance=True, given=ANY):
        """Bytes of the stream must be those that follow."""
        start = self.taken.get(fd, 1)
        wanted = pattern(start, len(text), True) if given is ANY else given
        if text != wanted:
            raise Unlike(f"{len(text)} bytes that are not those at {start} of the stream")
        if advance:
            self.taken[fd] = start + len(text)
        return len(text)

    def text(self, fd, given, size):
        return pattern(self.written.get(fd, 1), size, False) if given is ANY else given[:size]

    def wrote(self, fd, count):
        self.written[fd] = self.written.get(fd, 1) + count
        return count

    # Opening and closing.

    def do_socket(self, call, domain, kind, protocol):
        domain = self.runner.family.domain if domain is ANY else domain
        return self.name(call, self.stack.socket(domain, kind, 0 if protocol is ANY else protocol))

    def do_bind(self, _, fd, address, _length=ANY):
        return self.stack.bind(self.fd(fd), self.address(address, "local"))

    def do_listen(self, _, fd, backlog):
        return self.stack.listen(self.fd(fd), backlog)

    def do_accept(self, call, fd, *_):
        live, peer = self.stack.accept(self.fd(fd))
        self.check_peer(peer)
        return self.name(call, live)

    def do_connect(self, _, fd, address, _length=ANY):
        return self.stack.connect(self.fd(fd), self.address(address, "remote"))

    def do_shutdown(self, _, fd, how):
        return self.stack.shutdown(self.fd(fd), how)

    def do_close(self, _, fd):
        status = self.stack.close(self.fd(fd))
        self.live.pop(fd, None)
        return status

    # Moving bytes.

    def do_read(self, _, fd, given, size):
        return self.took(fd, self.stack.read(self.fd(fd), size), given=given)

    def do_recv(self, _, fd, given, size, flags):
        status, text = self.stack.recv(self.fd(fd), size, flags)
        return self.received(fd, status, text, flags, given)

    def received(self, fd, status, text, flags, given=ANY):
        if flags & 0x20:  # MSG_TRUNC throws bytes of a stream away
            self.taken[fd] += status
        elif flags & 1:  # urgent data is out of line
            pass
        else:
            self.took(fd, text, advance=not flags & 2, given=given)
        return status

    def do_recvfrom(self, _, fd, given, size, flags, peer, _length=ANY):
        status, text, sockaddr = self.stack.recvfrom(self.fd(fd), size, flags)
        if peer is ANY and sockaddr:
            self.check_peer(sockaddr)
            # A datagram begins anew.
            if text != pattern(0, len(text), True):
                raise Unlike("other bytes")
            return status
        return self.received(fd, status, text, flags, given)

    def do_readv(self, _, fd, sizes, _count=ANY):
        return self.took(fd, self.stack.readv(self.fd(fd), sizes))

    def do_recvmsg(self, _, fd, message, flags):
        status, text, flags_out, _ = self.stack.recvmsg(self.fd(fd), message["iov"], flags)
        if "flags" in message and message["flags"] != flags_out:
            raise Unlike(f"msg_flags are {flags_out:#x}")
        return self.received(fd, status, text, flags)

    def do_write(self, _, fd, given, size):
        return self.wrote(fd, self.stack.write(self.fd(fd), self.text(fd, given, size), size))

    def do_writev(self, _, fd, sizes, _count=ANY):
        return self.wrote(fd, self.stack.writev(self.fd(fd), self.pieces(fd, sizes)))

    def pieces(self, fd, sizes):
        text, pieces = self.text(fd, ANY, sum(sizes)), []
        for size in sizes:
            pieces.append(text[:size])
            text = text[size:]
        return pieces

    def do_send(self, _, fd, given, size, flags):
        text = self.text(fd, given, size)
        return self.wrote(fd, self.stack.send(self.fd(fd), text, size, flags))

    def do_sendto(self, _, fd, _given, size, flags, address, _length=ANY):
        if address is None:
            return self.wrote(fd, self.stack.sendto(self.fd(fd), self.text(fd, ANY, size), flags))
        target = self.address(address, "remote")
        is_stream = flags & 0x20000000
        text = pattern(self.written.get(fd, 1) if is_stream else 0, size, False)
        status = self.stack.sendto(self.fd(fd), text, flags, target)
        return self.wrote(fd, status) if is_stream else status

    def do_sendmsg(self, _, fd, message, flags):
        return self.wrote(fd, self.stack.sendmsg(self.fd(fd), self.pieces(fd, message["iov"]),
                                                 flags))

    def do_pipe(self, call, ends):
        for number, live in zip(ends, self.stack.pipe()):
            self.live[number] = live
            self.written[number] = self.taken[number] = 1
        return call.result

    def do_splice(self, _, source, _from, sink, _into, size, flags):
        return self.stack.splice(self.fd(source), self.fd(sink), size, flags)

    # Settings.

    def do_fcntl(self, _, fd, command, argument=0):
        return self.stack.fcntl(self.fd(fd), command, argument)

    def do_ioctl(self, _, fd, request, numbers):
        status, number = self.stack.ioctl(self.fd(fd), request,
                                          0 if numbers[0] is ANY else numbers[0])
        if numbers[0] is not ANY and number != numbers[0]:
            raise Unlike(f"the number is {number}")
        return status

    @staticmethod
    def option_bytes(value):
        """[1] is an int; {onoff=1, linger=2} and {sec=1, usec=2} are structs; text is text."""
        if isinstance(value, dict):
            numbers = list(value.values())
            return struct.pack("=ii" if "onoff" in value else "=qq", *numbers)
        return value if isinstance(value, bytes) else struct.pack("=i", value[0])

    def do_setsockopt(self, _, fd, level, name, value, _length=ANY):
        return self.stack.setsockopt(self.fd(fd), level, name, self.option_bytes(value))

    def do_getsockopt(self, _, fd, level, name, value, _length=ANY):
        is_any = value is ANY or (isinstance(value, list) and value[0] is ANY)
        wanted = b"" if is_any else self.option_bytes(value)
        text = self.stack.getsockopt(self.fd(fd), level, name, max(len(wanted), 16))
        if isinstance(value, bytes):
            text = text.rstrip(b"\0")
        if not is_any and text != wanted:
            shown = struct.unpack("=i", text)[0] if len(text) == 4 else text
            raise Unlike(f"the option is {shown}")
        return 0

    # Waiting.

    def do_poll(self, _, wanted, _count, timeout):
        status, seen = self.stack.poll([(self.fd(w["fd"]), w["events"]) for w in wanted], timeout)
        for one, revents in zip(wanted, seen):
            if "revents" in one and one["revents"] is not ANY and one["revents"] != revents:
                raise Unlike(f"revents of {one['fd']} are {revents:#x}")
        return status

    def do_epoll_create(self, call, size):
        return self.name(call, self.stack.epoll_create(size))

    def do_epoll_ctl(self, _, epoll, operation, fd, event=None):
        event = event or {"events": 0}
        return self.stack.epoll_ctl(self.fd(epoll), operation, self.fd(fd), event["events"],
                                    event.get("fd", fd))

    def do_epoll_wait(self, _, epoll, wanted, events_max, timeout):
        seen = self.stack.epoll_wait(self.fd(epoll), events_max, timeout)
        wanted = [wanted] if isinstance(wanted, dict) else wanted
        if wanted is not ANY:
            for one, (events, data) in zip(wanted, seen):
                if (one["events"], one.get("fd", data)) != (events, data):
                    raise Unlike(f"the event is {events:#x} of {data}")
        return len(seen)
