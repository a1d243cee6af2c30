"""Each scenario goes as its text says, to the last effect and its time."""

from pathlib import Path

import pytest

from tests.protocol.storyteller import render

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    text = path.read_text()
    assert render(text) == text


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 20
