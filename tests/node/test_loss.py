"""Loss is counted per link, against what the peer sent, not against this node's clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.loss import Loss

LINKS = 3
PATTERNS = st.lists(st.sets(st.integers(0, LINKS - 1)), max_size=60)
"""For each heartbeat the links that lose it."""


def play(loss: Loss, pattern: list[set[int]], incarnation: int = 7) -> list[int]:
    """Send heartbeats, settling after each; returns what was lost on each link from the first that came through."""
    lost, begun = [0] * LINKS, False
    for beat, losing in enumerate(pattern):
        for link in set(range(LINKS)) - losing:
            loss.heard(link, incarnation, beat * LINKS + link + 1)
        begun = begun or len(losing) < LINKS
        for link in losing if begun else ():
            lost[link] += 1
        loss.settle()
    for _ in range(2):
        loss.settle()
    return lost


@given(PATTERNS)
def test_every_loss_is_counted_once_on_its_link(pattern: list[set[int]]) -> None:
    loss = Loss(LINKS)
    pattern.append(set())  # what all links lose shows when the next one comes
    assert play(loss, pattern) == loss.lost


@given(PATTERNS, PATTERNS)
def test_a_new_life_of_the_peer_goes_on_counting(one: list[set[int]], other: list[set[int]]) -> None:
    loss = Loss(LINKS)
    first = play(loss, [*one, set()])
    second = play(loss, [*other, set()], incarnation=8)
    assert loss.lost == [a + b for a, b in zip(first, second, strict=True)]


def test_a_single_loss_counts_whatever_the_phase_and_a_late_one_does_not() -> None:
    loss = Loss(2)
    for datagram, link in ((1, 0), (2, 1), (3, 0), (5, 0)):
        loss.heard(link, 7, datagram)
    loss.settle()
    assert loss.lost == [0, 0], "it may be on its way"
    loss.heard(1, 7, 6)
    loss.heard(1, 7, 4)
    loss.settle()
    assert loss.lost == [0, 0]
    loss.heard(0, 7, 7)
    loss.settle()
    loss.settle()
    assert loss.lost == [0, 1]


def test_a_node_that_is_silent_loses_nothing() -> None:
    loss = Loss(2)
    loss.heard(0, 7, 1)
    loss.heard(1, 7, 2)
    for _ in range(100):
        loss.settle()
    assert loss.lost == [0, 0]
