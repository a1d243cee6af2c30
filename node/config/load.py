"""Reads a configuration file: all of its problems at once, or the frozen Config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from node.config import checks
from node.config.models import Config
from node.documents import Bounds, Finding, Reading, read_text
from node.keys import KeyFileError, read_key

BOUNDS = Bounds(octets=1 << 18, nodes=20_000)
EXAMPLE = "configs/node-a.yaml"


def load(path: Path | str, *, check_key: bool = True) -> Config:
    """The configuration in the file `path`.

    With `check_key` the cluster's key file must be usable too; a command that only looks for the admin socket
    can do without. Raises ConfigErrors, never anything else.
    """
    text = read_text(Path(path), BOUNDS.octets, "give the path of the node's YAML file")
    return parse(text, str(path), check_key=check_key)


def parse(text: str, file: str = "<config>", *, check_key: bool = True) -> Config:
    """As `load`, from text; `file` is the name that problems are reported under."""
    reading = Reading(text, file, Config, EXAMPLE, BOUNDS.nodes)
    if isinstance(reading.data, dict):
        reading.add(checks.check(checks.draft(reading.data)))
        reading.add(_key_findings(reading.data.get("cluster")) if check_key else [])
    return reading.result()


def _key_findings(cluster: Any) -> list[Finding]:
    named = cluster.get("key_file") if isinstance(cluster, dict) else None
    if not isinstance(named, str) or not named.startswith("/"):
        return []  # the field's own check has said so
    try:
        read_key(Path(named))
    except KeyFileError as error:
        return [(("cluster", "key_file"), error.what, error.remedy)]
    return []
