"""`scripts/bench` runs, ends with its figures, and leaves nothing behind. How fast it all is, is not tested here."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inspector import Direction, Stack
from scripts.lab import namespaces
from scripts.lab.bench import __main__ as bench
from scripts.lab.bench import capture_file, recorded, traffic, tshark
from scripts.lab.bench.commands import LIMIT_MS, LINES
from scripts.lab.programs import REPOSITORY
from tests.requirements import needs_root, needs_tool

REPORTS = 300
ROUND_TRIP = [
    "roundtrip_p50_us",
    "roundtrip_p99_us",
    "roundtrip_p50_ratio_haproxy",
    "roundtrip_p99_ratio_haproxy",
    "roundtrip_guarded_p50_us",
    "roundtrip_guarded_p50_ratio_haproxy",
    "roundtrip_haproxy_p50_us",
    "roundtrip_direct_p50_us",
    "roundtrip_requests",
]
INSPECTOR = [
    "inspector_pdus_per_s",
    "inspector_ratio_tshark",
    "inspect_ratio_tshark",
    "inspector_with_limits_pdus_per_s",
    "inspect_pdus_per_s",
    "tshark_pdus_per_s",
]


def run_bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.lab.bench", "--quick", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def figures(*arguments: str) -> dict[str, Any]:
    done = run_bench("--json", "--turns", "1", "--reports", str(REPORTS), "--seconds", "1", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@needs_root
@needs_tool("haproxy")
@needs_tool("tshark")
def test_both_parts() -> None:
    answer = figures("--prefix", "e2e-bch-")
    assert all(answer[key] > 0 for key in ROUND_TRIP + INSPECTOR)
    assert answer["reports"] == REPORTS
    assert not any(namespaces.exists(f"e2e-bch-{host}") for host in ("node-a", "haproxy", "router"))


@needs_root
def test_commands_on_a_live_pair() -> None:
    answer = figures("--commands", "--connections", "2", "--prefix", "e2e-bch-")
    assert answer["sessions"] == 2
    assert {str(line) for line in LINES} < set(answer["commands"])
    assert all(taken["median_ms"] >= taken["least_ms"] > 0 for taken in answer["commands"].values())
    assert set(answer["slow"]) == {name for name, it in answer["commands"].items() if it["median_ms"] >= LIMIT_MS}


@needs_tool("tshark")
def test_table_of_the_inspector_alone() -> None:
    done = run_bench("--only", "inspector", "--turns", "1", "--reports", str(REPORTS))
    assert done.returncode == 0, done.stderr
    assert "tandem inspect" in done.stdout and "HAProxy" not in done.stdout


def test_without_root(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["bench", "--quick", "--json"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert bench.main() == 2
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1)
    assert "needs root" in told.err


def test_read_is_one() -> None:
    stack = Stack()
    (asked,) = stack.feed(Direction.CLIENT_TO_SERVER, recorded.request(5)).pdus
    (answered,) = stack.feed(Direction.SERVER_TO_CLIENT, recorded.response(5)).pdus
    assert (asked.mms_service, asked.invoke_id) == ("read", 5)
    assert asked.objects == ("BELLEVUE/Bilateral_Table_ID", "TASE2_Version", "Supported_Features")
    assert (answered.mms_pdu, answered.invoke_id) == ("confirmed-response", 5)


@needs_tool("tshark")
def test_made_up_reports_are_reports(tmp_path: Path) -> None:
    source = traffic.load(tmp_path / "not there")
    stack = Stack()
    opened = [pdu for direction, octets in source.opening for pdu in stack.feed(direction, octets).pdus]
    assert [pdu.mms_pdu for pdu in opened] == [None, None, "initiate-request", "initiate-response"]
    pdus = [pdu for direction, octets in source.pieces(REPORTS) for pdu in stack.feed(direction, octets).pdus]
    assert [pdu.mms_service for pdu in pdus] == ["informationReport"] * REPORTS
    assert len({pdu.app for pdu in pdus}) == 1
    assert None not in {pdu.app for pdu in pdus}
    capture = tmp_path / "made-up.pcap"
    capture_file.write(capture, (*source.opening, *source.repeated(REPORTS)))
    assert tshark.reports(capture) == REPORTS
