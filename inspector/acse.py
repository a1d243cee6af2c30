"""ACSE (ISO 8650-1 / ITU-T X.227, clause 7): which APDU it is, and the MMS PDU in its user information."""

from typing import NamedTuple

from inspector import ber
from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits

NAMES = {0x60: "AARQ", 0x61: "AARE", 0x62: "RLRQ", 0x63: "RLRE", 0x64: "ABRT"}

USER_INFORMATION = 0xBE
EXTERNAL = 0x28
SINGLE_ASN1_TYPE = 0xA0
OCTET_ALIGNED = 0x81


class Apdu(NamedTuple):
    """An APDU's name and the span of the value it carries (empty when there is none)."""

    name: str
    start: int
    stop: int
    called_ap_title: str | None = None
    called_ae_qualifier: int | None = None
    calling_ap_title: str | None = None
    calling_ae_qualifier: int | None = None
    responding_ap_title: str | None = None
    responding_ae_qualifier: int | None = None


def decode(octets: Octets, pos: int, end: int, limits: Limits) -> Apdu:
    """The APDU that fills `octets[pos:end]`."""
    tag, start, stop = ber.header(octets, pos, end)
    name = NAMES.get(tag)
    if name is None or stop != end:
        raise DecodeError("acse-unknown", f"no APDU of ACSE: {tag:#04x}", pos)
    for item, first, last in ber.children(octets, start, stop):
        if item == USER_INFORMATION:
            return Apdu(name, *_user_information(octets, first, last, limits))
    return Apdu(name, stop, stop)


def _user_information(octets: Octets, pos: int, end: int, limits: Limits) -> tuple[int, int]:
    """The first EXTERNAL's value; an association of MMS carries one."""
    tag, start, stop = ber.header(octets, pos, end)
    if tag != EXTERNAL or stop != end:
        raise DecodeError("acse-user-information", "not one EXTERNAL", pos)
    for item, first, last in ber.children(octets, start, stop):
        if item == SINGLE_ASN1_TYPE:
            return first, last
        if item == OCTET_ALIGNED:
            ber.check(octets, first, last, limits.depth, limits.elements)
            return first, last
    raise DecodeError("acse-user-information", "an EXTERNAL without a value", start)
