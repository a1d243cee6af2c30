"""What the checks say of real traffic: next to nothing; and of the same traffic, tampered with."""

from collections import Counter
from functools import cache

import pytest

from inspector import Direction
from tests.inspector.captures import FOLDER, needs_captures, segments
from tests.inspector.checking import events
from tests.inspector.vectors import Message

pytestmark = needs_captures

AREVA = "iccp_areva_2005_genuine.pcap"
DINA = "iccp_dina_2025_open_read_write_close.pcap"
REPORTS = b"\xa3"


@cache
def messages(capture: str) -> tuple[Message, ...]:
    """Every TPKT of a capture of one connection, in order."""
    held = dict.fromkeys(Direction, b"")
    found: list[Message] = []
    for _, direction, fresh in segments(FOLDER / capture):
        octets = held[direction] + fresh
        at = 0
        while len(octets) - at >= 4 and len(octets) >= (stop := at + int.from_bytes(octets[at + 2 : at + 4], "big")):
            found.append((direction, octets[at:stop]))
            at = stop
        held[direction] = octets[at:]
    assert not any(held.values())
    return tuple(found)


def codes(those: tuple[Message, ...] | list[Message]) -> Counter[str]:
    return Counter(it.code for it in events(those))


def reports(capture: str) -> list[Message]:
    """Its informationReports; in data of a session MMS starts behind some 20 octets of headers."""
    return [it for it in messages(capture) if REPORTS in it[1][19:27] and it[1][5:7] == b"\xf0\x80"]


def test_control_centres_raise_nothing() -> None:
    """115 reports of both kinds and in both directions among them; who asks for names twice does not enumerate."""
    assert codes(messages(AREVA)) == {"connection": 1, "enumeration": 6}
    assert len(reports(AREVA)) == 115


def test_a_laboratory_looks_around() -> None:
    """A client that reads a server of which it knows nothing; some of that it may not."""
    assert codes(messages(DINA)) == {"connection": 1, "enumeration": 1037, "access-error": 7}


@pytest.mark.parametrize("capture", [AREVA, DINA])
def test_it_is_no_matter_when_the_inspector_comes_in(capture: str) -> None:
    everything = messages(capture)
    step = max(1, len(everything) // 24)
    for start in range(1, len(everything), step):
        assert set(codes(everything[start:])) <= {"enumeration", "access-error"}, start


def test_a_report_sent_back_is_a_forgery() -> None:
    forged = [(Direction(1 - direction), octets) for direction, octets in reports(AREVA)]
    found = codes([*messages(AREVA), *forged])
    assert found["report-wrong-direction"] == len(forged)


def test_a_report_of_another_transfer_set_is_a_forgery() -> None:
    named = [
        (direction, octets) for direction, octets in reports(AREVA) if b"ICCP_TS" in octets or b"CITEC_TS" in octets
    ]
    forged = [(direction, octets.replace(b"_TS", b"_XS")) for direction, octets in named]
    found = codes([*messages(AREVA), *forged])
    assert found["report-unknown-transfer-set"] == len(forged) > 100


def test_reports_without_a_start_are_forgeries() -> None:
    """The same conversation, but for the requests that start transfers and what answers them."""
    started = {n for n, (_, octets) in enumerate(messages(AREVA)) if b"\xa5" in octets[24:32]}
    without = [it for n, it in enumerate(messages(AREVA)) if n not in started]
    found = codes(without)
    assert found["report-unknown-transfer-set"] == 115
    assert len(messages(AREVA)) - len(without) == 8
