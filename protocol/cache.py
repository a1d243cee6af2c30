"""The passive node's HA session cache: the sessions of the primary, brought forward by the stream.

What it holds is current, session by session, from the moment the primary dumped a session: from then on the
primary acknowledges nothing that is not in here. A sync replaces sessions one at a time and removes at its end
those that were not named. Until then the older copies are still good: nothing was acknowledged since that they lack. So
a cache that was in sync stays it, and a primary that dies in mid-sync leaves usable what it had left before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from protocol import messages
from protocol.errors import MessageError
from protocol.messages import Message
from protocol.session import DecoderFactory, Session


class SessionCache:
    """Applies the stream's messages; raises MessageError on what cannot be right, after which only a resync helps."""

    def __init__(self, decoder: DecoderFactory, sessions_max: int) -> None:
        self.sessions: dict[int, Session] = {}
        self.in_sync = False
        self.shared = b""
        """What all sessions share, opaque; empty if the primary has not told."""
        self._decoder = decoder
        self._sessions_max = sessions_max
        self._unnamed: set[int] = set()

    def discard(self) -> int:
        """Forget everything: it is stale. Returns how many sessions are forgotten."""
        forgotten = len(self.sessions)
        self.sessions.clear()
        self._unnamed.clear()
        self.shared = b""
        self.in_sync = False
        return forgotten

    def apply(self, batch: Iterable[Message]) -> list[messages.Order]:
        """Apply a frame's messages in order; returns those among them that are orders to the node."""
        orders: list[messages.Order] = []
        for message in batch:
            if isinstance(message, messages.Order):
                orders.append(message)
                continue
            handler = _HANDLERS.get(type(message))
            if handler is None:
                raise MessageError("unexpected", type(message).__name__)
            try:
                handler(self, message)
            except MessageError:
                self.in_sync = False  # half of it may have been done
                raise
        return orders

    def _session(self, id_: int) -> Session:
        session = self.sessions.get(id_)
        if session is None:
            raise MessageError("unknown-session", f"{id_:010x}")
        return session

    def _sync_begin(self, message: messages.SyncBegin) -> None:
        if message.discard:
            self.discard()
        self._unnamed = set(self.sessions)

    def _sync_end(self, _message: messages.SyncEnd) -> None:
        for id_ in self._unnamed:
            self.sessions.pop(id_, None)
        self._unnamed.clear()
        self.in_sync = True

    def _opened(self, message: messages.Opened) -> None:
        session = Session.from_wire(message.record, self._decoder)
        if session.id not in self.sessions and len(self.sessions) >= self._sessions_max:
            raise MessageError("too-many-sessions", f"more than {self._sessions_max}")
        self.sessions[session.id] = session
        self._unnamed.discard(session.id)

    def _data(self, message: messages.Data) -> None:
        session = self._session(message.session)
        session.leg(1 - message.leg).acknowledge(message.acknowledged)
        session.receive(message.leg, message.data, message.forward, message.edits)
        if message.delta is not None:
            try:
                session.decoder.apply(message.delta)
            except ValueError as error:
                raise MessageError("malformed", f"decoder delta: {error}") from error

    def _ended(self, message: messages.Ended) -> None:
        self._session(message.session).end(message.leg)

    def _progress(self, message: messages.Progress) -> None:
        leg = self._session(message.session).leg(message.leg)
        leg.acknowledge(message.acknowledged)
        leg.packets = (message.packets_in, message.packets_out)

    def _shared(self, message: messages.Shared) -> None:
        if len(message.state) > messages.SHARED_BYTES_MAX:
            raise MessageError("oversized", f"{len(message.state)} bytes of shared state")
        self.shared = message.state

    def _closed(self, message: messages.Closed) -> None:
        self.sessions.pop(message.session, None)


_HANDLERS: dict[type[Any], Callable[[SessionCache, Any], None]] = {
    messages.SyncBegin: SessionCache._sync_begin,
    messages.SyncEnd: SessionCache._sync_end,
    messages.Opened: SessionCache._opened,
    messages.Data: SessionCache._data,
    messages.Ended: SessionCache._ended,
    messages.Progress: SessionCache._progress,
    messages.Closed: SessionCache._closed,
    messages.Shared: SessionCache._shared,
}
