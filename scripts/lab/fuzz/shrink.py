"""Makes an input that causes trouble smaller, as long as it causes the same trouble."""

from collections.abc import Callable, Iterator
from typing import Final

from scripts.lab.fuzz.inputs import Input
from scripts.lab.fuzz.material import Message, whole_messages

Fails = Callable[[Input], bool]

TRIALS_MAX: Final = 3_000


class _SpentError(Exception):
    """No more trials."""


def shrink(given: Input, fails: Fails, trials_max: int = TRIALS_MAX) -> Input:
    """The smallest input found; `fails` says whether one still causes the trouble."""
    left = trials_max

    def holds(candidate: Input) -> bool:
        nonlocal left
        left -= 1
        if left < 0:
            raise _SpentError
        return fails(candidate)

    best = given
    try:
        while True:
            smaller = next((it for it in _candidates(best) if holds(it)), None)
            if smaller is None:
                return best
            best = smaller
    except _SpentError:
        return best


def _candidates(given: Input) -> Iterator[Input]:
    """Every simpler input, the much simpler ones first."""
    if given.piece:
        yield given._replace(piece=0)
    if given.step_ms:
        yield given._replace(step_ms=0)
    if given.start:
        yield given._replace(start=0)
    sent = given.sent
    for size in _halves(len(sent)):
        for at in range(0, len(sent), size):
            yield given._replace(sent=sent[:at] + sent[at + size :])
    for number, (direction, octets) in enumerate(sent):
        for less in _pruned(direction, octets):
            yield given._replace(sent=(*sent[:number], (direction, less), *sent[number + 1 :]))
        for size in _halves(len(octets)):
            for at in range(0, len(octets), size):
                less = octets[:at] + octets[at + size :]
                yield given._replace(sent=(*sent[:number], (direction, less), *sent[number + 1 :]))
                if octets[:2] == b"\x03\x00" and at >= 7:
                    less = less[:2] + (len(less) & 0xFFFF).to_bytes(2, "big") + less[4:]
                    yield given._replace(sent=(*sent[:number], (direction, less), *sent[number + 1 :]))


def _pruned(direction: int, octets: bytes) -> Iterator[bytes]:
    """Octets that are one whole message, without one of its nodes, with all lengths right."""
    rest = bytearray(octets)
    said = list(whole_messages(direction, rest))
    if len(said) != 1 or rest:
        return
    tree = Message.of(said[0]).tree
    for node in tree.nodes:
        yield said[0]._replace(octets=tree.replaced(node, b"")).wire()


def _halves(size: int) -> Iterator[int]:
    while size > 1:
        size = (size + 1) // 2
        yield size
        if size == 1:
            return
    if size == 1:
        yield 1
