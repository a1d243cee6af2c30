"""What is known of the other node, and which of its words count.

A heartbeat's seal only says that a holder of the key once made it. It is *bound* if it names my present
incarnation: then it was made after I began to live, and is evidence. Otherwise it may be a recording, or
its sender has not heard me yet: it teaches the sender's incarnation, so that my heartbeats can be bound to
it, and its epoch, since an epoch once used stays used."""

from enum import Enum, auto

from protocol.heartbeat import DeathNotice, Heartbeat, Role

_ORDER = {role: place for place, role in enumerate(Role)}


class Evidence(Enum):
    """What a heartbeat is worth."""

    BOUND = auto()
    UNBOUND = auto()
    OLD = auto()
    """Overtaken by a later one on another link, or from an earlier life."""
    OWN = auto()
    """In my own name: reflected, or two nodes are configured alike."""
    STRANGER = auto()
    """A third node, while the one I know is there."""


def outranks(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    """Of two (epoch, priority, name): the higher epoch, then the higher priority, then the smaller name."""
    return (-one[0], -one[1], one[2]) < (-other[0], -other[1], other[2])


class Peer:
    """The other node, as far as its words have shown it."""

    def __init__(self, own_name: str, own_incarnation: int, stranger_wait_s: float) -> None:
        self._own_name = own_name
        self._own_incarnation = own_incarnation
        self._stranger_wait_s = stranger_wait_s
        self.name: str | None = None
        self.incarnation = 0
        """The highest heard, whatever else is believed: what my heartbeats are bound to."""
        self.latest: Heartbeat | None = None
        """The latest evidence."""
        self.evidence_at = float("-inf")
        self.present = False
        """Heard of late; see RoleMachine for when it is taken for lost."""
        self.heard_at = float("-inf")
        """When anything was heard last that carried its seal, evidence or not."""
        self.newest: Heartbeat | None = None
        """The latest heard, evidence or not."""

    def hear(self, heartbeat: Heartbeat, now: float) -> Evidence:
        """Weigh a heartbeat and remember what it teaches."""
        evidence = self._weigh(heartbeat, now)
        if evidence in (Evidence.BOUND, Evidence.UNBOUND):
            if self.name != heartbeat.node:
                self.latest, self.present = None, False
            self.name = heartbeat.node
            self.incarnation = heartbeat.incarnation
            self.newest = heartbeat
            self.heard_at = now
        if evidence is Evidence.BOUND:
            self.latest = heartbeat
            self.evidence_at = now
            self.present = True
        return evidence

    def _weigh(self, heartbeat: Heartbeat, now: float) -> Evidence:
        if heartbeat.node == self._own_name:
            return Evidence.OWN
        if self.name not in (None, heartbeat.node):
            if now < self.heard_at + self._stranger_wait_s:
                return Evidence.STRANGER
        elif self._is_overtaken(heartbeat):
            return Evidence.OLD
        return Evidence.BOUND if heartbeat.to == self._own_incarnation else Evidence.UNBOUND

    def _is_overtaken(self, heartbeat: Heartbeat) -> bool:
        newest = self.newest
        if newest is None or heartbeat.incarnation > self.incarnation:
            return False
        if heartbeat.incarnation < self.incarnation or heartbeat.clock_ms < newest.clock_ms:
            return True
        # Made in the same millisecond: roles only move one way in one life.
        return _ORDER[heartbeat.role] < _ORDER[newest.role]

    def is_dead(self, notice: DeathNotice) -> bool:
        """Whether the notice is about the life that was heard last, and meant for mine."""
        return (
            self.latest is not None
            and (notice.node, notice.to) == (self.name, self._own_incarnation)
            and (notice.incarnation, notice.epoch) == (self.latest.incarnation, self.latest.epoch)
        )
