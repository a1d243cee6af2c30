"""A session on the active node: two ends, the inspector between them, and what the passive is told of it.

bytes from a peer -> inspector -> the other end (at once, unless the session is guarded)
                  -> the replication stream -> commit -> acknowledgement to the peer
                                                      -> the other end, of a guarded session
                                                      -> back to the peer, an error instead of what is denied
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from inspector import Direction, Result, Stack
from node import clock
from node.arrivals import Arrivals
from node.end import End
from node.kernel.acks import AckSender
from node.turns import Turns
from protocol import messages
from protocol.messages import Message
from protocol.session import CLIENT, SERVER, Session

SETTLE_POLL_S = 0.02
SETTLE_LIMIT_S = 10.0


class Gating(Enum):
    """What an acknowledgement of a session's bytes waits for; and, if it is guarded, what the bytes wait for."""

    SOLO = "solo"
    """Nothing: there is no passive node to tell."""
    HELD = "held"
    """The stream to come back, or the node to go solo."""
    STREAMED = "streamed"
    """The passive's commit."""


Waiter = Callable[[int], None]
"""Hears that the passive holds a position; positions only grow."""
Mark = tuple[Waiter, int]


class Publisher(Protocol):
    """Where a relay tells what it did."""

    def publish(self, relay: Relay, message: Message, marks: Sequence[Mark]) -> None:
        """Tell the passive; who waits hears when it is safe, at once if there is no passive to wait for."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every relay of a node shares."""

    loop: asyncio.AbstractEventLoop
    turns: Turns
    arrivals: Arrivals
    publisher: Publisher
    acks: AckSender | None
    buffer_bytes: int
    clock_s: Callable[[], float]
    on_result: Callable[[Relay, Result], None]
    on_closed: Callable[[Relay, str], None]
    on_fault: Callable[[Relay, Exception], None]
    on_relayed: Callable[[float], None] = lambda _delay_s: None
    """Hears how long bytes took from being read to being written, or to waiting for the passive node."""
    on_opened: Callable[[Relay], None] = lambda _relay: None
    """Both connections stand and the passive node holds them."""


class Relay:
    """A proxied session. Its server end is missing while the server is being connected."""

    def __init__(self, session: Session, stack: Stack, around: Surroundings, idle_timeout_s: float) -> None:
        self.session = session
        self.stack = stack
        self.ends: list[End | None] = [None, None]
        self.gating = Gating.SOLO
        self.closed = False
        self.closing = False
        self.uninspected = 0
        """Pieces of traffic forwarded without a decoder's verdict (on_undecodable: pass)."""
        self.denied = 0
        """TSDUs that the policy took out, on this node."""
        self.loop = around.loop
        self.arrivals = around.arrivals
        self.idle_timeout_s = idle_timeout_s
        self.last_active_s = around.clock_s()
        self.rates = [0.0, 0.0]
        """Bytes per second received from each leg's peer, over the last sweep."""
        self.level = True
        """No peer can have more than this node sent it. Until that is sure nothing is taken out: the dead node may have
        forwarded it, and what a peer has cannot be taken back."""
        self._relaying = False
        self._around = around
        self._ready: asyncio.Future[None] | None = None
        self._settle_until_s = 0.0
        self._unguarding = False
        """The rules deny nothing any more, and the passive does not know it yet."""
        self._unguardings = 0

    # --- opening

    def attach(self, end: End) -> None:
        """The leg's socket stands."""
        self.ends[end.number] = end

    def judged_anew(self) -> None:
        """The inspector goes by other rules from here on: the passive must know what that changes, before it shows."""
        if self.stack.guarded:
            self.guard()
        elif self.session.guarded:
            self.unguard()
        else:
            self.announce()

    def guard(self) -> None:
        """From now on verdicts may depend on more than the bytes: nothing made later leaves before both hold it."""
        if not self.session.guarded:
            for end in self.standing():
                end.release_all()
            self.session.guarded = True
        self._unguarding = False
        self.announce()

    def unguard(self) -> None:
        """Verdicts follow from the bytes alone again. What is made leaves at once as soon as the passive knows that."""
        self._unguarding = True
        self._unguardings += 1
        self.announce()

    def _unguarded(self, number: int) -> None:
        if not self._unguarding or number < self._unguardings or self.closed:
            return
        self._unguarding, self.session.guarded = False, False
        for end in self.standing():
            end.flush()

    def announce(self) -> None:
        """Tell the passive of the session as it is now, whole."""
        self._publish(messages.Opened(self.record()), self.marks())

    async def replicated(self) -> None:
        """Tell the passive of the session and wait until it holds it: no byte moves before that."""
        self._ready = self.loop.create_future()
        self.announce()
        await self._ready

    def committed(self, legs: int) -> None:
        """The passive holds the session with so many legs."""
        if legs == len(self.ends) and self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def marks(self) -> list[Mark]:
        """Who waits for the session as it is now, whole."""
        ends = self.standing()
        released = [mark for end in ends for mark in self._release(end)]
        unguarding = [(self._unguarded, self._unguardings)] if self._unguarding else []
        held = [(end.committed, end.leg.position) for end in ends]
        return [*held, *released, *unguarding, (self.committed, len(ends))]

    def record(self) -> list[object]:
        """The session as the passive needs it, up to date."""
        for end in self.standing():
            end.refresh()
        return self.session.to_wire(guarded=self.session.guarded and not self._unguarding)

    def start(self) -> None:
        """Relay in both directions."""
        self._relaying = True
        for end in self.standing():
            end.start_reading()

    def freeze(self) -> None:
        """Read no more: the session moves."""
        for end in self.standing():
            end.stop_reading()
        self._relaying = False

    def revive(self) -> None:
        """Relay again after a takeover, sockets restored and addresses announced."""
        for end in self.standing():
            if self.closed:
                return  # the other end's peer has reset its connection meanwhile
            other = self.session.legs[1 - end.number]
            end.revive(finish=other is not None and other.ended)
        if self.session.complete:
            self.start()
        self._close_when_settled()

    def catch_up(self, buffer_bytes: int) -> int:
        """Go on from where the peers are, if they are ahead; how many were."""
        caught = 0
        for end in self.standing():
            try:
                caught += end.catch_up(buffer_bytes)
            except Exception as error:
                self.failed(error)
                return caught
        if caught:
            self.announce()
        return caught

    # --- relaying

    def taken(self, end: End, data: bytes) -> None:
        """Bytes from a peer: inspect, forward what may pass, tell the passive."""
        began_s = self._around.clock_s()
        other = self._other(end)
        acknowledged = other.acknowledged()
        other.leg.acknowledge(acknowledged)
        was_ignored = self.stack.ignored
        self.stack.seen_all(self.level or not end.ahead)
        result = self.stack.feed(Direction(end.number), data, int(clock.wall_s() * 1000))
        edits = result.edits if self.level and not (end.leg.ahead or other.leg.ahead) else ()
        passed, returned = self.session.receive(end.number, data, result.forward, edits)
        self.denied += len(edits)
        self.uninspected += self.stack.ignored and bool(passed)
        if passed:
            other.write(passed)
        if returned:
            end.write(returned)
        self.last_active_s = self._around.clock_s()
        if passed:
            self._around.on_relayed(self.last_active_s - began_s)
        if self.closed:
            return
        told = messages.Data(
            self.session.id, end.number, data, result.forward, acknowledged, self.stack.take_delta(), edits
        )
        self._publish(told, [(end.committed, end.leg.position), *self._release(other), *self._release(end)])
        self._around.on_result(self, result)
        if result.reset:
            self.abort(_reason(result))
        elif self.stack.ignored and not was_ignored and other.leg.held:
            self.taken(other, b"")  # what was held the other way may leave as well

    def ended(self, end: End) -> None:
        """A peer has finished sending; the other one is told so after the last byte."""
        other = self._other(end)
        self.session.end(end.number)
        other.finish()
        self._publish(
            messages.Ended(self.session.id, end.number), [(end.committed, end.leg.position), *self._release(other)]
        )
        self._close_when_settled()

    def _release(self, end: End) -> list[Mark]:
        """What is due to an end's peer now waits, in a guarded session, for the passive to hold it."""
        return [(end.release, end.due)] if self.session.guarded else []

    def broken(self, end: End, error: OSError) -> None:
        """A peer has reset its connection, or it failed: the other one learns it the same way."""
        self.abort(f"{'server' if end.number else 'client'} connection: {error.strerror or error}")

    def failed(self, error: Exception) -> None:
        """A fault of this program: it costs this session, and no other."""
        self._around.on_fault(self, error)
        self.abort("internal error")

    def crowded(self, end: End) -> None:
        """An end's peer does not take its bytes: stop reading what would be added to them."""
        if end.unsent > self._around.buffer_bytes:
            for source in self._opposite(end):
                source.stop_reading()

    def relieved(self, end: End) -> None:
        """An end has room again."""
        if self._relaying and not self.closing:
            for source in self._opposite(end):
                if all(sink.unsent * 2 < self._around.buffer_bytes for sink in self._opposite(source)):
                    source.start_reading()

    def _opposite(self, end: End) -> list[End]:
        """The ends whose peers' bytes are added to what is due at this one, and the other way round: in a guarded
        session each end's own are among them, for errors go back."""
        return [it for it in self.standing() if it is not end or self.session.guarded]

    def send_ack(self, packet: bytes, end: End) -> None:
        """Send the acknowledgement that the gate held back."""
        if self._around.acks is not None:
            self._around.acks.send(packet, end.peer_host)

    def progress(self) -> None:
        """Tell the passive the slow-moving facts that changed; also trims what peers acknowledged in silence."""
        for end in self.standing():
            if end.refresh():
                facts = messages.Progress(self.session.id, end.number, end.leg.acknowledged, *end.leg.packets)
                self._publish(facts, ())

    def commit_all(self) -> None:
        """Everything taken so far may be acknowledged, everything made may leave: the node goes solo."""
        for waiter, position in self.marks():
            waiter(position)

    # --- the end

    def abort(self, reason: str) -> None:
        """Reset both connections."""
        if not self.closed:
            for end in self.standing():
                end.reset()
            self._closed(reason)

    def vanish(self) -> None:
        """Leave both connections to the other node, silently."""
        self.closed = True
        for end in self.standing():
            end.vanish()
        if self._ready is not None:
            self._ready.cancel()

    def _close_when_settled(self) -> None:
        if self.closing or self.closed or not all(leg is not None and leg.ended for leg in self.session.legs):
            return
        self.closing = True
        self._settle_until_s = self._around.clock_s() + SETTLE_LIMIT_S
        self._settle()

    def _settle(self) -> None:
        if self.closed:
            return
        if not all(end.all_held and (end.released >= end.due or not self.session.guarded) for end in self.standing()):
            self._settle_until_s = self._around.clock_s() + SETTLE_LIMIT_S  # it is not the peers who are waited for
        if all(end.settled() for end in self.standing()):
            for end in self.standing():
                end.close()
            self._closed("finished")
        elif self._around.clock_s() > self._settle_until_s:
            self.abort("a peer did not acknowledge the end of the session")
        else:
            self.loop.call_later(SETTLE_POLL_S, self._settle)

    def _closed(self, reason: str) -> None:
        self.closed = True
        if self._ready is not None:
            self._ready.cancel()
        self._publish(messages.Closed(self.session.id, reason), ())
        self._around.on_closed(self, reason)

    def _publish(self, message: Message, marks: Sequence[Mark]) -> None:
        self._around.publisher.publish(self, message, marks)

    def _other(self, end: End) -> End:
        other = self.ends[1 - end.number]
        assert other is not None, "bytes move only between two standing ends"
        return other

    def standing(self) -> list[End]:
        return [end for end in self.ends if end is not None]

    @property
    def half_open(self) -> bool:
        """The server has not answered yet."""
        return self.ends[CLIENT] is not None and self.ends[SERVER] is None


def _reason(result: Result) -> str:
    """Why the inspector wants the session reset."""
    ordered = result.quarantine_s or any(pdu.verdict in ("reset", "quarantine") for pdu in result.pdus)
    return "policy" if ordered else "undecodable traffic"
