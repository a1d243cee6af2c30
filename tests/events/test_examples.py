"""The example of a syslog server, which the example configurations have as comments, is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.config import parse

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("name", ["node-a.yaml", "node-b.yaml"])
def test_the_syslog_example_is_sound(name: str) -> None:
    before, _, rest = (CONFIGS / name).read_text().partition("  syslog: []")
    _, _, commented = rest.partition("\n")
    lines = commented.splitlines()
    end = next((nr for nr, line in enumerate(lines) if not line.startswith("# ")), len(lines))
    example = ["  " + line.removeprefix("# ") for line in lines[:end]]
    config = parse("\n".join([before, *example, *lines[end:]]), check_files=False)
    (server,) = config.events.syslog
    assert (server.transport, server.expected_name, server.key_file) == (
        "tls",
        "siem.example.net",
        Path("/etc/tandem/siem.key"),
    )
