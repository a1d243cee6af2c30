"""The documents speak of what there is: alarms, events, commands, files."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from click import Command, Context, Group
from ruamel.yaml import YAML

from node.cli.main import app
from node.events import Kind
from scripts.lab.faults import FAILURES

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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_command_lines_are_what_the_program_takes(document: Path) -> None:
    wrong = [line for line in written(document.read_text(), "tandem ") if not taken(shlex.split(line)[1:])]
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_scripts_take_the_options_that_are_named(document: Path) -> None:
    for line in written(document.read_text(), "(?:\\./)?scripts/\\w"):
        script, *words = line.removeprefix("./").split()
        if (ROOT / script).is_dir() or script.endswith(".py"):
            continue
        named = {word for word in words if word.startswith("--")}
        assert named <= script_options(script), line


def test_the_demos_options_are_its_own() -> None:
    table = (ROOT / "README.md").read_text().partition("Then try")[2].partition("| for those")[0]
    named = set(re.findall(r"--[a-z][a-z-]+", table))
    assert len(named) > 5
    assert named <= script_options("scripts/demo")
    failures = re.search(r"--failure ([^`]+)`", table)
    assert failures is not None
    assert set(failures[1].split("\\|")) == set(FAILURES)


def written(text: str, start: str) -> Iterator[str]:
    """Command lines in a text: between backticks, or on lines of their own; without remarks and what is optional."""
    for line in re.findall(rf"`({start}[^`]*)`|^ {{4}}({start}.*)$", text, re.MULTILINE):
        yield re.sub(r"\s+#.*|[][…]|\s*$", "", " ".join("".join(line).split()))


def taken(words: list[str]) -> bool:
    """Whether there is such a command with such options; what they are given does not matter."""
    at: Command = typer.main.get_command(app)
    while isinstance(at, Group) and words and (below := at.get_command(Context(at), words[0])):
        at = below
        words = words[1:]
    options = {name for parameter in at.get_params(Context(at)) for name in parameter.opts}
    return not isinstance(at, Group) and {word for word in words if word.startswith("-")} <= options


def script_options(script: str) -> set[str]:
    """The options of the program that a script hands its own to."""
    (module,) = re.findall(r"-m ((?:scripts|tests)\.[\w.]+) \"\$@\"", (ROOT / script).read_text()) or [""]
    path = ROOT / module.replace(".", "/")
    source = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    return set(re.findall(r"add_argument\(\s*\"(--[a-z-]+)\"", source.read_text())) if module else set()
