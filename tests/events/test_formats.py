"""Every kind of event in every format: EVE by its schema, the others word for word or taken apart again."""

from __future__ import annotations

import json
import re
from datetime import UTC
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from node.events import Event, Kind, Severity, cef, eve, fortios
from tests.events.samples import SESSION, event, samples

SCHEMA = json.loads((files("node.events") / "eve.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
TOLD = Path(__file__).parent / "formats.txt"
NAMES = list(samples())


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_kind_has_a_sample() -> None:
    assert {each.kind for each in samples().values()} == set(Kind)


@pytest.mark.parametrize("name", NAMES)
def test_eve_lines_are_as_the_schema_says(name: str) -> None:
    line = eve.line(samples()[name])
    assert "\n" not in line
    VALIDATOR.validate(json.loads(line))


@pytest.mark.parametrize("name", NAMES)
def test_a_record_tells_the_whole_event(name: str) -> None:
    told = samples()[name]
    assert Event.of(json.loads(json.dumps(told.record()))) == told


def test_lines_word_for_word() -> None:
    lines: list[str] = []
    for name, told in samples().items():
        lines += [f"# {name}", eve.line(told), fortios.line(told, UTC), cef.line(told, "0.2.0"), ""]
    assert "\n".join(lines) == TOLD.read_text()


@pytest.mark.parametrize(
    "spoiled",
    [
        {"event_type": "dns"},
        {"timestamp": "2022-09-27T20:23:41Z"},
        {"flow_id": "1"},
        {"secret": "x"},
        {"stats": {}},
    ],
)
def test_the_schema_takes_not_everything(spoiled: dict[str, object]) -> None:
    assert list(VALIDATOR.iter_errors(eve.record(samples()["denied"]) | spoiled))


def test_the_sender_comes_first() -> None:
    report, write = eve.record(samples()["app"]), eve.record(samples()["denied"])
    assert (report["src_ip"], report["dest_port"], report["direction"]) == ("172.16.200.177", 57218, "to_client")
    assert (write["src_ip"], write["dest_port"], write["direction"]) == ("10.1.100.178", 102, "to_server")


TEXT = st.text(max_size=40)


@settings(max_examples=40, deadline=None)
@given(TEXT, TEXT)
def test_peers_names_break_no_line(name: str, detail: str) -> None:
    told = event(Kind.FINDING, detail, Severity.LOW, sid=1, signature=name, detail=detail, app=name, **SESSION)
    VALIDATOR.validate(json.loads(eve.line(told)))
    for line in (eve.line(told), fortios.line(told), cef.line(told, "1")):
        assert len(line.splitlines()) == 1
    header, _, extension = split_cef(cef.line(told, "1"))
    assert header[4] == "1" and header[6] == str(cef.SEVERITIES[Severity.LOW])
    assert extension["externalId"] == str(told.incident)
    assert extension["src"] == "10.1.100.178"


def split_cef(line: str) -> tuple[list[str], str, dict[str, str]]:
    """A line of CEF as a reader takes it apart: seven fields between pipes, then key=value."""
    *header, rest = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
    pairs = re.findall(r"(\w+)=((?:\\.|[^\\=])*)(?=\s\w+=|$)", rest, re.DOTALL)
    return header, rest, dict(pairs)
