"""The names of what a PDU does: a TASE.2 operation (IEC 60870-6-503) and an application, under one number.

Application names are those Fortinet publishes for ICCP and MMS where it publishes one; the others follow the
same pattern and are this project's own. The numbers stand in replicated state: never reuse or change one,
only add.
"""

from typing import NamedTuple

from inspector import services


class Naming(NamedTuple):
    """What a request or report does. Either name may be absent."""

    number: int
    operation: str | None
    app: str | None


def _mms(name: str) -> str:
    return f"MMS_{name[0].upper()}{name[1:]}.Request"


# 0..99: confirmed services outside TASE.2, by the service's number; 100..127: the other PDUs of MMS
_PLAIN = [Naming(number, None, _mms(name)) for number, name in enumerate(services.CONFIRMED_SERVICES)]
_PLAIN += [Naming(100 + number, None, _mms(name)) for number, name in enumerate(services.UNCONFIRMED_SERVICES)]

INITIATE = Naming(110, None, _mms("initiate"))
CONCLUDE = Naming(111, None, _mms("conclude"))
CANCEL = Naming(112, None, _mms("cancel"))
ABORT = Naming(113, None, "MMS_Abort")

TRANSFER_REPORT = Naming(128, "Transfer Report", "ICCP_Transfer.Reporting")
CREATE_DATA_SET = Naming(129, "Create Data Set", "ICCP_Create.Dataset")
DELETE_DATA_SET = Naming(130, "Delete Data Set", "ICCP_Delete.Dataset")
ICCP_ABORT = Naming(131, "Abort", "ICCP_Abort")
START_TRANSFER = Naming(132, "Start Transfer", "ICCP_Start.Transfer.DSTransferSet")
STOP_TRANSFER = Naming(133, "Stop Transfer", "ICCP_Stop.Transfer.DSTransferSet")
ENABLE_MESSAGES = Naming(134, "Enable Information Messages", "ICCP_Start.Transfer.IMTransferSet")
DISABLE_MESSAGES = Naming(135, "Disable Information Messages", "ICCP_Stop.Transfer.IMTransferSet")
GET_DATA_SET_VALUES = Naming(136, "Get Data Set Element Values", "ICCP_Get.Dataset.Element.Values")
SET_DATA_SET_VALUES = Naming(137, "Set Data Set Element Values", "ICCP_Set.Dataset.Element.Values")
GET_NEXT_DS = Naming(138, "Get Next DSTransfer Set Value", "ICCP_Get.Next.DSTransfer.Set.Value")
GET_NEXT_TS = Naming(139, "Get Next TSTransfer Set Value", "ICCP_Get.Next.TSTransfer.Set.Value")
REPORT_ACK = Naming(140, "Transfer Report ACK", "ICCP_Transfer.Report.ACK")
REPORT_NACK = Naming(141, "Transfer Report NACK", "ICCP_Transfer.Report.NACK")
INFORMATION_MESSAGE = Naming(142, "Information Message", "ICCP_Information.Message")
SELECT = Naming(143, "Select", "ICCP_Select.Device")
OPERATE = Naming(144, "Operate", "ICCP_Operate.Device")
GET_TAG = Naming(145, "Get Tag Value", "ICCP_Get.Tag.Value")
SET_TAG = Naming(146, "Set Tag Value", "ICCP_Set.Tag.Value")
GET_BILATERAL_TABLE = Naming(147, "Get Bilateral Table ID", "ICCP_Get.Bilateral.Table.ID")
GET_VERSION = Naming(148, "Get TASE.2 Version", "ICCP_Get.TASE2.Version")
GET_FEATURES = Naming(149, "Get Supported Features", "ICCP_Get.Supported.Features")
EVENT_NOTIFICATION = Naming(150, "Event Notification", "ICCP_Event.Notification")

GET_VALUE = Naming(160, "Get Data Value", _mms("read"))
SET_VALUE = Naming(161, "Set Data Value", _mms("write"))
GET_VALUE_NAMES = Naming(162, "Get Data Value Names", _mms("getNameList"))
GET_DATA_SET_NAMES = Naming(163, "Get Data Set Names", _mms("getNameList"))
GET_VALUE_TYPE = Naming(164, "Get Data Value Type", _mms("getVariableAccessAttributes"))
GET_DATA_SET_ELEMENTS = Naming(165, "Get Data Set Element Names", _mms("getNamedVariableListAttributes"))
ICCP_CONCLUDE = Naming(166, "Conclude", _mms("conclude"))
START_PROGRAM = Naming(167, "Start", _mms("start"))
STOP_PROGRAM = Naming(168, "Stop", _mms("stop"))
RESUME_PROGRAM = Naming(169, "Resume", _mms("resume"))
RESET_PROGRAM = Naming(170, "Reset", _mms("reset"))
KILL_PROGRAM = Naming(171, "Kill", _mms("kill"))
GET_PROGRAM = Naming(172, "Get Program Attributes", _mms("getProgramInvocationAttributes"))
CREATE_ENROLLMENT = Naming(173, "Create Event Enrollment", _mms("defineEventEnrollment"))
DELETE_ENROLLMENT = Naming(174, "Delete Event Enrollment", _mms("deleteEventEnrollment"))
GET_ENROLLMENT = Naming(175, "Get Event Enrollment Attributes", _mms("getEventEnrollmentAttributes"))

NAMINGS: dict[int, Naming] = {
    naming.number: naming for naming in (*_PLAIN, *(it for it in globals().values() if isinstance(it, Naming)))
}


def plain_service(service: int) -> Naming:
    """The name of a confirmed request of MMS that is not known to be of TASE.2."""
    return NAMINGS[service]


def plain_unconfirmed(service: int) -> Naming:
    """The name of an unconfirmed PDU that is not known to be of TASE.2."""
    return NAMINGS[100 + service]
