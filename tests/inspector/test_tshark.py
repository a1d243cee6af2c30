"""The same captures through tshark: as many MMS PDUs of each kind and service, and the same invoke IDs."""

import subprocess
from collections import Counter

import pytest

from inspector import Direction, Pdu, Stack
from inspector.services import CONFIRMED_SERVICES, UNCONFIRMED_SERVICES
from tests.inspector.captures import FOLDER, Flow, needs_captures, segments
from tests.requirements import needs_tool

pytestmark = [needs_captures, needs_tool("tshark")]

KINDS = {
    "mms.confirmed_RequestPDU_element": "confirmed-request",
    "mms.confirmed_ResponsePDU_element": "confirmed-response",
    "mms.confirmed_ErrorPDU_element": "confirmed-error",
    "mms.unconfirmed_PDU_element": "unconfirmed",
    "mms.initiate_RequestPDU_element": "initiate-request",
    "mms.initiate_ResponsePDU_element": "initiate-response",
    "mms.conclude_RequestPDU_element": "conclude-request",
    "mms.conclude_ResponsePDU_element": "conclude-response",
}
SERVICES = {
    "mms.confirmedServiceRequest": CONFIRMED_SERVICES,
    "mms.confirmedServiceResponse": CONFIRMED_SERVICES,
    "mms.unconfirmedService": UNCONFIRMED_SERVICES,
}
WHOLE = [
    "iccp_areva_2005_genuine.pcap",
    "iccp_dina_2025_open_read_write_close.pcap",
    "piccolo.pcap",
    "mms_session_refuse_acse_abort.pcapng",
]
CLIENT_SIDE = sorted(
    f"mms_single_service_bare/{it.name}"
    for it in (FOLDER / "mms_single_service_bare").glob("*")
    if it.name != "mms-confirmedRequestPDU.pcap"  # a request without a service: refused here
)
"""Their servers' answers are malformed at TPKT or session already."""


def by_tshark(name: str, display_filter: str) -> tuple[Counter[str], Counter[str], list[int]]:
    fields = [*KINDS, *SERVICES, "mms.invokeID"]
    command = ["tshark", "-r", str(FOLDER / name), "-Y", display_filter, "-T", "fields", "-E", "separator=;"]
    for field in fields:
        command += ["-e", field]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    kinds: Counter[str] = Counter()
    services: Counter[str] = Counter()
    invoke_ids: list[int] = []
    for row in rows:
        cells = dict(zip(fields, row.split(";"), strict=True))
        for field, kind in KINDS.items():
            kinds[kind] += len(cells[field].split(",")) if cells[field] else 0
        for field, names in SERVICES.items():
            services.update(names[int(number)] for number in cells[field].split(",") if number)
        invoke_ids += [int(it) for it in cells["mms.invokeID"].split(",") if it]
    return +kinds, +services, invoke_ids


def ours(pdus: list[Pdu]) -> tuple[Counter[str], Counter[str], list[int]]:
    kinds = Counter(it.mms_pdu for it in pdus if it.mms_pdu is not None and it.mms_pdu in KINDS.values())
    services = Counter(it.mms_service for it in pdus if it.mms_service is not None)
    confirmed = [it for it in pdus if it.mms_pdu in ("confirmed-request", "confirmed-response")]
    return kinds, services, [it.invoke_id for it in confirmed if it.invoke_id is not None]


@pytest.mark.parametrize("name", WHOLE)
def test_both_directions(name: str) -> None:
    stacks: dict[Flow, Stack] = {}
    pdus: list[Pdu] = []
    for flow, direction, octets in segments(FOLDER / name):
        pdus += stacks.setdefault(flow, Stack()).feed(direction, octets).pdus
    assert ours(pdus) == by_tshark(name, "mms")


@pytest.mark.parametrize("name", CLIENT_SIDE)
def test_client_side(name: str) -> None:
    stack = Stack()
    pdus: list[Pdu] = []
    for _, direction, octets in segments(FOLDER / name):
        if direction == Direction.CLIENT_TO_SERVER:
            pdus += stack.feed(direction, octets).pdus
    if not stack.layers["session"]:  # tshark does not guess a conclude of two octets without the session layer
        pdus = [it for it in pdus if it.mms_pdu != "conclude-request"]
    assert ours(pdus) == by_tshark(name, "mms && tcp.dstport == 102")
    assert not stack.detected
    assert stack.layers["session"] == name.startswith("mms_single_service_bare/iec61850")
