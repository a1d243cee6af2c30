"""The primary's side of replication: tells the passive every step, lets acknowledgements go when it answers, and the
bytes of guarded sessions.

    no passive     SOLO       acknowledge at once
    passive joins  SYNCING    dump session after session; each is gated from its dump on
    all dumped     IN_SYNC    an acknowledgement waits for the passive's commit
    stream lost    WAITING    acknowledgements are held: the passive may still take over with what it has
    too long       DEGRADING  "solo" is in every heartbeat, until the passive says "stale" or is not heard
                   SOLO

What is said of acknowledgements holds for the bytes of guarded sessions too. The last two steps are rule I6: what
the passive does not hold is acknowledged only when the passive can no longer take over with the older state. With
`standby_loss: hold` a lost stream stays WAITING until it is back.

"Too long" counts from when the oldest acknowledgement began to wait, whatever came between: a stream lost, a stream
back that brings no commit. A passive that is heard and still too slow is let in again only after RESTS times that
wait, so that it costs the primary a small share of its time at most. What is in flight is bounded by `max_lag_kib`; a
sync takes half of that and waits for commits, and whatever exceeds it ends the stream: the passive syncs anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum

from node.channel import Channel
from node.config import Config
from node.log import get
from node.relay import Gating, Mark, Relay, Waiter
from protocol import messages
from protocol.errors import MessageError
from protocol.journal import Journal
from protocol.messages import Message

BATCH_BYTES_MAX = 256 * 1024
SYNC_BURST_SESSIONS = 16
"""Sessions dumped in one turn of the event loop during a sync."""
RESTS = 10
SHARED_EVERY_S = 1.0
"""State that all sessions share is told no more often than this."""

log = get("replicator")


class Standing(Enum):
    """How the primary stands to its standby."""

    SOLO = "solo"
    SYNCING = "syncing"
    IN_SYNC = "in-sync"
    WAITING = "waiting"
    DEGRADING = "degrading"


class Replicator:
    """Publisher for all relays of the active node."""

    def __init__(
        self,
        config: Config,
        relays: dict[int, Relay],
        counters: Counter[str],
        clock_s: Callable[[], float],
        call_soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self.standing = Standing.SOLO
        self.journal: Journal[Waiter] = Journal()
        self.on_change: Callable[[], None] = lambda: None
        self.on_committed: Callable[[float], None] = lambda _delay_s: None
        """Hears how long the passive node took to hold a frame."""
        self.shared: Callable[[], bytes | None] = lambda: None
        """State that all sessions share, packed, if it changed since this was last called."""
        self.shared_whole: Callable[[], bytes | None] = lambda: None
        """The same whether it changed or not; None if there is none."""
        self.may_go_solo: Callable[[], bool] = lambda: True
        """Whether a passive that is not heard could not take over with what it holds."""
        self._prepared = False
        self._prepare_frame = -1
        self._policy = config.cluster.standby_loss
        self._lost_s = config.cluster.heartbeat.lost_s
        self._gone_s = config.cluster.heartbeat.gone_s
        self._lag_bytes_max = config.cluster.max_lag_bytes
        self._relays = relays
        self._counters = counters
        self._clock_s = clock_s
        self._call_soon = call_soon
        self._channel: Channel | None = None
        self._version = messages.VERSION
        self._batch: list[Message] = []
        self._batch_bytes = 0
        self._marks: list[Mark] = []
        self._flush_due = False
        self._sync_rest: list[int] = []
        self._sync_frame = -1
        self._waiting_since_s: float | None = None
        """When the oldest acknowledgement that waits for more than its commit began to."""
        self._rests_until_s = float("-inf")
        self._was_solo = True
        self._asked = 0
        self._shared_at_s = float("-inf")

    # --- what relays tell

    def publish(self, relay: Relay, message: Message, marks: Sequence[Mark]) -> None:
        """Tell the passive; who waits hears when it holds that, at once when there is none to wait for."""
        if relay.gating is Gating.STREAMED:
            self._append(message, marks)
        elif relay.gating is Gating.SOLO:
            if isinstance(message, messages.Opened) and self._channel is not None:
                self._dump(relay, message)  # a new session joins a running stream
            elif isinstance(message, messages.Opened) and self.standing in (Standing.WAITING, Standing.DEGRADING):
                relay.gating = Gating.HELD  # the passive may still take over, and would know nothing of it
            else:
                for waiter, position in marks:
                    waiter(position)

    def _append(self, message: Message, marks: Sequence[Mark] = ()) -> None:
        self._batch.append(message)
        self._batch_bytes += messages.size((message,))
        self._marks += marks
        if self._batch_bytes >= BATCH_BYTES_MAX:
            self.flush()
        elif not self._flush_due:
            self._flush_due = True
            self._call_soon(self.flush)

    def flush(self) -> None:
        """Send what has gathered as one frame."""
        self._flush_due = False
        if self._channel is None or not self._batch:
            return
        payload = messages.pack(self._batch, self._version)
        frame = self._channel.send(payload)
        self.journal.sent(frame, len(payload), self._marks, self._clock_s())
        self._batch, self._marks, self._batch_bytes = [], [], 0
        if self.journal.outstanding_bytes > self._lag_bytes_max:
            self._give_up("the passive node lags too far behind", rest=False)

    # --- the stream

    def rests_s(self) -> float:
        """For how long yet no passive is let in: it was too slow."""
        return max(self._rests_until_s - self._clock_s(), 0.0)

    def joined(self, channel: Channel, version: int = messages.VERSION) -> None:
        """A passive node that reads messages of `version` has opened a stream: dump everything, session by session."""
        if self._channel is not None:
            self._note_waiting()
            self._channel.close("replaced by a new stream")
            self._detach()
        if self._policy.policy == "hold" and self._waiting_since_s is not None:
            self._waiting_since_s = self._clock_s()
        self._channel = channel
        self._version = version
        self.journal = Journal()
        self._counters["syncs"] += 1
        self._sync_frame = -1
        self._append(messages.SyncBegin(discard=self._was_solo))
        self._tell_shared(self.shared_whole())
        self._sync_rest = list(self._relays)
        self._change(Standing.SYNCING)
        self._sync_step()

    def _sync_step(self) -> None:
        if self._channel is None or self.standing is not Standing.SYNCING or self._sync_frame >= 0:
            return
        for _ in range(SYNC_BURST_SESSIONS):
            if not self._sync_rest or self._crowded:
                break
            relay = self._relays.get(self._sync_rest.pop())
            if relay is not None and not relay.closed and relay.gating is not Gating.STREAMED:
                self._dump(relay, messages.Opened(relay.record()))
        if self._sync_rest:
            self.flush()
            if not self._crowded:  # else a commit goes on with it
                self._call_soon(self._sync_step)
            return
        self._append(messages.SyncEnd())
        self.flush()
        self._sync_frame = self.journal.sent_frame

    @property
    def _crowded(self) -> bool:
        """As much is in flight as a sync may have."""
        return self.journal.outstanding_bytes + self._batch_bytes > self._lag_bytes_max // 2

    def _dump(self, relay: Relay, opened: messages.Opened) -> None:
        """The session as a whole; once the passive holds it, all taken so far may be acknowledged, all made leave."""
        relay.gating = Gating.STREAMED
        self._append(opened, relay.marks())

    def share(self) -> None:
        """Tell the state that all sessions share at once, if it changed."""
        if self._channel is not None:
            self._tell_shared(self.shared())

    def _tell_shared(self, state: bytes | None) -> None:
        if state is None:
            return
        self._shared_at_s = self._clock_s()
        if len(state) > messages.SHARED_BYTES_MAX:
            self._counters["shared_state_too_large"] += 1
            return
        self._append(messages.Shared(state))

    def frames(self, channel: Channel, payloads: list[bytes], _last: int) -> None:
        """What the passive answers; raises MessageError on anything but commits and that it is prepared."""
        for payload in payloads:
            for message in messages.unpack(payload):
                if not isinstance(message, messages.Commit | messages.Prepared):
                    raise MessageError("unexpected", type(message).__name__)
                if channel is not self._channel:
                    continue
                if isinstance(message, messages.Commit):
                    self._committed(message.frame)
                else:
                    self._prepared = True

    def _committed(self, frame: int) -> None:
        if frame > self.journal.sent_frame:
            raise MessageError("unsent-frame", f"{frame}, the last sent is {self.journal.sent_frame}")
        was_crowded = self._crowded
        if frame > self.journal.committed_frame:
            self.on_committed(self.journal.lag_s(self._clock_s()))
        for waiter, position in self.journal.committed(frame).items():
            waiter(position)
        if self.standing is not Standing.SYNCING:
            return
        if self._waiting_since_s is not None:
            self._waiting_since_s = self._clock_s()  # it makes its way
        if was_crowded and self._sync_rest:
            self._call_soon(self._sync_step)
        if 0 <= self._sync_frame <= frame:
            self._was_solo = False
            self._waiting_since_s = None
            self._change(Standing.IN_SYNC)

    def lost(self, channel: Channel, reason: str) -> None:
        """The stream is gone."""
        if channel is not self._channel:
            return
        log.warning("replication stream lost", reason=reason)
        self._counters["stream_losses"] += 1
        self._note_waiting()
        self._detach()
        self._change(Standing.WAITING)

    def _note_waiting(self) -> None:
        """What is in flight will not be committed: it waits for another stream, and has waited since it was sent."""
        if self._waiting_since_s is None:
            now_s = self._clock_s()
            self._waiting_since_s = now_s - self.journal.lag_s(now_s)

    def _detach(self) -> None:
        self._channel = None
        self._batch, self._marks, self._batch_bytes = [], [], 0
        for relay in self._relays.values():
            if relay.gating is Gating.STREAMED:
                relay.gating = Gating.HELD

    def close(self, reason: str) -> None:
        """The node stops being primary."""
        if self._channel is not None:
            self._channel.close(reason)
            self._detach()

    # --- without a passive

    def peer_gone(self) -> None:
        """The passive is known to be dead, its cache with it: nothing is left to wait for."""
        if self._channel is not None:
            self._channel.close("the passive node died")
            self._detach()
        if self._policy.policy == "degrade" and self.standing is not Standing.SOLO:
            self._go_solo("the passive node died")
        elif self.standing is not Standing.SOLO:
            self._change(Standing.WAITING)

    def tick(self, peer_stale: bool, peer_heard_s: float | None) -> None:
        """Look at the clock: `peer_stale` is the passive's own word, which lets us go solo; `peer_heard_s` is when it
        was last heard."""
        now_s = self._clock_s()
        heard_ago_s = float("inf") if peer_heard_s is None else now_s - peer_heard_s
        silent = heard_ago_s > self._gone_s
        if self._channel is not None and silent:
            self._channel.close("the passive node is not heard")
        elif self._channel is not None and self._waited_s(now_s) > self._policy.after_s:
            itself = self.journal.lag_s(now_s) > self._policy.after_s  # not the streams before it
            self._give_up("the passive node does not commit in time", rest=itself and heard_ago_s < self._lost_s)
        if self._channel is not None and now_s - self._shared_at_s >= SHARED_EVERY_S:
            self._tell_shared(self.shared())
        if self.standing is Standing.WAITING and self._policy.policy == "degrade":
            if self._waited_s(now_s) >= self._policy.after_s:
                self._change(Standing.DEGRADING)
        elif self.standing is Standing.DEGRADING:
            if peer_stale:
                self._go_solo("the passive node knows that its cache is stale")
            elif silent and self.may_go_solo():
                self._go_solo("the passive node is not heard")

    def _waited_s(self, now_s: float) -> float:
        """How long the oldest acknowledgement has waited."""
        longest_s = self.journal.lag_s(now_s) if self._channel is not None else 0.0
        return longest_s if self._waiting_since_s is None else max(longest_s, now_s - self._waiting_since_s)

    def _give_up(self, why: str, *, rest: bool) -> None:
        """The passive is too slow; with `rest` it shall not hold up the primary again so soon."""
        assert self._channel is not None, "somebody who is too slow"
        self._counters["standby_too_slow"] += 1
        if rest and self._policy.policy == "degrade":
            self._rests_until_s = self._clock_s() + RESTS * self._policy.after_s
        self._channel.close(why)

    def _go_solo(self, why: str) -> None:
        log.warning("solo: acknowledging without a passive node", why=why)
        self._was_solo = True
        self._waiting_since_s = None
        self._change(Standing.SOLO)
        for relay in list(self._relays.values()):
            relay.gating = Gating.SOLO
            relay.commit_all()

    @property
    def question(self) -> int:
        """The number of the wish to go solo, as long as there is one: a passive's answer to another is none to this."""
        return self._asked if self.standing is Standing.DEGRADING else 0

    def _change(self, standing: Standing) -> None:
        if standing is not self.standing:
            self.standing = standing
            self._asked += standing is Standing.DEGRADING
            log.info("replication", standing=standing.value)
            self.on_change()

    # --- planned switchover

    def prepare(self) -> None:
        """Have the passive bring up what it can before it takes over; `prepared` says when that is done."""
        self._prepared = False
        self._append(messages.Prepare())
        self.flush()
        self._prepare_frame = self.journal.sent_frame

    @property
    def prepared(self) -> bool:
        """The passive has brought up all that it could; one of the release before only learns what all is."""
        if messages.understood(messages.Prepare, self._version):
            return self._prepared
        return self.journal.committed_frame >= self._prepare_frame

    def hand_over(self, epoch: int) -> None:
        """The last word on the stream: take over now."""
        self._tell_shared(self.shared())
        self._append(messages.Handover(epoch))
        self.flush()

    @property
    def all_committed(self) -> bool:
        """Nothing waits for the passive."""
        return not self._batch and self.journal.committed_frame == self.journal.sent_frame

    @property
    def channel(self) -> Channel | None:
        """The stream, if one stands."""
        return self._channel
