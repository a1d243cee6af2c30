"""What the role machine is told, and what it wants done.

Effects are carried out in the order given: the order is the safety. Nothing here does anything by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.heartbeat import DeathNotice, Heartbeat

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Settings:
    """What a machine is born with. Times in seconds."""

    node: str
    priority: int
    incarnation: int
    """This life of this node: higher than in any earlier life, never 0."""
    epoch: int
    """The highest epoch this node ever stored; 0 at first."""
    interval_s: float
    lost_threshold: int
    """A peer is lost after this many intervals without a word on any link; at least 2."""
    lease_s: float
    hold_down_s: float
    override: bool = False
    session_pickup: bool = True
    witness_lease_s: float | None = None
    """How long an answer of the witness lets a node be active; None: there is no witness."""
    solo_after_s: float | None = None
    """An active node that goes solo for want of its passive has waited for so long; None: it does not, or the witness
    would know."""

    def __post_init__(self) -> None:
        if self.interval_s <= 0 or self.lost_threshold < 2:
            raise ValueError("an interval above 0 and a threshold of at least 2 are needed")
        if self.lost_s - self.lease_s < 1e-6:  # 3 x 0.05 is a little more than 0.15
            raise ValueError(f"lease {self.lease_s} s must end before the lost time of {self.lost_s} s")
        if self.witness_lease_s is not None and self.witness_lease_s < 2 * self.lease_s:
            raise ValueError(f"the witness's lease {self.witness_lease_s} s must be at least twice {self.lease_s} s")

    @property
    def lost_s(self) -> float:
        return self.interval_s * self.lost_threshold

    @property
    def start_wait_s(self) -> float:
        """How long a starting node listens for another before it takes itself to be alone."""
        return max(4 * self.lost_s, 1.0)


# --- events


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; to be given at next_deadline() at the latest, and as late as it comes."""


@dataclass(frozen=True, slots=True)
class PeerHeard:
    """A heartbeat whose seal holds."""

    heartbeat: Heartbeat
    link: str


@dataclass(frozen=True, slots=True)
class PeerDied:
    """A death notice whose seal holds."""

    notice: DeathNotice


@dataclass(frozen=True, slots=True)
class HandoverReceived:
    """The active node, in this epoch, has fenced itself, sent all there is, and says: take over."""

    epoch: int


@dataclass(frozen=True, slots=True)
class HandoverDone:
    """The handover I was told to begin is said to the passive; my lease is closed."""


@dataclass(frozen=True, slots=True)
class HandoverFailed:
    """The handover was given up before it was said; I still hold my lease and serve on."""

    reason: str


@dataclass(frozen=True, slots=True)
class SwitchoverRequested:
    """Somebody asks for a planned switchover."""

    reason: str


@dataclass(frozen=True, slots=True)
class DataLinksChanged:
    """Whether all my data networks are up."""

    ok: bool


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """My lease had run out before it could be renewed."""


@dataclass(frozen=True, slots=True)
class Synced:
    """As passive: my cache follows the active node."""


@dataclass(frozen=True, slots=True)
class Desynced:
    """As passive: my cache has missed something or was never filled."""


@dataclass(frozen=True, slots=True)
class StreamUp:
    """As active: the passive is in sync over the replication stream."""


@dataclass(frozen=True, slots=True)
class StreamDown:
    """As active: nobody is in sync with me."""


@dataclass(frozen=True, slots=True)
class SoloWanted:
    """As active: acknowledgements are to be let go that a standby which may live does not know of."""


@dataclass(frozen=True, slots=True)
class WitnessAnswered:
    """The answer to AskWitness: what the witness keeps after it, whether written by it or not."""

    number: int
    record: bytes | None
    revision: int
    """Of the record; 0: there is none."""


@dataclass(frozen=True, slots=True)
class WitnessFailed:
    """AskWitness had no answer in time, or none that helps. A write may have been done, or may still be."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class ActivationDone:
    """What Activate asked for is done: addresses up, sessions restored."""


@dataclass(frozen=True, slots=True)
class ActivationFailed:
    """It could not be done (an address is another's...); my lease is closed, my addresses are gone."""

    reason: str


Event = (
    Tick
    | PeerHeard
    | PeerDied
    | HandoverReceived
    | HandoverDone
    | HandoverFailed
    | SwitchoverRequested
    | DataLinksChanged
    | LeaseLost
    | Synced
    | Desynced
    | StreamUp
    | StreamDown
    | SoloWanted
    | WitnessAnswered
    | WitnessFailed
    | ActivationDone
    | ActivationFailed
)

# --- effects


@dataclass(frozen=True, slots=True)
class Activate:
    """Store the epoch, then become active: restore, hold the lease, add addresses, announce.

    The first lease, as every other, counts from a clock read before this step began: a node that is stopped
    between the decision and the lease thus finds it past, which is LeaseLost.
    """

    epoch: int
    reason: str
    use_cache: bool
    """Whether to restore sessions from the cache; which of them are still good is for the cache to say."""


@dataclass(frozen=True, slots=True)
class StandDown:
    """Close the lease, let go of everything in silence, and end this life."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReclaimLease:
    """My lease lapsed and nobody was there to take over: claim it anew, from the clock as read for this step."""


@dataclass(frozen=True, slots=True)
class BeginHandover:
    """Close the lease for good, have everything committed, tell the passive; answer with HandoverDone.

    HandoverFailed only while the lease still holds: give up before closing it, or fail with LeaseLost.
    """

    reason: str
    epoch: int


@dataclass(frozen=True, slots=True)
class SendHeartbeat:
    """Send `RoleMachine.heartbeat()` on every link; then, if active, renew the lease.

    The new lease counts from a clock read before this step began, and only if the old one has not run out.
    """


@dataclass(frozen=True, slots=True)
class AskWitness:
    """Read the witness's record; or first write it, if it is still at `revision`. Answer once, with
    WitnessAnswered or WitnessFailed. The answer must be linearizable: as of an instant after the question."""

    number: int
    write: bytes | None
    revision: int
    """0: there is no record yet."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Another node spoke from my addresses and has ceased to: tell the network once more where they are."""


@dataclass(frozen=True, slots=True)
class Report:
    """Something the operator should know: a stable name and its facts."""

    what: str
    fields: Mapping[str, Scalar]


Effect = Announce | Activate | StandDown | ReclaimLease | BeginHandover | SendHeartbeat | AskWitness | Report
