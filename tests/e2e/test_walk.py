"""FortiOS's document walked through on the pair, kept as a transcript: vendor-walk.txt.

TANDEM_WRITE_TRANSCRIPTS=1 writes it anew.
"""

import os
from pathlib import Path
from typing import Any

from scripts.lab import walk
from scripts.lab.lab import Lab
from scripts.lab.walk import CACHE, IPS, LOG, SYS, Step
from tests.requirements import needs_root

GOLDEN = Path(__file__).with_name("vendor-walk.txt")


@needs_root
def test_the_vendors_document(lab: Lab) -> None:
    steps = list(walk.walk(lab))
    assert [(step.title, step.lacking) for step in steps if step.command and step.lacking] == []
    for command, same, grown in (
        (IPS, ("id", "serial", "proto", "client", "server", "policy", "app"), ("age_s", "bytes", "pdus")),
        (SYS, ("id", "serial", "proto", "client", "server", "policy", "app"), ("duration_s", "bytes", "packets")),
    ):
        before, after = rows(steps, command)
        assert {key: before[key] for key in same} == {key: after[key] for key in same}
        assert all(values(after[key]) > values(before[key]) for key in grown)
    cached, (first, last) = [step.data[0] for step in steps if step.command == CACHE], rows(steps, IPS)
    for row in cached:
        assert {key: row[key] for key in ("id", "serial", "client", "server")} == {
            key: first[key] for key in ("id", "serial", "client", "server")
        }
        assert row["last_app"] == first["app"]
    logs = [step.data["events"][0] for step in steps if step.command == LOG]
    for log, row in zip(logs, (first, last), strict=True):
        assert [log[key] for key in ("id", "serial", "client", "server")] == [
            row[key] for key in ("id", "serial", "client", "server")
        ]
    assert logs[0]["incident"] != logs[1]["incident"]
    assert (steps[-1].data["survived"], steps[-1].data["missed"]) == (1, 0)
    told = walk.told(steps)
    if os.environ.get("TANDEM_WRITE_TRANSCRIPTS"):
        GOLDEN.write_text(told)
    assert told == GOLDEN.read_text()


def rows(steps: list[Step], command: str) -> list[dict[str, Any]]:
    """The session as a command showed it, before and after."""
    return [step.data[0] for step in steps if step.command == command]


def values(value: Any) -> list[float]:
    """Numbers at any depth, so that all of them can be compared."""
    return [number for each in value for number in values(each)] if isinstance(value, list) else [value]
