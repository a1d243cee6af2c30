"""What one feed brings forth, gathered until it is the answer."""

from collections.abc import Mapping

from inspector.apps import NAMINGS
from inspector.results import Edit, Finding, Pdu, Result

Apps = Mapping[int | str, None]
"""Applications in the order in which they were first seen: numbers of NAMINGS, or the user's own names."""


class Turn:
    """PDUs, findings and edits of one feed; and which applications are new with it."""

    __slots__ = ("apps", "edits", "findings", "known_apps", "now_ms", "pdus", "quarantine_s")

    def __init__(self, now_ms: int, apps: Apps) -> None:
        self.now_ms = now_ms
        self.apps = apps
        self.known_apps = len(apps)
        self.pdus: list[Pdu] = []
        self.findings: list[Finding] = []
        self.edits: list[Edit] = []
        self.quarantine_s = 0.0

    def tell(self, pdu: Pdu) -> None:
        """One more PDU, with its findings."""
        self.pdus.append(pdu)
        self.findings += pdu.findings

    def result(self, forward: int, *, reset: bool) -> Result:
        """The answer."""
        apps = () if len(self.apps) == self.known_apps else self._new_apps()
        return Result(
            *(forward, tuple(self.pdus), tuple(self.findings), reset, tuple(self.edits), self.quarantine_s, apps)
        )

    def _new_apps(self) -> tuple[str, ...]:
        """Names are told once, though several operations may share one."""
        names = names_of(self.apps)
        earlier = set(names[: self.known_apps])
        return tuple(name for name in dict.fromkeys(names[self.known_apps :]) if name and name not in earlier)


def names_of(apps: Apps) -> list[str]:
    """The applications' names; empty for what has none."""
    return [app if isinstance(app, str) else NAMINGS[app].app or "" for app in apps]
