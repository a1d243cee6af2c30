"""What a takeover kept and what it lost, in numbers."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from scripts.lab.nodes import Node

NS_PER_MS: Final = 1e6
_LOOKS: Final = 5
_LOOK_S: Final = 0.07


@dataclass(frozen=True)
class Sessions:
    """The session list of the active node at one moment."""

    epoch: int
    by_serial: dict[str, dict[str, Any]]
    app: str | None  # named most often on the ICCP service

    @classmethod
    def of(cls, node: Node) -> "Sessions":
        """Read a node's session list. Raises AdminError.

        A keepalive changes a session's application for a moment, so the application is read several times and the
        one named most often stands.
        """
        names: Counter[str] = Counter()
        for look in range(_LOOKS):
            time.sleep(_LOOK_S if look else 0)
            sessions = node.ask("/sessions")
            names.update(each["app"] for each in sessions if each["service"] == "iccp" and each["app"])
        by_serial = {str(session["serial"]): session for session in sessions}
        return cls(node.status()["epoch"], by_serial, next((name for name, _ in names.most_common(1)), None))

    @property
    def uninspected_pdus(self) -> int:
        return sum(session.get("uninspected_pdus", 0) for session in self.by_serial.values())


def kept(before: Sessions, after: Sessions) -> bool:
    """Whether each session is there still, with its serial and id, an application, and counters that only grew."""
    return all(_same(old, after.by_serial.get(serial)) for serial, old in before.by_serial.items())


def _same(old: dict[str, Any], new: dict[str, Any] | None) -> bool:
    return (
        new is not None
        and new["id"] == old["id"]
        and (new["app"] is not None or old["app"] is None)  # the last one seen, so its name may differ
        and all(now >= then for name in ("bytes", "pdus") for now, then in zip(new[name], old[name], strict=True))
    )


@dataclass(frozen=True)
class Moment:
    """One takeover, measured from the blow. All None when nothing took over."""

    detect_ms: float | None = None
    restore_ms: float | None = None
    takeover_ms: float | None = None
    reason: str | None = None

    @classmethod
    def of(cls, blow_ns: int, status: dict[str, Any]) -> "Moment":
        """From the blow and what the new primary says of its takeover (all CLOCK_BOOTTIME)."""
        taken = status["last_takeover"]
        return cls(
            detect_ms=round((taken["detected_ns"] - blow_ns) / NS_PER_MS, 1),
            restore_ms=round((taken["restored_ns"] - taken["detected_ns"]) / NS_PER_MS, 1),
            takeover_ms=round((taken["announced_ns"] - blow_ns) / NS_PER_MS, 1),
            reason=taken["reason"],
        )


@dataclass
class Peers:
    """What the peers saw, summed over all of them."""

    connections: int = 0
    survived: int = 0
    reports: int = 0
    reports_missed: int = 0
    reports_repeated: int = 0  # or out of order, or with a wrong value
    bytes_checked: int = 0
    bytes_wrong: int = 0
    longest_stall_ms: float = 0.0
    complaints: list[str] = field(default_factory=list)

    def add_clients(self, summary: dict[str, Any]) -> None:
        """The summary of a TASE.2 client program. Its stall is what a report came late."""
        self.connections += summary["associations"]
        self.survived += summary["survived"]
        self.reports += summary["reports"]
        self.reports_missed += summary["missed"]
        self.reports_repeated += summary["repeated"] + summary["reordered"] + summary.get("wrong_values", 0)
        self.longest_stall_ms = max(self.longest_stall_ms, summary["late_longest_ms"])
        self.complaints += summary["errors"]

    def add_load(self, summary: dict[str, Any]) -> None:
        """The load's verdict."""
        self.connections += summary["connections"]
        self.survived += summary["survived"]
        self.bytes_checked += summary["bytes_checked"]
        self.bytes_wrong += summary["bytes_wrong"]
        self.longest_stall_ms = max(self.longest_stall_ms, summary["longest_stall_ms"])
        self.complaints += [f"load {number}: {'; '.join(why)}" for number, why in summary["broken"].items()]

    def add_sent(self, reports_sent: int) -> None:
        """What the server sent, when every association lived to its end: then all of it must have arrived."""
        if self.survived == self.connections:
            self.reports_missed = max(self.reports_missed, reports_sent - self.reports)


@dataclass(frozen=True)
class Result:
    """A demonstration's outcome."""

    takeover: str
    failure: str
    expected: bool  # whether something had to take over
    peers: Peers
    moment: Moment
    before: Sessions
    after: Sessions
    voices: tuple[str, ...] = ()  # complaints about who spoke
    complaints: tuple[str, ...] = ()  # whatever else is not as it must be

    def as_json(self) -> dict[str, Any]:
        """The object that `scripts/demo --json` ends with."""
        return {
            "takeover": self.takeover,
            "failure": self.failure,
            "connections": self.peers.connections,
            "survived": self.peers.survived,
            "bytes_checked": self.peers.bytes_checked,
            "bytes_wrong": self.peers.bytes_wrong,
            "reports_missed": self.peers.reports_missed,
            "longest_stall_ms": round(self.peers.longest_stall_ms, 1),
            "takeover_ms": self.moment.takeover_ms,
            "detect_ms": self.moment.detect_ms,
            "restore_ms": self.moment.restore_ms,
            "epoch_before": self.before.epoch,
            "epoch_after": self.after.epoch,
            "app_before": self.before.app,
            "app_after": self.after.app,
            "serials_kept": kept(self.before, self.after),
            "pdus_uninspected": self.after.uninspected_pdus,
        }

    def faults(self) -> list[str]:
        """Everything that is not as it must be, in words. By reconnect, connections may break."""
        grown = self.after.epoch - self.before.epoch
        checks = {f"the epoch grew by {grown}": grown == int(self.expected)}
        if self.takeover == "hitless":
            checks |= self._hitless_checks()
        broken = [words for words, good in checks.items() if not good]
        return [*broken, *self.voices, *self.complaints]

    def _hitless_checks(self) -> dict[str, bool]:
        peers = self.peers
        uninspected = self.after.uninspected_pdus
        return {
            f"{peers.connections - peers.survived} connections broke": peers.survived == peers.connections,
            f"{peers.bytes_wrong} bytes wrong": peers.bytes_wrong == 0,
            f"{peers.reports_missed} reports missed": peers.reports_missed == 0,
            f"{peers.reports_repeated} reports repeated or wrong": peers.reports_repeated == 0,
            "serials, ids, applications or counters were not kept": kept(self.before, self.after),
            f"{uninspected} PDUs passed uninspected": uninspected == 0,
            "; ".join(peers.complaints): not peers.complaints,
        }
