"""SKELETON: helper POLICY replaces this file."""

from inspector.results import Action, Event, Finding, Severity
from inspector.seen import Seen
from inspector.state import Association
from inspector.watch import Watch


class Rule:
    id: int
    severity: Severity
    attack: tuple[str, ...]
    action: Action


class Ruleset:
    watches_pdus = False

    def first(self, event: str) -> Rule | None:
        """The rule that describes an event."""
        return None

    def application(self, seen: Seen, objects: tuple[str, ...]) -> str | None:
        """The user's name for what a PDU does, if any."""
        return None

    def findings(
        self,
        events: list[Event],
        seen: Seen,
        app: str | None,
        association: Association,
        watch: Watch | None,
        peer: str,
    ) -> tuple[list[Finding], Action]:
        return [], Action.PASS
