"""Coverage-guided: atheris (libFuzzer) changes streams so as to reach code that no stream has reached before.

A stream is octets of its own form, so that libFuzzer can cut and join them: for each message one octet (bit 0: who
sends it; bits 4 to 7 of the first: which setup) and two octets of length before it. Its own changes are helped along
by ours, which know TPKT and BER.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from scripts.lab.fuzz import mutations, trial
from scripts.lab.fuzz.inputs import Input, Sent
from scripts.lab.fuzz.material import FRESH, Material, Message
from scripts.lab.fuzz.material import whole_messages as messages_of
from scripts.lab.fuzz.setups import setups

STREAM_BYTES_MAX = 4_096


def pack(sent: tuple[Sent, ...], setup: int) -> bytes:
    """A stream as octets."""
    return b"".join(
        bytes((direction | (setup << 4),)) + len(octets).to_bytes(2, "big") + octets for direction, octets in sent
    )


def unpack(octets: bytes) -> tuple[int, tuple[Sent, ...]]:
    """The setup and the messages of octets that may be anything."""
    sent: list[Sent] = []
    pos = 0
    while pos + 3 <= len(octets):
        stop = pos + 3 + int.from_bytes(octets[pos + 1 : pos + 3], "big")
        sent.append((octets[pos] & 1, octets[pos + 3 : stop]))
        pos = stop
    return (octets[0] >> 4 if octets else 0), tuple(sent)


def start(atheris: Any, seed: int, seconds: float, folder: Path) -> None:
    """Fuzz for so long; what reaches new code is kept in `folder`. Ends the process, as libFuzzer does."""
    material = Material(seed)
    tried = setups()
    _plant(material, folder)

    def test(octets: bytes) -> None:
        number, sent = unpack(octets)
        given = Input("guided", number % len(tried), FRESH, sent, 0, 40)
        trial.run(tried[given.setup], given)

    def mutate(octets: bytes, size_max: int, number: int) -> bytes:
        rng = Random(number)
        if rng.random() < 0.4:
            return bytes(atheris.Mutate(octets, min(size_max, STREAM_BYTES_MAX)))
        setup, sent = unpack(octets)
        return pack(_changed(rng, sent, material), setup)[:size_max]

    arguments = [f"-max_total_time={int(seconds)}", f"-seed={seed}", f"-max_len={STREAM_BYTES_MAX}", str(folder)]
    atheris.Setup([sys.argv[0], *arguments], test, custom_mutator=mutate)
    atheris.Fuzz()


def _changed(rng: Random, sent: tuple[Sent, ...], material: Material) -> tuple[Sent, ...]:
    """One message changed, added, left out or moved."""
    changed = list(sent)
    way = rng.random()
    at = mutations.below(rng, len(changed) + 1)
    if way < 0.25 or not changed:
        said = material.short[mutations.below(rng, len(material.short))].said
        changed.insert(at, (said.direction, said.wire()))
    elif way < 0.35:
        del changed[at - 1]
    else:
        direction, octets = changed[at - 1]
        parts = [Message.of(said) for said in messages_of(direction, bytearray(octets))]
        if parts:
            wires = [it.said.wire() for it in parts]
            n = mutations.below(rng, len(parts))
            tsdu = mutations.one_node(rng, parts[n].tree, material.grafts)
            wires[n] = parts[n].said._replace(octets=tsdu).wire()
            changed[at - 1] = (direction, b"".join(wires))
    return tuple(changed)


def _plant(material: Material, folder: Path) -> None:
    """The streams to start from: pieces of every conversation."""
    for name, octets in _seeds(material):
        path = folder / name
        if not path.exists():
            path.write_bytes(octets)


def _seeds(material: Material) -> Iterator[tuple[str, bytes]]:
    for number, conversation in enumerate(material.conversations):
        for at in range(0, len(conversation.messages), 12):
            messages = conversation.messages[at : at + 12]
            packed = pack(tuple((it.said.direction, it.said.wire()) for it in messages), (number + at) % 11)
            if len(packed) <= STREAM_BYTES_MAX:
                yield f"seed-{number:02}-{at:03}", packed
