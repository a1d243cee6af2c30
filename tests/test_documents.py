"""The documents speak of what there is: alarms, events, commands, files."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from node.events import Kind

ROOT = Path(__file__).parents[1]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_alarm_is_explained() -> None:
    rules = YAML(typ="safe").load(ROOT / "configs" / "prometheus-rules.yaml")
    alarms = [rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    assert len(alarms) > 10
    assert [alarm for alarm in alarms if f"`{alarm}`" not in OPERATIONS] == []
    assert [name for name in re.findall(r"`(Tandem\w+)`", OPERATIONS) if name not in alarms] == []


def test_every_kind_of_event_is_explained() -> None:
    assert [kind for kind in Kind if f"`{kind}`" not in OPERATIONS] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_are_there(document: Path) -> None:
    text = document.read_text()
    named = re.findall(r"`((?:configs|docs|scripts|tests|node|protocol|inspector)/[\w./-]*)`", text)
    linked = [document.parent / link for link in re.findall(r"\]\(([\w./-]+)\)", text)]
    assert [path for path in (*map(ROOT.joinpath, named), *linked) if not path.exists()] == []
