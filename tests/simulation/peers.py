"""The ICCP peers: clients that connect, a server, and what they say to each other.

A *talk* is one association: each side has a stream of MMS PDUs for the other, sends it in pieces of any size, and
checks every byte that arrives. A side that has said all finishes its direction.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from tests.inspector import vectors
from tests.simulation.network import CLIENT_NET, SERVER_NET, VIRTUAL, Network
from tests.simulation.segment import ACK, RST, SYN, Endpoint, Segment
from tests.simulation.tcp import CLOSED, OPEN, RETRY_S, Tcb

if TYPE_CHECKING:
    from tests.simulation.checks import Checks
    from tests.simulation.plan import Plan

PORT = 102
SERVICE = (VIRTUAL[CLIENT_NET], PORT)
SERVER = ("172.16.200.177", PORT)
CLIENTS = "10.1.100.50"
BUFFER = 64 * 1024
READ_MAX = 65_536
PATIENCE_S = 4.0
"""A client whose talk stands still for so long gives it up and connects anew, if nobody promised that it lives."""
RECONNECT_S = 0.15
CONNECT_LIMIT_S = 1.0

_MARK = "a1b2c3d4"
_TEMPLATES = tuple(
    vectors.data(
        vectors.osi(vectors.report(vectors.variable_list(name), *[vectors.real()] * more, vectors.real(_MARK))), size
    )
    for name, more, size in (
        ("ICC1/DS_1", 0, 65_000),
        ("ICC1/DS_long_name", 3, 65_000),
        ("ICC1/DS_1", 2, 40),
        ("ICC1/DS_big", 120, 65_000),
    )
)
_READ = vectors.data(vectors.osi(vectors.request(vectors.read(vectors.variables("ICC1/A")), 0x55)))
_WEIGHTS = (8, 4, 2, 1)
_TPKT_HEADER = 4
_INVOKED = b"\x02\x01\x55"
_WRITE = vectors.data(
    vectors.osi(vectors.request(vectors.write(vectors.variables("ICC1/A"), vectors.integer(1, 0x85)), 0x55))
)
"""What the policy of guarded sessions denies."""
DENIED = 0.15


def _pdu(random: Random, number: int) -> bytes:
    if random.random() < 0.15:
        return _READ.replace(_INVOKED, b"\x02\x01" + bytes((number % 100,)))
    (template,) = random.choices(_TEMPLATES, _WEIGHTS)
    return template.replace(bytes.fromhex(_MARK), number.to_bytes(4, "big"))


class Stream:
    """What one side says in a talk: `octets`, of which the other hears what `passed`, and `errors` come back."""

    def __init__(self, random: Random, number: int, pdus: int, denied: float) -> None:
        first = _TEMPLATES[0].replace(bytes.fromhex(_MARK), number.to_bytes(4, "big"))
        told, passed, self.errors = [first], [first], []
        for at in range(1, pdus):
            if random.random() < denied:
                told.append(_WRITE.replace(_INVOKED, b"\x02\x01" + bytes((at % 100,))))
                passed.append(b"")
                self.errors.append(vectors.denied(at % 100))
            else:
                told.append(_pdu(random, at))
                passed.append(told[-1])
        self.octets = b"".join(told)
        self.ends = list(accumulate(map(len, told)))
        self.passed = b"".join(passed)
        self._passed_ends = list(accumulate(map(len, passed)))
        self.said = 0
        """Bytes given to the sender's TCP."""
        self.heard = 0

    def decided(self, octets: int) -> int:
        """How many whole PDUs so many bytes hold."""
        return bisect_right(self.ends, octets)

    @property
    def all_heard(self) -> bool:
        return self.heard == len(self.passed)

    def passing(self, octets: int) -> int:
        """How many bytes may have gone on when so many were said."""
        whole = self.decided(octets)
        return self._passed_ends[whole - 1] if whole else 0

    def boundary(self, octets: int) -> int:
        """The end of the last whole PDU among so many bytes."""
        whole = self.decided(octets)
        return self.ends[whole - 1] if whole else 0


def number_of(octets: bytes) -> int | None:
    """Which talk a server's new connection belongs to, by its first PDU."""
    head = _TEMPLATES[0]
    if len(octets) < len(head):
        return None
    return int.from_bytes(octets[len(head) - 4 : len(head)], "big")


class PeerHost:
    """A peers' machine on one of the data networks."""

    def __init__(self, network: Network, net: str, on_syn: Callable[[PeerHost, Segment], None] | None) -> None:
        self.network = network
        self.world = network.world
        self.net = net
        self.tcbs: dict[tuple[Endpoint, Endpoint], Tcb] = {}
        self._on_syn = on_syn
        self._zero = self.world.random.getrandbits(20)
        network.hosts[net] = self

    def emit(self, tcb: Tcb, segment: Segment) -> None:
        self.network.from_peer(self.net, segment, tcb.backoff_s > RETRY_S or bool(segment.flags & SYN))

    def arrive(self, segment: Segment) -> None:
        tcb = self.tcbs.get((segment.target, segment.source))
        if tcb is not None:
            tcb.hear(segment)
        elif segment.flags & (SYN | ACK | RST) == SYN and self._on_syn is not None:
            self._on_syn(self, segment)
        elif not segment.flags & RST:
            reset = Segment(segment.target, segment.source, RST, segment.ack, 0, b"", 0, 0)
            self.network.from_peer(self.net, reset, False)

    def opened(self, tcb: Tcb) -> None:
        tcb.owner.opened()

    def changed(self, tcb: Tcb) -> None:
        if tcb.owner is not None:
            tcb.owner.changed()

    def over(self, tcb: Tcb) -> None:
        self.tcbs.pop((tcb.local, tcb.remote), None)

    def stamp_ms(self) -> int:
        return self._zero + int(self.world.now * 1000)


class Side:
    """One side of a talk: its connection, what it says, what it hears."""

    def __init__(self, peers: Peers, tcb: Tcb, talk: Talk | None, leg: int) -> None:
        self.peers = peers
        self.tcb = tcb
        self.talk = talk
        self.leg = leg
        self.first = 0
        """Sequence number of the other's first byte."""
        self.deaf = False
        self._early = bytearray()
        self._due = False
        tcb.owner = self

    def opened(self) -> None:
        self.first = self.tcb.rcv_nxt
        if self.talk is not None:
            self.talk.established = True
            self._say_soon()

    def changed(self) -> None:
        if self.tcb.orphan:
            return
        if not self.deaf:
            self.read()
        if self.tcb.state != CLOSED and self.talk is not None and not self._due:
            self._say_soon()

    def hear_again(self) -> None:
        """It was deaf for a while."""
        self.deaf = False
        self.changed()

    def read(self) -> None:
        while True:
            try:
                data = self.tcb.read(READ_MAX)
            except BlockingIOError:
                return
            except OSError as error:
                self._broken(str(error))
                return
            if not data:
                self._ended()
                return
            self._heard(data)

    def _heard(self, data: bytes) -> None:
        if self.talk is None:
            self._early += data
            number = number_of(self._early)
            if number is None:
                return
            self.talk = self.peers.known(number, self)
            data = bytes(self._early)
        self.talk.heard(self.leg, data)
        if not self._due:
            self._say_soon()

    def _ended(self) -> None:
        talk = self.talk
        if self.tcb.fin_received and talk is not None:
            talk.ended(self.leg)

    def _broken(self, why: str) -> None:
        if self.talk is not None:
            self.talk.broken(self.leg, why)

    def _say_soon(self) -> None:
        self._due = True
        self.peers.world.after(self.peers.pause_s(), self._say)

    def _say(self) -> None:
        self._due = False
        talk, tcb = self.talk, self.tcb
        if talk is None or tcb.state != OPEN or talk.over:
            return
        stream = talk.streams[self.leg]
        if stream.said < len(stream.octets):
            size = self.peers.piece(stream)
            stream.said += tcb.send(stream.octets[stream.said : stream.said + size])
            self._say_soon()
        elif not tcb.fin_wanted and (self.leg == 0 or talk.heard_end[1]):
            tcb.finish()
        if tcb.fin_wanted and tcb.fin_received:
            tcb.close()


class Talk:
    """An association, by its number."""

    def __init__(self, peers: Peers, number: int, pdus: tuple[int, int]) -> None:
        self.peers = peers
        self.number = number
        random = peers.world.random
        self.streams = (Stream(random, number, pdus[0], peers.denied), Stream(random, number, pdus[1], 0.0))
        """What the client says, and the server."""
        self._errors = list(self.streams[0].errors)
        self._unread = bytearray()
        self.sides: list[Side | None] = [None, None]
        self.heard_end = [False, False]
        """By the leg that hears it."""
        self.established = False
        self.may_break = False
        self.over = self.given_up = False
        self.moved_s = peers.world.now
        """When a byte last arrived."""

    def heard(self, leg: int, data: bytes) -> None:
        if self.given_up:
            return
        self.moved_s = self.peers.world.now
        if leg == 0 and self.streams[0].errors:
            self._unread += data
            while len(self._unread) >= _TPKT_HEADER:
                length = int.from_bytes(self._unread[2:4], "big")
                if len(self._unread) < length:
                    break
                self._heard_by_client(bytes(self._unread[:length]))
                del self._unread[:length]
        else:
            self._heard(leg, data)

    def _heard_by_client(self, tpkt: bytes) -> None:
        """What the server said, or the error to what was denied next."""
        if self._errors and tpkt == self._errors[0]:
            del self._errors[0]
        else:
            self._heard(0, tpkt)

    def _heard(self, leg: int, data: bytes) -> None:
        stream = self.streams[1 - leg]
        if stream.passed[stream.heard : stream.heard + len(data)] != data:
            self.peers.checks.wrong_bytes(self, leg, stream.heard)
        stream.heard += len(data)

    def ended(self, leg: int) -> None:
        if self.heard_end[leg]:
            return
        self.heard_end[leg] = True
        stream = self.streams[1 - leg]
        if not stream.all_heard:
            self.peers.checks.cut_short(self, leg)
        if all(self.heard_end):
            self.over = True
            self.peers.done(self)

    @property
    def whole(self) -> bool:
        """Whether both sides have heard all."""
        return all(stream.all_heard for stream in self.streams) and not self._errors

    @property
    def acknowledged(self) -> bool:
        """Whether any byte of it was ever acknowledged to a peer."""
        return any(side is not None and self.streams[side.leg].said > len(side.tcb.outgoing) for side in self.sides)

    def broken(self, leg: int, why: str) -> None:
        """A side's connection was reset."""
        if self.over:
            return
        if self.established:
            self.peers.checks.broken(self, leg, why)
        self.give_up()

    def give_up(self) -> None:
        self.over = self.given_up = True
        for side in self.sides:
            if side is not None:
                side.tcb.reset()
        self.peers.again()


class Peers:
    """All talks. `busy`: new ones begin as old ones end."""

    def __init__(self, network: Network, checks: Checks, plan: Plan) -> None:
        self.network = network
        self.world = network.world
        self.checks = checks
        self.talks: dict[int, Talk] = {}
        self.busy = True
        self._length = plan.length
        self._hurry = plan.hurry
        self.denied = DENIED if plan.guarded else 0.0
        self._client = PeerHost(network, CLIENT_NET, None)
        self._server = PeerHost(network, SERVER_NET, self._admit)
        for at in range(plan.talks):
            self.world.after(0.6 + 0.1 * at, self.begin)

    def pause_s(self) -> float:
        """Between two pieces."""
        random = self.world.random.random()
        if self._hurry:
            return 0.01 * random
        return 0.0001 if random < 0.2 else 0.16 * random

    def piece(self, stream: Stream) -> int:
        """How much is said at once: PDUs, or some bytes."""
        random = self.world.random
        if self._hurry:
            return random.randrange(1, 4000)
        if random.random() < 0.6:
            return stream.boundary(stream.said + random.choice((200, 200, 3000))) - stream.said or 40
        return random.randrange(1, 120)

    def begin(self) -> None:
        """A client connects."""
        if not self.busy:
            return
        world = self.world
        number = world.number()
        count = (world.random.randint(2, self._length), world.random.randint(2, self._length))
        talk = self.talks[number] = Talk(self, number, count)
        local = (CLIENTS, 20_000 + len(self.talks))
        tcb = Tcb(self._client, local, SERVICE, world.random.getrandbits(32), BUFFER)
        self._client.tcbs[local, SERVICE] = tcb
        talk.sides[0] = Side(self, tcb, talk, 0)
        tcb.connect()
        world.after(CONNECT_LIMIT_S, self._look_after, talk)

    def _look_after(self, talk: Talk) -> None:
        """Give up what does not come about, or stands still without anybody having promised that it lives."""
        if talk.over:
            return
        still_s = self.world.now - talk.moved_s
        if not talk.established or (talk.may_break and still_s > PATIENCE_S):
            talk.give_up()
            return
        self.world.after(CONNECT_LIMIT_S, self._look_after, talk)

    def again(self) -> None:
        self.world.after(RECONNECT_S, self.begin)

    def done(self, talk: Talk) -> None:
        """A talk has come to its end."""
        self.world.after(0.05, self.begin)

    def _admit(self, host: PeerHost, syn: Segment) -> None:
        tcb = Tcb(host, syn.target, syn.source, self.world.random.getrandbits(32), BUFFER)
        host.tcbs[tcb.local, tcb.remote] = tcb
        Side(self, tcb, None, 1)
        tcb.answer(syn)

    def known(self, number: int, side: Side) -> Talk:
        talk = self.talks[number]
        earlier = talk.sides[1]
        talk.sides[1] = side
        if earlier is not None and earlier is not side:
            self.checks.second_server(talk)
            if talk.given_up:
                earlier.tcb.reset()
        return talk

    @property
    def open(self) -> list[Talk]:
        """Those that have begun and not ended."""
        return [talk for talk in self.talks.values() if not talk.over]
