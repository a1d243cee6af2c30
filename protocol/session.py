"""One proxied session, as both nodes hold it.

The primary changes it as bytes arrive; the passive repeats each change from the replication stream. Both run
the same transitions, so after any prefix of the stream the passive's copy equals what the primary had at that
point. A takeover continues with the very object.

A session has two legs: leg 0 to the client, leg 1 to the server. For a leg, *received* counts the bytes that
its peer sent and this cluster answers for, *held* are those among them that the inspector has not decided on,
*sent* counts the bytes due to its peer, and *tail* keeps the end of these that the peer has not acknowledged:
exactly what a new primary must send again. An edit takes decided bytes out; what the node made up instead goes
on in their place, or back to where they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from protocol.errors import MessageError
from protocol.sequence import advance

CLIENT, SERVER = 0, 1
FIELDS_OF_VERSION_1 = 8

Edit = tuple[int, int, bytes, bytes]
"""Start and stop of decided bytes that do not go on, counted from the head of those held; what goes on instead of
them; what goes back to whoever sent them."""


class DecoderState(Protocol):
    """The inspector's state as replication carries it: opaque, brought forward by opaque deltas."""

    def apply(self, delta: bytes) -> None:
        """Bring the state forward; raises ValueError when `delta` does not fit."""

    def pack(self) -> bytes:
        """The whole state."""


@dataclass(slots=True)
class Leg:
    """One TCP connection of a session, in this cluster's terms."""

    connection: list[Any]
    """What the kernel needs to restore the socket; opaque here."""
    receive_base: int
    """Sequence number of the first byte that the peer sent (its ISN + 1)."""
    send_base: int
    """Sequence number of the first byte sent to the peer (our ISN + 1)."""
    received: int = 0
    ended: bool = False
    """The peer's FIN has been taken."""
    acknowledged: int = 0
    """How many of the bytes sent the peer is known to have acknowledged."""
    held: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    ahead: int = 0
    """Bytes still to be made that the peer has already, of a node that died before it told of them. Such bytes are
    the same on every node, so these are not sent again."""
    packets: tuple[int, int] = (0, 0)
    """Packets received and sent in earlier terms and up to the last progress report."""

    @property
    def sent(self) -> int:
        """Bytes due to the peer since the connection opened."""
        return self.acknowledged + len(self.tail)

    @property
    def position(self) -> int:
        """What may be acknowledged once it is held twice: the bytes received, and the FIN as one more."""
        return self.received + self.ended

    @property
    def receive_sequence(self) -> int:
        """The acknowledgement number that stands for `position`."""
        return advance(self.receive_base, self.position)

    @property
    def send_sequence(self) -> int:
        """The sequence number of the first unacknowledged byte."""
        return advance(self.send_base, self.acknowledged)

    def owe(self, data: bytes) -> bytes:
        """`data` is due to the peer; returns what it does not have already."""
        if self.ahead:
            skipped = min(self.ahead, len(data))
            self.ahead -= skipped
            data = data[skipped:]
        self.tail += data
        return data

    def acknowledge(self, total: int) -> None:
        """The peer has acknowledged `total` bytes; older news changes nothing."""
        fresh = min(total - self.acknowledged, len(self.tail))
        if fresh > 0:
            del self.tail[:fresh]
            self.acknowledged += fresh

    def leap(self, total: int) -> None:
        """The peer turns out to have `total` bytes, more than were ever due to it by what this node knows."""
        assert total >= self.sent, "a leap goes forward"
        self.ahead += total - self.sent
        self.acknowledged = total
        self.tail.clear()

    def to_wire(self) -> list[Any]:
        """The leg as a msgpack-able list."""
        return [
            self.connection,
            self.receive_base,
            self.send_base,
            self.received,
            self.ended,
            self.acknowledged,
            bytes(self.held),
            bytes(self.tail),
            self.ahead,
            self.packets[0],
            self.packets[1],
        ]

    @classmethod
    def from_wire(cls, value: list[Any]) -> Leg:
        """The inverse of `to_wire`; raises MessageError."""
        match value:
            case [
                list(connection),
                int(receive_base),
                int(send_base),
                int(received),
                bool(ended),
                int(acknowledged),
                bytes(held),
                bytes(tail),
                int(ahead),
                int(packets_in),
                int(packets_out),
            ]:
                return cls(
                    connection,
                    receive_base,
                    send_base,
                    received,
                    ended,
                    acknowledged,
                    bytearray(held),
                    bytearray(tail),
                    ahead,
                    (packets_in, packets_out),
                )
        raise MessageError("malformed", "a leg of a session record")


@dataclass(slots=True)
class Session:
    """Both legs and what belongs to them jointly; `legs[1]` is None until the server has answered."""

    id: int
    service: str
    client: str
    server: str
    opened_s: float
    """Wall clock at which the client connected, seconds since 1970; for display only."""
    legs: list[Leg | None]
    decoder: DecoderState
    resumed: int = 0
    """How many takeovers the session has lived through."""
    guarded: bool = False
    """Verdicts may depend on more than the bytes: none acts, and so no byte leaves, before the passive holds it."""
    steps: int = 0
    """How often it has been brought forward on this node."""

    @property
    def serial(self) -> str:
        """The session's name in lists and logs, the same on both nodes."""
        return f"{self.id:010x}"

    @property
    def complete(self) -> bool:
        """Both connections stand."""
        return self.legs[SERVER] is not None

    def leg(self, number: int) -> Leg:
        """The leg, which must stand; raises MessageError otherwise."""
        leg = self.legs[number] if 0 <= number < len(self.legs) else None
        if leg is None:
            raise MessageError("no-such-leg", f"session {self.serial} has no leg {number}")
        return leg

    def receive(self, number: int, data: bytes, forward: int, edits: Sequence[Edit] = ()) -> tuple[bytes, bytes]:
        """Take `data` from a leg's peer; the first `forward` bytes of what is held now are decided.

        They go to the other leg, but for what `edits` take out. Returns what is to be sent there, and what is to be
        sent back: nothing once the other leg has ended, for this peer then gets a FIN. Raises MessageError, and
        changes nothing, when `forward` exceeds what is held or the edits are not ordered spans of that.
        """
        origin, target = self.leg(number), self.leg(1 - number)
        held = len(origin.held) + len(data)
        if not 0 <= forward <= held:
            raise MessageError("bad-forward", f"{forward} of {held} bytes held")
        _check(edits, forward)
        self.steps += 1
        origin.received += len(data)
        if not origin.held and forward == held:
            decided = data
        else:
            origin.held += data
            decided = bytes(origin.held[:forward])
            del origin.held[:forward]
        passed, returned = _apply(edits, decided) if edits else (decided, b"")
        return target.owe(passed), b"" if target.ended else origin.owe(returned)

    def end(self, number: int) -> None:
        """The leg's peer has finished sending. What is held of an unfinished PDU will never be decided on."""
        self.steps += 1
        leg = self.leg(number)
        leg.ended = True
        leg.held.clear()

    def to_wire(self, *, guarded: bool | None = None) -> list[Any]:
        """The session as a msgpack-able list, decoder state included; `guarded` as it is about to be."""
        return [
            self.id,
            self.service,
            self.client,
            self.server,
            self.opened_s,
            self.resumed,
            [None if leg is None else leg.to_wire() for leg in self.legs],
            self.decoder.pack(),
            self.guarded if guarded is None else guarded,
        ]

    @classmethod
    def from_wire(cls, value: Any, decoder: DecoderFactory) -> Session:
        """The inverse of `to_wire`; raises MessageError. A record of the first version does not say `guarded`."""
        if isinstance(value, list) and len(value) == FIELDS_OF_VERSION_1:
            value = [*value, False]
        match value:
            case [
                int(id_),
                str(service),
                str(client),
                str(server),
                float(opened_s),
                int(resumed),
                [list(first), list() | None as second],
                bytes(state),
                bool(guarded),
            ]:
                legs = [Leg.from_wire(first), None if second is None else Leg.from_wire(second)]
                try:
                    return cls(id_, service, client, server, opened_s, legs, decoder(state), resumed, guarded)
                except ValueError as error:
                    raise MessageError("malformed", f"decoder state: {error}") from error
        raise MessageError("malformed", "a session record")


def _check(edits: Sequence[Edit], forward: int) -> None:
    at = 0
    for start, stop, _, _ in edits:
        if not at <= start <= stop <= forward:
            raise MessageError("bad-edits", f"{start} to {stop}, after {at} and up to {forward}")
        at = stop


def _apply(edits: Sequence[Edit], decided: bytes) -> tuple[bytes, bytes]:
    """What goes on and what goes back."""
    passed, returned, at = bytearray(), bytearray(), 0
    for start, stop, instead, back in edits:
        passed += decided[at:start]
        passed += instead
        returned += back
        at = stop
    passed += decided[at:]
    return bytes(passed), bytes(returned)


DecoderFactory = Callable[[bytes], DecoderState]
"""Makes decoder state of its packed form; raises ValueError when it is not understood."""
