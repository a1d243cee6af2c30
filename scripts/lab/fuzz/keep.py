"""Chooses what is worth keeping of a folder that coverage-guided fuzzing has filled.

    python -m scripts.lab.fuzz.keep DIR

Worth keeping are streams that take steps inside the inspector, from one line to another, which neither the
conversations nor a shorter stream takes. They are written to kept.txt, up to a size that a repository can bear.
"""

import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

import inspector
from scripts.lab.fuzz import kept
from scripts.lab.fuzz.guided import unpack
from scripts.lab.fuzz.inputs import Input, Sent
from scripts.lab.fuzz.material import FRESH, Material
from scripts.lab.fuzz.setups import setups
from scripts.lab.fuzz.trial import trouble_of

FILE_BYTES_MAX: Final = 60_000

_HOME: Final = inspector.__path__[0]

Steps = set[tuple[str, int, int]]


def steps(given: Input) -> Steps:
    """Every step from line to line that the inspector takes."""
    taken: Steps = set()
    last: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if event == "call" and not name.startswith(_HOME):
            return None
        if event == "return":
            last.pop(frame, None)
        else:
            taken.add((name, last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        trouble_of(setups()[given.setup], given)
    finally:
        sys.settrace(before)
    return taken


def main() -> int:
    folder = Path(sys.argv[1])
    known: Steps = set()
    for conversation in Material(1).conversations:
        sent = tuple((int(it.said.direction), it.said.wire()) for it in conversation.messages)
        for setup in range(len(setups())):
            known |= steps(Input("known", setup, FRESH, sent, 0, 40))
    before = len(known)
    entries: list[str] = []
    size = 0
    for path in sorted(folder.iterdir(), key=lambda it: (it.stat().st_size, it.name)):
        number, sent = unpack(path.read_bytes())
        new = steps(Input("new", number % len(setups()), FRESH, sent, 0, 40)) - known
        text = _text(sent)
        if new and size + len(text) < FILE_BYTES_MAX:
            known |= new
            size += len(text) + 2
            entries.append(text)
    kept.FILE.write_text("\n\n".join(entries) + "\n")
    print(f"{len(entries)} streams, {len(known) - before} steps beyond the {before} of the conversations")
    return 0


def _text(sent: tuple[Sent, ...]) -> str:
    return "\n".join(f"{direction} {octets.hex()}" for direction, octets in sent if octets)


if __name__ == "__main__":
    sys.exit(main())
