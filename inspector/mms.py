"""MMS PDUs (ISO 9506-2): the kind, the service, the invoke ID, and where the service's own part lies."""

from typing import NamedTuple

from inspector import ber, services
from inspector.ber import Octets
from inspector.errors import DecodeError

INTEGER = 0x02
MODIFIER_LIST = 0x30
SERVICE_DETAIL = 0xBF4F
"""What a companion standard may add behind the service."""
CONTEXT_CLASS = 0x80
CLASS_MASK = 0xC0
NUMBER_MASK = 0x1F
INVOKE_ID_IN_ERROR = 0x80


class MmsPdu(NamedTuple):
    """One MMS PDU; `start:stop` is the span of the service's part (of all contents if it has no service)."""

    kind: str
    service: int | None
    invoke_id: int | None
    start: int
    stop: int

    @property
    def service_name(self) -> str | None:
        """The service as ISO 9506 spells it."""
        if self.service is None:
            return None
        names = services.UNCONFIRMED_SERVICES if self.kind == services.UNCONFIRMED else services.CONFIRMED_SERVICES
        return names[self.service]


def is_mms(octets: Octets, pos: int) -> bool:
    """Whether an MMS PDU can start with the octet at `pos`."""
    return octets[pos] in services.PDUS


def decode(octets: Octets, pos: int, end: int) -> MmsPdu:
    """The MMS PDU that fills `octets[pos:end]`."""
    tag, start, stop = ber.header(octets, pos, end)
    kind = services.PDUS.get(tag)
    if kind is None:
        raise DecodeError("mms-unknown", f"no PDU of MMS: {tag:#04x}", pos)
    if stop != end:
        raise DecodeError("mms-length", "octets after the MMS PDU", stop)
    if kind == services.UNCONFIRMED:
        return _service(octets, start, stop, kind, None)
    if kind in (services.CONFIRMED_REQUEST, services.CONFIRMED_RESPONSE):
        return _confirmed(octets, start, stop, kind)
    return MmsPdu(kind, None, _other_invoke_id(octets, start, stop, tag), start, stop)


def _confirmed(octets: Octets, pos: int, end: int, kind: str) -> MmsPdu:
    tag, start, stop = ber.header(octets, pos, end)
    if tag != INTEGER:
        raise DecodeError("mms-invoke-id", f"{kind} without an invoke ID", pos)
    invoke_id = ber.unsigned(octets, start, stop)
    if stop < end and octets[stop] == MODIFIER_LIST:
        stop = ber.header(octets, stop, end)[2]
    return _service(octets, stop, end, kind, invoke_id)


def _service(octets: Octets, pos: int, end: int, kind: str, invoke_id: int | None) -> MmsPdu:
    if pos == end:
        raise DecodeError("mms-service-missing", f"{kind} without a service", pos)
    tag, start, stop = ber.header(octets, pos, end)
    first = octets[pos]
    number = tag & 0x7F if tag > 0xFF else tag & NUMBER_MASK
    names = services.UNCONFIRMED_SERVICES if kind == services.UNCONFIRMED else services.CONFIRMED_SERVICES
    if first & CLASS_MASK != CONTEXT_CLASS or tag > 0xFFFF or number >= len(names):
        raise DecodeError("mms-service-unknown", f"{kind} of service {tag:#x}", pos)
    if stop != end and ber.header(octets, stop, end)[0] != SERVICE_DETAIL:
        raise DecodeError("mms-length", f"octets after the service of a {kind}", stop)
    return MmsPdu(kind, number, invoke_id, start, stop)


def _other_invoke_id(octets: Octets, pos: int, end: int, tag: int) -> int | None:
    """Cancels are an invoke ID; errors and rejects start with one (a reject need not)."""
    if tag in (0x85, 0x86):
        return ber.unsigned(octets, pos, end)
    if tag in (0xA2, 0xA4, 0xA7) and pos < end and octets[pos] == INVOKE_ID_IN_ERROR:
        _, start, stop = ber.header(octets, pos, end)
        return ber.unsigned(octets, start, stop)
    return None
