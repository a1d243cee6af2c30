"""`tandem inspect`: what it prints, and how it ends."""

from __future__ import annotations

import itertools
import json
import os
import pty
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inspector import Direction
from node.cli.main import app
from tests.captures import frames as made
from tests.inspector.captures import FOLDER, needs_captures
from tests.inspector.vectors import DR, IDENTIFY, REPORT, conversation, tpkt
from tests.requirements import needs_tool

ROOT = Path(__file__).parents[2]
C2S, S2C = Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT
AREVA = "iccp_areva_2005_genuine.pcap"
KEYS = [
    *("frame", "time", "direction", "layers", "mms_pdu", "mms_service", "invoke_id", "operation", "app", "objects"),
    *("verdict", "findings", "connection", "details"),
]
AREVA_STARTS = """\
connection 1: 10.101.1.2:1089 > 10.101.1.3:102
      5 2005-07-29T18:23:59.369233Z   1 -> CR
      8 2005-07-29T18:23:59.369517Z   1 <- CC
     11 2005-07-29T18:23:59.370144Z   1 -> AARQ, initiate-request
     14 2005-07-29T18:23:59.379858Z   1 <- AARE, initiate-response
     17 2005-07-29T18:23:59.380139Z   1 <- confirmed-request identify                          4431
     20 2005-07-29T18:23:59.419754Z   1 <- confirmed-request read                              4432 Get Bilateral
"""


def tandem(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(folder: Path, packets: list[bytes]) -> Path:
    path = folder / "it.pcap"
    path.write_bytes(made.pcap(made.stamped(packets), link=101))
    return path


def inspected(path: Path, *options: object) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    done = tandem("inspect", path, "--json", *options)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines[:-1], lines[-1]["summary"]


def test_one_line_a_pdu(tmp_path: Path) -> None:
    lines, summary = inspected(write(tmp_path, made.packets()))
    assert all(list(line) == KEYS for line in lines)
    assert [line["frame"] for line in lines] == list(range(4, 4 + len(conversation())))
    assert lines[0]["time"] == "2023-11-14T22:13:20.126456Z"
    assert [line["direction"] for line in lines[:2]] == ["client->server", "server->client"]
    assert lines[0]["connection"] == {
        "number": 1,
        "client": "10.0.0.1:50000",
        "server": "10.0.0.2:102",
        "midstream": False,
    }
    report = next(line for line in lines if line["mms_service"] == "informationReport")
    assert (report["mms_pdu"], report["mms_service"]) == ("unconfirmed", "informationReport")
    assert (report["operation"], report["app"]) == ("Transfer Report", "ICCP_Transfer.Reporting")
    assert (report["invoke_id"], report["objects"], report["verdict"]) == (None, ["DOM/DS1"], "pass")
    assert summary["pdus"] == len(lines)
    assert summary["apps"] == Counter(line["app"] for line in lines if line["app"])
    reads = [line for line in lines if (line["mms_pdu"], line["mms_service"]) == ("confirmed-request", "read")]
    assert summary["mms"]["confirmed-request read"] == len(reads) > 1
    assert summary["mms"]["initiate-request"] == summary["mms"]["conclude-response"] == 1
    assert summary["findings"] == Counter(it["code"] for line in lines for it in line["findings"])


def test_to_read(tmp_path: Path) -> None:
    done = tandem("inspect", write(tmp_path, made.packets()))
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "connection 1: 10.0.0.1:50000 > 10.0.0.2:102"
    assert "<- unconfirmed informationReport" in done.stdout
    assert "Transfer Report" in done.stdout
    assert f"{len(conversation())} PDUs in 1 connection; {len(made.packets())} frames" in lines
    assert done.stderr == ""


def test_midstream_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, [made.tcp(made.SERVER, made.CLIENT, 77, it) for it in (b"something else", REPORT)][1:])
    assert tandem("inspect", path).stdout.startswith(
        "connection 1: 10.0.0.1:50000 > 10.0.0.2:102 (midstream: its start is not in the capture)\n"
    )
    (line,), _ = inspected(path)
    assert line["connection"]["midstream"] is True
    assert line["app"] == "ICCP_Transfer.Reporting"


def test_what_comes_behind_a_gap_is_read(tmp_path: Path) -> None:
    half = len(REPORT) // 2
    sent = [(1001, REPORT[:half]), (1001 + len(REPORT), IDENTIFY), (1001 + len(REPORT) + len(IDENTIFY), REPORT)]
    packets = [*made.handshake(), *(made.tcp(made.CLIENT, made.SERVER, at, it) for at, it in sent)]
    path = write(tmp_path, packets)
    lines, summary = inspected(path)
    assert [line["mms_service"] for line in lines] == ["identify", "informationReport"]
    assert [line["frame"] for line in lines] == [5, 6]
    assert summary["notes"] == {"gap": 1}
    assert "octets of 10.0.0.1:50000 to 10.0.0.2:102 before it are missing" in tandem("inspect", path).stderr


def test_the_frame_is_that_in_which_the_pdu_ended(tmp_path: Path) -> None:
    octets = IDENTIFY + REPORT + IDENTIFY
    cuts = [0, 4, 20, len(IDENTIFY) + 3, len(octets)]
    packets = [
        made.tcp(made.CLIENT, made.SERVER, 1001 + start, octets[start:stop]) for start, stop in itertools.pairwise(cuts)
    ]
    lines, _ = inspected(write(tmp_path, [*made.handshake(), *packets]))
    assert [(line["frame"], line["mms_service"]) for line in lines] == [
        (6, "identify"),
        (7, "informationReport"),
        (7, "identify"),
    ]


def test_octets_that_are_no_pdu_are_told_and_left(tmp_path: Path) -> None:
    messages = [(C2S, IDENTIFY), (C2S, b"\x03\x00\x00\x03nonsense"), (C2S, b"more of it"), (C2S, IDENTIFY)]
    path = write(tmp_path, made.packets(messages))
    lines, summary = inspected(path)
    assert [line["mms_service"] for line in lines] == ["identify", None, "identify"]
    assert (lines[1]["frame"], lines[1]["layers"]) == (5, [])
    (finding,) = lines[1]["findings"]
    assert list(finding) == ["code", "severity", "detail", "sid", "attack"]
    assert finding["severity"] == "high"
    assert (summary["pdus"], summary["findings"][finding["code"]]) == (2, 1)
    text = tandem("inspect", path).stdout
    assert f"      ! high   {finding['code']}" in text


def test_a_tsdu_that_cannot_be_decoded_is_skipped(tmp_path: Path) -> None:
    bad = tpkt(b"\x02\xf0\x80\xff\xff\xff")
    lines, summary = inspected(write(tmp_path, made.packets([(C2S, bad + IDENTIFY), (C2S, bad), (C2S, REPORT)])))
    assert [len(line["findings"]) > 0 for line in lines] == [True, False, True, False]
    assert summary["pdus"] == 4


def test_everything_ends_in_a_summary(tmp_path: Path) -> None:
    web = [
        made.tcp(made.CLIENT, ("10.0.0.2", 80), 5, flags=made.SYN),
        made.tcp(made.CLIENT, ("10.0.0.2", 80), 6, b"GET"),
    ]
    _, summary = inspected(write(tmp_path, web))
    assert summary == {
        **{key: {} for key in ("apps", "mms", "findings", "notes")},
        **{"pdus": 0, "frames": 2, "connections": 0, "other_connections": 1},
    }
    assert "0 PDUs in 0 connections, 1 more not inspected; 2 frames\n" in tandem("inspect", tmp_path / "it.pcap").stdout


def test_another_port(tmp_path: Path) -> None:
    path = write(tmp_path, made.packets([(C2S, b"nonsense")], server=("10.0.0.2", 10_102)))
    assert inspected(path)[1]["other_connections"] == 1
    assert len(inspected(path, "--port", 10_102)[0]) == 1


def test_a_truncated_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path, made.packets())
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    done = tandem("inspect", path)
    assert done.exit_code == 0
    assert done.stderr.startswith("tandem: it.pcap: the file ends within a ")
    assert "CR" in done.stdout


def test_fail_on_severity(tmp_path: Path) -> None:
    clean = write(tmp_path, made.packets([(C2S, IDENTIFY)]))
    assert tandem("inspect", clean, "--fail-on", "high").exit_code == 0
    bad = write(tmp_path, made.packets([(C2S, b"nonsense")]))
    assert tandem("inspect", bad).exit_code == 0
    for severity in ("low", "medium", "high"):
        assert tandem("inspect", bad, "--fail-on", severity).exit_code == 1
    assert tandem("inspect", bad, "--fail-on", "dire").exit_code == 2


@pytest.mark.parametrize(
    ("data", "told"), [(b"", "is empty"), (b"hello", "is no capture"), (None, "No such file"), (b"\x1f\x8b", "gunzip")]
)
def test_what_cannot_be_read(data: bytes | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "it.pcap"
    if data is not None:
        path.write_bytes(data)
    for command in (["inspect"], ["inspect", "--json"], ["learn"]):
        done = tandem(*command, path)
        assert (done.exit_code, done.stdout) == (2, "")
        first, second = done.stderr.splitlines()
        assert first.startswith(f"tandem: {path}")
        assert second.startswith("    ")
        assert told in done.stderr


def test_details_on_request(tmp_path: Path) -> None:
    path = write(tmp_path, made.packets())
    assert all(line["details"] == {} for line in inspected(path)[0])
    lines, _ = inspected(path, "--details")
    assert lines[0]["details"]["cotp"]["calling_tsap"] == "0001"
    assert all(list(line) == KEYS for line in lines)


# Held to a policy

POLICY = """\
policies:
  - id: 3
    name: strict
    default: deny
    unknown_peer: reset
    peers:
      - {name: east, addresses: [10.0.0.0/24], client_may: [{domain: DOM, names: ["*"], rights: [read]}]}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def test_held_to_a_policy(policy: Path, tmp_path: Path) -> None:
    capture = write(tmp_path, made.packets())
    lines, summary = inspected(capture, "--policy", policy)
    verdicts = Counter(line["verdict"] for line in lines if line["mms_service"] == "write" and line["app"])
    assert set(verdicts) == {"deny"}
    assert summary["findings"]["unauthorized-write"] >= verdicts["deny"]
    text = tandem("inspect", capture, "--policy", policy, "--policy-id", 3).stdout
    assert "DOM/TS-01  DENY\n      ! high   unauthorized-write (sid 6" in text
    assert tandem("inspect", capture, "--policy", policy, "--fail-on", "high").exit_code == 1


def test_nothing_stops_a_capture(policy: Path, tmp_path: Path) -> None:
    """What a node would have reset has happened, and is shown to its end."""
    capture = write(tmp_path, made.packets(client=("192.0.2.1", 50_000)))
    lines, _ = inspected(capture, "--policy", policy)
    assert lines[0]["verdict"] == "reset"
    assert len(lines) == len(conversation())


def test_what_was_denied_has_happened_in_a_capture(policy: Path, tmp_path: Path) -> None:
    """Answers are not called orphans because a node would have denied their requests."""
    _, summary = inspected(write(tmp_path, made.packets()), "--policy", policy)
    assert "orphan-invoke-id" not in summary["findings"]


def test_signatures_of_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "applications:\n  - {id: 7, name: Plant.Identify, category: ICCP, risk: 2, when: {mms_service: identify}}\n"
    )
    capture = write(tmp_path, made.packets())
    assert "Plant.Identify" not in inspected(capture)[1]["apps"]
    assert inspected(capture, "--signatures", path)[1]["apps"]["Plant.Identify"] == 1


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        (POLICY.replace("deny", "dny"), [], "policy.yaml:4:14: policies[0].default: "),
        (POLICY, ["--policy-id", "4"], "has no policy 4, but 3"),
        (
            POLICY + POLICY.partition("\n")[2].replace("3", "5").replace("strict", "b"),
            [],
            "has the policies 3, 5: say which",
        ),
        ("", [], "policy.yaml:1:1"),
    ],
)
def test_policies_that_do_not_do(text: str, options: list[str], told: str, policy: Path, tmp_path: Path) -> None:
    policy.write_text(text)
    done = tandem("inspect", write(tmp_path, made.packets()), "--policy", policy, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("tandem: ")
    assert told in done.stderr


def test_a_policys_number_without_a_file(tmp_path: Path) -> None:
    done = tandem("inspect", write(tmp_path, made.packets()), "--policy-id", 3)
    assert done.exit_code == 2
    assert "name the file with --policy FILE" in done.stderr


def test_a_policy_file_that_is_not_there(tmp_path: Path) -> None:
    capture = write(tmp_path, made.packets())
    for option in ("--policy", "--signatures"):
        done = tandem("inspect", capture, option, tmp_path / "none.yaml")
        assert done.exit_code == 2
        assert "none.yaml" in done.stderr


def test_names_from_the_wire_do_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    name = REPORT.replace(b"DS1", b"\x1b[2")
    done = tandem("inspect", write(tmp_path, made.packets([(S2C, name)])))
    assert "\x1b" not in done.output


def test_whoever_reads_may_stop(tmp_path: Path) -> None:
    path = write(tmp_path, made.packets([(S2C, REPORT)] * 5000))
    command = f"{sys.executable} -m node.cli inspect {path} | head -1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("connection 1: 10.0.0.1:50000 > 10.0.0.2:102\n", "")


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    path = write(tmp_path, made.packets([(S2C, DR)] * 5000))
    mine, its = pty.openpty()
    try:
        command = [sys.executable, "-m", "node.cli", "inspect", str(path)]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=its, check=True)
        told = os.read(mine, 4096).decode()
    finally:
        os.close(mine)
        os.close(its)
    assert "\r\x1b[Kit.pcap: 100 %" in told
    assert told.endswith("\r\x1b[K")


def test_progress_where_it_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, made.packets([(S2C, DR)] * 5000))
    assert tandem("inspect", path).stderr == ""
    assert tandem("inspect", path, "--progress").stderr.splitlines()[-1] == "it.pcap: 100 %"


# Real captures


@needs_captures
def test_traffic_between_two_control_centres() -> None:
    done = tandem("inspect", FOLDER / AREVA)
    golden = AREVA_STARTS.splitlines()
    assert [line[: len(each)] for line, each in zip(done.stdout.splitlines(), golden, strict=False)] == golden
    assert "165 PDUs in 1 connection; 498 frames\n" in done.stdout
    assert "       115  ICCP_Transfer.Reporting\n" in done.stdout


@needs_captures
def test_traffic_between_two_control_centres_as_json() -> None:
    lines, summary = inspected(FOLDER / AREVA)
    del lines[5]["details"]
    assert lines[5] == {
        "frame": 20,
        "time": "2005-07-29T18:23:59.419754Z",
        "direction": "server->client",
        "layers": ["tpkt", "cotp", "session", "presentation", "mms", "tase2"],
        "mms_pdu": "confirmed-request",
        "mms_service": "read",
        "invoke_id": 4432,
        "operation": "Get Bilateral Table ID",
        "app": "ICCP_Get.Bilateral.Table.ID",
        "objects": ["KIRKLAND/Bilateral_Table_ID", "TASE2_Version", "Supported_Features"],
        "verdict": "pass",
        "findings": [],
        "connection": {"number": 1, "client": "10.101.1.2:1089", "server": "10.101.1.3:102", "midstream": False},
    }
    assert (summary["pdus"], summary["mms"]["unconfirmed informationReport"]) == (165, 115)


@needs_captures
@pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("*.pcap*")), ids=lambda path: str(path.relative_to(FOLDER)) if path else ""
)
def test_every_capture_is_read(path: Path) -> None:
    lines, summary = inspected(path)
    assert summary["pdus"] > 0
    assert summary["other_connections"] == 0
    assert set(summary["notes"]) <= {"gap"}
    assert all(list(line) == KEYS for line in lines)
    assert tandem("inspect", path).exit_code == 0


@needs_captures
@needs_tool("tshark")
@pytest.mark.parametrize("name", [AREVA, "iccp_dina_2025_open_read_write_close.pcap", "piccolo.pcap"])
def test_the_frames_are_those_of_tshark(name: str) -> None:
    command = ["tshark", "-r", str(FOLDER / name), "-Y", "mms", "-T", "fields", "-e", "frame.number"]
    theirs = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    lines, _ = inspected(FOLDER / name)
    ours = dict.fromkeys(line["frame"] for line in lines if line["mms_pdu"] is not None)
    assert list(ours) == sorted(map(int, theirs))
