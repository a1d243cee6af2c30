"""Reads a configuration file: all of its problems at once, or the frozen Config."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.config import checks
from node.config.models import Admin, Config, Events, Service
from node.documents import Bounds, ConfigErrors, Finding, Reading, read_text
from node.keys import KeyFileError, read_keys

if TYPE_CHECKING:
    from inspector.rules import Ruleset

BOUNDS = Bounds(octets=1 << 18, nodes=20_000)
EXAMPLE = "configs/node-a.yaml"


def load(path: Path | str, *, check_files: bool = True) -> Config:
    """The configuration in the file `path`.

    With `check_files` the files that it names must be sound too: the cluster's key, the policies, the signatures; a
    command that only looks for the admin socket can do without. Raises ConfigErrors, never anything else.
    """
    text = read_text(Path(path), BOUNDS.octets, "give the path of the node's YAML file")
    return parse(text, str(path), check_files=check_files)


def parse(text: str, file: str = "<config>", *, check_files: bool = True) -> Config:
    """As `load`, from text; `file` is the name that problems are reported under."""
    reading = Reading(text, file, Config, EXAMPLE, BOUNDS.nodes)
    if isinstance(reading.data, dict):
        parts = checks.draft(reading.data)
        reading.add(checks.check(parts))
        if check_files:
            reading.add(_key_findings(reading.data.get("cluster")))
            reading.add(_admin_findings(parts.admin))
            reading.add(_certificate_findings(parts.events))
            reading.add(_notify_findings(reading.data.get("notify")))
            rules = _rules(reading)
            reading.add(_policy_findings(reading, rules, parts.services))
    return reading.result()


def _key_findings(cluster: Any) -> list[Finding]:
    path = _path(cluster.get("key_file") if isinstance(cluster, dict) else None)
    if path is None:
        return []
    try:
        read_keys(path)
    except KeyFileError as error:
        return [(("cluster", "key_file"), error.what, error.remedy)]
    return []


def _admin_findings(admin: Admin | None) -> list[Finding]:
    if admin is None:
        return []
    from node.tls import TlsError, server_context  # noqa: PLC0415 - most configurations have no such section
    from node.tokens import read_token  # noqa: PLC0415

    found: list[Finding] = []
    try:
        read_token(admin.token_file)
    except KeyFileError as error:
        found.append((("admin", "token_file"), error.what, error.remedy))
    try:
        if admin.tls is not None:
            server_context(admin.tls)
    except TlsError as error:
        found.append((("admin", "tls", error.key), error.what, error.remedy))
    return found


def _certificate_findings(events: Events | None) -> list[Finding]:
    """Files of the syslog servers' certificates that cannot be read."""
    found: list[Finding] = []
    for nr, syslog in enumerate(() if events is None else events.syslog):
        for key in ("ca_file", "cert_file", "key_file"):
            path = getattr(syslog, key)
            try:
                if path is not None:
                    path.open("rb").close()
            except OSError as error:
                where = ("events", "syslog", nr, key)
                found.append((where, f"{path} cannot be read: {error.strerror}", "give the path of a PEM file"))
    return found


def _notify_findings(notify: Any) -> list[Finding]:
    path = _path(notify.get("script") if isinstance(notify, dict) else None)
    if path is None or os.access(path, os.X_OK):
        return []
    what = f"{path} cannot be run" if path.exists() else f"{path} does not exist"
    return [(("notify", "script"), what, f"chmod 755 {path}" if path.exists() else "give the path of a program")]


def _rules(reading: Reading[Config]) -> Ruleset | None:
    """The signatures; None if they have problems, which are told, or if nothing is to be held against them."""
    named = reading.data.get("signature_files")
    if not named and reading.data.get("policy_file") is None:
        return None
    from node import signatures  # noqa: PLC0415 - the inspector takes long to load; who can does without

    paths = [path for path in map(_path, named if isinstance(named, tuple) else ()) if path is not None]
    try:
        return signatures.read(paths)
    except ConfigErrors as errors:
        reading.problems += errors.problems
        return None


def _policy_findings(reading: Reading[Config], rules: Ruleset | None, services: dict[int, Service]) -> list[Finding]:
    """What is wrong between the services and the policy file; what is wrong in that file is told as its own."""
    path = _path(reading.data.get("policy_file"))
    if path is None:
        return []
    from node.policy.load import no_policy, read_policy_file  # noqa: PLC0415 - likewise

    try:
        policies = {entry.id for entry in read_policy_file(path, rules).policies}
    except ConfigErrors as errors:
        reading.problems += errors.problems
        return []
    return [
        (("services", nr, "policy"), *no_policy(service.policy, policies, f"{path} has no"))
        for nr, service in services.items()
        if service.policy not in policies
    ]


def _path(value: Any) -> Path | None:
    """A path as the file gives it; None for what the field's own check complains of."""
    return Path(value) if isinstance(value, str) and value.startswith("/") else None
