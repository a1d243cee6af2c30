"""Loads what services are held to: signature files and the policy file, all mistakes of all files at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from inspector.policy import Policy
from inspector.rules import Ruleset
from node import signatures
from node.documents import Bounds, ConfigErrors, Problem, Reading, read_text
from node.policy.checks import check
from node.policy.compile import compile_policy
from node.policy.models import PolicyFile
from node.policy.tables import Tables, tables
from node.signatures.load import compiled, read_files

if TYPE_CHECKING:
    from node.config import Config

BOUNDS = Bounds(octets=8 << 20, nodes=400_000)
EXAMPLE = "configs/policy-example.yaml"


class Loaded(NamedTuple):
    """What a session is held to."""

    rules: Ruleset
    policy: Policy


@dataclass(frozen=True)
class Rulebook:
    """What the sessions of each service are held to."""

    services: Mapping[str, Loaded]
    """By the service's name."""
    rules: Ruleset
    """The signatures as no policy has changed them."""
    tables: Tables
    """What another node's can be compared by."""


def load_policy_file(path: Path | str, rules: Ruleset | None = None) -> dict[int, Loaded]:
    """Each policy of a file by its number, with the signatures as it changes them.

    Without `rules` these are the stock signatures. Raises ConfigErrors.
    """
    known = signatures.read() if rules is None else rules
    return _compiled(read_policy_file(path, known), known)


def read_policy_file(path: Path | str, rules: Ruleset | None) -> PolicyFile:
    """What a file says; judged by itself alone if the rules are not known. Raises ConfigErrors."""
    text = read_text(Path(path), BOUNDS.octets, "give the path of a YAML file of policies")
    reading = Reading(text, str(path), PolicyFile, EXAMPLE, BOUNDS.nodes)
    if reading.value is not None and rules is not None:
        reading.add(check(reading.value, rules))
    return reading.result()


def load_all(config: Config) -> Rulebook:
    """What each service of a configuration is held to; the default policy if it names no policy file.

    Raises ConfigErrors, also when the policy file has no policy for a service: it may have changed since the
    configuration was checked.
    """
    files = read_files(config.signature_files)
    rules = compiled(files)
    if config.policy_file is None:
        services = {it.name: Loaded(rules, Policy.default(it.policy)) for it in config.services}
        return Rulebook(services, rules, tables(config, None, files, rules))
    file = read_policy_file(config.policy_file, rules)
    policies = _compiled(file, rules)
    missing = [
        Problem(
            str(config.policy_file),
            1,
            1,
            "policies",
            *no_policy(it.policy, policies, f"there is none for service {it.name},"),
        )
        for it in config.services
        if it.policy not in policies
    ]
    if missing:
        raise ConfigErrors(missing)
    return Rulebook({it.name: policies[it.policy] for it in config.services}, rules, tables(config, file, files, rules))


def no_policy(number: int, known: Iterable[int], subject: str) -> tuple[str, str]:
    """The message and the hint for a policy that a policy file does not have."""
    return f"{subject} policy {number}", f"the policies there are: {', '.join(map(str, sorted(known)))}"


def _compiled(file: PolicyFile, rules: Ruleset) -> dict[int, Loaded]:
    return {entry.id: Loaded(*compile_policy(entry, rules)) for entry in file.policies}
