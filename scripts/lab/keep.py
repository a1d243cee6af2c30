"""What a failed trial can be explained from, kept."""

import json
import shutil
from pathlib import Path
from typing import Any

from scripts.lab.capture import Capture
from scripts.lab.lab import Lab


def keep(directory: Path, lab: Lab, capture: Capture | None, findings: dict[str, Any]) -> None:
    """Save captures, logs, what the nodes say now, and what was found, in `directory`."""
    if capture is not None:
        capture.stop()
    directory.mkdir(parents=True, exist_ok=True)
    for log in lab.layout.root.glob("*.log"):
        shutil.copy(log, directory)
    findings = findings | {"status": {node.name: node.status() for node in lab.pair.nodes}}
    (directory / "findings.json").write_text(json.dumps(findings, indent=2))
