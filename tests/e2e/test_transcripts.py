"""Each way to fail, with ICCP peers at work, told as a transcript and held against the one in transcripts/.

TANDEM_WRITE_TRANSCRIPTS=1 writes them anew. Where two orders of things are right, FAILURE-or-WHAT.txt is the other.
"""

import os
from pathlib import Path

import pytest

from scripts.lab.act import Act, Mix, wait
from scripts.lab.faults import FAILURES
from scripts.lab.lab import Lab
from tests.e2e import transcripts_runner
from tests.requirements import needs_root

GOLDEN = Path(__file__).parent / "transcripts"
CONNECTIONS = 8
LOAD_RATE_KIB = 128.0


@needs_root
@pytest.mark.parametrize("name", list(FAILURES))
def test_failure(lab: Lab, name: str) -> None:
    failure = FAILURES[name]
    act = Act(lab, Mix.of(CONNECTIONS), LOAD_RATE_KIB)
    act.open()
    wait(1.0)
    victim = act.active.name
    logs = {node.name: lab.layout.log(node.name) for node in lab.pair.nodes}
    lengths = {node: transcripts_runner.length(log) for node, log in logs.items()}
    act.strike(failure)
    wait(1.5)
    act.mend(failure)
    result = act.close(failure)
    stories = {node: transcripts_runner.story(log, lengths[node]) for node, log in logs.items()}
    told = transcripts_runner.write(act, failure, victim, stories, result)
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("TANDEM_WRITE_TRANSCRIPTS"):
        golden.write_text(told)
    if told not in [variant.read_text() for variant in GOLDEN.glob(f"{name}-or-*.txt")]:
        assert told == golden.read_text()
    assert result.faults() == []
