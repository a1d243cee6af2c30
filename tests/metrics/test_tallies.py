"""What is counted as traffic passes, and the text that it becomes."""

from __future__ import annotations

import math

from inspector import Action, Direction, Edit, Finding, Pdu, Result
from node.metrics.families import FAMILIES, filled
from node.metrics.tallies import BOUNDS_S, KINDS_MAX, OTHER, Delays, Tallies

REPORT = Pdu(
    Direction.SERVER_TO_CLIENT,
    ("tpkt", "cotp", "mms"),
    40,
    "DT",
    session="GT/DT",
    mms_pdu="unconfirmed",
    mms_service="informationReport",
    app="ICCP_Transfer.Reporting",
)
ANSWER = REPORT._replace(mms_pdu="confirmed-response", mms_service="read", app=None)


def result(*pdus: Pdu, findings: tuple[Finding, ...] = (), edits: tuple[Edit, ...] = ()) -> Result:
    return Result(0, pdus, findings, False, edits)


def test_pdus_by_layer_service_and_application() -> None:
    tallies = Tallies()
    tallies.count(result(REPORT, REPORT, ANSWER))
    tallies.count(result(Pdu(Direction.CLIENT_TO_SERVER, ("tpkt", "cotp"), 22, "CR")))
    assert tallies.layers() == {
        ("cotp", "CR"): 1,
        ("cotp", "DT"): 3,
        ("mms", "confirmed-response"): 1,
        ("mms", "unconfirmed"): 2,
        ("session", "GT/DT"): 3,
    }
    assert tallies.services() == {("informationReport",): 2, ("read",): 1}
    assert tallies.apps() == {"ICCP_Transfer.Reporting": 2}


def test_findings_and_denials() -> None:
    tallies = Tallies()
    found = (Finding("a", "high", "x", action=Action.DENY), Finding("b", "low", "y"), Finding("c", "low", "z"))
    tallies.count(result(REPORT, findings=found, edits=(Edit(0, 1, b"", b""),)))
    assert (tallies.findings, tallies.denied) == ({("high", "deny"): 1, ("low", "pass"): 2}, 1)


def test_names_are_bounded_in_number() -> None:
    tallies = Tallies()
    for number in range(KINDS_MAX + 50):
        tallies.count(result(REPORT._replace(mms_service=f"service-{number}", app=f"app-{number}")))
    assert (len(tallies.services()), len(tallies.apps())) == (KINDS_MAX + 1, KINDS_MAX + 1)
    assert tallies.apps()[OTHER] == tallies.services()[(OTHER,)] == 50


def test_a_histogram_of_delays() -> None:
    delays = Delays()
    for delay_s in (0.0, 0.00003, 0.00003, BOUNDS_S[-1], 7.0):
        delays.add(delay_s)
    buckets = dict(delays.buckets())
    assert (buckets["2.5e-05"], buckets["5e-05"], buckets["0.5"], buckets["1.0"], buckets["+Inf"]) == (1, 3, 3, 4, 5)
    assert math.isclose(delays.sum_s, 8.00006)
    samples = {
        (each.name, each.labels.get("le")): each.value for each in filled("relay_duration_seconds", delays).samples
    }
    assert samples["tandem_relay_duration_seconds_count", None] == 5
    assert samples["tandem_relay_duration_seconds_bucket", "+Inf"] == 5


def test_names_go_by_the_conventions() -> None:
    for name, family in FAMILIES.items():
        assert name == name.lower()
        assert not name.endswith("_total"), "the library adds it"
        assert not any(unit in name for unit in ("_ms", "_kib", "percent")), "base units"
        assert family.text and not family.text.endswith(".")
        assert not {"client", "server", "peer", "address"} & set(family.labels), "no label tells of a peer"
