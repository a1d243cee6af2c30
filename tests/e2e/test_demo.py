"""What `scripts/demo` promises: its last line, and that it leaves nothing behind."""

import json
import subprocess
import sys

from scripts.lab import namespaces
from scripts.lab.programs import REPOSITORY
from tests.requirements import needs_root

KEYS = [
    "takeover",
    "failure",
    "connections",
    "survived",
    "bytes_checked",
    "bytes_wrong",
    "reports_missed",
    "longest_stall_ms",
    "takeover_ms",
    "detect_ms",
    "restore_ms",
    "epoch_before",
    "epoch_after",
    "app_before",
    "app_after",
    "serials_kept",
    "pdus_uninspected",
]


def run_demo(*arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.lab.demo", "--json", "--seconds", "3", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


@needs_root
def test_hitless() -> None:
    answer = run_demo("--prefix", "e2e-demo-", "--connections", "6", "--relaxed")
    assert list(answer) == KEYS
    assert (answer["takeover"], answer["failure"]) == ("hitless", "worker")
    assert (answer["connections"], answer["survived"], answer["serials_kept"]) == (6, 6, True)
    assert not namespaces.exists("e2e-demo-node-a")


def test_unprivileged() -> None:
    answer = run_demo("--unprivileged", "--connections", "2")
    assert list(answer) == KEYS
    assert (answer["takeover"], answer["epoch_before"], answer["epoch_after"]) == ("reconnect", 1, 2)
