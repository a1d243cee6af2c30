"""What becomes of the node itself: its role, takeovers, synchronisation, links, and what it is held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from node.events.bus import Bus
from node.events.event import Kind, Severity
from node.links import Links
from node.takeover import Account
from protocol import events
from protocol.heartbeat import Role, Sync

NS_PER_MS = 1e6
SYNC_SEVERITY = {Sync.SOLO: Severity.MEDIUM, Sync.OUT_OF_SYNC: Severity.MEDIUM}


class NodeEvents:
    """Tells the bus of what the role machine decides, and of what has changed from one heartbeat to the next."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._reason = ""
        self._sync: Sync | None = None
        self._live: dict[str, bool] = {}
        self._tellers: dict[type[Any], Callable[[Any], None]] = {
            events.Activate: self._remember,
            events.BeginHandover: self._handover,
            events.StandDown: self._down,
            events.Report: self._report,
        }

    def started(self, facts: Mapping[str, Any]) -> None:
        """A life begins."""
        self._bus.publish(Kind.NODE, "node started", facts=facts)

    def configured(self, message: str, facts: Mapping[str, Any]) -> None:
        """What the node is held to has changed: the configuration, the policy, the signatures."""
        self._bus.publish(Kind.CONFIG, message, Severity.LOW, facts=facts)

    def refused(self, message: str, facts: Mapping[str, Any]) -> None:
        """A change of what the node is held to was refused; it goes on with what it had."""
        self._bus.publish(Kind.CONFIG, message, Severity.MEDIUM, facts=facts)

    def effect(self, effect: events.Effect) -> None:
        """The role machine wants something done."""
        teller = self._tellers.get(type(effect))
        if teller is not None:
            teller(effect)

    def role(self, before: Role, after: Role) -> None:
        """The node's role has changed, and what that takes has been done."""
        severity = Severity.HIGH if after is Role.FAULT else Severity.MEDIUM if after is Role.ACTIVE else Severity.LOW
        facts = {"from": str(before), "to": str(after)}
        if self._reason:
            facts["reason"], self._reason = self._reason, ""
        self._bus.publish(Kind.ROLE, f"role: {before} to {after}", severity, facts=facts)

    def took_over(self, account: Account) -> None:
        """The node has become active."""
        facts = {
            "reason": account.reason,
            "sessions": account.sessions,
            "reset": account.reset,
            "silent_ms": round(account.silent_ms, 3),
            "restore_ms": round((account.restored_ns - account.detected_ns) / NS_PER_MS, 3),
            "total_ms": round((account.announced_ns - account.detected_ns) / NS_PER_MS, 3),
        }
        message = f"takeover complete: {account.sessions} sessions kept, {account.reset} reset"
        self._bus.publish(Kind.TAKEOVER, message, Severity.HIGH if account.reset else Severity.MEDIUM, facts=facts)

    def beaten(self, sync: Sync, links: Links) -> None:
        """A heartbeat has gone out: tell what is not as it was at the one before."""
        self._bus.tell_suppressed()
        if sync is not self._sync:
            facts = {"to": str(sync)} if self._sync is None else {"from": str(self._sync), "to": str(sync)}
            self._sync = sync
            self._bus.publish(Kind.SYNC, f"session cache: {sync}", SYNC_SEVERITY.get(sync, Severity.INFO), facts=facts)
        for health in links.health:
            name, live = health.link.name, links.is_live(health)
            if self._live.get(name, False) is not live:
                self._live[name] = live
                severity = Severity.INFO if live else Severity.MEDIUM
                word = "up" if live else "down"
                self._bus.publish(Kind.LINK, f"link {name} is {word}", severity, facts={"link": name, "to": word})

    def data_links(self, up: Mapping[str, bool]) -> None:
        """Carriers of data interfaces have changed."""
        for name, live in up.items():
            word = "up" if live else "down"
            severity = Severity.INFO if live else Severity.MEDIUM
            self._bus.publish(Kind.LINK, f"interface {name} is {word}", severity, facts={"link": name, "to": word})

    def _remember(self, order: events.Activate) -> None:
        self._reason = order.reason

    def _handover(self, order: events.BeginHandover) -> None:
        self._bus.publish(Kind.NODE, "planned switchover begins", Severity.LOW, facts={"reason": order.reason})

    def _down(self, order: events.StandDown) -> None:
        self._bus.publish(Kind.NODE, "standing down", Severity.MEDIUM, facts={"reason": order.reason})

    def _report(self, report: events.Report) -> None:
        self._bus.publish(Kind.NODE, report.what, Severity.LOW, facts=dict(report.fields))
