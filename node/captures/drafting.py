"""A policy that allows what was seen and nothing else, as text for a person to read and then to enforce.

From the facts of `inspector.learning`; its rows are made in tables.py.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from inspector.learning import NO_OBJECT
from node.captures.tables import Access, Row, rows

WIDTH = 116
RIGHTS = ("read", "report", "select", "operate", "tag", "write")
"""In the order in which they are written."""
_TABLES = {"client": "client_may", "server": "server_may"}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.$*-]*")
_NOT_PLAIN = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n", "none"))
_SAYABLE: dict[str, Callable[[int | str], bool]] = {
    "tsap": lambda it: re.fullmatch(r"([0-9a-f]{2}){1,32}", str(it)) is not None,
    "ap_title": lambda it: re.fullmatch(r"\d+(\.\d+)*", str(it)) is not None,
    "ae_qualifier": lambda it: isinstance(it, int) and 0 <= it < 1 << 31,
}
"""Whether a policy can ask for a value (node.policy.fields). If not for one, it is not asked for at all."""


def draft(facts: Iterable[Mapping[str, Any]], sources: Sequence[str], *, name: str = "learned", number: int = 1) -> str:
    """The policy file; `sources` say where the facts come from."""
    entries = list(facts)
    peers = [line for nr, entry in enumerate(entries, 1) for line in _peer(nr, entry)]
    return "\n".join(
        [
            *_head(entries, sources),
            "policies:",
            f"  - id: {number}",
            f"    name: {_scalar(name)}",
            "    default: deny  # for what no row allows",
            "    unknown_peer: reset  # for whom no entry under peers fits",
            "    peers:" if peers else "    peers: []",
            *(f"      {line}".rstrip() for line in peers),
            "",
        ]
    )


def _head(entries: Sequence[Mapping[str, Any]], sources: Sequence[str]) -> Iterator[str]:
    accesses = [Access(*access) for entry in entries for access in entry["accesses"]]
    findings: Counter[str] = Counter()
    for entry in entries:
        findings.update(entry["findings"])
    seen = f"{_count(sum(entry['pdus'] for entry in entries), 'PDU')} of {_count(len(entries), 'client')}"
    if accesses:
        first, last = min(it.first_ms for it in accesses), max(it.last_ms for it in accesses)
        seen = f"{seen}, {_moment(first)} to {_moment(last)} UTC"
    left_off = sum(entry["left_off"] for entry in entries)
    found = ", ".join(f"{_clean(code)} ({count})" for code, count in sorted(findings.items()))
    yield from _comment(f"Learned by `tandem learn` from {', '.join(map(_clean, sources))}: {seen}.")
    yield from _comment(
        "Whatever was done in that time is allowed here, and nothing else. Read it before you enforce it."
    )
    yield from _comment(f"Found meanwhile: {found}. See whether that is to be allowed." if found else "")
    yield from _comment(f"There was too much to learn: {left_off} accesses were left off." if left_off else "")


def _peer(nr: int, entry: Mapping[str, Any]) -> Iterator[str]:
    address = str(entry["address"])
    accesses = [it for it in (Access(*access) for access in entry["accesses"]) if it.can_be_said]
    if ":" in address:
        yield f"- name: client-{nr}  # at {_clean(address)}: a policy knows addresses of IPv4 alone"
    else:
        yield f"- name: {_scalar(address)}"
        yield f"  addresses: [{_scalar(address)}]"
    for side in ("client", "server"):
        shown = ", ".join(_identities(entry["identities"], side))
        if shown:
            yield f"  {side}: {{{shown}}}"
    apps = sorted({it.app for it in accesses if it.name == NO_OBJECT and it.app})
    if apps:
        yield f"  applications: {{allow: [{', '.join(map(_scalar, apps))}]}}  # these name no object"
    if entry["reserved"]:
        text = f"Needs no row, for IEC 60870-6 reserves it: {', '.join(map(_clean, entry['reserved']))}."
        yield from (f"  {line}" for line in _comment(text))
    named = [it for it in accesses if it.name != NO_OBJECT]
    for sender, title in _TABLES.items():
        table = rows([it for it in named if it.sender == sender], named)
        yield f"  {title}:" if table else f"  {title}: []"
        yield from (f"    {line}" for row in table for line in _row(row))


def _identities(identities: Mapping[str, Sequence[int | str]], side: str) -> Iterator[str]:
    for what in ("tsap", "ap_title", "ae_qualifier"):
        values = identities.get(f"{side}.{what}", ())
        if values and all(map(_SAYABLE[what], identities[f"{side}.{what}"])):
            yield f"{what}: [{', '.join(_scalar(it) for it in sorted(values, key=str))}]"


def _row(row: Row) -> Iterator[str]:
    shown = ", ".join(map(_scalar, [*sorted(row.patterns), *row.names]))
    domain = "null" if row.domain is None else _scalar(row.domain)
    rights = ", ".join(right for right in RIGHTS if right in row.rights)
    remark = "; ".join(_remarks(row))
    head, tail = f"- {{domain: {domain}, names: [", f"], rights: [{rights}]}}"
    line = f"{head}{shown}{tail}"
    if len(line) + len(remark) + 3 <= WIDTH:
        yield f"{line}  # {remark}"
        return
    yield from _comment(remark)
    if len(line) <= WIDTH:
        yield line
        return
    yield head
    wrapped = textwrap.wrap(shown, WIDTH - 16, break_long_words=False, break_on_hyphens=False)
    yield from (f"    {part}" for part in wrapped)
    yield f"  {tail}"


def _remarks(row: Row) -> Iterator[str]:
    """What was seen, in words."""
    if row.patterns:
        patterns = "a pattern" if len(row.patterns) == 1 else f"{len(row.patterns)} patterns"
        yield f"{patterns} for {sum(row.patterns.values())} names seen"
    yield _times(row.times)
    if not row.looks:
        if row.low is not None and row.high is not None:
            yield f"values {row.low:g} to {row.high:g}"
        yield f"last {_moment(row.last_ms)}"
    if row.remark:
        yield row.remark


def _scalar(value: int | str) -> str:
    """A value as YAML: bare where nobody could take it for anything else."""
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN:
        return value
    return json.dumps(value)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH - 10, break_on_hyphens=False)]


def _clean(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _moment(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "an unknown time"
