"""The witness: one record in a third place, without which neither node may be active; and how a node deals with it.

The record (Claim) names its *holder*. The witness offers two things: a read that shows the latest record, and a
write that is done only if the record is still at the revision that was seen (etcd: linearizable reads, and
transactions that compare the key's mod_revision).

W1. A node speaks only while it has *proof*: an answer that showed it as the unchallenged holder. Proof lasts
    lease_s from the clock as read before the question was sent; the kernel's lease never goes beyond it.
W2. Whoever wants a record that another holds *challenges* first: it writes a mark into it. An answer with the mark
    is proof for nobody. A holder that lives takes the mark away, which makes a new revision.
W3. A record that still stands challenged, at the same revision, lease_s and a margin after it was first seen so,
    may be taken. The holder's proofs were all asked for before the mark was made, hence before it was seen, so they
    are over; and a later proof needs the mark gone, so that the revision differs and the taking is not done. No
    clock is compared with another's: that both run at nearly the same rate for lease_s is what the margin is for.
W4. A holder whose life is known to be over, or to have closed its lease for good, need not be challenged.
W5. Every write names a revision. So it does not matter when a late one arrives, nor whether an answer was lost:
    the next answer shows what is so, and rules W1 to W3 ask for nothing else.

A record that is gone is treated as one of a holder that nobody knows. Thus two nodes never have proof at once,
whatever becomes of the links between them. It rests on the witness's word: a store that is set back to an older
state, or forgets, can be wrong about the proofs of the last lease_s.

A live holder is never ousted: a node cut off from it challenges, is refused, and asks again only after
REFUSED_LEASES. So links that are cut and mended move nothing.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from enum import Enum, auto

from protocol import records
from protocol.errors import MessageError
from protocol.events import AskWitness, Settings, WitnessAnswered, WitnessFailed
from protocol.records import Schema, flag, number, text

ASKS_PER_LEASE = 4
REFUSED_LEASES = 5
"""How many leases a node that was refused waits before it challenges again: each challenge costs two writes."""
NOBODY = "-"
"""In place of a node's name, which never begins like this."""
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Claim:
    """What the witness keeps."""

    node: str
    """The holder, or NOBODY."""
    incarnation: int
    epoch: int
    solo: bool
    """The holder acknowledges, or is about to, what its standby may not have: no cache that lost it is good."""
    challenger: str = NOBODY


EMPTY = Claim(NOBODY, 0, 0, solo=True)
_SCHEMA = Schema(
    "claim",
    1,
    {"node": text(), "incarnation": number(), "epoch": number(), "solo": flag, "challenger": text()},
)


def pack(claim: Claim) -> bytes:
    """The record as the witness keeps it."""
    return records.pack(_SCHEMA, asdict(claim))


def unpack(data: bytes) -> Claim:
    """The record kept; raises MessageError on anything else."""
    return Claim(**records.unpack({_SCHEMA.kind: (_SCHEMA,)}, data)[1])


class Hold(Enum):
    """Whose the record is, as I see it."""

    UNKNOWN = auto()
    """Not seen yet."""
    MINE = auto()
    FREE = auto()
    """Its holder's life is over."""
    OTHERS = auto()


@dataclass(frozen=True, slots=True)
class _Question:
    number: int
    asked_at: float


class Witness:
    """What one node knows of the record in one life. At most one question is open at a time."""

    def __init__(self, settings: Settings, now: float) -> None:
        assert settings.witness_lease_s is not None, "a witness is configured"
        self.lease_s = settings.witness_lease_s
        self.seen: Claim = EMPTY
        self.failure: str | None = None
        """Why the latest question had no answer."""
        self.proved_at = NEVER
        """When the question was asked whose answer is the latest proof."""
        self.answered_at = NEVER
        self.refused_until = NEVER
        self.solo = False
        """What my claim is to say."""
        self.cache_stale = False
        """What the record said of its holder's standby when I took it."""
        self._node, self._incarnation = settings.node, settings.incarnation
        self._margin_s = settings.interval_s
        self._revision: int | None = None
        self._revision_seen_at = NEVER
        self._ended = ("", 0)
        self._wanted = False
        self._epoch = 0
        self._number = 0
        self._open: _Question | None = None
        self._asked_at = now
        self._ask_at = now

    # --- what is known

    @property
    def hold(self) -> Hold:
        """Whose the record is."""
        if self._revision is None:
            return Hold.UNKNOWN
        holder = _life(self.seen)
        if holder == (self._node, self._incarnation):
            return Hold.MINE
        return Hold.FREE if any(_is_over(holder, end) for end in self._ends()) else Hold.OTHERS

    @property
    def proof_ends_at(self) -> float:
        """Until when my latest proof lasts."""
        return self.proved_at + self.lease_s

    def proven(self, now: float) -> bool:
        """Whether I may be active."""
        return now < self.proof_ends_at

    def reachable(self, now: float) -> bool:
        """Whether the witness has answered of late."""
        return now < self.answered_at + self.lease_s / 2

    def refused(self, now: float) -> bool:
        """Whether I want a record whose holder has shown that it lives."""
        return self._wanted and self.hold is Hold.OTHERS and not self._challenged and now < self.refused_until

    def learn_end(self, node: str, incarnation: int) -> None:
        """No life of that node up to this one will ever speak again."""
        if node != self._ended[0] or incarnation > self._ended[1]:
            self._ended = (node, incarnation)

    def _ends(self) -> tuple[tuple[str, int], ...]:
        return self._ended, (self._node, self._incarnation - 1)

    @property
    def _challenged(self) -> bool:
        return self.seen.challenger != NOBODY

    @property
    def _ripe_at(self) -> float:
        return self._revision_seen_at + self.lease_s + self._margin_s

    # --- what I want

    def want(self, epoch: int, now: float) -> None:
        """The record is to be mine, with an epoch of at least this."""
        self._wanted, self._epoch = True, epoch
        self._plan(now)

    def want_no_more(self) -> None:
        """It may be another's."""
        self._wanted = False

    def say_solo(self, solo: bool, now: float) -> None:
        """Have the record say so."""
        self.solo = solo
        self._plan(now)

    # --- questions and answers

    def due(self) -> float:
        """When to ask next; never while a question is open."""
        return float("inf") if self._open is not None else self._ask_at

    def question(self, now: float) -> AskWitness:
        """What to ask now."""
        assert self._open is None, "one at a time"
        self._number += 1
        self._open = _Question(self._number, now)
        self._asked_at = now
        claim = self._to_write(now)
        return AskWitness(self._number, None if claim is None else pack(claim), self._revision or 0)

    def take_in(self, event: WitnessAnswered, now: float) -> bool:
        """An answer; False if it is not to the open question, or no record of ours."""
        question = self._open
        if question is None or question.number != event.number:
            return False
        try:
            claim = EMPTY if event.record is None else unpack(event.record)
        except MessageError as error:
            self.take_failure(WitnessFailed(event.number, f"what it keeps is no record of ours: {error}"), now)
            return False
        self._open, self.failure, self.answered_at = None, None, now
        if event.revision != self._revision:
            self._note(claim, event.revision, now)
        if self.hold is Hold.MINE and not self._challenged:
            self.proved_at = question.asked_at
        self._plan(now)
        return True

    def take_failure(self, event: WitnessFailed, now: float) -> bool:
        """No answer, or one that is no record; False if it is not about the open question."""
        if self._open is None or self._open.number != event.number:
            return False
        self._open, self.failure = None, event.why
        self._ask_at = max(self._asked_at + self.lease_s / ASKS_PER_LEASE, now)
        return True

    def _note(self, claim: Claim, revision: int, now: float) -> None:
        before, was_mine, was_challenged = self.seen, self.hold is Hold.MINE, self._challenged
        self.seen, self._revision, self._revision_seen_at = claim, revision, now
        if self.hold is Hold.MINE and not was_mine:
            self.cache_stale = before.solo
        answers = was_challenged and not self._challenged and _life(claim) == _life(before)
        if answers and self.hold is Hold.OTHERS:
            self.refused_until = now + REFUSED_LEASES * self.lease_s

    def _plan(self, now: float) -> None:
        """When to ask next: at once if there is something to write."""
        self._ask_at = self._asked_at + self.lease_s / ASKS_PER_LEASE
        if self._to_write(now) is not None:
            self._ask_at = now
        elif self._wanted and self.hold is Hold.OTHERS and self._challenged:
            self._ask_at = min(self._ask_at, self._ripe_at)

    def _to_write(self, now: float) -> Claim | None:
        """What the record should be made to say; None to read it."""
        return _WRITES[self.hold](self, now) if self._wanted else None

    def _affirm(self, _now: float) -> Claim | None:
        mine = self._mine(max(self._epoch, self.seen.epoch))
        return None if mine == self.seen else mine

    def _take(self, _now: float) -> Claim | None:
        return self._mine(max(self._epoch, self.seen.epoch) + 1)

    def _oust(self, now: float) -> Claim | None:
        if self._challenged:
            return self._take(now) if now >= self._ripe_at else None
        return replace(self.seen, challenger=self._node) if now >= self.refused_until else None

    def _mine(self, epoch: int) -> Claim:
        return Claim(self._node, self._incarnation, epoch, self.solo)


def _life(claim: Claim) -> tuple[str, int]:
    return claim.node, claim.incarnation


def _is_over(holder: tuple[str, int], end: tuple[str, int]) -> bool:
    return holder[0] == end[0] and holder[1] <= end[1]


_WRITES: dict[Hold, Callable[[Witness, float], Claim | None]] = {
    Hold.UNKNOWN: lambda _witness, _now: None,
    Hold.MINE: Witness._affirm,
    Hold.FREE: Witness._take,
    Hold.OTHERS: Witness._oust,
}
