"""TASE.2 (IEC 60870-6-503 and -802): which operation an MMS request or report is, by its names and shapes.

Two questions, in this order: does this PDU prove that the association is ICCP (`proves`), and what does it do
(`name_request`, `name_report`)? MMS without that proof keeps its plain name, whatever it does.
"""

from collections.abc import Callable
from enum import IntEnum

from inspector import apps, ber, services
from inspector.apps import Naming
from inspector.ber import Octets
from inspector.mms import MmsPdu
from inspector.objects import NAMED_VARIABLE_LIST_CLASS, Access


class Kind(IntEnum):
    """What a learned name stands for."""

    TRANSFER_SET = 1
    DEVICE = 2
    DATA_SET = 3


READS = {
    "Next_DSTransfer_Set": apps.GET_NEXT_DS,
    "Next_TSTransfer_Set": apps.GET_NEXT_TS,
    "Bilateral_Table_ID": apps.GET_BILATERAL_TABLE,
    "TASE2_Version": apps.GET_VERSION,
    "Supported_Features": apps.GET_FEATURES,
}
REPORTS = {
    "Transfer_Report_ACK": apps.REPORT_ACK,
    "Transfer_Report_NACK": apps.REPORT_NACK,
    "Info_Mess_Header": apps.INFORMATION_MESSAGE,
}
MESSAGES_SWITCH = "IM_Transfer_Set"
PROOFS = frozenset(
    (
        *(*READS, *REPORTS, MESSAGES_SWITCH),
        *("Transfer_Set_Name", "DSConditions_Detected", "Transfer_Set_Time_Stamp", "Event_Code_Detected"),
    )
)
"""Object names that IEC 60870-6 reserves: whoever uses one speaks TASE.2."""

SELECT_SUFFIX = "_SBO"
TAG_SUFFIX = "_TAG"

SERVICES = {
    services.READ: apps.GET_VALUE,
    services.WRITE: apps.SET_VALUE,
    services.GET_NAME_LIST: apps.GET_VALUE_NAMES,
    services.GET_VARIABLE_ACCESS_ATTRIBUTES: apps.GET_VALUE_TYPE,
    services.DEFINE_NAMED_VARIABLE_LIST: apps.CREATE_DATA_SET,
    services.DELETE_NAMED_VARIABLE_LIST: apps.DELETE_DATA_SET,
    services.GET_NAMED_VARIABLE_LIST_ATTRIBUTES: apps.GET_DATA_SET_ELEMENTS,
    40: apps.START_PROGRAM,
    41: apps.STOP_PROGRAM,
    42: apps.RESUME_PROGRAM,
    43: apps.RESET_PROGRAM,
    44: apps.KILL_PROGRAM,
    45: apps.GET_PROGRAM,
    57: apps.CREATE_ENROLLMENT,
    58: apps.DELETE_ENROLLMENT,
    61: apps.GET_ENROLLMENT,
}
BY_LIST = {services.READ: apps.GET_DATA_SET_VALUES, services.WRITE: apps.SET_DATA_SET_VALUES}

STRUCTURE = 0xA2
BOOLEAN = 0x83
LIST_OF_ACCESS_RESULT = 0xA1
SCOPED_NAMES = (b"\x86\x8a\x8a", b"\x85\x8a\x8a")
"""The members' tags of a name with its scope: a number, the domain, the item."""
TRANSFER_SETS = (
    b"\xa2\x85\x85\x85\x85\x85\x84\x83\x83\x83\x83\x85",  # 1996-08
    b"\xa2\x85\x85\x85\x85\x85\x84\x83\x83\x83\x83\x83\x85",  # 2000-08, with AllChangesReported
)
"""The members' tags of a DSTransferSet; the last boolean is Status."""
EDITIONS = ("1996-08", "2000-08")
UNSIGNED_AS_INTEGER = bytes.maketrans(b"\x86", b"\x85")

Item = tuple[int, int, int]


def item_of(name: str) -> str:
    """The object's name without its domain."""
    return name.rpartition("/")[2]


def proves(pdu: MmsPdu, access: Access, octets: Octets) -> bool:
    """Whether a request or report shows that TASE.2 is spoken."""
    if any(item_of(name) in PROOFS for name in access.objects):
        return True
    if pdu.kind == services.UNCONFIRMED:
        return access.by_list and _starts_with_scoped_name(octets, access)
    return pdu.service == services.WRITE and _transfer_set_status(octets, access) is not None


def name_report(pdu: MmsPdu, access: Access) -> Naming:
    """The name of an unconfirmed PDU of a TASE.2 association."""
    if pdu.service == services.EVENT_NOTIFICATION:
        return apps.EVENT_NOTIFICATION
    if pdu.service != services.INFORMATION_REPORT:
        return apps.plain_unconfirmed(pdu.service or 0)
    first = item_of(access.objects[0]) if access.objects else ""
    return REPORTS.get(first, apps.TRANSFER_REPORT)


KindOf = Callable[[str], Kind | None]
"""What a name is known to stand for in an association."""


def name_request(pdu: MmsPdu, access: Access, octets: Octets, kind_of: KindOf) -> Naming:
    """The name of a confirmed request of a TASE.2 association."""
    service = pdu.service or 0
    if access.by_list and service in BY_LIST:
        return BY_LIST[service]
    if service == services.READ:
        return _name_read(access)
    if service == services.WRITE:
        return _name_write(access, octets, kind_of)
    if service == services.GET_NAME_LIST and access.object_class == NAMED_VARIABLE_LIST_CLASS:
        return apps.GET_DATA_SET_NAMES
    return SERVICES.get(service) or apps.plain_service(service)


def _name_read(access: Access) -> Naming:
    for name in access.objects:
        item = item_of(name)
        if item in READS:
            return READS[item]
        if item.endswith(SELECT_SUFFIX):
            return apps.SELECT
        if item.endswith(TAG_SUFFIX):
            return apps.GET_TAG
    return apps.GET_VALUE


def _name_write(access: Access, octets: Octets, kind_of: KindOf) -> Naming:
    name = access.objects[0] if access.objects else ""
    item = item_of(name)
    if item == MESSAGES_SWITCH:
        return apps.ENABLE_MESSAGES if _is_true(octets, _first(octets, access)) else apps.DISABLE_MESSAGES
    status = _transfer_set_status(octets, access)
    if status is None and kind_of(name) == Kind.TRANSFER_SET:
        status = _last_boolean(octets, access)
    if status is not None:
        return apps.START_TRANSFER if status else apps.STOP_TRANSFER
    if item.endswith(TAG_SUFFIX):
        return apps.SET_TAG
    return apps.OPERATE if any(kind_of(it) == Kind.DEVICE for it in access.objects) else apps.SET_VALUE


def device_of(name: str) -> str | None:
    """The device that a select or tag name belongs to; None for other names."""
    for suffix in (SELECT_SUFFIX, TAG_SUFFIX):
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return None


def data_set_of(octets: Octets, access: Access, name_bytes_max: int) -> str:
    """The data set that a written DSTransferSet names; empty if it names none."""
    value = _first(octets, access)
    if value is None or value[0] != STRUCTURE:
        return ""
    members = ber.children(octets, value[1], value[2])
    names = _scoped_name(octets, members[0]) if members else None
    return "" if names is None else _joined(octets, names, name_bytes_max)


def edition_of(octets: Octets, access: Access) -> str | None:
    """The edition of TASE.2 that a written DSTransferSet's shape shows."""
    value = _first(octets, access)
    if value is None or value[0] != STRUCTURE:
        return None
    shape = _tags(ber.children(octets, value[1], value[2])).translate(UNSIGNED_AS_INTEGER)
    return EDITIONS[TRANSFER_SETS.index(shape)] if shape in TRANSFER_SETS else None


def transfer_sets_offered(octets: Octets, pdu: MmsPdu, name_bytes_max: int) -> list[str]:
    """The transfer sets that the response to a Get Next DSTransfer Set Value names."""
    offered = []
    for tag, start, stop in ber.children(octets, pdu.start, pdu.stop):
        if tag == LIST_OF_ACCESS_RESULT:
            for result in ber.children(octets, start, stop):
                members = _scoped_name(octets, result)
                if members is not None:
                    offered.append(_joined(octets, members, name_bytes_max))
    return offered


def _joined(octets: Octets, members: list[Item], name_bytes_max: int) -> str:
    """A name with its scope as one string."""
    domain, item = (ber.text(octets, it[1], it[2], name_bytes_max) for it in members[1:])
    return f"{domain}/{item}" if domain else item


def _first(octets: Octets, access: Access) -> Item | None:
    """The first value of what is written or reported."""
    pos, end = access.data
    return ber.header(octets, pos, end) if pos < end else None


def _scoped_name(octets: Octets, value: Item | None) -> list[Item] | None:
    """The members of a name with its scope, if the value is one."""
    if value is None or value[0] != STRUCTURE:
        return None
    members = ber.children(octets, value[1], value[2])
    return members if _tags(members) in SCOPED_NAMES else None


def _starts_with_scoped_name(octets: Octets, access: Access) -> bool:
    return _scoped_name(octets, _first(octets, access)) is not None


def _transfer_set_status(octets: Octets, access: Access) -> bool | None:
    """Status of the DSTransferSet written; None if what is written is none."""
    value = _first(octets, access)
    if value is None or value[0] != STRUCTURE:
        return None
    members = ber.children(octets, value[1], value[2])
    if _tags(members).translate(UNSIGNED_AS_INTEGER) not in TRANSFER_SETS:
        return None
    return None if _scoped_name(octets, members[0]) is None else _is_true(octets, members[-2])


def _last_boolean(octets: Octets, access: Access) -> bool | None:
    """Status of a transfer set of another shape."""
    value = _first(octets, access)
    if value is None or value[0] != STRUCTURE:
        return None
    booleans = [it for it in ber.children(octets, value[1], value[2]) if it[0] == BOOLEAN]
    return _is_true(octets, booleans[-1]) if booleans else None


def _is_true(octets: Octets, value: Item | None) -> bool:
    return value is not None and any(octets[value[1] : value[2]])


def _tags(members: list[Item]) -> bytes:
    return bytes(tag & 0xFF for tag, _, _ in members)
