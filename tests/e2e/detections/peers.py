"""Ranks 1, 5 and 10: who connects, how often, and who is turned away."""

from __future__ import annotations

from typing import Any

from tests.e2e.detections.policy import STRICT, WATCHED
from tests.e2e.detections.table import Case
from tests.e2e.detections.talks import Fate, Talk
from tests.e2e.detections.words import opened, opening
from tests.inspector import vectors
from tests.inspector.vectors import C2S, S2C

OUTSIDE = 192
"""A client beyond the network that the strict policy names."""


def stranger(place: int, **said: Any) -> Talk:
    """An association that ends with the message `place`, in which somebody says who he is."""
    talk = opening(**said)
    talk.messages[place:] = [talk.messages[place]._replace(fate=Fate.ENDS)]
    return talk


def _from(peer: int, talk: Talk) -> Talk:
    talk.peer = peer
    return talk


def unknown() -> list[Case]:
    """Rank 1: at the message that says it, the session ends."""
    strangers = {
        "tsap": stranger(0, tsaps=(b"\x00\x09", b"\x00\x01")),
        "called-tsap": stranger(0, tsaps=(b"\x00\x01", b"\x00\x07")),
        "ap-title": stranger(2, titles=("1.1.999.7", "1.1.999.2")),
        "ae-qualifier": stranger(2, qualifier=13),
        "called-ap-title": stranger(2, titles=("1.1.999.1", "1.1.999.8")),
        "address": _from(OUTSIDE, stranger(0)),
    }
    guest = {"titles": ("1.1.999.7", "1.1.999.2")}
    return [
        *(Case(620101, name, "unknown-peer", [talk], [opened()], STRICT) for name, talk in strangers.items()),
        Case(620101, "watched", "unknown-peer", [opened(**guest)], [opened()], WATCHED),
        Case(
            *(620102, "keeps trying", "unknown-peer"),
            [stranger(0, tsaps=(bytes((0, number)), b"\x00\x01")) for number in (7, 8, 9)],
            [*(stranger(0, tsaps=(bytes((0, number)), b"\x00\x01")) for number in (8, 9)), opened()],
            STRICT,
        ),
    ]


def knock(number: int) -> Talk:
    """A connection to a transport selector that the server does not know."""
    return Talk([(C2S, vectors.cr(b"\x00\x01", bytes((0, number)))), (S2C, vectors.DR)])


def turned_away(number: int) -> Talk:
    """An association that the server aborts."""
    return Talk([*vectors.opening(titles=(f"1.1.999.{number}", "1.1.999.2"))[:3], (S2C, vectors.data(vectors.ABORT))])


def refused() -> list[Case]:
    """Rank 5."""
    return [
        Case(
            *(620501, "refused connects", "connection-refused"),
            [knock(number) for number in range(3)],
            [*(knock(number) for number in range(2)), opened()],
        ),
        Case(
            *(620501, "aborted associations", "connection-refused"),
            [turned_away(number) for number in range(3)],
            [*(turned_away(number) for number in range(2)), opened()],
        ),
        Case(
            *(620502, "selectors tried", "connection"),
            [knock(number) for number in range(4)],
            [knock(number % 3) for number in range(4)],
        ),
    ]


def many() -> list[Case]:
    """Rank 10."""
    return [
        Case(
            *(621001, "connection burst", "connection"),
            [opened() for _ in range(6)],
            [opened() for _ in range(5)],
        ),
        Case(
            *(621002, "connections held open", "connection-hogging"),
            [opened() for _ in range(9)],
            [opened() for _ in range(5)],
        ),
    ]


CASES = [*unknown(), *refused(), *many()]
