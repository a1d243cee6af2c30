"""Frames: any cut of the stream gives the same payloads; damage ends it."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import FrameError
from protocol.frames import FrameReader, FrameWriter
from protocol.seal import TAG_BYTES, Opener, Sealer
from tests.protocol.samples import OTHER_SECRET, SECRET

PAYLOADS = st.lists(st.binary(max_size=200), max_size=8)


def writer() -> FrameWriter:
    return FrameWriter(Sealer(SECRET))


def reader(max_frame: int = 200, key: bytes = SECRET) -> FrameReader:
    return FrameReader(Opener(key), max_frame)


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(FrameError) as caught:
        act()
    return caught.value.code


@given(PAYLOADS, st.lists(st.integers(0, 2000), max_size=10))
def test_any_cut_gives_the_same(payloads: list[bytes], cuts: list[int]) -> None:
    source = writer()
    stream = b"".join(map(source.frame, payloads))
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    whole, cut, bytewise = reader(), reader(), reader()
    assert whole.feed(stream) == payloads
    assert [p for start, end in pairwise(edges) for p in cut.feed(stream[start:end])] == payloads
    assert [p for octet in stream for p in bytewise.feed(bytes([octet]))] == payloads
    assert whole.number == cut.number == bytewise.number == source.number == len(payloads) - 1


def test_a_frames_number_is_its_place() -> None:
    source, sink = writer(), reader()
    assert (source.number, sink.number) == (-1, -1)
    sink.feed(source.frame(b"identity"))
    assert (source.number, sink.number) == (0, 0)
    sink.feed(source.frame(b"x") + source.frame(b"y"))
    assert (source.number, sink.number) == (2, 2)


def test_oversized_is_refused_on_its_length_alone() -> None:
    assert refused(lambda: reader(100).feed((101 + TAG_BYTES).to_bytes(4, "big"))) == "oversized"
    assert reader(100).feed(writer().frame(bytes(100))) == [bytes(100)]


def test_too_short_to_be_sealed() -> None:
    assert refused(lambda: reader().feed((TAG_BYTES - 1).to_bytes(4, "big"))) == "malformed"


def test_wrong_key() -> None:
    assert refused(lambda: reader(key=OTHER_SECRET).feed(writer().frame(b"x"))) == "unauthenticated"


def test_lost_repeated_reordered() -> None:
    source = writer()
    first, second = source.frame(b"1"), source.frame(b"2")
    for stream in (second, first + first, second + first):
        sink = reader()
        assert refused(lambda sink=sink, stream=stream: sink.feed(stream)) == "unauthenticated"  # type: ignore[misc]


def test_broken_stays_broken() -> None:
    source, sink = writer(), reader()
    good = source.frame(b"1")
    assert refused(lambda: sink.feed(bytes(4))) == "malformed"
    assert refused(lambda: sink.feed(good)) == "closed"
    assert refused(lambda: sink.feed(b"")) == "closed"


@given(st.binary(max_size=60), st.integers(0, 10_000), st.integers(1, 255))
def test_no_octet_can_be_altered(payload: bytes, place: int, change: int) -> None:
    stream = bytearray(writer().frame(payload))
    stream[place % len(stream)] ^= change
    sink = reader()
    try:
        assert sink.feed(bytes(stream)) == []  # a longer length: it waits for more
        refused(lambda: sink.feed(bytes(400)))
    except FrameError as error:
        assert error.code in ("oversized", "malformed", "unauthenticated")


@given(st.binary(max_size=1000))
def test_garbage(stream: bytes) -> None:
    try:
        assert reader().feed(stream) == []
    except FrameError as error:
        assert error.code in ("oversized", "malformed", "unauthenticated")
