"""What a node's sessions are held to, in numbers and hashes: how two nodes see whether they would judge alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from inspector.rules import Ruleset, TagTable
from node.policy.models import PolicyFile
from node.signatures.load import stock
from node.signatures.models import SignatureFile

if TYPE_CHECKING:
    from node.config import Config

HASH_DIGITS = 8

Tables = Mapping[str, tuple[int, str]]
"""Of each table how many entries it has, and their hash."""


def tables(config: Config, policies: PolicyFile | None, files: Sequence[SignatureFile], rules: Ruleset) -> Tables:
    """The tables of what was read. Comments and layout of the files do not count."""
    bound = [f"{service.name}: {service.policy}" for service in config.services]
    written = [] if policies is None else [policies.model_dump_json()]
    signatures = [stock(), *files]
    return {
        "policies": (0 if policies is None else len(policies.policies), _hash([*bound, *written])),
        "signatures": (
            sum(len(entries) for file in signatures for _, entries in file.sections),
            _hash(file.model_dump_json() for file in signatures),
        ),
        "stock tags": _tags(rules.stock_tags),
        "custom tags": _tags(rules.custom_tags),
    }


def _tags(tags: TagTable) -> tuple[int, str]:
    return tags.count, tags.hash


def _hash(parts: Iterable[str]) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:HASH_DIGITS]
