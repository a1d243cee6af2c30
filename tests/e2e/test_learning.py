"""`tandem learn --live` on a running pair: the policy that it writes lets the same clients do the same, and no more."""

from __future__ import annotations

import threading

from scripts.lab.lab import Lab
from scripts.lab.layout import RELAXED
from scripts.lab.programs import Program
from tests.e2e.lines import until
from tests.requirements import needs_root

pytestmark = needs_root

PREFIX = "elrn-"
SECONDS = 6
REPORTS = 12


def serve(lab: Lab) -> list[Program]:
    """The server and both stacks' clients, going through Blocks 1, 2, 4 and 5, then reporting."""
    lab.start_tase2_server()
    clients = [lab.start_clients(2), lab.start_second_stack("--blocks")]
    for client in clients:
        until(f"reports at {client.name}", lambda client=client: client.latest.get("reports", 0) >= REPORTS)
    return clients


def learned() -> str:
    with Lab(PREFIX, timing=RELAXED) as lab:
        lab.pair.start()
        active, _ = lab.pair.wait_ready()
        written: list[str] = []
        learning = threading.Thread(
            target=lambda: written.append(lab.tandem(active, "learn", "--live", "--seconds", str(SECONDS)))
        )
        learning.start()
        until("learning", lambda: active.ask("/learned")["left_s"])
        clients = serve(lab)
        for client in clients:
            client.stop()  # what they do at their end is learned as well
        learning.join()
    return written[0]


def test_what_was_learned_is_allowed_and_nothing_else() -> None:
    policy = learned()
    assert "default: deny" in policy, policy
    with Lab(PREFIX, timing=RELAXED, policy=policy) as lab:
        lab.pair.start()
        active, _ = lab.pair.wait_ready()
        for client in serve(lab):
            summary = client.stop()
            assert (summary["errors"], summary["survived"]) == ([], summary["associations"]), policy
        assert active.status()["counters"]["denied"] == 0, [it for it in active.ask("/events") if "code" in it]
        lab.start_trespassers(1)
        until("a denial", lambda: active.status()["counters"]["denied"])
