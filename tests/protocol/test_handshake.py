"""Opening the stream: both agree, or one clear refusal."""

from collections.abc import Callable

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import HandshakeError
from protocol.handshake import Established, Handshake
from protocol.records import RECORD_BYTES_MAX
from tests.protocol.samples import OTHER_SECRET, handshake, identity

HELLO_BYTES = 70


def talk(one: Handshake, other: Handshake, cut: int = 1000) -> tuple[Established | None, Established | None]:
    """Let both talk until neither has more to say, delivered in pieces of `cut` octets."""
    ends = (one, other)
    results: list[Established | None] = [None, None]
    busy = True
    while busy:
        busy = False
        for speaker, listener in ((0, 1), (1, 0)):
            data = ends[speaker].to_send()
            busy |= bool(data)
            for start in range(0, len(data), cut):
                results[listener] = ends[listener].receive(data[start : start + cut])
    return results[0], results[1]


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(HandshakeError) as caught:
        act()
    return caught.value.code


@pytest.mark.parametrize("cut", [1000, 1, 7, 69, 71])
def test_both_learn_who_the_other_is(cut: int) -> None:
    at_a, at_b = talk(handshake("a", initiator=True), handshake("b", initiator=False), cut)
    assert at_a is not None and at_b is not None
    assert (at_a.peer, at_b.peer) == (identity("b"), identity("a"))
    assert at_a.schemas == at_b.schemas == {"messages": 2, "state": 1}
    for here, there in ((at_a, at_b), (at_b, at_a)):
        assert there.reader.feed(here.writer.frame(b"first")) == [b"first"]
        assert here.writer.number == there.reader.number == 1


def test_frames_that_come_with_the_identity_are_not_lost() -> None:
    a, b = handshake("a", initiator=True), handshake("b", initiator=False)
    b.receive(a.to_send())
    at_a = a.receive(b.to_send())
    assert at_a is not None
    large = bytes(5000)  # larger than any identity
    at_b = b.receive(a.to_send() + at_a.writer.frame(large) + at_a.writer.frame(b"y"))
    assert at_b is not None
    assert at_b.reader.feed(b"") == [large, b"y"]


def test_directions_and_connections_have_keys_of_their_own() -> None:
    first = talk(handshake("a", initiator=True, seed=1), handshake("b", initiator=False, seed=1))
    second = talk(handshake("a", initiator=True, seed=2), handshake("b", initiator=False, seed=2))
    writers = [end.writer for pair in (first, second) for end in pair if end is not None]
    assert len({writer.frame(b"same") for writer in writers}) == 4


def test_wrong_key() -> None:
    a, b = handshake("a", initiator=True, secret=OTHER_SECRET), handshake("b", initiator=False)
    assert refused(lambda: talk(a, b)) == "unauthenticated"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"group": "grid-west"}, "group"),
        ({"name": "b"}, "same-name"),
        ({"schemas": {"messages": (3,), "state": (1,)}}, "schema"),
        ({"schemas": {"messages": (1,)}}, "schema"),
    ],
)
def test_not_the_right_peer(changes: dict[str, object], code: str) -> None:
    a = handshake(**{"name": "a", "initiator": True, **changes})  # type: ignore[arg-type]
    b = handshake("b", initiator=False)
    assert refused(lambda: talk(a, b)) == code


def test_older_release_still_speaks() -> None:
    """The highest version that both understand."""
    a = handshake("a", initiator=True, schemas={"messages": (1,), "state": (1,), "new": (1,)})
    b = handshake("b", initiator=False, schemas={"messages": (1, 2), "state": (1, 2)})
    a.receive(b.to_send())
    at_b = b.receive(a.to_send())
    assert at_b is not None
    assert at_b.schemas == {"messages": 1, "state": 1}


def test_no_tandem_node() -> None:
    assert refused(lambda: handshake("b", initiator=False).receive(b"GET / HTTP/1.1\r\n")) == "magic"
    assert refused(lambda: handshake("b", initiator=False).receive(b"T\x00")) == "magic"


def test_unknown_version() -> None:
    hello = bytearray(handshake("a", initiator=True).to_send())
    hello[5] = 9
    assert refused(lambda: handshake("b", initiator=False).receive(bytes(hello))) == "version"


def test_own_hello_reflected() -> None:
    a = handshake("a", initiator=True)
    assert refused(lambda: a.receive(a.to_send())) == "reflected"


def test_key_of_low_order() -> None:
    assert refused(lambda: handshake("b", initiator=False).receive(b"TNDM\x00\x01" + bytes(64))) == "public-key"


def test_recorded_identity_does_not_open_a_new_stream() -> None:
    a, b = handshake("a", initiator=True), handshake("b", initiator=False)
    recorded = a.to_send()
    b.receive(recorded)
    a.receive(b.to_send())
    recorded += a.to_send()
    again = handshake("b", initiator=False, seed=5)
    assert refused(lambda: again.receive(recorded)) == "unauthenticated"


def test_oversized_identity() -> None:
    a, b = handshake("a", initiator=True), handshake("b", initiator=False)
    b.receive(a.to_send())
    assert refused(lambda: b.receive((RECORD_BYTES_MAX + 17).to_bytes(4, "big"))) == "oversized"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        msgpack.packb([1, 2]),
        msgpack.packb({"kind": "heartbeat", "v": 1}),
        msgpack.packb({"kind": "identity", "v": 0}),
        msgpack.packb({"kind": "identity", "v": 2}),
        msgpack.packb({"kind": "identity", "v": 1, "name": "a"}),
    ],
)
def test_identity_that_is_none(payload: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a holder of the key: nobody else gets this far."""
    monkeypatch.setattr("protocol.handshake.pack_identity", lambda identity: payload)
    a, b = handshake("a", initiator=True), handshake("b", initiator=False)
    assert refused(lambda: talk(a, b)) in ("malformed", "unknown-message", "version")


def test_over_is_over() -> None:
    a, b = handshake("a", initiator=True), handshake("b", initiator=False)
    talk(a, b)
    assert refused(lambda: b.receive(b"x")) == "closed"
    broken = handshake("b", initiator=False)
    assert refused(lambda: broken.receive(b"XXXX")) == "magic"
    assert refused(lambda: broken.receive(a.to_send())) == "closed"


@given(st.integers(0, 69), st.integers(1, 255))
def test_no_octet_of_a_hello_can_be_altered(place: int, change: int) -> None:
    a, b = handshake("a", initiator=True), handshake("b", initiator=False)
    hello = bytearray(a.to_send())
    assert len(hello) == HELLO_BYTES
    hello[place] ^= change

    def proceed() -> None:
        b.receive(bytes(hello))
        a.receive(b.to_send())

    # The key's unused top bit does not change the secret, but both hellos are hashed.
    assert refused(proceed) in ("magic", "version", "unauthenticated", "public-key")


@given(st.binary(max_size=400))
def test_garbage(stream: bytes) -> None:
    for start in (b"", b"TNDM\x00\x01"):
        end = handshake("b", initiator=False)
        try:
            assert end.receive(start + stream) is None
        except HandshakeError as error:
            assert error.code
