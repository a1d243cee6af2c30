"""Streams that coverage-guided fuzzing has found new ways with: one entry a stream, `direction hex` a line.

Read from `kept.txt` beside this file, entries apart by empty lines.
"""

from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("kept.txt")

ENTRIES: Final = tuple(it.strip() for it in FILE.read_text().split("\n\n") if it.strip()) if FILE.exists() else ()
