"""The passive's side of replication: follows the primary's stream, keeps the cache, answers with commits.

The stream runs over the live link of the highest priority. It moves to the next when that link falls silent, and back
when a better one has been heard for a while: a link that failed once is not what the next failure shall find it on.
What is in the cache when a stream ends stays usable until the primary says that it went solo; a new sync replaces it
session by session.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from node.channel import Channel
from node.config import Link
from node.decoder import KeptDecoder
from node.log import get
from protocol import messages
from protocol.cache import SessionCache
from protocol.errors import ProtocolError

CONNECT_TIMEOUT_S = 1.0
RETRY_S = 0.1
BETTER_AFTER_S = 5.0
"""For so long a link must have been the best before a stream that stands moves to it: each move is a sync."""

log = get("standby")


class Standby:
    """Follows the primary while this node is passive."""

    def __init__(
        self,
        open_channel: Callable[[Link], Awaitable[Channel]],
        sessions_max: int,
        stream_lost_s: float,
        counters: Counter[str],
        clock_s: Callable[[], float],
    ) -> None:
        self.cache = SessionCache(KeptDecoder, sessions_max)
        self.on_change: Callable[[], None] = lambda: None
        self.on_handover: Callable[[int], None] = lambda _epoch: None
        self.on_prepare: Callable[[], None] = lambda: None
        """The primary is about to hand over: prepared() is to follow."""
        self.stale = True
        self._asked = self._answered = (0, 0)
        """In which life of the primary, and which question."""
        self.channel: Channel | None = None
        self._open_channel = open_channel
        self._stream_lost_s = stream_lost_s
        self._counters = counters
        self._clock_s = clock_s
        self._attempt: asyncio.Task[None] | None = None
        self._retry_at_s = 0.0
        self._opened_at_s = 0.0
        self._best: Link | None = None
        self._best_since_s = 0.0

    @property
    def in_sync(self) -> bool:
        """The cache holds all that the primary has acknowledged, and a stream keeps it so."""
        return self.channel is not None and self.cache.in_sync

    @property
    def usable(self) -> bool:
        """The cache can be taken over with, even if the stream has just ended."""
        return self.cache.in_sync and not self.stale

    def follow(self, live: list[Link]) -> None:
        """Keep a stream to the primary over the best of its live links; called at every heartbeat."""
        if self.channel is not None and self.channel.link not in live:
            self.channel.close("its link is silent")
            return
        wanted = self._wanted(live[0] if live else None)
        if wanted is not None and self._attempt is None and self._clock_s() >= self._retry_at_s:
            self._attempt = asyncio.get_running_loop().create_task(self._connect(wanted))

    def _wanted(self, best: Link | None) -> Link | None:
        """The link to open a stream on, if one is to be opened."""
        if best is not self._best:
            self._best, self._best_since_s = best, self._clock_s()
        if self.channel is None:
            return best if self._answered == self._asked else None
        settled = self._clock_s() >= self._best_since_s + BETTER_AFTER_S
        return best if settled and best is not self.channel.link else None

    async def _connect(self, link: Link) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._open_channel(link)
        except (OSError, TimeoutError, ProtocolError) as error:
            self._counters["stream_failures"] += 1
            log.debug("no replication stream", link=link.name, error=str(error) or type(error).__name__)
            self._retry_at_s = self._clock_s() + RETRY_S
            self._best_since_s = self._clock_s()
        finally:
            self._attempt = None

    def opened(self, channel: Channel) -> Standby:
        """A stream stands; the primary begins to dump."""
        before, self.channel = self.channel, channel
        if before is not None:
            before.close("a better link is back")
        self._opened_at_s = self._clock_s()
        self._counters["streams_opened"] += 1
        return self

    def frames(self, channel: Channel, payloads: list[bytes], last: int) -> None:
        """Frames from the primary, the last of them number `last`; raises ProtocolError to end the stream."""
        if channel is not self.channel:
            return
        was_in_sync = self.cache.in_sync
        orders = [order for payload in payloads for order in self.cache.apply(messages.unpack(payload))]
        channel.send(messages.pack((messages.Commit(last),)))
        if self.cache.in_sync != was_in_sync:
            self.stale = self.stale and not self.cache.in_sync
            log.info("session cache", in_sync=self.cache.in_sync, sessions=len(self.cache.sessions))
            self.on_change()
        for order in orders:
            if isinstance(order, messages.Handover):
                self.on_handover(order.epoch)
            else:
                self._best_since_s = self._clock_s()  # no move while it hands over
                self.on_prepare()

    def prepared(self) -> None:
        """Tell the primary that all stands ready for it to hand over."""
        if self.channel is not None:
            self.channel.send(messages.pack((messages.Prepared(),)))

    def lost(self, channel: Channel, reason: str) -> None:
        """The stream is gone; the cache stays."""
        if channel is self.channel:
            self.channel = None
            self._retry_at_s = self._clock_s() + RETRY_S
            self._counters["stream_losses"] += 1
            tell = log.warning if self.cache.in_sync else log.debug  # a node that is not ready yet refuses
            tell("replication stream lost", reason=reason)
            self.on_change()

    def primary_says(self, *, stream: bool, solo: bool, asked: tuple[int, int] = (0, 0)) -> None:
        """What its heartbeat tells: whether it has a stream to us, and whether it acknowledges without us, so that what
        we hold grows stale, or `asked` (in which life, which question) whether it may."""
        under_way = self.channel is not None or self._attempt is not None
        if self.channel is not None:
            if stream or self._clock_s() - self._opened_at_s <= self._stream_lost_s:
                return
            self.channel.close("the primary does not know this stream")  # what ended it there never came here
        if solo and not self.stale:
            log.warning("session cache is stale", forgotten=self.cache.discard())
            self.stale = True
            self.on_change()
        self._asked = asked if solo and asked[1] else self._answered
        if not under_way:
            self._answered = self._asked

    def answer_to(self, life: int) -> int:
        """The latest question that the primary asked in this life, with the cache stale and no stream under way that
        could change that; or 0."""
        asked_in, question = self._answered
        return question if asked_in == life else 0

    def close(self, reason: str) -> None:
        """Follow nobody any more."""
        if self._attempt is not None:
            self._attempt.cancel()
        if self.channel is not None:
            self.channel.close(reason)
            self.channel = None
