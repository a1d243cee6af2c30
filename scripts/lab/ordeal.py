"""One schedule of faults on a running pair with ICCP peers at work, from full swing to findings.

The peers live on from schedule to schedule, for as long as nothing that befalls the pair may break connections.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scripts.lab import evidence
from scripts.lab.faults import Fault, Harm
from scripts.lab.lab import Lab
from scripts.lab.nodes import Node, has_taken_over, in_sync
from scripts.lab.schedule import Blow, leaves_a_path, may_break

_ASSOCIATIONS: Final = 2
_LOAD_CONNECTIONS: Final = 2
_PROGRESS_TIMEOUT_S: Final = 90.0
_READY_TIMEOUT_S: Final = 90.0  # a node starts slowly where the machine is busy with both
_END_TIMEOUT_S: Final = 40.0
_SETTLE_S: Final = 1.5  # the kernel may take a second to notice a cable that is back, and a node acts on it meanwhile


@dataclass
class _Lasting:
    """A fault that has not been mended yet."""

    blow: Blow
    node: Node
    until_s: float


@dataclass
class Findings:
    """What was done, and what came of it."""

    blows: list[str] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    """The faults that did strike, by name."""
    may_break: str = ""
    """What may break connections, by the design; empty: nothing may."""
    peers: evidence.Peers = field(default_factory=evidence.Peers)
    epochs: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.complaints

    def as_json(self) -> dict[str, Any]:
        peers = self.peers
        return {
            "ok": self.sound,
            "blows": self.blows,
            "may_break": self.may_break,
            "takeovers": self.epochs,
            "connections": peers.connections,
            "survived": peers.survived,
            "bytes_checked": peers.bytes_checked,
            "bytes_wrong": peers.bytes_wrong,
            "reports": peers.reports,
            "longest_stall_ms": round(peers.longest_stall_ms, 1),
            "complaints": self.complaints,
        }


class Company:
    """The ICCP peers and the load of a lab, on their connections through the pair."""

    def __init__(self, lab: Lab, load_rate_kib: float) -> None:
        """Returns when reports and load flow. Raises LabError."""
        self._clients = [lab.start_clients(_ASSOCIATIONS), lab.start_second_stack()]
        self._load = lab.start_load(_LOAD_CONNECTIONS, 24 * 3600.0, load_rate_kib)
        for program in (*self._clients, self._load):
            program.wait_for_progress(_PROGRESS_TIMEOUT_S)

    def look(self) -> evidence.Peers:
        """What has come of the connections so far. Of the load, an end that is gone has broken."""
        peers = evidence.Peers()
        for client in self._clients:
            peers.add_clients(client.latest)
        load = self._load.latest
        peers.connections += _LOAD_CONNECTIONS
        peers.survived += load["open"]
        peers.bytes_checked += load["received"]
        peers.bytes_wrong += load["wrong"]
        peers.longest_stall_ms = max(peers.longest_stall_ms, load["longest_stall_ms"])
        return peers

    def leave(self) -> evidence.Peers:
        """Let every peer end in good order; what both ends of each connection have to say. Raises LabError."""
        peers = evidence.Peers()
        for client in self._clients:
            peers.add_clients(client.stop(_END_TIMEOUT_S))
        peers.add_load(self._load.stop(_END_TIMEOUT_S))
        return peers

    def end(self) -> None:
        """End them at once."""
        for program in (*self._clients, self._load):
            program.kill()


def complaints(peers: evidence.Peers) -> list[str]:
    """What is not as it must be where nothing may break."""
    checks = {
        f"{peers.connections - peers.survived} connections broke": peers.survived < peers.connections,
        f"{peers.bytes_wrong} bytes wrong": peers.bytes_wrong,
        f"{peers.reports_missed} reports missed": peers.reports_missed,
        f"{peers.reports_repeated} reports repeated or wrong": peers.reports_repeated,
        "; ".join(peers.complaints): peers.complaints,
    }
    return [words for words, wrong in checks.items() if wrong]


class Ordeal:
    """Runs a schedule once. The pair and its peers run already, and go on running afterwards."""

    def __init__(self, lab: Lab, company: Company, schedule: tuple[Blow, ...]) -> None:
        self._lab = lab
        self._company = company
        self._schedule = schedule
        self._lasting: list[_Lasting] = []
        self._gives_up_until_s: dict[str, float] = {}
        self._seen_active: set[tuple[int, str]] = set()
        self.findings = Findings()

    def run(self) -> None:
        """All of it; the findings say how it went. Raises LabError when the lab itself fails."""
        active, _ = self._lab.pair.wait_ready(_READY_TIMEOUT_S)
        lengths = {node.name: _length(self._lab.layout.log(node.name)) for node in self._lab.pair.nodes}
        epoch = active.status()["epoch"]
        voices = self._lab.start_voices()
        try:
            for blow in self._schedule:
                self._strike(blow)
        finally:
            self._mend_until(float("inf"))
        self._lab.pair.wait_ready(_READY_TIMEOUT_S)
        time.sleep(_SETTLE_S)
        now_active, _ = self._lab.pair.wait_ready(_READY_TIMEOUT_S)
        self.findings.epochs = now_active.status()["epoch"] - epoch
        self._judge(now_active)
        owners = [active.name, *_owners(self._lab, lengths, {each for each in self._seen_active if each[0] > epoch})]
        self.findings.complaints += strange_voices(voices.stop(), owners)

    def _judge(self, active: Node) -> None:
        findings = self.findings
        findings.peers = peers = self._company.look()
        if findings.may_break:
            peers.complaints.clear()
            if peers.bytes_wrong or peers.reports_repeated:
                wrong = f"{peers.bytes_wrong} bytes wrong, {peers.reports_repeated} reports repeated or wrong"
                findings.complaints.append(wrong)
            return
        findings.complaints += complaints(peers)
        if uninspected := evidence.Sessions.of(active).uninspected_pdus:
            findings.complaints.append(f"{uninspected} PDUs passed uninspected")

    # --- faults

    def _strike(self, blow: Blow) -> None:
        if blow.patient:
            self._mend_until(float("inf"))
            self._lab.pair.wait_ready(_READY_TIMEOUT_S)
        self._pass(blow.pause_s)
        name = blow.fault.failure.name
        node = self._victim(blow)
        if node is None or not self._may_strike(blow.fault, node):
            self.findings.blows.append(f"(no {name})")
            return
        holders = self._holders(self._look())
        self._weigh(blow, node, holders)
        self.findings.struck.append(name)
        self.findings.blows.append(
            f"{name} of {blow.victim} {node.name}, {blow.lasts_s:.1f} s, held by {''.join(holders) or 'none'}"
        )
        self._lasting.append(_Lasting(blow, node, time.monotonic() + blow.lasts_s))
        blow.fault.failure.strike(self._lab.topology, node)
        until_s = time.monotonic() + blow.fault.gives_up_s
        self._gives_up_until_s[node.name] = max(until_s, self._gives_up_until_s.get(node.name, 0.0))

    def _weigh(self, blow: Blow, node: Node, holders: list[str]) -> None:
        if may_break(blow.fault, node.name, holders):
            reason = f"{blow.fault.failure.name} of the last node that held the state"
            self.findings.may_break = self.findings.may_break or reason

    def _victim(self, blow: Blow) -> Node | None:
        """The node of that role now."""
        return next((node for node in self._free() if node.status().get("role") == blow.victim), None)

    def _may_strike(self, fault: Fault, node: Node) -> bool:
        """Whether it does not last already, and nodes without a witness still hear each other."""
        if any(each.blow.fault is fault and (fault.shared or each.node is node) for each in self._lasting):
            return False
        return node.witness is not None or leaves_a_path(fault, (each.blow.fault for each in self._lasting))

    def _free(self) -> list[Node]:
        """The nodes that live and are not silenced."""
        ailing = [each.node for each in self._lasting if each.blow.fault.harm is not Harm.NONE]
        return [node for node in self._lab.pair.nodes if node not in ailing]

    def _look(self) -> dict[str, dict[str, Any]]:
        """What the free nodes say of themselves; who is active is remembered."""
        seen = {node.name: node.status() for node in self._free()}
        self._seen_active |= {(status["epoch"], name) for name, status in seen.items() if has_taken_over(status)}
        return seen

    def _holders(self, seen: dict[str, dict[str, Any]]) -> list[str]:
        """The nodes that hold the pair's present state, and are not about to leave it to the other one."""
        now_s = time.monotonic()
        staying = (name for name in seen if self._gives_up_until_s.get(name, 0.0) <= now_s)
        return [name for name in staying if has_taken_over(seen[name]) or in_sync(seen[name])]

    def _pass(self, seconds: float) -> None:
        """Let time pass; mend what is due meanwhile."""
        until_s = time.monotonic() + seconds
        self._mend_until(until_s)
        time.sleep(max(until_s - time.monotonic(), 0.0))

    def _mend_until(self, until_s: float) -> None:
        while due := [each for each in self._lasting if each.until_s <= until_s]:
            first = min(due, key=lambda each: each.until_s)
            time.sleep(max(first.until_s - time.monotonic(), 0.0))
            self._lasting.remove(first)
            first.blow.fault.failure.mend(self._lab.topology, first.node)


def _length(log: Path) -> int:
    return len(log.read_bytes()) if log.exists() else 0


def _owners(lab: Lab, lengths: dict[str, int], seen: set[tuple[int, str]]) -> list[str]:
    """Who became active since the logs had these lengths, in order; or was `seen` so, in an epoch: the last instant of
    a log goes with a node that is killed. Nodes that did not hear of each other may have used one epoch both, one after
    the other: then by the time they tell."""
    became = dict.fromkeys(seen, "")
    for node in lab.pair.nodes:
        for line in lab.layout.log(node.name).read_bytes()[lengths[node.name] :].splitlines():
            if b'"takeover complete"' in line:
                record = json.loads(line)
                became[record["epoch"], node.name] = record["ts"]
    turns = sorted((epoch, ts, name) for (epoch, name), ts in became.items())
    return [name for _, _, name in turns]


def strange_voices(heard: dict[str, Any], owners: list[str]) -> list[str]:
    """Whoever spoke out of turn: the turns at an address come in the order in which nodes became active."""
    strange = []
    for address, turns in heard["turns"].items():
        speakers = [turn["node"] for turn in turns]
        remaining = iter(owners)
        if not all(speaker in remaining for speaker in speakers):
            strange.append(f"{address}: spoken for by {' '.join(speakers)}, where {' '.join(owners)} were active")
    if heard["lost"]:
        strange.append(f"the capture lost {heard['lost']} packets")
    return strange
