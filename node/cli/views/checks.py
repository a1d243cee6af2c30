"""What `tandem doctor` found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from node.cli.views.text import clean

if TYPE_CHECKING:
    from node.doctor import Check

FAILED = {"run": "MISSING", "hitless": "MISSING", "advice": "advice"}
CONSEQUENCE = {
    "run": "needed to run at all",
    "hitless": "needed to take over live connections",
    "advice": "not needed, a risk",
}


def render(checks: Sequence[Check], takeover: str, lacking: Sequence[Check]) -> str:
    """Every check a line, the failed ones with what to do, and the verdict for the takeover mode last."""
    lines = [line for check in checks for line in _lines(check)]
    return "\n".join([*lines, "", _verdict(checks, takeover, lacking)])


def _lines(check: Check) -> list[str]:
    mark = "ok" if check.ok else FAILED[check.needed_for]
    line = f"{mark:<8} {check.name}: {clean(check.detail)}"
    if check.ok:
        return [line]
    return [line, f"         {CONSEQUENCE[check.needed_for]}: {check.remedy}"]


def _verdict(checks: Sequence[Check], takeover: str, lacking: Sequence[Check]) -> str:
    if lacking:
        return f"takeover: {takeover} cannot be had on this host: " + ", ".join(check.name for check in lacking)
    hitless = all(check.ok for check in checks if check.needed_for == "hitless")
    if takeover == "auto":
        return f"takeover: auto will be {'hitless' if hitless else 'reconnect'} on this host"
    return f"takeover: {takeover} can be had on this host"
