"""Heartbeat and death notice: exactly the known fields, each in its bounds, or refused."""

from dataclasses import asdict, fields, replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.datagrams import DATAGRAM_BYTES_MAX, DatagramSealer
from protocol.errors import MessageError
from protocol.heartbeat import DeathNotice, Heartbeat, Role, Sync, pack, unpack
from protocol.records import RECORD_BYTES_MAX
from tests.protocol.samples import SECRET, heartbeat

U64 = st.integers(0, 2**64 - 1)
NAMES = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=64)
HEARTBEATS = st.builds(
    Heartbeat,
    node=NAMES,
    priority=st.integers(0, 255),
    role=st.sampled_from(Role),
    sync=st.sampled_from(Sync),
    epoch=U64,
    incarnation=U64,
    to=U64,
    sessions=U64,
    clock_ms=U64,
    **{name: st.booleans() for name in ("data_ok", "stream", "solo", "stale", "doubt", "override")},
)
NOTICES = st.builds(DeathNotice, node=NAMES, epoch=U64, incarnation=U64, to=U64)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=70) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def refused(payload: bytes) -> str:
    with pytest.raises(MessageError) as caught:
        unpack(payload)
    return caught.value.code


def record(**changes: Any) -> dict[str, Any]:
    return {"kind": "heartbeat", "v": 1, **asdict(heartbeat()), **changes}


@given(HEARTBEATS | NOTICES)
def test_round_trip(message: Heartbeat | DeathNotice) -> None:
    again = unpack(pack(message))
    assert again == message
    assert not isinstance(again, Heartbeat) or (type(again.role), type(again.sync)) == (Role, Sync)


def test_the_largest_fits_a_datagram() -> None:
    most = 2**64 - 1
    numbers: dict[str, Any] = {"epoch": most, "incarnation": most, "to": most, "sessions": most, "clock_ms": most}
    payload = pack(replace(heartbeat(node="\N{GREEK CAPITAL LETTER OMEGA}" * 64), **numbers))
    assert len(DatagramSealer(SECRET, "g" * 64, "s" * 64, most).seal(payload)) <= DATAGRAM_BYTES_MAX


def test_pinned_bytes() -> None:
    """What is on the wire only changes together with the version."""
    assert pack(DeathNotice("a", 7, 50, 70)).hex() == (
        "86a46b696e64a56465617468a17601a46e6f6465a161a565706f636807ab696e6361726e6174696f6e32a2746f46"
    )


@pytest.mark.parametrize("name", [field.name for field in fields(Heartbeat)])
def test_every_field_is_needed(name: str) -> None:
    short = record()
    del short[name]
    assert refused(msgpack.packb(short)) == "malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": 1},
        {"node": ""},
        {"node": "x" * 65},
        {"node": "line\nbreak"},
        {"node": b"a"},
        {"priority": 256},
        {"priority": -1},
        {"priority": True},
        {"role": "king"},
        {"role": ["active"]},
        {"sync": None},
        {"epoch": 1.0},
        {"incarnation": "1"},
        {"doubt": 0},
        {"sessions": -1},
    ],
    ids=str,
)
def test_out_of_bounds(changes: dict[str, Any]) -> None:
    assert refused(msgpack.packb(record(**changes))) == "malformed"


def test_other_versions_and_kinds() -> None:
    assert refused(msgpack.packb(record(v=2))) == "version"
    assert refused(msgpack.packb(record(v=True))) == "version"
    assert refused(msgpack.packb(record(kind="identity"))) == "unknown-message"
    assert refused(msgpack.packb(record(kind=["heartbeat"]))) == "unknown-message"
    assert refused(msgpack.packb({})) == "unknown-message"


def test_oversized() -> None:
    assert refused(bytes(RECORD_BYTES_MAX + 1)) == "oversized"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\x81",
        b"\x91" * 1000,  # nested deep
        b"\xdf\xff\xff\xff\xff",  # a map said to have 2**32 - 1 entries
        b"\xc7\x05\x07abcde",  # an extension type
        b"\xd6\xff\x00\x00\x00\x00",  # a timestamp
        b"\x81\xa1\xff\x01",  # no UTF-8
        b"\x81\x90\x01",  # an array as key
        msgpack.packb(record()) + b"\x00",  # more behind it
    ],
)
def test_no_record(payload: bytes) -> None:
    assert refused(payload) in ("malformed", "unknown-message")


@given(st.binary(max_size=1100))
def test_garbage(payload: bytes) -> None:
    assert refused(payload) in ("malformed", "oversized", "unknown-message")


@given(JUNK)
def test_junk(value: object) -> None:
    assert refused(msgpack.packb(value)) in ("malformed", "oversized", "unknown-message")


@given(st.sampled_from([field.name for field in fields(Heartbeat)]), JUNK)
def test_junk_in_a_field(name: str, value: object) -> None:
    payload = msgpack.packb(record(**{name: value}))
    try:
        assert isinstance(unpack(payload), Heartbeat)
    except MessageError as error:
        assert error.code in ("malformed", "oversized")
