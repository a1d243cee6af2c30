"""Which right a request or report needs for each object that it names.

A PDU is named after the first object that tells something, yet may name many: a select among reads, a tag among
writes. Each object is therefore judged by itself.
"""

from collections.abc import Callable
from enum import IntEnum, StrEnum

from inspector import apps, services
from inspector.apps import Naming
from inspector.tase2 import SELECT_SUFFIX, TAG_SUFFIX, item_of


class Right(StrEnum):
    """What a row of a bilateral table may allow."""

    READ = "read"
    WRITE = "write"
    REPORT = "report"
    SELECT = "select"
    OPERATE = "operate"
    TAG = "tag"


class Need(IntEnum):
    """What is done to an object."""

    READ = 0
    SELECT = 1
    TAG = 2
    WRITE = 3
    SET = 4
    """A plain write: it may be an operate that nobody can tell from one."""
    OPERATE = 5
    REPORT = 6
    MEMBER = 7
    """To be part of a data set that is created."""


ENOUGH: dict[Need, frozenset[Right]] = {
    Need.READ: frozenset((Right.READ,)),
    Need.SELECT: frozenset((Right.SELECT,)),
    Need.TAG: frozenset((Right.TAG,)),
    Need.WRITE: frozenset((Right.WRITE,)),
    Need.SET: frozenset((Right.WRITE, Right.OPERATE)),
    Need.OPERATE: frozenset((Right.OPERATE,)),
    Need.REPORT: frozenset((Right.REPORT,)),
    Need.MEMBER: frozenset((Right.READ, Right.REPORT)),
}
"""The rights of which one is enough."""

CONTROLS = frozenset((Need.SELECT, Need.TAG, Need.WRITE, Need.SET, Need.OPERATE))
"""What changes something at the other side."""

VERBS = {
    Need.READ: "read",
    Need.SELECT: "select",
    Need.TAG: "tag",
    Need.WRITE: "write",
    Need.SET: "write",
    Need.OPERATE: "operate",
    Need.REPORT: "report",
    Need.MEMBER: "have reported",
}

READ_OF_ITSELF = frozenset(
    (
        *("Bilateral_Table_ID", "TASE2_Version", "Supported_Features"),
        *("Next_DSTransfer_Set", "Next_TSTransfer_Set"),
    )
)
REPORTED_OF_ITSELF = frozenset(
    (
        *("Transfer_Set_Name", "Transfer_Set_Time_Stamp", "DSConditions_Detected", "Event_Code_Detected"),
        *("Transfer_Report_ACK", "Transfer_Report_NACK"),
    )
)
"""What IEC 60870-6 itself reserves: no bilateral table lists them, and no peer can do without."""

OF_ITSELF: dict[Need, frozenset[str]] = {
    Need.READ: READ_OF_ITSELF,
    Need.REPORT: REPORTED_OF_ITSELF,
    Need.MEMBER: REPORTED_OF_ITSELF,
}

_Scheme = Callable[[bool, str], Need]
"""Whether it is the first object, the object's name: what is needed for it."""


def _always(need: Need) -> _Scheme:
    return lambda _first, _name: need


def _read(_first: bool, name: str) -> Need:
    return Need.SELECT if item_of(name).endswith(SELECT_SUFFIX) else Need.READ


def _write(_first: bool, name: str) -> Need:
    return Need.TAG if item_of(name).endswith(TAG_SUFFIX) else Need.SET


def _operate(first: bool, name: str) -> Need:
    return Need.OPERATE if first else _write(first, name)


def _switch(first: bool, name: str) -> Need:
    return Need.WRITE if first else _write(first, name)


def _create(first: bool, _name: str) -> Need:
    return Need.WRITE if first else Need.MEMBER


_READS = (
    *(apps.GET_VALUE, apps.GET_NEXT_DS, apps.GET_NEXT_TS, apps.GET_BILATERAL_TABLE, apps.GET_VERSION),
    *(apps.GET_FEATURES, apps.GET_TAG, apps.SELECT, apps.plain_service(services.READ)),
)
_NAME_LISTS = (apps.GET_VALUE_NAMES, apps.GET_DATA_SET_NAMES, apps.plain_service(services.GET_NAME_LIST))
_LOOKS = (
    *_NAME_LISTS,
    *(apps.GET_DATA_SET_VALUES, apps.GET_VALUE_TYPE, apps.GET_DATA_SET_ELEMENTS, apps.GET_PROGRAM),
    apps.plain_service(services.GET_VARIABLE_ACCESS_ATTRIBUTES),
    apps.plain_service(services.GET_NAMED_VARIABLE_LIST_ATTRIBUTES),
)
_WRITES = (apps.SET_VALUE, apps.SET_TAG, apps.plain_service(services.WRITE))
_SWITCHES = (apps.START_TRANSFER, apps.STOP_TRANSFER, apps.ENABLE_MESSAGES, apps.DISABLE_MESSAGES)
_DELETIONS = (apps.DELETE_DATA_SET, apps.plain_service(services.DELETE_NAMED_VARIABLE_LIST))
_DEFINITIONS = (apps.CREATE_DATA_SET, apps.plain_service(services.DEFINE_NAMED_VARIABLE_LIST))
_PROGRAMS = (
    *(apps.START_PROGRAM, apps.STOP_PROGRAM, apps.RESUME_PROGRAM, apps.RESET_PROGRAM, apps.KILL_PROGRAM),
    *(apps.plain_service(service) for service in range(services.START, services.KILL + 1)),
)
_REPORTS = (
    *(apps.TRANSFER_REPORT, apps.REPORT_ACK, apps.REPORT_NACK, apps.INFORMATION_MESSAGE, apps.EVENT_NOTIFICATION),
    apps.plain_unconfirmed(services.INFORMATION_REPORT),
)


def _table() -> dict[int, _Scheme]:
    schemes: list[tuple[tuple[Naming, ...], _Scheme]] = [
        (_READS, _read),
        (_LOOKS, _always(Need.READ)),
        (_WRITES, _write),
        (_SWITCHES, _switch),
        (_DELETIONS, _always(Need.WRITE)),
        (_DEFINITIONS, _create),
        (_PROGRAMS, _always(Need.OPERATE)),
        (_REPORTS, _always(Need.REPORT)),
        ((apps.OPERATE, apps.SET_DATA_SET_VALUES), _operate),
    ]
    return {naming.number: scheme for namings, scheme in schemes for naming in namings}


SCHEMES = _table()
"""By a naming's number: what it needs of each object."""

SET, OPERATE = apps.SET_VALUE.number, apps.OPERATE.number
SINGLE_WRITES = frozenset(naming.number for naming in _WRITES)
WHOLE_WRITES = SINGLE_WRITES | {apps.SET_DATA_SET_VALUES.number}
"""What may write all members of a data set at once. The right to make a data set, which needs no more than to read
its members, must not be one to write them: each member is judged, or if they are not known the data set must be
listed for operate."""

NAME_LISTS = frozenset(naming.number for naming in _NAME_LISTS)
"""What without an object asks for all names of the VMD."""

_ASSOCIATION = (
    *(apps.INITIATE, apps.CONCLUDE, apps.ICCP_CONCLUDE, apps.CANCEL, apps.ABORT, apps.ICCP_ABORT),
    *(apps.plain_service(services.CONFIRMED_SERVICES.index(name)) for name in ("status", "identify")),
    apps.plain_unconfirmed(services.UNCONFIRMED_SERVICES.index("unsolicitedStatus")),
)
OF_ASSOCIATION = frozenset(naming.number for naming in _ASSOCIATION)
"""What keeps an association going and touches no object."""

_LOOKING = ("get", "read", "report")
_LOOKING_FILES = frozenset(("fileOpen", "fileRead", "fileClose", "fileDirectory"))


def only_looks(service: str | None) -> bool:
    """Whether a service that names no object changes nothing."""
    return service is not None and (service.startswith(_LOOKING) or service in _LOOKING_FILES)
