"""What a pair tells of itself, through denials and a takeover: EVE lines, the log, metrics; and no secret in any."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.lab import admin
from scripts.lab.lab import Lab
from scripts.lab.layout import NODE_NAMES, RELAXED
from tests.e2e.lines import take_over, until
from tests.e2e.test_denials import POLICY, until_denied
from tests.events.test_formats import VALIDATOR
from tests.metrics.test_operator_files import sample_names
from tests.requirements import needs_root, needs_tool

pytestmark = needs_root

Lines = list[dict[str, Any]]


@dataclass(frozen=True)
class Told:
    """What both nodes told, `first` being the one that was active first."""

    first: str
    second: str
    eve: dict[str, Lines]
    fortios: dict[str, str]
    before: str
    after: str
    """What `execute log display` says on the first node, of its life before, and on the second."""
    metrics: str
    key: str
    session: dict[str, Any]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with Lab("etld-", timing=RELAXED, policy=POLICY) as lab:
        lab.pair.start()
        first, _ = lab.pair.wait_ready()
        server, client = lab.start_tase2_server(), lab.start_trespassers(1)
        until_denied(client, 1)
        session = first.ask("/sessions")[0]
        second = take_over(lab, "worker")
        until_denied(client, 1)
        lab.pair.wait_ready()
        metrics = admin.text(lab.layout.socket(second.name), "/metrics")
        after = lab.tandem(second, "execute", "log", "display", "--session", str(session["id"]), "--count", "100")
        client.stop(), server.stop()
        until("the session's end", lambda: second.ask("/log?type=session-end")["found"])
        before = lab.tandem(first, "execute", "log", "display", "--type", "session-start")
        lab.pair.stop()
        key = (lab.layout.root / "cluster.key").read_text().split()[-1]
        eve = {name: eve_lines(lab.layout.events(name, "eve")) for name in NODE_NAMES}
        fortios = {name: lab.layout.events(name, "fortios").read_text() for name in NODE_NAMES}
        yield Told(first.name, second.name, eve, fortios, before, after, metrics, key, session)


def eve_lines(path: Path) -> Lines:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_eve_line_is_as_the_schema_says(told: Told) -> None:
    for lines in told.eve.values():
        for line in lines:
            VALIDATOR.validate(line)
    assert {line["event_type"] for line in told.eve[told.first]} == {"stats", "ha", "flow", "iccp", "alert"}
    assert {line["event_type"] for line in told.eve[told.second]} == {"stats", "ha", "flow", "iccp", "alert"}


def test_no_two_events_of_a_node_have_one_serial(told: Told) -> None:
    for lines in told.eve.values():
        serials = [line.get("iccp", line.get("ha"))["incident"] for line in lines if line["event_type"] != "stats"]
        assert len(serials) == len(set(serials))
        assert serials == sorted(serials)


def test_a_session_is_the_same_on_both_nodes(told: Told) -> None:
    tuples = [session_tuples(told.eve[name], told.session["id"]) for name in (told.first, told.second)]
    assert tuples[0] == tuples[1] != set()
    ended = [line for line in told.eve[told.second] if line.get("flow", {}).get("state") == "closed"]
    assert [line["flow_id"] for line in ended] == [told.session["id"]]
    assert ended[0]["iccp"]["takeovers"] == 1
    assert ended[0]["flow"]["bytes_toclient"] > told.session["bytes"][1], "what the first node counted is in it"


def session_tuples(lines: Lines, number: int) -> set[tuple[Any, ...]]:
    """Who spoke to whom, whichever way, and by what the pair translated it."""
    return {
        (
            *sorted(((line["src_ip"], line["src_port"]), (line["dest_ip"], line["dest_port"]))),
            line["iccp"]["session"],
            tuple(line["iccp"]["nat"].values()),
        )
        for line in lines
        if line.get("flow_id") == number
    }


def test_denials_and_the_takeover_are_told(told: Told) -> None:
    for name in (told.first, told.second):
        blocked = [line for line in told.eve[name] if line.get("alert", {}).get("action") == "blocked"]
        assert {line["iccp"]["action"] for line in blocked} == {"deny"}
        assert {technique for line in blocked for technique in line["alert"]["metadata"]["mitre_technique_id"]}
    changes = [line["ha"] for line in told.eve[told.second] if line["event_type"] == "ha"]
    takeovers = [each["facts"] for each in changes if each["event"] == "takeover"]
    assert [(each["sessions"], each["reset"]) for each in takeovers] == [(1, 0)]
    roles = [each["facts"] for each in changes if each["event"] == "role"]
    assert [(each["from"], each["to"]) for each in roles[:2]] == [("starting", "passive"), ("passive", "active")]


def test_the_log_as_the_vendor_shows_it(told: Told) -> None:
    found, returned, *_ = re.findall(r"^(\d+) logs (?:found|returned)\.$", told.after, re.MULTILINE)
    assert int(found) == int(returned) > 3
    assert re.search(
        r'^\d+: date=\S+ time=\S+ .*type="utm" subtype="app-ctrl" .*appid=\d+ .*srcip=10\.1\.100\.10 .*'
        rf"dstip=172\.16\.200\.177 dstport=102 .*sessionid={told.session['id']} .*"
        r'app="(\S+)" .*msg="ICCP: \1, continued"',
        told.after,
        re.MULTILINE,
    ), told.after
    assert 'subtype="ips"' in told.after and 'action="dropped"' in told.after
    assert told.before.startswith("1 logs found.\n1 logs returned.\n\n1: date="), "what a life before this one told"


@needs_tool("promtool")
def test_promtool_takes_the_metrics_and_all_there_are_come(told: Told) -> None:
    subprocess.run(("promtool", "check", "metrics"), input=told.metrics, text=True, check=True, capture_output=True)
    come = set(re.findall(r"^(tandem_\w+?)(?:\{| )", told.metrics, re.MULTILINE))
    assert {name for name in sample_names() if "witness" not in name} <= come, "this pair has no witness"
    value = dict(re.findall(r"^(tandem_\S+) (\S+)$", told.metrics, re.MULTILINE))
    assert value['tandem_role{role="active"}'] == "1.0"
    assert float(value['tandem_apps_total{app="ICCP_Transfer.Reporting"}']) > 0
    assert float(value["tandem_denied_total"]) > 0
    assert float(value["tandem_relay_duration_seconds_count"]) > 0
    assert float(value["tandem_commit_duration_seconds_count"]) > 0
    assert value['tandem_takeover_sessions{result="kept"}'] == "1.0"


def test_no_secret_and_no_peer_in_the_wrong_place(told: Told) -> None:
    everything = json.dumps(told.eve) + "".join(told.fortios.values()) + told.before + told.after + told.metrics
    assert told.key not in everything
    assert "10.1.100.10" not in told.metrics, "no label tells of a peer"
