"""One TSDU down the layers: what it is, before anything of it is remembered."""

from typing import NamedTuple

from inspector import acse, ber, mms, objects, presentation, services, session
from inspector.acse import Apdu
from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits
from inspector.mms import MmsPdu
from inspector.objects import Access
from inspector.presentation import Contexts, Ppdu
from inspector.session import Spdu

ABORT = "AB"
"""The SPDU that ends a session at once, whoever of the layers above asked for it."""


class Part(NamedTuple):
    """One value of a TSDU: ACSE, MMS, or MMS inside ACSE; neither for an SPDU without user data."""

    start: int
    acse: Apdu | None = None
    mms: MmsPdu | None = None
    access: Access = objects.NOTHING
    in_context: bool = True
    """Whether the presentation context is one proposed for it, as far as known."""
    abort: bool = False
    context: int | None = None
    """The presentation context it came in, if it named one."""
    spdu: Spdu | None = None
    """The SPDU around it, if that says more than what it carries."""
    ppdu: Ppdu | None = None
    """Likewise the PPDU."""


class Tsdu(NamedTuple):
    """A TSDU decoded. `session` is None for MMS without a session layer."""

    session: str | None
    presentation: str | None
    contexts: Contexts | None
    parts: tuple[Part, ...]


def decode(octets: Octets, pos: int, end: int, contexts: Contexts, limits: Limits) -> Tsdu:
    """Decode `octets[pos:end]` under the presentation contexts known so far. Raises DecodeError."""
    if pos == end:
        raise DecodeError("cotp-empty", "a TSDU without user data", pos)
    if mms.is_mms(octets, pos):
        ber.check(octets, pos, end, limits.depth, limits.elements)
        return Tsdu(None, None, None, (Part(pos, None, *_mms(octets, pos, end, limits)),))
    spdu = session.decode(octets, pos, end)
    if spdu.start == spdu.stop:
        return Tsdu(spdu.name, None, None, (Part(pos, abort=spdu.name == ABORT, spdu=spdu),))
    ppdu = presentation.decode(octets, spdu.start, spdu.stop, spdu.name, limits)
    known = contexts if ppdu.parameters is presentation.NOTHING else presentation.agreed(contexts, ppdu)
    parts = tuple(_part(octets, value, known, limits) for value in ppdu.values) or (Part(spdu.start),)
    if spdu.parameters is not session.NOTHING or ppdu.parameters is not presentation.NOTHING:
        parts = (parts[0]._replace(spdu=spdu, ppdu=ppdu), *parts[1:])
    if spdu.name == ABORT:
        parts = tuple(part._replace(abort=True) for part in parts)
    return Tsdu(spdu.name, ppdu.name, None if known is contexts else known, parts)


def _part(octets: Octets, value: presentation.Value, contexts: Contexts, limits: Limits) -> Part:
    context, start, stop = value
    if start == stop:
        raise DecodeError("presentation-value", "an empty value", start)
    syntax = None if context is None or not contexts else contexts.get(context, "")
    if octets[start] not in acse.NAMES:
        pdu, access = _mms(octets, start, stop, limits)
        return Part(start, None, pdu, access, syntax in (None, presentation.MMS), False, context)
    apdu = acse.decode(octets, start, stop, limits)
    inner, access = None, objects.NOTHING
    if apdu.start < apdu.stop:
        inner, access = _mms(octets, apdu.start, apdu.stop, limits)
    in_context = syntax in (None, presentation.ACSE) and _carries(contexts, apdu.context, inner)
    return Part(start, apdu, inner, access, in_context, apdu.name == "ABRT", context)


def _carries(contexts: Contexts, context: int | None, inner: MmsPdu | None) -> bool:
    """Whether the user information of an APDU names the context of MMS, as far as known."""
    return inner is None or context is None or not contexts or contexts.get(context) == presentation.MMS


def _mms(octets: Octets, pos: int, end: int, limits: Limits) -> tuple[MmsPdu, Access]:
    try:
        pdu = mms.decode(octets, pos, end)
        if pdu.kind in (services.CONFIRMED_REQUEST, services.UNCONFIRMED):
            return pdu, objects.access(octets, pdu, limits)
    except DecodeError as error:
        error.kind = services.PDUS.get(octets[pos])
        raise
    return pdu, objects.NOTHING
