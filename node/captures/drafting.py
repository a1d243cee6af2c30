"""A policy that allows what was seen and nothing else, as text for a person to read and then to enforce.

From the facts of `inspector.learning`. Names of one domain with the same rights share a row. Where many begin
alike they become a pattern, but only what is read or reported, and only if no other name seen fits it.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from inspector.learning import ALL_NAMES, NO_OBJECT
from inspector.policy.rows import OWN_DOMAIN, Name
from node.documents.patterns import PATTERN_LENGTH_MAX

ALIKE_MIN = 8
"""So many names that begin alike are written as a pattern."""
STEM_LENGTH_MIN = 2
WIDTH = 116
RIGHTS = ("read", "report", "select", "operate", "tag", "write")
"""In the order in which they are written."""
_HARMLESS = frozenset(("read", "report"))
_TABLES = {"client": "client_may", "server": "server_may"}
_SEPARATORS = frozenset("_.$-:#")
_DIGITS = frozenset("0123456789")
_ANY_NAME = "Bilateral_Table_ID"
"""Every peer may read it anyway: stands in a row whose point is that the domain's names may be asked for."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.$*-]*")
_NOT_PLAIN = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n", "none"))
_ODD = re.compile(r"[*?\[\]/ ]")


class _Access(NamedTuple):
    """One line of what a learner gathered."""

    sender: str
    right: str
    name: str
    app: str
    times: int
    first_ms: int
    last_ms: int
    low: float | None
    high: float | None


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
    accesses = [_Access(*access) for entry in entries for access in entry["accesses"]]
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
    accesses = [it for it in (_Access(*access) for access in entry["accesses"]) if _can_be_said(it.name)]
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
    for sender, title in _TABLES.items():
        rows = list(_rows([it for it in accesses if it.sender == sender and it.name != NO_OBJECT], accesses))
        yield f"  {title}:" if rows else f"  {title}: []"
        yield from (f"    {line}" for line in rows)


def _can_be_said(name: str) -> bool:
    """Whether a row can name it; a domain has at least one letter, whatever a peer sends."""
    return name == ALL_NAMES or Name.of(name).domain != ""


def _identities(identities: Mapping[str, Sequence[int | str]], side: str) -> Iterator[str]:
    for what in ("tsap", "ap_title", "ae_qualifier"):
        values = identities.get(f"{side}.{what}", ())
        if values and all(map(_SAYABLE[what], identities[f"{side}.{what}"])):
            yield f"{what}: [{', '.join(_scalar(it) for it in sorted(values, key=str))}]"


class _Group(NamedTuple):
    """What becomes a row: a domain's names with the same rights."""

    domain: str | None
    rights: frozenset[str]
    items: dict[str, int]
    """Each name, and how often it was used."""
    low: float | None
    high: float | None
    last_ms: int


def _rows(accesses: Sequence[_Access], everything: Sequence[_Access]) -> Iterator[str]:
    groups = _groups(accesses)
    known: dict[str | None, set[str]] = defaultdict(set)
    for access in everything:
        parts = Name.of(access.name)
        known[parts.domain].add(parts.item)
    for group in groups:
        yield from _row(group, known[group.domain] - set(group.items))


def _groups(accesses: Sequence[_Access]) -> list[_Group]:
    """The rows of one table, sorted: by domain, and first what only looks."""
    by_name: dict[Name, list[_Access]] = defaultdict(list)
    for access in accesses:
        by_name[_named(access)].append(access)
    rows: dict[tuple[str | None, frozenset[str]], list[tuple[str, list[_Access]]]] = defaultdict(list)
    for parts, uses in by_name.items():
        rows[parts.domain, frozenset(it.right for it in uses)].append((parts.item, uses))
    listed = {domain for (domain, rights), found in rows.items() if "read" in rights and any(it[0] for it in found)}
    groups = []
    for (domain, rights), found in rows.items():
        items = {item: sum(it.times for it in uses) for item, uses in found}
        asked = items.pop("", 0)
        if asked and domain not in listed:
            items[_ANY_NAME] = asked
        if items:
            every = [it for _, uses in found for it in uses]
            low = min((it.low for it in every if it.low is not None), default=None)
            high = max((it.high for it in every if it.high is not None), default=None)
            groups.append(_Group(domain, rights, items, low, high, max(it.last_ms for it in every)))
    return sorted(groups, key=_place)


def _place(group: _Group) -> tuple[bool, str, bool, list[str]]:
    """Where a row stands: names of the VMD last, within a domain first what only looks."""
    return group.domain is None, group.domain or "", not group.rights <= _HARMLESS, sorted(group.rights)


def _named(access: _Access) -> Name:
    if access.name == ALL_NAMES:
        return Name(None, "")
    parts = Name.of(access.name)
    if not parts.item and access.right != "read":
        return Name(parts.domain, "*")
    return parts


def _row(group: _Group, others: set[str]) -> Iterator[str]:
    rights = ", ".join(right for right in RIGHTS if right in group.rights)
    harmless = group.rights <= _HARMLESS
    patterns, names = _compressed(group.items, others) if harmless else ({}, sorted(group.items))
    shown = [*(_scalar(it) for it in sorted(patterns)), *(_scalar(_literal(name)) for name in names)]
    domain = "null" if group.domain is None else _scalar(_literal(group.domain))
    remark = "; ".join(_remarks(group, patterns, harmless))
    head, tail = f"- {{domain: {domain}, names: [", f"], rights: [{rights}]}}"
    line = f"{head}{', '.join(shown)}{tail}"
    if len(line) + len(remark) + 3 <= WIDTH:
        yield f"{line}  # {remark}"
        return
    yield from _comment(remark)
    if len(line) <= WIDTH:
        yield line
        return
    yield head
    wrapped = textwrap.wrap(", ".join(shown), WIDTH - 16, break_long_words=False, break_on_hyphens=False)
    yield from (f"    {part}" for part in wrapped)
    yield f"  {tail}"


def _remarks(group: _Group, patterns: Mapping[str, int], harmless: bool) -> Iterator[str]:
    """What was seen, in words."""
    if patterns:
        names = _count(sum(patterns.values()), "name")
        yield (
            f"{_count(len(patterns), 'pattern')} for {names} seen"
            if len(patterns) > 1
            else f"a pattern for {names} seen"
        )
    yield _times(sum(group.items.values()))
    if not harmless:
        if group.low is not None and group.high is not None:
            yield f"values {group.low:g} to {group.high:g}"
        yield f"last {_moment(group.last_ms)}"
    if _ANY_NAME in group.items:
        yield "all names of the domain were asked for"


def _compressed(items: Iterable[str], others: set[str]) -> tuple[dict[str, int], list[str]]:
    """Patterns with how many names each stands for, and the names that none stands for."""
    left = {item for item in items if item != "*"}
    counts: dict[str, int] = defaultdict(int)
    for item in left:
        for stem in _stems(item):
            counts[stem] += 1
    patterns = {}
    for stem in sorted((it for it, count in counts.items() if count >= ALIKE_MIN), key=lambda it: (-len(it), it)):
        alike = {item for item in left if _fits(item, stem)}
        if len(alike) >= ALIKE_MIN and not any(_fits(item, stem) for item in others):
            patterns[_literal(stem) + ("*" if stem[-1] in _SEPARATORS else "[0-9]*")] = len(alike)
            left -= alike
    return patterns, sorted(left | {item for item in items if item == "*"})


def _stems(item: str) -> set[str]:
    """How a name begins: up to each separator, and up to the digits at its end."""
    stems = {item[: at + 1] for at, character in enumerate(item[:-1]) if character in _SEPARATORS}
    bare = item.rstrip("0123456789")
    if bare != item:
        stems.add(bare)
    return {stem for stem in stems if len(stem) >= STEM_LENGTH_MIN}


def _fits(item: str, stem: str) -> bool:
    """Whether the pattern made of a stem fits a name."""
    rest = item.removeprefix(stem)
    if rest == item:
        return False
    return stem[-1] in _SEPARATORS or rest[:1] in _DIGITS


def _literal(name: str) -> str:
    """A name as a pattern: characters that mean something there, or cannot stand there, become `?`."""
    if name in ("*", OWN_DOMAIN):
        return name
    text = "".join(it if it.isprintable() else "?" for it in _ODD.sub("?", name))
    return text if len(text) <= PATTERN_LENGTH_MAX else text[: PATTERN_LENGTH_MAX - 1] + "*"


def _scalar(value: int | str) -> str:
    """A value as YAML: bare where nobody could take it for anything else."""
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN and not value.startswith("*"):
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
