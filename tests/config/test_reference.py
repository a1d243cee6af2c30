"""The configuration reference is current, and says something of every key."""

import re

from scripts import reference


def test_it_is_current() -> None:
    assert reference.REFERENCE.read_text() == reference.text(), "python -m scripts.reference"


def test_every_key_has_a_meaning_or_a_section() -> None:
    rows = [line for line in reference.text().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert [row for row in rows if re.search(r"\|  \|$", row) and "[section" not in row] == []
