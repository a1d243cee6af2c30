"""A takeover as a readable text: what was given, the blow, what each node did, what was found. No times in it.

What the nodes did is read from their logs; the table below says which events tell the story, and how.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.lab.act import Act
from scripts.lab.evidence import Result
from scripts.lab.faults import Failure

Record = dict[str, Any]
Teller = Callable[[Record], str]

EVENTS: dict[str, Teller] = {
    "worker died": lambda _: "lost its worker; its guard fenced it off and said so",
    "worker ended": lambda _: "ended its worker",
    "worker started": lambda _: "started a new worker",
    "standing down": lambda record: f"stands down: {record['reason']}",
    "takeover complete": lambda record: (
        f"is active: epoch {record['epoch']}, {record['reason']},"
        f" {record['sessions']} sessions restored, {record['reset']} reset"
    ),
    "session cache": lambda record: (
        "has its session cache in sync" if record["in_sync"] else "has a stale session cache"
    ),
}
"""What is told of each event; of others, nothing."""


def story(log: Path, from_line: int) -> list[str]:
    """What a node did since line `from_line` of its log; the same twice in a row is told once."""
    told: list[str] = []
    for line in log.read_text().splitlines()[from_line:]:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        words = EVENTS.get(record.get("event", ""), _silence)(record)
        if words and words not in told[-1:]:
            told.append(words)
    return told


def _silence(_: Record) -> str:
    return ""


def length(log: Path) -> int:
    """Lines in a log so far."""
    return len(log.read_text().splitlines())


def write(act: Act, failure: Failure, victim: str, stories: dict[str, list[str]], result: Result) -> str:
    """The transcript."""
    peers = result.peers
    lines = [
        f"given  node {victim} is active, the other passive and in sync, epoch {result.before.epoch}",
        f"given  {peers.connections} connections: {act.mix.associations} on hat-drivers,"
        f" {int(act.mix.second_stack)} on libiec61850, {act.mix.load} of load",
        f"blow   node {victim}: {failure.words}",
    ]
    for name, told in stories.items():
        lines += [f"node {name} {words}" for words in told] or [f"node {name} carries on"]
    lines += [
        f"then   epoch {result.after.epoch}, node {act.active.name} is active, node {act.passive.name} in sync",
        f"check  {peers.survived} of {peers.connections} connections survived",
        f"check  {peers.bytes_wrong} bytes wrong, {peers.reports_missed} reports missed,"
        f" {peers.reports_repeated} repeated or wrong",
        f"check  application {result.before.app} before, {result.after.app} after",
        f"check  {result.after.uninspected_pdus} PDUs uninspected",
    ]
    for address, turns in act.turns.items():
        lines.append(f"wire   {address} was spoken for by node {', then by node '.join(t['node'] for t in turns)}")
    lines += [f"WRONG  {fault}" for fault in result.faults()]
    return "\n".join(lines) + "\n"
