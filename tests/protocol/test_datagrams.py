"""Sealed datagrams: what opens, and what is refused and counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.datagrams import DATAGRAM_BYTES_MAX, WINDOW, DatagramOpener, DatagramSealer
from protocol.errors import SealError
from tests.protocol.samples import OTHER_SECRET, SECRET

GROUP = "grid-east"


def sealer(sender: str = "a", incarnation: int = 5, *, secret: bytes = SECRET, group: str = GROUP) -> DatagramSealer:
    return DatagramSealer(secret, group, sender, incarnation)


@pytest.fixture
def opener() -> DatagramOpener:
    return DatagramOpener(SECRET, GROUP)


def refused(opener: DatagramOpener, datagram: bytes) -> str:
    """The code of the refusal, which must also be counted."""
    before = opener.refused.total()
    with pytest.raises(SealError) as caught:
        opener.open(datagram)
    assert opener.refused.total() == before + 1
    assert opener.refused[caught.value.code] >= 1
    return caught.value.code


def test_says_who_and_what(opener: DatagramOpener) -> None:
    opened = opener.open(sealer("a/guard", 9).seal(b"payload"))
    assert (opened.sender, opened.incarnation, opened.payload, opened.fresh) == ("a/guard", 9, b"payload", True)
    assert not opener.refused


def test_payload_is_not_in_clear() -> None:
    assert b"payload" not in sealer().seal(b"payload")


def test_replayed(opener: DatagramOpener) -> None:
    datagram = sealer().seal(b"x")
    opener.open(datagram)
    assert refused(opener, datagram) == "replayed"


def test_late_ones_open_once_within_the_window(opener: DatagramOpener) -> None:
    source = sealer()
    datagrams = [source.seal(b"%d" % n) for n in range(WINDOW + 1)]
    assert opener.open(datagrams[-1]).fresh
    assert refused(opener, datagrams[0]) == "replayed"  # too far behind to tell
    for datagram in datagrams[1:-1]:
        assert not opener.open(datagram).fresh
    for datagram in datagrams[1:]:
        assert refused(opener, datagram) == "replayed"


@given(st.lists(st.integers(0, 400), max_size=80))
def test_each_opens_at_most_once_in_any_order(order: list[int]) -> None:
    source, opener = sealer(), DatagramOpener(SECRET, GROUP)
    datagrams = [source.seal(b"%d" % n) for n in range(401)]
    seen: set[int] = set()
    for number in order:
        try:
            opened = opener.open(datagrams[number])
        except SealError as error:
            assert error.code == "replayed"
            assert number in seen or number <= max(seen) - WINDOW
        else:
            assert number not in seen
            assert opened.fresh == (number > max(seen, default=-1))
            seen.add(number)


def test_higher_incarnation_replaces_lower_for_ever(opener: DatagramOpener) -> None:
    old, new = sealer(incarnation=5), sealer(incarnation=6)
    opener.open(old.seal(b"x"))
    opener.open(new.seal(b"x"))
    assert refused(opener, old.seal(b"x")) == "stale"
    opener.open(new.seal(b"x"))


def test_senders_do_not_disturb_each_other(opener: DatagramOpener) -> None:
    worker, guard = sealer("a", 5), sealer("a/guard", 1)
    for source in (worker, guard, worker, guard):
        opener.open(source.seal(b"x"))
    assert not opener.refused


@pytest.mark.parametrize(
    "source", [sealer(secret=OTHER_SECRET), sealer(group="grid-west")], ids=["another key", "another group"]
)
def test_strangers(opener: DatagramOpener, source: DatagramSealer) -> None:
    assert refused(opener, source.seal(b"x")) == "unauthenticated"


def test_strangers_leave_no_trace(opener: DatagramOpener) -> None:
    """Neither a forged high incarnation nor a forged high counter shuts the true sender out."""
    true, forger = sealer(incarnation=5), sealer(incarnation=900, secret=OTHER_SECRET)
    opener.open(true.seal(b"x"))
    assert refused(opener, forger.seal(b"x")) == "unauthenticated"
    forged = bytearray(true.seal(b"x"))
    forged[6 + 1 + 8] = 0xFF  # the counter's highest octet
    assert refused(opener, bytes(forged)) == "unauthenticated"
    assert opener.open(true.seal(b"y")).payload == b"y"


def test_unknown_version(opener: DatagramOpener) -> None:
    datagram = bytearray(sealer().seal(b"x"))
    datagram[4] = 2
    assert refused(opener, bytes(datagram)) == "version"


def test_oversized(opener: DatagramOpener) -> None:
    assert refused(opener, bytes(DATAGRAM_BYTES_MAX + 1)) == "oversized"


def test_senders_are_bounded() -> None:
    opener = DatagramOpener(SECRET, GROUP, senders_max=2)
    for name in ("a", "b"):
        opener.open(sealer(name).seal(b"x"))
    assert refused(opener, sealer("c").seal(b"x")) == "crowded"
    opener.open(sealer("a", 6).seal(b"x"))


def test_cut_short(opener: DatagramOpener) -> None:
    datagram = sealer().seal(b"payload")
    for length in range(len(datagram)):
        assert refused(opener, datagram[:length]) in ("malformed", "unauthenticated")
    opener.open(datagram)


@given(st.integers(0, 53), st.integers(1, 255))
def test_no_octet_can_be_altered(place: int, change: int) -> None:
    datagram = bytearray(sealer().seal(b"fifteen octets."))
    assert len(datagram) == 54
    datagram[place] ^= change
    assert refused(DatagramOpener(SECRET, GROUP), bytes(datagram)) in ("malformed", "version", "unauthenticated")


@given(st.binary(max_size=2000))
def test_garbage(datagram: bytes) -> None:
    assert refused(DatagramOpener(SECRET, GROUP), datagram)


@given(st.binary(min_size=40, max_size=200))
def test_garbage_behind_a_good_start(rest: bytes) -> None:
    code = refused(DatagramOpener(SECRET, GROUP), b"TNDG\x01" + rest)
    assert code in ("malformed", "unauthenticated")


def test_while_the_key_is_changed_both_are_accepted_and_counters_go_on() -> None:
    source, opener = sealer(), DatagramOpener(SECRET, GROUP)
    first = source.seal(b"1")
    assert opener.open(first).fresh
    opener.rekey(SECRET, OTHER_SECRET)
    source.rekey(OTHER_SECRET)
    late, second = source.seal(b"2"), source.seal(b"3")
    assert opener.open(second).fresh
    assert not opener.open(late).fresh
    assert refused(opener, first) == refused(opener, late) == "replayed"
    opener.rekey(OTHER_SECRET)
    assert refused(opener, second) == "replayed"
    assert refused(opener, sealer(incarnation=6).seal(b"old")) == "unauthenticated"
    assert opener.open(source.seal(b"4")).fresh
