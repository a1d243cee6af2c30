"""What inputs are made of: conversations out of captures and out of the grammar, taken apart into trees."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from node.captures.errors import CaptureError
from node.captures.files import Capture
from node.captures.notes import Notes
from node.captures.packets import Packets
from node.captures.reassembly import Reassembler
from scripts.lab.fuzz import kept, trees
from scripts.lab.fuzz.grammar import Said, Talk
from scripts.lab.fuzz.trees import Tree

CAPTURES: Final = Path(__file__).parents[4] / "shared" / "pcaps"
PORTS: Final = frozenset((102, 3389))
ALIKE_MAX: Final = 4
"""Messages of one length and one head, out of captures."""
KEPT_TOGETHER: Final = 20
"""Kept streams that make one conversation."""
SHORT_BYTES: Final = 500
"""Longer messages are rare among the inputs, because they cost as much as many short ones."""

FRESH, ASSOCIATED, BUSY, BUSY_TOO, BARE = range(5)
"""What an input's session has seen before it: nothing, an opening, or a conversation."""


class Message(NamedTuple):
    """A message and its tree."""

    said: Said
    tree: Tree

    @classmethod
    def of(cls, said: Said) -> "Message":
        return cls(said, trees.of_data(said.octets) if said.is_data else trees.of_connection(said.octets))


class Conversation(NamedTuple):
    """Messages in their order, and what may have come before them."""

    messages: tuple[Message, ...]
    starts: tuple[int, ...]


class Material:
    """Everything that is drawn from; the same for the same seed and captures."""

    def __init__(self, seed: int, captures: Path = CAPTURES) -> None:
        self.captures = 0
        """How many capture files there are."""
        self.conversations: list[Conversation] = []
        for octets in _captured(captures):
            self.captures += 1
            self._add(octets, (FRESH, ASSOCIATED, BUSY))
        for at in range(0, len(kept.ENTRIES), KEPT_TOGETHER):
            self._add(_kept(kept.ENTRIES[at : at + KEPT_TOGETHER]), (FRESH, ASSOCIATED, BUSY))
        for number in range(60):
            talk = Talk(Random(f"{seed} {number}"), bare=number % 12 == 11)
            starts = (FRESH, BARE, BARE) if number % 12 == 11 else (FRESH, ASSOCIATED, BUSY, BUSY, BUSY_TOO)
            self._add(talk.conversation(14), starts)
            if number % 12 == 5:
                self._add(talk.odd_opening(), (FRESH,))
                self._add([it for _ in range(24) for it in talk.any_service()], (ASSOCIATED, BUSY))
        everything = [message for it in self.conversations for message in it.messages]
        self.short = [it for it in everything if len(it.said.octets) <= SHORT_BYTES]
        self.long = [it for it in everything if len(it.said.octets) > SHORT_BYTES]
        self.reports = [it for it in self.short if _is_report(it)]
        self.grafts = [it.tree for it in self.short]

    def _add(self, said: list[Said], starts: tuple[int, ...]) -> None:
        if said:
            self.conversations.append(Conversation(tuple(map(Message.of, said)), starts))


def _is_report(message: Message) -> bool:
    """Whether one of the outermost values is an unconfirmed PDU."""
    return any(message.tree.tag(node) == b"\xa3" for node in message.tree.nodes[:5])


def openings() -> dict[int, list[Said]]:
    """What each start stands for: the messages, in order."""
    opened = Talk(Random(1)).opening()
    busy, busy_too = Talk(Random(2)), Talk(Random(3))
    said = {FRESH: [], ASSOCIATED: opened, BARE: Talk(Random(4), bare=True).opening()}
    said[BUSY] = [*busy.opening(), *busy.start_up(), *_busily(busy)]
    said[BUSY_TOO] = [*busy_too.opening(), *_busily(busy_too), *_busily(busy_too)]
    return said


def _busily(talk: Talk) -> list[Said]:
    """Data sets, transfer sets, reports, a device selected and one more request under way."""
    exchanges = (Talk.create_data_set, Talk.transfer, Talk.reports, Talk.tag, Talk.select_and_operate, Talk.messages)
    return [said for exchange in exchanges for said in exchange(talk)] + talk.read()[:1]


def _captured(folder: Path) -> Iterator[list[Said]]:
    for path in sorted(folder.rglob("*.pcap*")):
        try:
            said = list(_unlike(_messages(path)))
        except CaptureError:
            continue
        yield said
    for path in sorted((folder / "malformed").glob("*.bin")):
        yield [Said(1, path.read_bytes()[7:])]


def _messages(path: Path) -> Iterator[Said]:
    """The TSDUs and connection TPDUs of a capture, as the inspector's own framing tells them apart."""
    notes = Notes()
    packets, reassembler = Packets(notes), Reassembler(notes, PORTS)
    streams: dict[tuple[int, int], bytearray] = {}
    with Capture(path, notes) as capture:
        for frame in capture.frames():
            segment = packets.segment(frame)
            for piece in reassembler.add(segment, frame.number, frame.time_ns) if segment else ():
                stream = streams.setdefault((piece.connection.number, piece.direction), bytearray())
                stream += piece.octets
                yield from whole_messages(piece.direction, stream)


def whole_messages(direction: int, stream: bytearray) -> Iterator[Said]:
    """Every message that is complete; taken out of the stream."""
    pos, parts = 0, []
    while len(stream) - pos >= 7 and stream[pos] == 3:
        stop = pos + max(7, stream[pos + 2] << 8 | stream[pos + 3])
        if stop > len(stream):
            return
        if stream[pos + 5] != 0xF0:
            yield Said(direction, bytes(stream[pos + 4 : stop]), False)
        else:
            parts.append(bytes(stream[pos + 7 : stop]))
        last = stream[pos + 5] != 0xF0 or stream[pos + 6] & 0x80
        pos = stop
        if last:
            if parts:
                yield Said(direction, b"".join(parts))
            parts = []
            del stream[:pos]
            pos = 0


def _unlike(messages: Iterator[Said]) -> Iterator[Said]:
    """Without the hundreds that are one like another."""
    seen: dict[tuple[int, int, bytes], int] = {}
    for said in messages:
        key = (said.direction, len(said.octets), said.octets[-24:-12])
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= ALIKE_MAX:
            yield said


def _kept(entries: tuple[str, ...]) -> list[Said]:
    """Streams that were worth keeping, as messages."""
    said: list[Said] = []
    for entry in entries:
        for line in entry.splitlines():
            direction, octets = line.split()
            stream = bytearray.fromhex(octets)
            said += whole_messages(int(direction), stream)
    return said
