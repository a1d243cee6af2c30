"""The same captures through tshark, PDU by PDU: both directions, every layer, frame by frame.

tshark 4.0 is the judge, but where it does not look, or the octets are malformed: `DISAGREEMENTS` lists each such frame
with the reason, and what each of the two makes of it is asserted.
"""

import subprocess
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest

from inspector import Direction, Pdu, Stack, session, values
from inspector.services import CONFIRMED_SERVICES, UNCONFIRMED_SERVICES
from tests.inspector.captures import FOLDER, Flow, needs_captures, numbered_segments
from tests.requirements import needs_tool

pytestmark = [needs_captures, needs_tool("tshark")]

SINGLE = "mms_single_service_bare"
NAMES = [
    *("iccp_areva_2005_genuine.pcap", "iccp_dina_2025_open_read_write_close.pcap", "piccolo.pcap"),
    *("mms_session_refuse_acse_abort.pcapng", "iec61850_malformed_ac_spdu.pcap"),
    *(sorted(f"{SINGLE}/{it.name}" for it in (FOLDER / SINGLE).glob("*"))),
]


class Disagreement(NamedTuple):
    """Why the two differ about a frame, in what, and what we say of it as a finding."""

    why: str
    about: frozenset[str]
    code: str | None = None


MALFORMED_ACCEPT = Disagreement(
    "the AC's length says one octet more than there is, and its user data have the length 0: tshark shows what comes "
    "before and stops at an empty presentation layer, we refuse the SPDU",
    frozenset(("spdu", "options", "requirements")),
    "session-overrun",
)
NO_SERVICE = Disagreement(
    "a confirmed PDU without a service: tshark shows the layers around it and its invoke ID, we refuse it, but say of "
    "what kind it was",
    frozenset(("spdu", "contexts", "invoke_id")),
    "mms-service-missing",
)
BARE_NO_SERVICE = NO_SERVICE._replace(about=frozenset(("invoke_id",)))
BARE_CONCLUDE = Disagreement(
    "MMS without a session layer: tshark guesses that from longer PDUs only than these two octets",
    frozenset(("pdu",)),
)
UNKNOWN_CONTEXT = Disagreement(
    "the capture starts in the middle of this association: tshark does not know what presentation context 3 is, we "
    "see MMS for what it is",
    frozenset(("pdu", "service", "invoke_id", "objects", "values")),
)
UNKNOWN_CONCLUDE = UNKNOWN_CONTEXT._replace(about=frozenset(("pdu",)))
UNKNOWN_NO_SERVICE = UNKNOWN_CONTEXT._replace(about=frozenset(("spdu", "contexts", "pdu")), code="mms-service-missing")
UNKNOWN_CUT_OFF = Disagreement(
    "as before, and the response ends inside a value: we refuse it before we know what it is",
    frozenset(("spdu", "contexts")),
    "ber-truncated",
)

_BARE_CONCLUDES = {
    16: "cancelRequest confirmedRequestPDU deleteProgramInvocation getAlarmSummary getDomainAttributes "
    "initiateUploadSequence killRequest resetRequest resumeRequest",
    20: "initiateDownloadSequence relinquishControl startRequest stopRequest takeControl terminateUploadSequence",
}
DISAGREEMENTS: dict[tuple[str, int], Disagreement] = {
    ("iec61850_malformed_ac_spdu.pcap", 1): MALFORMED_ACCEPT,
    ("iec61850_malformed_ac_spdu.pcap", 2): UNKNOWN_CONTEXT,
    ("iec61850_malformed_ac_spdu.pcap", 3): UNKNOWN_CUT_OFF,
    ("iec61850_malformed_ac_spdu.pcap", 4): UNKNOWN_CONCLUDE,
    ("iec61850_malformed_ac_spdu.pcap", 5): UNKNOWN_NO_SERVICE,
    ("iec61850_malformed_ac_spdu.pcap", 18): MALFORMED_ACCEPT,
    ("iec61850_malformed_ac_spdu.pcap", 20): NO_SERVICE,
    ("iec61850_malformed_ac_spdu.pcap", 22): NO_SERVICE,
    **{
        (f"{SINGLE}/iec61850_{it}.pcap", 10): MALFORMED_ACCEPT
        for it in ("get_name_list", "get_variable_access_attributes", "read", "release", "write")
    },
    **{
        (f"{SINGLE}/iec61850_{it}.pcap", frame): NO_SERVICE
        for it in ("get_name_list", "get_variable_access_attributes", "write")
        for frame in (14, 18)
    },
    (f"{SINGLE}/iec61850_read.pcap", 18): NO_SERVICE,
    (f"{SINGLE}/mms-confirmedRequestPDU.pcap", 12): BARE_NO_SERVICE,
    **{
        (f"{SINGLE}/mms-{it}.pcap", frame): BARE_CONCLUDE
        for frame, names in _BARE_CONCLUDES.items()
        for it in names.split()
    },
}
FRAMING = {
    "cotp-unknown": "the servers of the bare captures put TPKTs of the wrong length around what is no TPDU (length "
    "indicator 0): tshark calls it a continuation and shows no layer above TPKT, we lose the framing",
    "tpkt-length": "likewise, where the TPKT's length has no room for a TPDU",
}


class Spoken(NamedTuple):
    """What one side makes of a PDU, in words of its own."""

    frame: int
    direction: Direction
    says: dict[str, Any]


# --- tshark's side

Leaves = list[tuple[str, str, str, str]]
"""Field, as shown, octets in hex, as shown with its name; in the order of the octets."""

TPDUS = {"0x0e": "CR", "0x0d": "CC", "0x0f": "DT", "0x08": "DR", "0x07": "ER"}
SPDUS = {"1": "DT", "9": "FN", "10": "DN", "12": "RF", "13": "CN", "14": "AC", "25": "AB"}
APDUS = {f"acse.{it}_element": it.upper() for it in ("aarq", "aare", "rlrq", "rlre", "abrt")}
KINDS = {
    "mms.confirmed_RequestPDU_element": "confirmed-request",
    "mms.confirmed_ResponsePDU_element": "confirmed-response",
    "mms.confirmed_ErrorPDU_element": "confirmed-error",
    "mms.unconfirmed_PDU_element": "unconfirmed",
    "mms.rejectPDU_element": "reject",
    "mms.cancel_RequestPDU": "cancel-request",
    "mms.cancel_ResponsePDU": "cancel-response",
    "mms.cancel_ErrorPDU_element": "cancel-error",
    "mms.initiate_RequestPDU_element": "initiate-request",
    "mms.initiate_ResponsePDU_element": "initiate-response",
    "mms.initiate_ErrorPDU_element": "initiate-error",
    "mms.conclude_RequestPDU_element": "conclude-request",
    "mms.conclude_ResponsePDU_element": "conclude-response",
    "mms.conclude_ErrorPDU_element": "conclude-error",
}
SERVICES = {
    "mms.confirmedServiceRequest": CONFIRMED_SERVICES,
    "mms.confirmedServiceResponse": CONFIRMED_SERVICES,
    "mms.unconfirmedService": UNCONFIRMED_SERVICES,
}


def number(shown: str, _octets: str, _named: str) -> int:
    return int(shown, 0)


def octets_of(_shown: str, octets: str, _named: str) -> str:
    return octets


def shown_as(shown: str, _octets: str, _named: str) -> str:
    return shown


def name_of(_shown: str, _octets: str, named: str) -> str:
    """`failure: object-access-denied (3)` without the field's name and the number, and without a slip of tshark's."""
    return named.partition(": ")[2].rpartition(" (")[0].replace("nammed", "named")


def real(_shown: str, octets: str, _named: str) -> Any:
    wire = bytes.fromhex(octets)
    return values.show(b"\x87" + bytes((len(wire),)) + wire, 0, len(wire) + 2)[0]


def truth(shown: str, _octets: str, _named: str) -> bool:
    return shown != "0"


FIELDS: dict[str, tuple[str, Callable[[str, str, str], Any]]] = {
    "cotp.srcref": ("source_ref", number),
    "cotp.tpdu_size": ("tpdu_octets", number),
    "cotp.src-tsap-bytes": ("calling_tsap", octets_of),
    "cotp.dst-tsap-bytes": ("called_tsap", octets_of),
    "ses.connect.flags": ("options", number),
    "ses.version.flags": ("version", number),
    "ses.req.flags": ("requirements", number),
    "ses.calling_session_selector": ("calling_session_selector", octets_of),
    "ses.called_session_selector": ("called_session_selector", octets_of),
    "ses.reason_code": ("refused", number),
    "pres.calling_presentation_selector": ("calling_presentation_selector", octets_of),
    "pres.called_presentation_selector": ("called_presentation_selector", octets_of),
    "pres.responding_presentation_selector": ("responding_presentation_selector", octets_of),
    "pres.provider_reason": ("provider_reason", name_of),
    "acse.result": ("result", name_of),
    "acse.service_user": ("diagnostic", name_of),
    "acse.reason": ("release", name_of),
    "acse.abort_source": ("abort_source", name_of),
    "acse.abort_diagnostic": ("diagnostic", name_of),
    "acse.aSO_context_name": ("application_context", shown_as),
    "acse.called_AP_invocation_identifier": ("called_ap_invocation", number),
    "acse.called_AE_invocation_identifier": ("called_ae_invocation", number),
    "acse.calling_AP_invocation_identifier": ("calling_ap_invocation", number),
    "acse.calling_AE_invocation_identifier": ("calling_ae_invocation", number),
    "acse.indirect_reference": ("user_context", number),
    "mms.localDetailCalling": ("local_detail", number),
    "mms.localDetailCalled": ("local_detail", number),
    "mms.proposedMaxServOutstandingCalling": ("max_calling", number),
    "mms.negociatedMaxServOutstandingCalling": ("max_calling", number),
    "mms.proposedMaxServOutstandingCalled": ("max_called", number),
    "mms.negociatedMaxServOutstandingCalled": ("max_called", number),
    "mms.proposedDataStructureNestingLevel": ("nesting", number),
    "mms.negociatedDataStructureNestingLevel": ("nesting", number),
    "mms.proposedVersionNumber": ("version_number", number),
    "mms.negociatedVersionNumber": ("version_number", number),
    "mms.proposedParameterCBB": ("parameter_cbb", octets_of),
    "mms.negociatedParameterCBB": ("parameter_cbb", octets_of),
    "mms.servicesSupportedCalling": ("services", octets_of),
    "mms.servicesSupportedCalled": ("services", octets_of),
    "mms.vendorName": ("vendor", shown_as),
    "mms.modelName": ("model", shown_as),
    "mms.revision": ("revision", shown_as),
    "mms.moreFollows": ("more_follows", truth),
    "mms.mmsDeletable": ("deletable", truth),
    "mms.objectClass": ("object_class", name_of),
}
TITLES = {
    "acse.called_AP_title": "called_ap_title",
    "acse.calling_AP_title": "calling_ap_title",
    "acse.responding_AP_title": "responding_ap_title",
    "acse.called_AE_qualifier": "called_ae_qualifier",
    "acse.calling_AE_qualifier": "calling_ae_qualifier",
    "acse.responding_AE_qualifier": "responding_ae_qualifier",
}
LISTS: dict[str, tuple[str, Callable[[str, str, str], Any]]] = {
    "pres.presentation_context_identifier": ("contexts", number),
    "pres.abstract_syntax_name": ("syntaxes", shown_as),
    "pres.result": ("results", name_of),
    "mms.Identifier": ("names", shown_as),
    "mms.failure": ("failures", name_of),
    "mms.integer": ("values", number),
    "mms.unsigned": ("values", number),
    "mms.boolean": ("values", truth),
    "mms.floating_point": ("values", real),
    "mms.data.visible-string": ("values", shown_as),
}
VALUED = ("read", "write", "informationReport")
"""Services whose values are compared; elsewhere these fields are types."""
DOMAINS = ("mms.domainSpecific", "mms.domainName", "mms.getDomainAttributes", "mms.initiateUploadSequence")
PROGRAMS = ("mms.programInvocationName", "mms.deleteProgramInvocation")


@cache
def by_tshark(name: str) -> tuple[Spoken, ...]:
    layers = "tcp tpkt cotp ses pres acse mms"
    command = ["tshark", "-r", str(FOLDER / name), "-Y", "tpkt", "-T", "pdml", "-J", layers]
    root = ET.fromstring(subprocess.run(command, capture_output=True, check=True).stdout)
    return tuple(spoken for packet in root.iter("packet") for spoken in packet_says(packet))


def packet_says(packet: ET.Element) -> Iterator[Spoken]:
    """Every TPKT of a frame that ends a TSDU, or is another TPDU."""
    units: list[Leaves] = []
    frame, port = 0, 0
    for layer in packet.iter("proto"):
        leaves = [
            (it.get("name", ""), it.get("show", ""), it.get("value", ""), it.get("showname", ""))
            for it in layer.iter("field")
        ]
        if layer.get("name") == "geninfo":
            frame = next(int(shown) for field, shown, *_ in leaves if field == "num")
        elif layer.get("name") == "tcp":
            port = next(int(shown) for field, shown, *_ in leaves if field == "tcp.dstport")
        elif layer.get("name") == "tpkt":
            units.append([])
        elif layer.get("name") in ("cotp", "ses", "pres", "acse", "mms") and units:
            units[-1] += leaves
    direction = Direction.CLIENT_TO_SERVER if port == 102 else Direction.SERVER_TO_CLIENT
    for unit in units:
        ends = {field: shown for field, shown, *_ in unit}
        if "cotp.type" in ends and ends.get("cotp.eot") != "0":
            yield Spoken(frame, direction, unit_says(unit))


def unit_says(unit: Leaves) -> dict[str, Any]:
    says: dict[str, Any] = defaultdict(list)
    title, padding = "", 0
    for field, shown, octets, named in unit:
        if field == "cotp.type":
            says["tpdu"] = TPDUS[shown]
        elif field == "ses.type":
            says["spdu"] = SPDUS[shown]
        elif field in APDUS:
            says["apdu"] = APDUS[field]
        elif field in KINDS:
            says["pdu"] = KINDS[field]
            if field in ("mms.cancel_RequestPDU", "mms.cancel_ResponsePDU"):
                says["invoke_id"] = int(shown)
        elif field in SERVICES:
            says["service"] = SERVICES[field][int(shown)]
        elif field == "mms.invokeID":
            says["invoke_id"] = int(shown)
        elif field in TITLES:
            title = TITLES[field]
        elif field == "ber.bitstring.padding":
            padding = int(shown)
        elif field == "mms.data_bit-string":
            says["values"].append(f"{int(octets, 16):0{len(octets) * 4}b}"[: len(octets) * 4 - padding])
            padding = 0
        elif field == "acse.ap_title_form2":
            says[title] = shown
        elif field == "acse.aso_qualifier_form2":
            says[title] = int(shown)
        elif field in FIELDS:
            key, read = FIELDS[field]
            says[key] = read(shown, octets, named)
        elif field in LISTS:
            key, read = LISTS[field]
            says[key].append(read(shown, octets, named))
        object_says(field, shown, says)
    if says.get("service") not in VALUED:
        says.pop("values", None)
    if says["tpdu"] != "DT":
        says["destination_ref"] = int(next(shown for field, shown, *_ in unit if field == "cotp.destref"), 0)
    return {key: value for key, value in says.items() if value != []}


def object_says(field: str, shown: str, says: dict[str, Any]) -> None:
    if field == "mms.domainId":
        says["domain"] = shown
    elif field == "mms.itemId":
        says["objects"].append(f"{says.pop('domain')}/{shown}")
    elif field == "mms.vmd_specific":
        says["objects"].append(shown)
    elif field == "mms.aa_specific":
        says["objects"].append(f"@/{shown}")
    elif field in DOMAINS and shown:
        says["objects"].append(f"{shown}/")
    elif field in PROGRAMS and shown:
        says["objects"].append(shown)


# --- our side


@cache
def by_us(name: str) -> tuple[tuple[Spoken, Pdu], ...]:
    stacks: dict[Flow, Stack] = {}
    found = []
    for frame, flow, direction, octets in numbered_segments(FOLDER / name):
        stack = stacks.setdefault(flow, Stack(on_undecodable="continue", details=True))
        for pdu in stack.feed(direction, octets).pdus:
            found.append((Spoken(frame, direction, we_say(pdu)), pdu))
    return tuple(found)


def we_say(pdu: Pdu) -> dict[str, Any]:
    session, presentation, acse, mms = (
        dict(pdu.details.get(layer, {})) for layer in ("session", "presentation", "acse", "mms")
    )
    proposed = presentation.get("contexts", [])
    contexts = [*(it["context"] for it in proposed), presentation.get("context")]
    says = {
        **pdu.details.get("cotp", {}),
        **{key: session.get(key) for key in ("options", "version", "requirements")},
        "tpdu": pdu.cotp,
        "spdu": pdu.session,
        "apdu": pdu.acse,
        "pdu": pdu.mms_pdu,
        "service": pdu.mms_service,
        "invoke_id": pdu.invoke_id,
        "refused": REFUSALS.get(session.get("reason", "")),
        "calling_session_selector": session.get("calling_selector"),
        "called_session_selector": session.get("called_selector"),
        "calling_presentation_selector": presentation.get("calling_selector"),
        "called_presentation_selector": presentation.get("called_selector"),
        "responding_presentation_selector": presentation.get("responding_selector"),
        "contexts": [it for it in contexts if it is not None],
        "syntaxes": [it["syntax"] for it in proposed],
        "results": [it.replace(" ", "-") for it in presentation.get("results", [])],
        "provider_reason": presentation.get("reason", "").replace("reason ", "reason-").replace(" ", "-"),
        "abort_source": acse.pop("abort_source", "").removeprefix("acse-"),
        "release": acse.pop("reason", None),
        "user_context": acse.pop("context", None),
        "version_number": mms.get("version"),
        "failures": [it["error"] for it in mms.get("errors", [])],
        "objects": objects(pdu, mms),
        "values": list(flat(mms.get("values", []))) if pdu.mms_service in VALUED else [],
        **{key: value for key, value in acse.items() if key in SAID_OF_ACSE},
        **{key: value for key, value in mms.items() if key in SAID_OF_MMS},
    }
    return {key: value for key, value in says.items() if value not in (None, [], "")}


def objects(pdu: Pdu, mms: dict[str, Any]) -> list[str]:
    """What a PDU itself names: a request's objects, or the members and the specification in a response."""
    if pdu.mms_pdu in ("confirmed-request", "unconfirmed"):
        return list(pdu.objects)
    return [*mms.get("members", []), *mms.get("specification", [])]


def flat(shown: Any) -> Iterator[Any]:
    """The primitive values in the order of the octets."""
    for it in shown:
        if isinstance(it, list):
            yield from flat(it)
        elif not isinstance(it, dict):
            yield it


REFUSALS = {name: code for code, name in session.REASONS.items()}
SAID_OF_ACSE = {
    "application_context",
    "result",
    "diagnostic",
    *TITLES.values(),
    *(key for key, _ in FIELDS.values() if "invocation" in key),
}
SAID_OF_MMS = {
    *(
        "local_detail",
        "max_calling",
        "max_called",
        "nesting",
        "parameter_cbb",
        "services",
        "vendor",
        "model",
        "revision",
    ),
    *("names", "more_follows", "deletable", "object_class"),
}


# --- the comparison


def by_frame(spoken: Iterator[Spoken]) -> dict[int, list[Spoken]]:
    frames: dict[int, list[Spoken]] = defaultdict(list)
    for it in spoken:
        frames[it.frame].append(it)
    return frames


@pytest.mark.parametrize("name", NAMES)
def test_pdu_by_pdu(name: str) -> None:
    theirs, ours = by_frame(iter(by_tshark(name))), by_frame(it for it, _ in by_us(name))
    assert theirs.keys() == ours.keys()
    for frame, units in theirs.items():
        assert [it.direction for it in units] == [it.direction for it in ours[frame]]
        differ = {
            key: (one.says.get(key), other.says.get(key))
            for one, other in zip(units, ours[frame], strict=True)
            for key in one.says.keys() | other.says.keys()
            if one.says.get(key) != other.says.get(key)
        }
        disagreement = DISAGREEMENTS.get((name, frame))
        if disagreement is None:
            assert not differ, frame
        else:
            assert differ.keys() == disagreement.about, (frame, differ)


@pytest.mark.parametrize("name", NAMES)
def test_as_many_of_each_kind_and_service(name: str) -> None:
    for key in ("pdu", "service"):
        theirs = Counter(it.says[key] for it in by_tshark(name) if key in it.says)
        ours = Counter(it.says[key] for it, _ in by_us(name) if key in it.says and not only_ours(name, it.frame, key))
        assert ours == theirs


def only_ours(name: str, frame: int, key: str) -> bool:
    disagreement = DISAGREEMENTS.get((name, frame))
    return disagreement is not None and key in disagreement.about


def test_findings_are_those_that_explain_a_disagreement() -> None:
    """A PDU that we cannot decode is always one about which tshark differs, and the other way round if it says why."""
    found = {
        (name, spoken.frame): finding.code for name in NAMES for spoken, pdu in by_us(name) for finding in pdu.findings
    }
    assert found == {at: it.code for at, it in DISAGREEMENTS.items() if it.code is not None}


@pytest.mark.parametrize("name", NAMES)
def test_lost_framing_is_lost_for_tshark_too(name: str) -> None:
    stacks: dict[Flow, Stack] = {}
    shown = {it.frame for it in by_tshark(name)}
    for frame, flow, direction, octets in numbered_segments(FOLDER / name):
        stack = stacks.setdefault(flow, Stack(on_undecodable="continue"))
        result = stack.feed(direction, octets)
        lost = [it.code for it in result.findings if it not in {known for pdu in result.pdus for known in pdu.findings}]
        if lost:
            assert set(lost) <= FRAMING.keys()
            assert name.startswith(f"{SINGLE}/mms-") and direction == Direction.SERVER_TO_CLIENT
            assert frame not in shown


@pytest.mark.parametrize("name", sorted(f"not_iccp/{it.name}" for it in (FOLDER / "not_iccp").glob("*")))
def test_neither_sees_mms_in_other_protocols(name: str) -> None:
    assert not any("pdu" in it.says for it in by_tshark(name))
    assert not any(pdu.mms_pdu for _, pdu in by_us(name))
