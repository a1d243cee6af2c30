"""The rows of a bilateral table out of what was seen: names of one domain with the same rights share one.

Where many names begin alike they become a pattern, but only in rows that merely look, and only if no other name
that was seen fits it. What is written, operated or tagged is always listed name by name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from inspector.learning import ALL_NAMES
from inspector.patterns import PATTERN_LENGTH_MAX
from inspector.policy.rows import OWN_DOMAIN, Name

ALIKE_MIN = 8
"""So many names that begin alike are written as a pattern."""
STEM_LENGTH_MIN = 2
ANY_NAME = "Bilateral_Table_ID"
"""Every peer may read it anyway: stands in a row whose point is that the domain's names may be asked for."""
_LOOKING = frozenset(("read", "report"))
_SEPARATORS = frozenset("_.$-:#")
_DIGITS = frozenset("0123456789")
_ODD = re.compile(r"[*?\[\]/ ]")


class Access(NamedTuple):
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

    @property
    def parts(self) -> Name:
        """Domain and item; the item is empty for all of a domain."""
        return Name(None, "") if self.name == ALL_NAMES else Name.of(self.name)

    @property
    def can_be_said(self) -> bool:
        """Whether a row can name it: a domain has at least one letter, whatever a peer sends."""
        return self.parts.domain != ""


class Row(NamedTuple):
    """One row, and what was seen of it."""

    domain: str | None
    """A pattern that fits it alone, like those of names."""
    patterns: dict[str, int]
    """Each pattern that stands for several names, and for how many."""
    names: list[str]
    rights: frozenset[str]
    times: int
    last_ms: int
    low: float | None
    high: float | None
    remark: str = ""

    @property
    def looks(self) -> bool:
        """Whether it changes nothing at the other side."""
        return self.rights <= _LOOKING


def rows(accesses: Iterable[Access], others: Iterable[Access]) -> list[Row]:
    """The rows for accesses of one side, sorted: by domain, within one first what only looks.

    No pattern fits a name of `others`, which is whatever was seen besides, unless it is in the row itself.
    """
    mine = list(accesses)
    known: dict[str | None, set[str]] = defaultdict(set)
    for access in others:
        known[access.parts.domain].add(access.parts.item)
    found = [*_named(mine, known), *_at_once(mine)]
    return sorted(found, key=lambda it: (it.domain is None, it.domain or "", not it.looks, sorted(it.rights)))


def _named(accesses: Iterable[Access], known: dict[str | None, set[str]]) -> Iterator[Row]:
    by_name: dict[Name, list[Access]] = defaultdict(list)
    for access in accesses:
        if access.parts.item or access.right == "read":
            by_name[access.parts].append(access)
    groups: dict[tuple[str | None, frozenset[str]], dict[str, list[Access]]] = defaultdict(dict)
    for parts, uses in by_name.items():
        groups[parts.domain, frozenset(it.right for it in uses)][parts.item] = uses
    readable = {domain for (domain, rights), items in groups.items() if "read" in rights and any(items)}
    for (domain, rights), items in groups.items():
        remark = ""
        asked = items.pop("", None)
        if asked and domain not in readable:
            items[ANY_NAME] = asked
            remark = "all names of the domain were asked for"
        if items:
            looks = rights <= _LOOKING
            patterns, names = _compressed(items, known[domain] - set(items)) if looks else ({}, sorted(items))
            uses = [use for each in items.values() for use in each]
            yield _row(domain, patterns, [_literal(name) for name in names], uses, remark)


def _at_once(accesses: Iterable[Access]) -> Iterator[Row]:
    """What was done to all of a domain, as deleting its data sets: nothing less than all names allows it."""
    groups: dict[tuple[str | None, str], list[Access]] = defaultdict(list)
    for access in accesses:
        if not access.parts.item and access.right != "read":
            groups[access.parts.domain, access.right].append(access)
    for (domain, _), uses in groups.items():
        yield _row(domain, {}, ["*"], uses, "done to all of the domain at once, which only this allows")


def _row(domain: str | None, patterns: dict[str, int], names: list[str], uses: Sequence[Access], remark: str) -> Row:
    return Row(
        None if domain is None else _literal(domain, OWN_DOMAIN),
        patterns,
        names,
        frozenset(use.right for use in uses),
        sum(use.times for use in uses),
        max(use.last_ms for use in uses),
        min((use.low for use in uses if use.low is not None), default=None),
        max((use.high for use in uses if use.high is not None), default=None),
        remark,
    )


def _compressed(items: Iterable[str], others: set[str]) -> tuple[dict[str, int], list[str]]:
    """Patterns with how many names each stands for, and the names that none stands for."""
    left = set(items)
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
    return patterns, sorted(left)


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


def _literal(name: str, *kept: str) -> str:
    """A name as a pattern: characters that mean something there, or cannot stand there, become `?`."""
    if name in kept:
        return name
    text = "".join(it if it.isprintable() else "?" for it in _ODD.sub("?", name))
    return text if len(text) <= PATTERN_LENGTH_MAX else text[: PATTERN_LENGTH_MAX - 1] + "*"
