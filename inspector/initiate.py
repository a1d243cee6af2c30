"""MMS initiate (ISO 9506-2, Initiate-RequestPDU and -ResponsePDU): what two peers can take and agree to use."""

from typing import NamedTuple

from inspector import ber
from inspector.ber import Octets
from inspector.errors import DecodeError

LOCAL_DETAIL = 0x80
MAX_CALLING = 0x81
MAX_CALLED = 0x82
NESTING = 0x83
DETAIL = 0xA4
VERSION = 0x80
PARAMETER_CBB = 0x81
SERVICES = 0x82

BITS_OCTETS_MAX = 32
"""Both bit strings are far shorter (3 and 12 octets at most); what is remembered of them is bounded by this."""

SERVICE_BITS = 78
"""The bits of the confirmed services, numbered as these are; the others follow."""
OTHER_SERVICES = (
    *("unsolicitedStatus", "informationReport", "eventNotification", "attachToEventCondition"),
    *("attachToSemaphore", "conclude", "cancel"),
)
PARAMETERS = ("str1", "str2", "vnam", "valt", "vadr", "vsca", "tpy", "vlis", "real", "", "cei")
"""The bits of the parameter CBB by name."""


class Initiate(NamedTuple):
    """What a request proposes, or what a response settles."""

    local_detail: int | None = None
    """The largest MMS PDU that its sender takes, octets; None if it does not say."""
    max_calling: int = 0
    """Requests that the calling side may have outstanding."""
    max_called: int = 0
    """Requests that the called side may have outstanding."""
    nesting: int | None = None
    """The depth of structured values; None if it does not say."""
    version: int = 0
    parameter_cbb: bytes = b""
    """Conformance building blocks, the first bit on top."""
    services: bytes = b""
    """The services that its sender supports, the first bit on top."""


def decode(octets: Octets, start: int, stop: int) -> Initiate:
    """The parameters in `octets[start:stop]`, the contents of an initiate PDU. Raises DecodeError."""
    fields: dict[str, int | bytes] = {}
    for tag, first, last in ber.children(octets, start, stop):
        if tag in _NUMBERS:
            fields[_NUMBERS[tag]] = ber.unsigned(octets, first, last)
        elif tag == DETAIL:
            _detail(octets, first, last, fields)
    return Initiate(**fields)  # type: ignore[arg-type]


def _detail(octets: Octets, start: int, stop: int, fields: dict[str, int | bytes]) -> None:
    for tag, first, last in ber.children(octets, start, stop):
        if tag == VERSION:
            fields["version"] = ber.unsigned(octets, first, last)
        elif tag in _BITS:
            if last - first > BITS_OCTETS_MAX:
                raise DecodeError("mms-initiate", f"a bit string of over {BITS_OCTETS_MAX} octets", first)
            fields[_BITS[tag]] = ber.bits(octets, first, last)[0]


def supports(services: bytes, number: int) -> bool:
    """Whether the confirmed service `number` is among those; the bits that there are too few of are not set."""
    return number < SERVICE_BITS and number // 8 < len(services) and bool(services[number // 8] & 0x80 >> number % 8)


_NUMBERS = {LOCAL_DETAIL: "local_detail", MAX_CALLING: "max_calling", MAX_CALLED: "max_called", NESTING: "nesting"}
_BITS = {PARAMETER_CBB: "parameter_cbb", SERVICES: "services"}
