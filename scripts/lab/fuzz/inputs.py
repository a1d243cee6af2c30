"""One input from its number: a few messages, most of them valid, and something wrong with them."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final, NamedTuple

from scripts.lab.fuzz import mutations
from scripts.lab.fuzz import octets as o
from scripts.lab.fuzz.grammar import Said
from scripts.lab.fuzz.material import FRESH, Material, Message
from scripts.lab.fuzz.mutations import below

PIECES: Final = (*(0,) * 13, 1, 3, 9, 21, 33, 61, 150)
"""How an input's messages are cut: into pieces of so many octets, 0 for not at all."""
LONG_BYTES: Final = 5_000
LONG_PIECES: Final = 100
"""Inputs of more octets are cut into pieces so many times as long."""
STEPS_MS: Final = (0, 0, 40, 900, 70_000)
"""By how much the clock moves from one message to the next."""
CUT_SHORT: Final = "cut short"
"""Inputs of this kind are worth looking at closely, all of them: whether what is behind a message matters."""
LEAP: Final = 100
"""How many steps it moves after every fourth."""
CLOCK_MS: Final = 1_700_000_000_000

Sent = tuple[int, bytes]
"""Octets and who sends them."""


class Input(NamedTuple):
    """What is fed, and to what."""

    kind: str
    setup: int
    start: int
    sent: tuple[Sent, ...]
    piece: int = 0
    step_ms: int = 0

    def feeds(self, piece: int | None = None) -> Iterator[tuple[int, bytes, int]]:
        """Direction, octets and clock of every feed."""
        size = self.piece if piece is None else piece
        now_ms = CLOCK_MS
        for number, (direction, octets) in enumerate(self.sent):
            if size:
                for at in range(0, len(octets), size):
                    yield direction, octets[at : at + size], now_ms
            else:
                yield direction, octets, now_ms
            now_ms += self.step_ms * (LEAP if number % 4 == 3 else 1)

    @property
    def octets(self) -> int:
        """How many octets are fed."""
        return sum(len(it) for _, it in self.sent)


class Maker:
    """Makes inputs out of material; the same number gives the same input."""

    def __init__(self, seed: int, material: Material, setups: int) -> None:
        self._seed = seed
        self._material = material
        self._setups = setups
        self._rng = Random()

    def make(self, index: int) -> Input:
        """Input number `index`."""
        rng = self._rng
        rng.seed(self._seed << 40 | index)
        name, draw = _KINDS[below(rng, len(_KINDS))]
        start, sent = draw(rng, self._material)
        setup = below(rng, self._setups)
        piece = PIECES[below(rng, len(PIECES))]
        if piece and sum([len(octets) for _, octets in sent]) > LONG_BYTES:
            piece *= LONG_PIECES
        return Input(name, setup, start, sent, piece, STEPS_MS[below(rng, len(STEPS_MS))])


Drawn = tuple[int, tuple[Sent, ...]]


def _some(rng: Random, material: Material, most: int) -> tuple[int, list[Message]]:
    """A start, and a few messages that follow one another in a conversation."""
    conversation = material.conversations[below(rng, len(material.conversations))]
    messages = conversation.messages
    at = below(rng, len(messages))
    start = conversation.starts[below(rng, len(conversation.starts))] if at > 3 else FRESH
    chosen = messages[at : at + 1 + below(rng, most)]
    if rng.random() < 0.9:
        chosen = tuple(it for it in chosen if len(it.said.octets) < 500) or (_one(rng, material),)
    return start, list(chosen)


def _one(rng: Random, material: Material) -> Message:
    if rng.random() < 0.005:
        return material.long[below(rng, len(material.long))]
    return material.short[below(rng, len(material.short))]


def _wire(rng: Random, said: Said, octets: bytes) -> bytes:
    """Framed, now and then in several TPDUs."""
    if not said.is_data:
        return o.tpkt(octets)
    if rng.random() < 0.95:
        return b"\x03\x00" + (len(octets) + 7 & 0xFFFF).to_bytes(2, "big") + b"\x02\xf0\x80" + octets
    return o.data(octets, 1 + below(rng, 200))


def _plain(rng: Random, message: Message) -> Sent:
    said = message.said
    return said.direction, _wire(rng, said, said.octets)


def _mutated(rng: Random, material: Material) -> Drawn:
    """Messages of a conversation, one of them with a node changed."""
    start, messages = _some(rng, material, 3)
    wrong = below(rng, len(messages))
    sent = []
    for n, message in enumerate(messages):
        octets = message.said.octets
        if n == wrong:
            octets = mutations.one_node(rng, message.tree, material.grafts)
            if rng.random() < 0.1:
                octets = mutations.blindly(rng, octets)
        sent.append((message.said.direction, _wire(rng, message.said, octets)))
    return start, tuple(sent)


def _twice(rng: Random, material: Material) -> Drawn:
    """Two nodes of one message changed."""
    start, messages = _some(rng, material, 1)
    said = messages[0].said
    once = Message.of(said._replace(octets=mutations.one_node(rng, messages[0].tree, material.grafts)))
    octets = mutations.one_node(rng, once.tree, material.grafts)
    return start, ((said.direction, _wire(rng, said, octets)),)


def _blind(rng: Random, material: Material) -> Drawn:
    """Messages with octets changed, framing and all."""
    start, messages = _some(rng, material, 3)
    sent = [_plain(rng, it) for it in messages]
    at = below(rng, len(sent))
    sent[at] = (sent[at][0], mutations.blindly(rng, sent[at][1]))
    return start, tuple(sent)


def _shuffled(rng: Random, material: Material) -> Drawn:
    """Valid messages out of their order, some the wrong way."""
    start, _ = _some(rng, material, 1)
    sent = [_plain(rng, _one(rng, material)) for _ in range(1 + below(rng, 6))]
    if rng.random() < 0.3:
        sent = [(1 - direction, octets) if rng.random() < 0.5 else (direction, octets) for direction, octets in sent]
    return start, tuple(sent)


def _spliced(rng: Random, material: Material) -> Drawn:
    """The head of one message, the tail of another."""
    start, (head, *_) = _some(rng, material, 1)
    tail = _one(rng, material)
    octets = head.said.octets[: below(rng, len(head.said.octets) + 1)]
    octets += tail.said.octets[below(rng, len(tail.said.octets)) :]
    return start, ((head.said.direction, _wire(rng, head.said, octets)),)


_WRAPS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda it: it,
    lambda it: o.request(7, it),
    lambda it: o.response(7, it),
    lambda it: o.tlv(0xA3, it),
    lambda it: o.request(7, o.tlv(0xA4, o.tlv(0xA1, it))),
    lambda it: o.request(7, o.tlv(0xA5, o.variables("ICC1/BRK1"), o.tlv(0xA0, it))),
    lambda it: o.tlv(0xA3, o.tlv(0xA0, o.variable_list("ICC1/DS_1"), o.tlv(0xA0, it))),
    lambda it: o.response(7, o.tlv(0xA4, o.tlv(0xA1, it))),
    lambda it: o.tlv(0xA8, it),
    lambda it: o.tlv(0x60, it),
)


def _planted(rng: Random, material: Material) -> Drawn:
    """Random trees where MMS or ACSE has something else."""
    start = _some(rng, material, 1)[0]
    sent = []
    for _ in range(1 + below(rng, 3)):
        value = _WRAPS[below(rng, len(_WRAPS))](mutations.random_tree(rng, 3))
        context = o.MMS if rng.random() < 0.9 else below(rng, 300)
        tsdu = o.osi(value, context) if rng.random() < 0.85 else value
        sent.append((below(rng, 2), o.data(tsdu)))
    return start, tuple(sent)


def _deep(rng: Random, material: Material) -> Drawn:
    """Values nested deeply, or many side by side."""
    start = _some(rng, material, 1)[0]
    value = mutations.random_tree(rng, 1)
    if rng.random() < 0.5:
        for _ in range(below(rng, 60)):
            value = o.tlv(0xA2, value)
    else:
        value *= 1 + below(rng, 150 if rng.random() < 0.99 else 20_000)
    value = _WRAPS[below(rng, len(_WRAPS))](value)
    return start, ((below(rng, 2), o.data(o.osi(value))),)


def _many_names(rng: Random, material: Material) -> Drawn:
    """One request or report about many objects."""
    start = _some(rng, material, 1)[0]
    count = 1 + below(rng, 40 if rng.random() < 0.98 else 1500)
    suffix = ("", "_SBO", "_TAG")[below(rng, 3)]
    names = [f"ICC1/N{n}{suffix}" for n in range(count)]
    listed = o.variables(*names)
    services = (
        o.tlv(0xA4, o.tlv(0xA1, listed)),
        o.tlv(0xA5, listed, o.tlv(0xA0, *[o.integer(1, 0x85)] * count)),
        o.tlv(0xAB, o.name(f"ICC1/DS_{below(rng, 9)}"), listed),
        o.tlv(0xAD, o.integer(0, 0x80), o.tlv(0xA1, *map(o.name, names))),
    )
    pdu = o.request(below(rng, 300), services[below(rng, len(services))])
    if rng.random() < 0.3:
        pdu = o.tlv(0xA3, o.tlv(0xA0, listed, o.tlv(0xA0, *[o.tlv(0x87, b"\x08" + bytes(4))] * count)))
    return start, ((below(rng, 2), o.data(o.osi(pdu))),)


def _reports(rng: Random, material: Material) -> Drawn:
    """Report after report of one or two shapes, other values in each; now and then something else in between."""
    start = _some(rng, material, 1)[0]
    shapes = [material.reports[below(rng, len(material.reports))] for _ in range(1 + below(rng, 2))]
    sent: list[Sent] = []
    for _ in range(3 + below(rng, 8)):
        chosen = rng.random()
        message = shapes[below(rng, len(shapes))]
        if chosen < 0.08:
            sent.append(_plain(rng, _one(rng, material)))
        elif chosen < 0.16:
            octets = mutations.one_node(rng, message.tree, material.grafts)
            sent.append((message.said.direction, o.data(octets)))
        else:
            sent.append((message.said.direction, o.data(mutations.revalued(rng, message.tree))))
    return start, tuple(sent)


def _talk(rng: Random, material: Material) -> Drawn:
    """All of a conversation, one message of it changed, left out or said twice."""
    if rng.random() < 0.8:
        return _reports(rng, material)
    messages = list(material.conversations[below(rng, len(material.conversations))].messages[:60])
    at = below(rng, len(messages))
    messages[at : at + 1] = ([], messages[at : at + 1] * 2, [_one(rng, material)])[below(rng, 3)]
    return FRESH, tuple(_plain(rng, it) for it in messages)


def _cut_short(rng: Random, material: Material) -> Drawn:
    """A message that ends too soon, and right behind it the octets that would have been its rest."""
    start, (message, *_) = _some(rng, material, 1)
    said = message.said
    at = below(rng, min(len(said.octets), 24 if rng.random() < 0.7 else 500) + 1)
    head, rest = said.octets[:at], said.octets[at:]
    sent = [(said.direction, o.data(head) if said.is_data else o.tpkt(head)), (said.direction, rest)]
    return start, (*sent, _plain(rng, _one(rng, material)))


def _segments(rng: Random, material: Material) -> Drawn:
    """A TSDU in many small TPDUs, which may never end or be broken into."""
    start, (message, *_) = _some(rng, material, 1)
    said = message.said
    stream = o.data(said.octets, 1 + below(rng, 12))
    end = rng.random()
    if end < 0.3:
        stream = o.tpkt(b"\x02\xf0\x00" + said.octets[:50]) * (2 + below(rng, 30))
    elif end < 0.5:
        stream = o.tpkt(b"\x02\xf0\x00" + said.octets[:9]) + _plain(rng, _one(rng, material))[1]
    elif end < 0.6:
        stream = o.tpkt(b"\x02\xf0\x00") * below(rng, 80) + stream
    return start, ((said.direction, stream), _plain(rng, _one(rng, material)))


def _flood(rng: Random, material: Material) -> Drawn:
    """Many requests that nobody answers, or many answers that nobody asked for."""
    start = _some(rng, material, 1)[0]
    direction, count, first = below(rng, 2), 2 + below(rng, 30), below(rng, 250)
    body = (o.request, o.response, lambda it, _: o.error(it))[below(rng, 3)]
    service = o.tlv(0xA4, o.tlv(0xA1, o.variables(f"ICC1/BRK{below(rng, 3)}_SBO")))
    return start, tuple((direction, o.data(o.osi(body(first + n, service)))) for n in range(count))


def _endless(rng: Random, material: Material) -> Drawn:
    """More than may be held, or the longest TPKT; rare, for it is long."""
    if rng.random() < 0.995:
        return _noise(rng, material)
    count = 2 + below(rng, 5)
    return FRESH, tuple((0, o.tpkt(b"\x02\xf0\x00" + bytes(65_000))) for _ in range(count))


def _noise(rng: Random, material: Material) -> Drawn:
    """Octets that were never a message, bare or in frames that are right."""
    start = _some(rng, material, 1)[0]
    octets = rng.randbytes(below(rng, 120))
    framing = rng.random()
    if framing < 0.4:
        octets = o.data(octets)
    elif framing < 0.6:
        octets = o.data(o.DATA_PREFIX + octets)
    elif framing < 0.8:
        octets = o.tpkt(bytes((len(octets) & 0xFF, (0xE0, 0xD0, 0x80, 0x70, 0xC0)[below(rng, 5)])) + octets)
    return start, ((below(rng, 2), octets),)


_Draw = Callable[[Random, Material], Drawn]
_WEIGHTS: Final[tuple[tuple[str, _Draw, int], ...]] = (
    ("mutated", _mutated, 43),
    ("reports", _reports, 1),
    ("talk", _talk, 1),
    (CUT_SHORT, _cut_short, 1),
    ("twice", _twice, 8),
    ("blind", _blind, 14),
    ("shuffled", _shuffled, 9),
    ("spliced", _spliced, 5),
    ("planted", _planted, 6),
    ("deep", _deep, 2),
    ("many names", _many_names, 1),
    ("segments", _segments, 3),
    ("flood", _flood, 1),
    ("endless", _endless, 1),
    ("noise", _noise, 4),
)
_KINDS: Final = tuple((name, draw) for name, draw, weight in _WEIGHTS for _ in range(weight))
KINDS: Final = tuple(name for name, _, _ in _WEIGHTS)
