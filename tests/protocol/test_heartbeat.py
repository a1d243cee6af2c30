"""Heartbeat and death notice: exactly the known fields, each in its bounds, or refused."""

from dataclasses import asdict, fields, replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.datagrams import DATAGRAM_BYTES_MAX, DatagramSealer
from protocol.errors import MessageError
from protocol.heartbeat import LOWEST, VERSIONS, DeathNotice, Heartbeat, Role, Sync, pack, unpack
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
    question=U64,
    answer=U64,
    witness=st.none() | st.booleans(),
    rules=st.dictionaries(NAMES, st.tuples(st.integers(0, 2**32 - 1), st.just("0a1b2c3d")), max_size=2),
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
    """As the newest version has it."""
    return {"kind": "heartbeat", "v": VERSIONS[-1], **asdict(heartbeat()), **changes}


@given(HEARTBEATS | NOTICES)
def test_round_trip(message: Heartbeat | DeathNotice) -> None:
    again = unpack(pack(message, VERSIONS[-1]))
    assert again == message
    assert not isinstance(again, Heartbeat) or (type(again.role), type(again.sync)) == (Role, Sync)


def test_the_largest_fits_a_datagram() -> None:
    most = 2**64 - 1
    numbers: dict[str, Any] = {"epoch": most, "incarnation": most, "to": most, "sessions": most, "clock_ms": most}
    omegas = "\N{GREEK CAPITAL LETTER OMEGA}" * 64
    rules = dict.fromkeys(("policies", "signatures", "stock tags", "custom tags"), (2**32 - 1, "0a1b2c3d"))
    payload = pack(replace(heartbeat(node=omegas, rules=rules), **numbers), VERSIONS[-1])
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
        {"rules": {"policies": 1}},
        {"witness": 1},
        {"rules": {"policies": [1, "x" * 17]}},
        {"rules": {str(number): [1, "x"] for number in range(9)}},
    ],
    ids=str,
)
def test_out_of_bounds(changes: dict[str, Any]) -> None:
    assert refused(msgpack.packb(record(**changes))) == "malformed"


@given(HEARTBEATS, st.sampled_from(VERSIONS))
def test_cut_down_to_an_older_version_it_lacks_what_came_later_and_nothing_else(message: Heartbeat, older: int) -> None:
    brought = {2: {"rules": {}, "witness": None, "question": 0, "answer": 0}}
    lacking = {name: value for version, fields in brought.items() if version > older for name, value in fields.items()}
    assert unpack(pack(message, older)) == replace(message, **lacking)


def test_the_first_version_is_what_release_0_1_0_reads_and_no_more() -> None:
    """It refuses a heartbeat with a field too many."""
    fields = msgpack.unpackb(pack(heartbeat(rules={"policies": (1, "0a1b2c3d")}), LOWEST))
    known = asdict(heartbeat())
    for name in ("rules", "witness", "question", "answer"):
        del known[name]
    assert fields == {"kind": "heartbeat", "v": 1, **known}


def test_of_a_later_version_what_is_known_is_read() -> None:
    assert unpack(msgpack.packb(record(v=9, mood="good"))) == heartbeat()
    assert refused(msgpack.packb(record(v=9, mood="good", epoch="high"))) == "malformed"
    short = record(v=9, mood="good")
    del short["role"]
    assert refused(msgpack.packb(short)) == "malformed"


def test_other_versions_and_kinds() -> None:
    assert refused(msgpack.packb(record(v=0))) == "version"
    assert refused(msgpack.packb(record(v=1))) == "malformed", "the first version has no rules"
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
