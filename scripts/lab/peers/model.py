"""What TASE.2 server and client agree on: names, and point values that can be foretold.

Every report carries its sequence number in the point `Sequence`; every other point's value follows from it,
so that a receiver checks each value of each report.
"""

from typing import Any, Final

from hat.drivers import mms

DOMAIN: Final = "ICC1"
BILATERAL_TABLE: Final = "BLT-1.0"
SEQUENCE: Final = "Sequence"
HEADER: Final = ("Transfer_Set_Name", "Transfer_Set_Time_Stamp", "DSConditions_Detected")
POINTS_MAX: Final = 400
CHECK_BACK_ID: Final = 126
DEVICES: Final = ("BRK1", "BRK2")
SELECT: Final = "_SBO"
TAG: Final = "_TAG"
DEVICE_NAMES: Final = tuple(device + suffix for device in DEVICES for suffix in ("", SELECT, TAG))
ASSOCIATION: Final = "@"  # in place of a domain, for the association's own names
_CONDITIONS: Final = 5
_QUALITY: Final = 8
_CYCLE: Final = 4096  # values repeat; the sequence number does not


def bits(width: int, *on: int) -> Any:
    """A bit string of `width` bits of which those numbered in `on` are set."""
    return mms.BitStringData([position in on for position in range(width)])


def structure(*members: Any) -> Any:
    return mms.StructureData(list(members))


def integer(value: int) -> Any:
    return mms.IntegerData(value)


def boolean(value: bool) -> Any:
    return mms.BooleanData(value)


def object_name(item: str) -> Any:
    """A TASE.2 object name value: {scope, domain, name}."""
    return structure(mms.UnsignedData(1), mms.VisibleStringData(DOMAIN), mms.VisibleStringData(item))


def tag(reason: str, *on: int) -> Any:
    """A tag's value: its bits and why it is set."""
    return structure(bits(3, *on), mms.VisibleStringData(reason))


def domain_name(item: str, domain: str = DOMAIN) -> Any:
    return mms.DomainSpecificObjectName(domain, item)


def domain_variable(item: str, domain: str = DOMAIN) -> Any:
    return mms.NameVariableSpecification(domain_name(item, domain))


def vmd_variable(item: str) -> Any:
    return mms.NameVariableSpecification(mms.VmdSpecificObjectName(item))


def split_name(name: Any) -> tuple[str | None, str]:
    """An MMS object name as (domain, item); the domain is ASSOCIATION, or None for the VMD, where there is none."""
    if isinstance(name, mms.DomainSpecificObjectName):
        domain = name.domain_id
        return f"({domain})" if domain == ASSOCIATION else domain, name.item_id
    if isinstance(name, mms.AaSpecificObjectName):
        return ASSOCIATION, name.identifier
    return None, name.identifier


def describe(request: Any) -> str:
    """A request in a few words: its kind and what it names, as `Write ICC1/BRK1`."""
    kind = type(request).__name__.removesuffix("Request")
    return " ".join([kind, *_named(request)])


def _named(request: Any) -> list[str]:
    """What a request names: variables, a list, lists, or the domain whose names it wants."""
    value = next((getattr(request, it) for it in _NAMING if hasattr(request, it)), None)
    if value is None:
        return []
    if isinstance(value, mms.DomainSpecificObjectScope):
        return [f"{value.identifier}/"]
    several = value if isinstance(value, list) else [value]
    return [_joined(getattr(each, "name", each)) for each in several if _is_name(getattr(each, "name", each))]


_NAMING: Final = ("object_scope", "name", "names", "value", "specification")


def _is_name(value: Any) -> bool:
    return isinstance(value, mms.DomainSpecificObjectName | mms.AaSpecificObjectName | mms.VmdSpecificObjectName)


def _joined(name: Any) -> str:
    domain, item = split_name(name)
    return item if domain is None else f"{domain}/{item}"


def device(item: str) -> str | None:
    """The device that a name belongs to, if it is one of a device's."""
    return item.removesuffix(SELECT).removesuffix(TAG) if item in DEVICE_NAMES else None


def point_names(count: int) -> list[str]:
    """The points of a data set: the sequence number, then `count` analogs."""
    return [SEQUENCE, *(f"PT_{number}" for number in range(count))]


def point_value(name: str, sequence: int) -> Any:
    """The value {Value, Flags} of a point in report number `sequence`; None for a name that is no point."""
    if name == SEQUENCE:
        return structure(integer(sequence), bits(_QUALITY))
    if name.startswith("PT_") and name[3:].isdigit() and int(name[3:]) < POINTS_MAX:
        return structure(mms.FloatingPointData(analog(int(name[3:]), sequence)), bits(_QUALITY))
    return None


def analog(number: int, sequence: int) -> float:
    """An analog's value: exact in single precision."""
    return number * 8.0 + (sequence % _CYCLE) / 8.0


def transfer_set(data_set: str, interval_s: int, *, rbe: bool, critical: bool, status: bool) -> Any:
    """A DSTransferSet, the 13 members of the 2000-08 edition."""
    return structure(
        object_name(data_set),
        integer(0),  # StartTime
        integer(interval_s),
        integer(0),  # TLE
        integer(0),  # BufferTime
        integer(0),  # IntegrityCheck
        bits(_CONDITIONS, 0, 2),  # interval, object change
        boolean(False),  # BlockData
        boolean(critical),
        boolean(rbe),
        boolean(False),  # AllChangesReported
        boolean(status),
        integer(0),  # EventCodeRequested
    )
