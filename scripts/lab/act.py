"""One takeover in a running lab, from full swing to verdict: what the demo shows and the tests demand."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scripts.lab import evidence, faults
from scripts.lab.faults import Failure
from scripts.lab.lab import Lab
from scripts.lab.nodes import Node, in_sync
from scripts.lab.programs import Program

REPORTS_PER_S = 10.0
_MEND_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Mix:
    """Which connections run: TASE.2 associations, the second stack, load."""

    associations: int
    second_stack: bool
    load: int

    @classmethod
    def of(cls, connections: int) -> "Mix":
        """A sensible share of each out of `connections`."""
        load = connections // 4 if connections >= 4 else int(connections >= 2)
        second = connections >= 3
        return cls(connections - load - int(second), second, load)

    @property
    def connections(self) -> int:
        return self.associations + int(self.second_stack) + self.load


@dataclass
class Act:
    """The peers of one act, and what has been seen so far."""

    lab: Lab
    mix: Mix
    load_rate_kib: float
    clients: list[Program] = field(default_factory=list)
    load: Program | None = None
    servers: dict[str, Program] = field(default_factory=dict)
    voices: Program | None = None
    active: Node = field(init=False)
    passive: Node = field(init=False)
    before: evidence.Sessions = field(init=False)
    blow_ns: int = 0
    moment: evidence.Moment = field(default_factory=evidence.Moment)
    complaints: list[str] = field(default_factory=list)
    needless: int = 0
    """Takeovers that nobody caused: the machine was too busy for the timings. They break nothing."""

    def open(self) -> None:
        """Start the pair and all peers, and wait until reports flow on every association."""
        self.lab.pair.start()
        self.active, self.passive = self.lab.pair.wait_ready()
        self._epoch: int = self.active.status()["epoch"]
        self.voices = self.lab.start_voices()
        self.servers = self.lab.start_servers(REPORTS_PER_S, self.load_rate_kib)
        if self.mix.associations:
            self.clients.append(self.lab.start_clients(self.mix.associations))
        if self.mix.second_stack:
            self.clients.append(self.lab.start_second_stack())
        if self.mix.load:
            self.load = self.lab.start_load(self.mix.load, seconds=3600.0, rate_kib=self.load_rate_kib)
        for program in self.peers:
            program.wait_for_progress(30.0)

    @property
    def peers(self) -> list[Program]:
        """The client side's programs."""
        return [*self.clients, *([self.load] if self.load else [])]

    def look_again(self) -> None:
        """See which node is the active one: a machine that stutters may have made them change places."""
        self.active, self.passive = self.lab.pair.wait_ready()
        self.needless = self.active.status()["epoch"] - self._epoch

    def note_sessions(self) -> None:
        """Write down the sessions as they are now, to compare with later."""
        self.before = evidence.Sessions.of(self.active)

    def strike(self, failure: Failure) -> None:
        """Let the active node fail, and wait for the takeover (or see to it that there is none)."""
        self.look_again()
        self.note_sessions()
        self.blow_ns = faults.strike(failure, self.lab.topology, self.active)
        if failure.takes_over:
            status = self.lab.pair.wait_active(self.passive)
            self._epoch = status["epoch"] - self.needless
            self.moment = evidence.Moment.of(self.blow_ns, status)
            self.active, self.passive = self.passive, self.active
        else:
            self._expect_degraded(True)

    def mend(self, failure: Failure) -> None:
        """Undo the failure, and wait until the pair is whole again."""
        failure.mend(self.lab.topology, self.passive if failure.takes_over else self.active)
        self.passive.wait("passive and in sync", in_sync, _MEND_TIMEOUT_S)
        if not failure.takes_over:
            self._expect_degraded(False)

    def _expect_degraded(self, wanted: bool) -> None:
        words = "degraded" if wanted else "sound"
        for node in (self.active, self.passive):
            node.wait(words, lambda status: status["degraded"] is wanted, _MEND_TIMEOUT_S)

    def close(self, failure: Failure) -> evidence.Result:
        """Let every peer end in good order, and give the verdict."""
        after = evidence.Sessions.of(self.active)
        peers = evidence.Peers()
        for client in self.clients:
            peers.add_clients(client.stop())
        if self.load is not None:
            peers.add_load(self.load.stop(30.0))
        sent = self.servers["tase2-server"].stop()["reports_sent"]
        if self.clients:
            peers.add_sent(sent)
        return evidence.Result(
            takeover=self.active.status().get("takeover", "unknown"),
            failure=failure.name,
            expected=failure.takes_over,
            peers=peers,
            moment=self.moment,
            before=self.before,
            after=after,
            voices=tuple(self._strange_voices(int(failure.takes_over) + self.needless)),
            complaints=tuple(self.complaints),
        )

    def _strange_voices(self, changes: int) -> list[str]:
        """Whoever spoke out of turn; nothing when each address changed hands `changes` times."""
        assert self.voices is not None, "open() comes first"
        heard: dict[str, Any] = self.voices.stop()
        self.turns: dict[str, list[dict[str, Any]]] = heard["turns"]
        strange = [
            f"{address}: spoken for by {' then '.join(turn['node'] for turn in turns)}"
            for address, turns in self.turns.items()
            if len(turns) > changes + 1
        ]
        if heard["lost"]:
            strange.append(f"the capture lost {heard['lost']} packets")
        return strange


def wait(seconds: float, look: Callable[[], None] | None = None, every_s: float = 0.25) -> None:
    """Let time pass; call `look` meanwhile."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if look is not None:
            look()
        time.sleep(min(every_s, max(left, 0)))
