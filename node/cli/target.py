"""Which node is meant: --socket, --config, or the only one that runs on this host."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from node.cli.failures import EXIT_NODE, EXIT_USAGE, CliError

if TYPE_CHECKING:
    from node.config import Config

RUN_DIR = Path("/run/tandem")
GLANCE_OCTETS_MAX = 1 << 18


def find_socket(config: Path | None, socket: Path | None) -> Path:
    """The admin socket to ask."""
    if socket is not None:
        return socket
    if config is not None:
        return _socket_named_in(config) or load_config(config, check_files=False).node.admin_socket
    return _only_socket(RUN_DIR)


def _socket_named_in(config: Path) -> Path | None:
    """As a glance at the file shows it; None if it takes the closer look, which takes several times as long."""
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    with suppress(OSError, ValueError, YAMLError, LookupError, TypeError, AttributeError, RecursionError):
        with config.open("rb") as file:
            section = _section("node", file.read(GLANCE_OCTETS_MAX).decode())
        node = YAML(typ="safe", pure=True).load(section)["node"]
        name, run_dir = node["name"], node.get("run_dir", str(RUN_DIR))
        if all(isinstance(each, str) for each in (name, run_dir)):
            return Path(run_dir) / f"{name}.sock"
    return None


def _section(key: str, text: str) -> str:
    """The lines of one section: from its key to the next one's. Raises LookupError."""
    found = re.search(rf"^{key}:.*\n(?:[ #].*\n|\n)*", f"{text}\n", re.MULTILINE)
    if found is None:
        raise LookupError(key)
    return found[0]


def load_config(path: Path, *, check_files: bool = True) -> Config:
    """The configuration, or a CliError with every problem of the file."""
    from node.config import ConfigErrors, load  # noqa: PLC0415 - costs what whoever only looks need not pay

    try:
        return load(path, check_files=check_files)
    except ConfigErrors as errors:
        count = len(errors.problems)
        what = "1 problem" if count == 1 else f"{count} problems"
        raise CliError(f"{path} has {what}\n{errors}", EXIT_USAGE) from None


def _only_socket(run_dir: Path) -> Path:
    found = sorted(run_dir.glob("*.sock"))
    if not found:
        raise CliError(
            f"no node runs here: there is no socket in {run_dir}\n"
            "    start one with `tandem run CONFIG`, or name it with --config FILE or --socket PATH",
            EXIT_NODE,
        )
    if len(found) > 1:
        names = ", ".join(path.stem for path in found)
        raise CliError(
            f"several nodes run here ({names})\n    say which with --config FILE or --socket PATH", EXIT_USAGE
        )
    return found[0]
