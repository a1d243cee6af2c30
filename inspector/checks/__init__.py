"""SKELETON: helper CHECKS replaces this file."""

from collections.abc import Callable
from typing import Any

from inspector.limits import Limits
from inspector.results import Event
from inspector.seen import Seen
from inspector.state import Association
from inspector.watch import Watch


def check(
    seen: Seen,
    association: Association,
    limits: Limits,
    watch: Watch | None = None,
    peer: str = "",
    points: Callable[[str], Any] | None = None,
) -> list[Event]:
    """What is odd about a PDU."""
    return []
