"""Reports recognised by their shape come out as if each had gone the long way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import Direction, Pdu, Policing, Stack
from inspector.shapes import Shapes
from node import signatures
from tests.inspector import vectors as v
from tests.inspector.captures import FOLDER, needs_captures, segments
from tests.inspector.vectors import C2S, S2C, data, osi, report, request, scoped, tlv, variables

UNPOLICED = Policing()
NAMES = ("ICC1/Transfer_Set_Name", "ICC1/DSConditions_Detected", "ICC1/PT_1", "ICC1/PT_2")


def by_exception(transfer_set: str, *points: bytes) -> bytes:
    values = (scoped("ICC1", transfer_set), tlv(0x84, b"\x03\x20"), *points)
    return data(osi(report(variables(*NAMES[: len(values)]), *values)))


def the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shapes, "learn", lambda *_: None)


def inspect(stream: list[tuple[Direction, bytes]], policing: Policing = UNPOLICED) -> tuple[list[Pdu], bytes]:
    stack = Stack(policing=policing)
    pdus = [pdu for direction, octets in stream for pdu in stack.feed(direction, octets).pdus]
    return pdus, stack.snapshot()


reports = st.builds(
    by_exception,
    st.sampled_from(["TS_1", "TS_2"]),
    *[st.binary(min_size=5, max_size=6).map(lambda it: tlv(0x87, it))] * 2,
)
requests = st.builds(
    lambda name, number: data(osi(request(v.read(variables(f"ICC1/{name}")), number))),
    st.sampled_from(["Next_DSTransfer_Set", "BRK_SBO", "PT_1"]),
    st.integers(0, 9),
)


openings = st.sampled_from([[], [(C2S, v.CR), (S2C, v.CC), (C2S, data(v.CN)), (S2C, data(v.AC))]])


@given(
    openings,
    st.lists(st.tuples(st.sampled_from([C2S, S2C]), reports | reports | requests), max_size=30),
    st.sampled_from([UNPOLICED, Policing(signatures.read())]),
)
def test_no_result_tells_which_way_a_report_went(
    opening: list[tuple[Direction, bytes]], stream: list[tuple[Direction, bytes]], policing: Policing
) -> None:
    """With the opening seen, reports of transfer sets that nobody started are findings, again and again."""
    fast = inspect(opening + stream, policing)
    with pytest.MonkeyPatch.context() as patch:
        the_long_way(patch)
        assert inspect(opening + stream, policing) == fast


@needs_captures
def test_a_genuine_capture_twice_over() -> None:
    stream = [(direction, octets) for _, direction, octets in segments(FOLDER / "iccp_areva_2005_genuine.pcap")]
    fast = inspect(stream)
    with pytest.MonkeyPatch.context() as patch:
        the_long_way(patch)
        assert inspect(stream) == fast


def test_another_value_is_the_same_shape_and_another_name_is_not() -> None:
    stack = Stack()
    first = by_exception("TS_1", tlv(0x87, b"\x08\x00\x00\x00\x00"), tlv(0x85, b"\x07"))
    for _ in range(3):
        stack.feed(S2C, first)
    learned = stack._shapes[S2C].by_length
    assert [len(shapes) for shapes in learned.values()] == [1]
    stack.feed(S2C, by_exception("TS_1", tlv(0x87, b"\x08\x42\x00\x00\x00"), tlv(0x85, b"\xff")))
    assert [len(shapes) for shapes in learned.values()] == [1]
    stack.feed(S2C, by_exception("TS_2", tlv(0x87, b"\x08\x42\x00\x00\x00"), tlv(0x85, b"\xff")))
    assert [len(shapes) for shapes in learned.values()] == [2]


@pytest.mark.parametrize("place", range(len(by_exception("TS_1", tlv(0x85, b"\x07"), tlv(0x85, b"\x08")))))
def test_no_octet_of_structure_may_differ(place: int) -> None:
    """Whatever octet is damaged: the answer is what an inspector that knows no shapes gives."""
    whole = by_exception("TS_1", tlv(0x85, b"\x07"), tlv(0x85, b"\x08"))
    damaged = bytearray(whole)
    damaged[place] ^= 0x55
    knowing = Stack()
    for _ in range(3):
        knowing.feed(S2C, whole)
    ignorant = Stack.restore(knowing.snapshot())
    assert knowing.feed(S2C, bytes(damaged)) == ignorant.feed(S2C, bytes(damaged))
    assert knowing.snapshot() == ignorant.snapshot()
