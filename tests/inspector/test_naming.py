"""Objects, TASE.2 operations and applications of single PDUs, in an association known to be ICCP and not."""

import pytest

from inspector import Pdu, Stack
from tests.inspector import vectors as v
from tests.inspector.vectors import C2S, S2C, data, integer, name, osi, real, request, scoped, tlv, variables

PROOF = data(osi(request(v.read(variables("DOM/Bilateral_Table_ID")), 99)))
IM_HEADER = ("DOM/Info_Mess_Header", "DOM/Info_Buff_64")
TRUE, FALSE = tlv(0x83, b"\xff"), tlv(0x83, b"\x00")


def see(*pdus: bytes, proof: bool = True) -> Pdu:
    """The last of the MMS PDUs, fed from the client."""
    stack = Stack()
    if proof:
        stack.feed(C2S, PROOF)
    for pdu in pdus:
        result = stack.feed(C2S, data(osi(pdu)))
        assert result.findings == ()
    return result.pdus[-1]


def name_list(object_class: int, *scope: bytes) -> bytes:
    return tlv(0xA1, tlv(0xA0, integer(object_class, 0x80)), tlv(0xA1, *scope))


REQUESTS = [
    (v.read(variables("DOM/P1", "P2", "@/P3")), "Get Data Value", "MMS_Read.Request", ("DOM/P1", "P2", "@/P3")),
    (tlv(0xA4, tlv(0x80, b"\xff"), tlv(0xA1, variables("DOM/P1"))), "Get Data Value", "MMS_Read.Request", ("DOM/P1",)),
    (
        v.read(v.variable_list("DOM/DS1")),
        "Get Data Set Element Values",
        "ICCP_Get.Dataset.Element.Values",
        ("DOM/DS1",),
    ),
    (
        v.read(variables("DOM/Next_DSTransfer_Set")),
        "Get Next DSTransfer Set Value",
        "ICCP_Get.Next.DSTransfer.Set.Value",
        ("DOM/Next_DSTransfer_Set",),
    ),
    (
        v.read(variables("DOM/Bilateral_Table_ID", "TASE2_Version")),
        "Get Bilateral Table ID",
        "ICCP_Get.Bilateral.Table.ID",
        ("DOM/Bilateral_Table_ID", "TASE2_Version"),
    ),
    (v.read(variables("TASE2_Version")), "Get TASE.2 Version", "ICCP_Get.TASE2.Version", ("TASE2_Version",)),
    (v.read(variables("DOM/BREAKER_SBO")), "Select", "ICCP_Select.Device", ("DOM/BREAKER_SBO",)),
    (v.read(variables("DOM/BREAKER_TAG")), "Get Tag Value", "ICCP_Get.Tag.Value", ("DOM/BREAKER_TAG",)),
    (
        v.write(variables("DOM/BREAKER_TAG"), tlv(0xA2, tlv(0x84, b"\x05\x20"), tlv(0x8A, "why"))),
        "Set Tag Value",
        "ICCP_Set.Tag.Value",
        ("DOM/BREAKER_TAG",),
    ),
    (v.write(variables("DOM/P1"), integer(5, 0x85)), "Set Data Value", "MMS_Write.Request", ("DOM/P1",)),
    (
        v.write(v.variable_list("DOM/DS1"), real()),
        "Set Data Set Element Values",
        "ICCP_Set.Dataset.Element.Values",
        ("DOM/DS1",),
    ),
    *(
        (
            v.write(variables("DOM/ANYTHING"), v.transfer_set(status=status, edition=edition)),
            f"{word} Transfer",
            f"ICCP_{word}.Transfer.DSTransferSet",
            ("DOM/ANYTHING",),
        )
        for edition in (1996, 2000)
        for status, word in ((True, "Start"), (False, "Stop"))
    ),
    (
        v.write(variables("@/IM_Transfer_Set"), TRUE),
        "Enable Information Messages",
        "ICCP_Start.Transfer.IMTransferSet",
        ("@/IM_Transfer_Set",),
    ),
    (
        v.write(variables("@/IM_Transfer_Set"), FALSE),
        "Disable Information Messages",
        "ICCP_Stop.Transfer.IMTransferSet",
        ("@/IM_Transfer_Set",),
    ),
    (
        tlv(0xAB, name("DOM/DS1"), variables("DOM/P1", "DOM/P2")),
        "Create Data Set",
        "ICCP_Create.Dataset",
        ("DOM/DS1", "DOM/P1", "DOM/P2"),
    ),
    (
        tlv(0xAD, integer(0, 0x80), tlv(0xA1, name("DOM/DS1"), name("@/DS2"))),
        "Delete Data Set",
        "ICCP_Delete.Dataset",
        ("DOM/DS1", "@/DS2"),
    ),
    (tlv(0xAD, integer(2, 0x80), tlv(0x82, "DOM")), "Delete Data Set", "ICCP_Delete.Dataset", ("DOM/",)),
    (
        tlv(0xAC, name("DOM/DS1")),
        "Get Data Set Element Names",
        "MMS_GetNamedVariableListAttributes.Request",
        ("DOM/DS1",),
    ),
    (
        tlv(0xA6, tlv(0xA0, name("DOM/P1"))),
        "Get Data Value Type",
        "MMS_GetVariableAccessAttributes.Request",
        ("DOM/P1",),
    ),
    (name_list(0, tlv(0x81, "DOM")), "Get Data Value Names", "MMS_GetNameList.Request", ("DOM/",)),
    (name_list(2, tlv(0x81, "DOM")), "Get Data Set Names", "MMS_GetNameList.Request", ("DOM/",)),
    (name_list(9, tlv(0x80)), "Get Data Value Names", "MMS_GetNameList.Request", ()),
    (tlv(0xBF28, tlv(0x80, "PROG")), "Start", "MMS_Start.Request", ("PROG",)),
    (tlv(0xBF2B, tlv(0x80, "PROG")), "Reset", "MMS_Reset.Request", ("PROG",)),
    (tlv(0xBF2C, tlv(0x80, "PROG")), "Kill", "MMS_Kill.Request", ("PROG",)),
    (tlv(0xBF39), "Create Event Enrollment", "MMS_DefineEventEnrollment.Request", ()),
    (tlv(0x82), None, "MMS_Identify.Request", ()),
    (tlv(0x80, b"\x00"), None, "MMS_Status.Request", ()),
    (tlv(0xBF4D), None, "MMS_FileDirectory.Request", ()),
]


@pytest.mark.parametrize(("service", "operation", "app", "objects"), REQUESTS)
def test_requests_of_iccp(service: bytes, operation: str | None, app: str, objects: tuple[str, ...]) -> None:
    pdu = see(request(service, 1))
    assert (pdu.operation, pdu.app, pdu.objects) == (operation, app, objects)
    assert pdu.layers == ("tpkt", "cotp", "session", "presentation", "mms") + (("tase2",) if operation else ())


REPORTS = [
    (v.report(v.variable_list("DOM/DS1"), scoped("DOM", "TS"), real()), "Transfer Report", "ICCP_Transfer.Reporting"),
    (v.report(variables(*v.HEADER_NAMES, "DOM/P1"), real()), "Transfer Report", "ICCP_Transfer.Reporting"),
    (v.report(variables("DOM/Transfer_Report_ACK"), real()), "Transfer Report ACK", "ICCP_Transfer.Report.ACK"),
    (v.report(variables("DOM/Transfer_Report_NACK"), real()), "Transfer Report NACK", "ICCP_Transfer.Report.NACK"),
    (v.report(variables(*IM_HEADER), real()), "Information Message", "ICCP_Information.Message"),
    (tlv(0xA3, tlv(0xA2)), "Event Notification", "ICCP_Event.Notification"),
    (tlv(0xA3, tlv(0xA1)), None, "MMS_UnsolicitedStatus.Request"),
]


@pytest.mark.parametrize(("pdu", "operation", "app"), REPORTS)
def test_reports_of_iccp(pdu: bytes, operation: str | None, app: str) -> None:
    seen = see(pdu)
    assert (seen.operation, seen.app) == (operation, app)


@pytest.mark.parametrize(
    "pdu",
    [
        v.report(v.variable_list("DOM/DS1"), scoped("DOM", "TS"), real()),
        v.report(variables(*v.HEADER_NAMES, "DOM/P1"), real()),
        request(v.write(variables("DOM/X"), v.transfer_set(status=True)), 1),
        request(tlv(0xAB, name("DOM/DS1"), variables(*v.HEADER_NAMES)), 1),
    ],
)
def test_what_proves_iccp_midstream(pdu: bytes) -> None:
    assert see(pdu, proof=False).operation is not None


@pytest.mark.parametrize(
    ("pdu", "app"),
    [
        (request(v.read(variables("LD0/LLN0$ST$Mod")), 1), "MMS_Read.Request"),
        (request(v.write(variables("LD0/X$CO$Pos$Oper"), tlv(0xA2, TRUE)), 1), "MMS_Write.Request"),
        (request(tlv(0xAB, name("LD0/DS"), variables("LD0/A")), 1), "MMS_DefineNamedVariableList.Request"),
        (request(v.read(variables("LD0/BREAKER_SBO")), 1), "MMS_Read.Request"),
        (v.report(v.variable_list("RPT"), tlv(0x8A, "R1"), real()), "MMS_InformationReport.Request"),
        (tlv(0xA3, tlv(0xA2)), "MMS_EventNotification.Request"),
        (tlv(0x8B), "MMS_Conclude.Request"),
        (tlv(0x85, b"\x01"), "MMS_Cancel.Request"),
    ],
)
def test_plain_mms_is_not_called_iccp(pdu: bytes, app: str) -> None:
    seen = see(pdu, proof=False)
    assert (seen.operation, seen.app) == (None, app)
    assert "tase2" not in seen.layers


def test_responses_carry_their_requests_operation_and_no_application() -> None:
    stack = Stack()
    stack.feed(C2S, PROOF)
    pdu = stack.feed(S2C, data(osi(v.response(v.read_result(tlv(0x8A, "1.0")), 99)))).pdus[0]
    assert (pdu.mms_pdu, pdu.mms_service) == ("confirmed-response", "read")
    assert (pdu.operation, pdu.app) == ("Get Bilateral Table ID", None)
    again = stack.feed(S2C, data(osi(v.response(v.read_result(tlv(0x8A, "1.0")), 99)))).pdus[0]
    assert again.operation is None


def test_both_ends_have_their_own_invoke_ids() -> None:
    stack = Stack()
    stack.feed(C2S, PROOF)
    stack.feed(S2C, data(osi(request(v.read(variables("DOM2/P1")), 99))))
    assert stack.feed(S2C, data(osi(v.error(99)))).pdus[0].operation == "Get Bilateral Table ID"
    assert stack.feed(C2S, data(osi(v.error(99)))).pdus[0].operation == "Get Data Value"


def test_a_transfer_set_learned_is_known_in_any_shape() -> None:
    stack = Stack()
    odd = data(osi(request(v.write(variables("DOM/TS-01"), tlv(0xA2, scoped("DOM", "DS1"), TRUE)), 2)))
    stack.feed(C2S, PROOF)
    assert stack.feed(C2S, odd).pdus[0].operation == "Set Data Value"
    stack.feed(C2S, data(osi(request(v.read(variables("DOM/Next_DSTransfer_Set")), 3))))
    offer = stack.feed(S2C, data(osi(v.response(v.read_result(scoped("DOM", "TS-01")), 3))))
    assert offer.pdus[0].objects == ("DOM/TS-01",)
    assert stack.feed(C2S, odd).pdus[0].operation == "Start Transfer"


def test_operate_is_told_from_set_once_the_device_was_selected() -> None:
    command = request(v.write(variables("DOM/BREAKER"), integer(1, 0x85)), 2)
    assert see(command).operation == "Set Data Value"
    assert see(request(v.read(variables("DOM/BREAKER_SBO")), 1), command).app == "ICCP_Operate.Device"


def test_aborts() -> None:
    stack = Stack()
    assert stack.feed(C2S, data(v.ABORT)).pdus[0].app == "MMS_Abort"
    stack = Stack()
    stack.feed(C2S, PROOF)
    pdu = stack.feed(S2C, data(v.ABORT)).pdus[0]
    assert (pdu.session, pdu.presentation, pdu.acse, pdu.app) == ("AB", "ARU", "ABRT", "ICCP_Abort")
    assert stack.feed(S2C, data(v.spdu(0x19, tlv(0x11, b"\x01")))).pdus[0].app == "ICCP_Abort"


@pytest.mark.parametrize(
    ("service", "code"),
    [
        (v.read(tlv(0xA2)), "mms-variable-access"),
        (tlv(0xA4, tlv(0xA0)), "mms-variable-access"),
        (tlv(0xAC, tlv(0x83, "X")), "mms-object-name"),
        (tlv(0xA6, tlv(0xA0, name("DOM/" + "X" * 130))), "name-too-long"),
        (tlv(0xA4), "ber-truncated"),
        (tlv(0xAC, tlv(0xA1, tlv(0x1A, "DOM"))), "ber-truncated"),
    ],
)
def test_malformed_services_are_refused(service: bytes, code: str) -> None:
    result = Stack().feed(C2S, data(osi(request(service, 1))))
    assert [it.code for it in result.findings] == [code]
    assert result.reset
