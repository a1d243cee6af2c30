"""What is told of a PDU: its layers and names, as they come out of the inspector. `details` is how to describe it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from inspector.decoder import Part
from inspector.errors import DecodeError
from inspector.judge import Verdict
from inspector.meaning import Meaning
from inspector.results import LAYERS, NO_DETAILS, Action, Direction, Finding, Pdu
from inspector.seen import Seen

_TPKT, _COTP, _SESSION, _PRESENTATION, _ACSE, _MMS, _TASE2 = (1 << bit for bit in range(len(LAYERS)))
_TRANSPORT = _TPKT | _COTP
_NAMES = tuple(tuple(name for bit, name in enumerate(LAYERS) if mask >> bit & 1) for mask in range(1 << len(LAYERS)))
_VERDICTS = tuple(action.name.lower() for action in Action)

Describe = Callable[[Seen], Mapping[str, Any]]


class Told(NamedTuple):
    """A PDU, and its layers as a mask: bit i for LAYERS[i]."""

    layers: int
    pdu: Pdu


def no_details(_seen: Seen) -> Mapping[str, Any]:
    """For those who do not want any."""
    return NO_DETAILS


def connection(seen: Seen, verdict: Verdict, details: Describe) -> Told:
    """A TPDU that is no data."""
    pdu = Pdu(
        *(seen.direction, _NAMES[_TRANSPORT], seen.tsdu_bytes, seen.cotp),
        verdict=_VERDICTS[verdict.action],
        findings=verdict.findings,
        details=details(seen),
    )
    return Told(_TRANSPORT, pdu)


def undecodable(direction: Direction, length: int, error: DecodeError, finding: Finding) -> Told:
    """A TSDU that cannot be decoded, as far as it was understood."""
    mask = _TRANSPORT if error.kind is None else _TRANSPORT | _MMS
    return Told(mask, Pdu(direction, _NAMES[mask], length, "DT", mms_pdu=error.kind, findings=(finding,)))


def value(seen: Seen, part: Part, meaning: Meaning, verdict: Verdict, length: int, details: Describe) -> Told:
    """A value of ACSE or MMS; `length` is what its TSDU took on the wire, or 0 if that is told of already."""
    pdu = part.mms
    mask = _mask(seen, part, meaning)
    told = Pdu(
        seen.direction,
        _NAMES[mask],
        length,
        "DT",
        seen.session,
        seen.presentation,
        None if part.acse is None else part.acse.name,
        None if pdu is None else pdu.kind,
        None if pdu is None else pdu.service_name,
        None if pdu is None else pdu.invoke_id,
        meaning.operation,
        verdict.app,
        meaning.objects,
        _VERDICTS[verdict.action],
        verdict.findings,
        details(seen),
    )
    return Told(mask, told)


def _mask(seen: Seen, part: Part, meaning: Meaning) -> int:
    mask = _TRANSPORT
    if seen.session is not None:
        mask |= _SESSION if seen.presentation is None else _SESSION | _PRESENTATION
    if part.acse is not None:
        mask |= _ACSE
    if part.mms is not None:
        mask |= _MMS
    if meaning.operation is not None:
        mask |= _TASE2
    return mask
