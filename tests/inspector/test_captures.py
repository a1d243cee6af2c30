"""Real traffic: what was captured between control centres, in a laboratory, and of other protocols."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from inspector import Checkpoint, Direction, Finding, Pdu, Stack
from inspector.tase2 import Kind
from tests.inspector.captures import FOLDER, Flow, needs_captures, segments

pytestmark = needs_captures

C2S, S2C = Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT
AREVA = "iccp_areva_2005_genuine.pcap"
DINA = "iccp_dina_2025_open_read_write_close.pcap"


@cache
def inspect(name: str) -> tuple[tuple[Stack, ...], tuple[Pdu, ...], tuple[Finding, ...]]:
    stacks: dict[Flow, Stack] = {}
    pdus: list[Pdu] = []
    findings: list[Finding] = []
    for flow, direction, octets in segments(FOLDER / name):
        result = stacks.setdefault(flow, Stack()).feed(direction, octets)
        pdus += result.pdus
        findings += result.findings
    return tuple(stacks.values()), tuple(pdus), tuple(findings)


def services(name: str, kind: str) -> Counter[str | None]:
    return Counter(it.mms_service for it in inspect(name)[1] if it.mms_pdu == kind)


def test_every_report_between_two_control_centres_is_a_transfer_report() -> None:
    (stack,), pdus, findings = inspect(AREVA)
    reports = [it for it in pdus if it.mms_service == "informationReport"]
    assert len(reports) == 115
    assert {(it.operation, it.app) for it in reports} == {("Transfer Report", "ICCP_Transfer.Reporting")}
    assert {it.direction for it in reports} == {C2S, S2C}
    assert all(it.objects for it in reports)
    assert findings == ()
    assert (stack.detected, stack.app, stack.held) == (True, "ICCP_Transfer.Reporting", (b"", b""))


def test_every_service_between_two_control_centres() -> None:
    expected = {
        "identify": 7,
        "read": 6,
        "getNamedVariableListAttributes": 4,
        "write": 4,
        "getNameList": 2,
    }
    assert services(AREVA, "confirmed-request") == services(AREVA, "confirmed-response") == expected
    (stack,), pdus, _ = inspect(AREVA)
    assert Counter(it.app for it in pdus if it.operation in ("Start Transfer", "Get Next DSTransfer Set Value")) == {
        "ICCP_Start.Transfer.DSTransferSet": 4,
        "ICCP_Get.Next.DSTransfer.Set.Value": 4,
        None: 8,
    }
    assert [name for name, known in stack.state.known.items() if known.kind is Kind.TRANSFER_SET] == [
        "KIRKLAND/CITEC_TS0",
        "KIRKLAND/CITEC_TS1",
        "BELLEVUE/EMSICCP_TS0",
        "BELLEVUE/EMSICCP_TS1",
    ]
    assert all(stack.layers.values())


def test_midstream_reports_are_recognised_one_by_one() -> None:
    """Each report alone, in an association of which nothing else was seen."""
    streams = {C2S: bytearray(), S2C: bytearray()}
    for _, direction, octets in segments(FOLDER / AREVA):
        streams[direction] += octets
    seen: Counter[str | None] = Counter()
    for direction, stream in streams.items():
        while stream:
            length = int.from_bytes(stream[2:4], "big")
            (pdu,) = Stack().feed(direction, bytes(stream[:length])).pdus
            del stream[:length]
            if pdu.mms_service == "informationReport":
                seen[pdu.app] += 1
    assert seen == {"ICCP_Transfer.Reporting": 115}


def test_the_laboratory_reads_writes_and_closes() -> None:
    expected = {
        "read": 519,
        "getVariableAccessAttributes": 513,
        "getNameList": 15,
        "write": 3,
        "getNamedVariableListAttributes": 2,
    }
    assert services(DINA, "confirmed-request") == services(DINA, "confirmed-response") == expected
    (stack,), pdus, findings = inspect(DINA)
    assert findings == ()
    assert [it.acse for it in pdus if it.acse] == ["AARQ", "AARE", "RLRQ", "RLRE"]
    assert [it.mms_pdu for it in pdus[-4:-2]] == ["conclude-request", "conclude-response"]
    assert sum(it.length > 1028 for it in pdus) == 5  # over more than one TPDU of 1024 octets
    assert (stack.detected, stack.state.calls) == (True, ({}, {}))


def test_a_refused_association() -> None:
    _, pdus, findings = inspect("mms_session_refuse_acse_abort.pcapng")
    assert findings == ()
    last = pdus[-1]
    assert (last.session, last.presentation, last.acse, last.app) == ("RF", "CPR", "ABRT", "MMS_Abort")


@pytest.mark.parametrize("name", ["piccolo.pcap", "iec61850_malformed_ac_spdu.pcap"])
def test_plain_mms_is_not_iccp(name: str) -> None:
    stacks, pdus, _ = inspect(name)
    assert not any(it.detected for it in stacks)
    assert not any(it.app and it.app.startswith("ICCP") for it in pdus)


def test_malformed_accepts_are_refused() -> None:
    stacks, _, findings = inspect("iec61850_malformed_ac_spdu.pcap")
    assert [it.code for it in findings] == ["session-overrun"] * 2
    assert all(it.feed(C2S, b"").reset for it in stacks)


@pytest.mark.parametrize("path", sorted((FOLDER / "not_iccp").glob("*")), ids=lambda it: it.name)
def test_other_protocols_are_never_called_iccp(path: Path) -> None:
    stacks, pdus, findings = inspect(f"not_iccp/{path.name}")
    assert findings
    assert not any(it.detected or it.apps for it in stacks)
    assert {it.cotp for it in pdus} <= {"CR", "CC"}


@pytest.mark.parametrize("path", sorted((FOLDER / "malformed").glob("*")), ids=lambda it: it.name)
def test_octets_that_crashed_a_real_stack_never_pass(path: Path) -> None:
    octets = path.read_bytes()
    stack = Stack()
    results = [stack.feed(S2C, octets[n : n + 1]) for n in range(len(octets))]
    assert any(it.findings for it in results)
    assert results[-1].reset
    assert sum(it.forward for it in results) < len(octets)


@pytest.mark.parametrize("name", [AREVA, DINA])
def test_a_standby_follows_by_deltas_and_goes_on(name: str) -> None:
    stack = Stack()
    kept = Checkpoint(stack.checkpoint())
    sizes = []
    held = [b"", b""]
    pdus: list[Pdu] = []
    for n, (_, direction, octets) in enumerate(segments(FOLDER / name)):
        result = stack.feed(direction, octets)
        pdus += result.pdus
        held[direction] = (held[direction] + octets)[result.forward :]
        delta = stack.take_delta()
        if delta is not None:
            kept.apply(delta)
            sizes.append(len(delta))
        if n % 97 == 0:
            assert kept.pack() == stack.checkpoint()
            stack = Stack.resume(kept.pack(), (held[0], held[1]))
    assert tuple(pdus) == inspect(name)[1]
    assert sorted(sizes)[len(sizes) // 2] <= 14
    assert max(sizes) < 1000, "what a data set's members are called is told once"
