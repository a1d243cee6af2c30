"""SKELETON: helper LAYERS replaces this file."""

from typing import Any

from inspector.seen import Seen


def describe(seen: Seen) -> dict[str, Any]:
    """All that a PDU says, as a JSON-able mapping."""
    return {}
