"""Planned switchover under load, there by command and back by override: nobody is cut off, every answer is right.

How long the clients wait is measured by `scripts/bench --switchover`; here the machine may be busy with other things.
"""

from scripts.lab import namespaces
from scripts.lab.bench import switchover
from scripts.lab.bench.switchover import COMMAND, OVERRIDE, Clients
from tests.requirements import needs_root

CONNECTIONS = 30
PREFIX = "e2e-sw-"


@needs_root
def test_there_and_back() -> None:
    found = switchover.measure(PREFIX, 1, Clients(CONNECTIONS, 100), lambda _: None)
    assert found.faults == []
    assert [each.way for each in found.each] == [COMMAND, OVERRIDE]
    assert found.connections == CONNECTIONS
    assert found.exchanges > CONNECTIONS * 20
    figures = found.as_json()
    assert figures["broken"] == 0
    assert 0 < figures[COMMAND]["stall_ms"]["median"] <= figures["whole_longest_ms"]["most"]
    assert found.tables()[0].row_count == 3
    assert not namespaces.exists(f"{PREFIX}node-a")
