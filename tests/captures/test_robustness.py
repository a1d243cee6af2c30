"""Whatever a capture holds, reading it ends, and ends well."""

from __future__ import annotations

import itertools
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import Direction, Policing, Watch
from node import signatures
from node.captures.errors import CaptureError
from node.captures.files import Capture
from node.captures.inspection import Inspection, Sighting
from node.captures.notes import Notes
from node.captures.policing import Maker
from node.cli.views.inspected import Clock, JsonLines, TextLines
from tests.captures import frames as made
from tests.inspector.vectors import conversation

RULES = signatures.read()
ENDS = (("10.0.0.1", 50_000), ("10.0.0.2", 102), ("10.0.0.3", 102), ("10.0.0.3", 7))


def seen(data: bytes) -> list[Sighting]:
    """Everything in a capture file; none if it cannot be read."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "it.pcap"
        path.write_bytes(data)
        try:
            with Capture(path, Notes()) as capture:
                return list(Inspection(Notes(), Maker(Policing(RULES, None, Watch()), details=True)).run(capture))
        except CaptureError:
            return []


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    octets = st.one_of(st.binary(max_size=40), st.sampled_from([octets for _, octets in conversation()]))
    source, target = draw(st.permutations(ENDS))[:2]
    numbers = st.one_of(st.integers(0, 200), st.integers(0, 2**32 - 1))
    return made.tcp(source, target, draw(numbers), draw(octets), draw(st.integers(0, 255)), draw(numbers))


@settings(deadline=None, max_examples=100)
@given(st.lists(packets(), max_size=30))
def test_any_segments(some: list[bytes]) -> None:
    json_lines, text_lines = JsonLines(), TextLines()
    for sighting in seen(made.pcap(made.stamped(some), link=101)):
        assert list(json_lines.lines(sighting))
        assert list(text_lines.lines(sighting))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from((made.pcap, made.pcapng)), st.data())
def test_files_with_octets_changed(form: object, data: st.DataObject) -> None:
    assert callable(form)
    file = bytearray(form(made.stamped(map(made.ethernet, made.packets()[:12]))))
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    seen(bytes(file))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_the_pdus_are_those_of_the_conversation_however_it_was_cut(data: st.DataObject) -> None:
    """Cut anywhere, and swapped within a direction's turn: the same PDUs in the same order, each once."""
    whole = [it.pdu for it in seen(made.pcap(made.stamped(made.packets()), link=101))]
    cut = [
        (direction, octets[start:stop])
        for direction, octets in conversation()
        for start, stop in _spans(len(octets), data.draw(st.lists(st.integers(1, 700), max_size=3)))
    ]
    sent = made.packets(cut)
    at = data.draw(st.integers(3, len(sent) - 4))
    if sent[at][12:20] == sent[at + 1][12:20]:
        sent[at : at + 2] = [sent[at + 1], sent[at], sent[at]]
    assert [it.pdu for it in seen(made.pcap(made.stamped(sent), link=101))] == whole
    assert [it.direction for it in whole] == [Direction(it) for it, _ in conversation()]


def _spans(size: int, cuts: list[int]) -> list[tuple[int, int]]:
    places = [0, *sorted({it for it in cuts if it < size}), size]
    return list(itertools.pairwise(places))


def test_times_that_cannot_be_right() -> None:
    assert Clock()(1 << 80).startswith("9999-12-31T23:59:59.")
    assert Clock()(0) == "1970-01-01T00:00:00.000000Z"
