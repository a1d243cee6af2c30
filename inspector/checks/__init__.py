"""What is odd about a PDU, by subject. A check says what it saw; whether that is a finding is up to the rules.

control.py      operate without select, by another than who selected; sweeps, toggling, tags
writes.py       writes that the policy does not allow, and that succeeded
negotiation.py services not agreed on; services that change a device beyond its data
association.py  order and bounds: initiate first, invoke IDs, sizes, presentation contexts
reports.py      reports of unknown transfer sets, from the wrong side, of the wrong length; NACKs
discovery.py    enumeration, and failing at it
connections.py  connections made, refused, aborted, held open for nothing
answers.py      responses unlike their requests, or larger than clients can take
points.py       not a check: the points in a PDU that the policy has limits for
base.py         what they share

A PDU meets only the checks of its kind: the tables below are by TPDU, SPDU, kind of MMS PDU, service and operation.
Checks run before the association's memory learns from the PDU; they change nothing, and nothing that was decoded
makes them raise.
"""

from collections.abc import Iterable

from inspector import apps, services
from inspector.checks import (
    answers,
    association,
    connections,
    control,
    discovery,
    negotiation,
    reports,
    writes,
)
from inspector.checks.base import Check, WatchedCheck
from inspector.checks.points import reported
from inspector.limits import Limits
from inspector.results import Event
from inspector.seen import Seen
from inspector.state import Association
from inspector.watch import Watch

__all__ = ["CHECKS", "WATCHED", "check", "reported"]

Table = dict[object, tuple[Check, ...]]

_BY_TPDU: Table = {
    "CR": (association.connection, connections.made),
    "CC": (association.connection,),
    "DR": (connections.refused,),
    "ER": (connections.refused,),
}
_BY_SPDU: Table = {
    "DT": (connections.without_association,),
    **dict.fromkeys(("AC", "RF", "AB", "FN"), (connections.refused,)),
}
_IN_ORDER = (association.context, association.before_initiate, association.too_large)
_BY_KIND: Table = {
    None: (association.context,),  # ACSE alone
    services.CONFIRMED_REQUEST: (
        *_IN_ORDER,
        association.duplicate,
        association.outstanding,
        negotiation.not_negotiated,
    ),
    services.CONFIRMED_RESPONSE: (*_IN_ORDER, association.orphan, answers.mismatched),
    services.CONFIRMED_ERROR: (*_IN_ORDER, association.orphan, discovery.error),
    services.UNCONFIRMED: _IN_ORDER,
    **dict.fromkeys(
        (it for it in services.PDUS.values() if it.startswith(("initiate", "conclude", "cancel", "reject"))),
        (association.context,),
    ),
}
_LISTINGS = ("getNameList", "getVariableAccessAttributes", "getNamedVariableListAttributes", "getCapabilityList")
_BY_SERVICE: Table = {
    **dict.fromkeys(negotiation.DANGEROUS, (negotiation.dangerous,)),
    **dict.fromkeys(map(services.CONFIRMED_SERVICES.index, _LISTINGS), (discovery.listing,)),
    services.READ: (discovery.read, control.select),
    services.WRITE: (control.write,),
}
_BY_RESPONSE: Table = {
    services.READ: (discovery.failed_results,),
    services.WRITE: (discovery.failed_results, writes.succeeded),
    services.IDENTIFY: (answers.identity,),
    services.GET_NAME_LIST: (answers.names,),
    services.FILE_OPEN: (answers.opened,),
    services.FILE_DIRECTORY: (answers.directory,),
}
_BY_OPERATION: Table = {
    apps.TRANSFER_REPORT.number: (reports.transfer,),
    apps.REPORT_ACK.number: (reports.acknowledgement,),
    apps.REPORT_NACK.number: (reports.acknowledgement, reports.nack),
}
_BY_SERVICE_OF: dict[object, Table] = {
    services.CONFIRMED_REQUEST: _BY_SERVICE,
    services.CONFIRMED_RESPONSE: _BY_RESPONSE,
}

CHECKS: dict[str, Table] = {
    "tpdu": _BY_TPDU,
    "spdu": _BY_SPDU,
    "kind": _BY_KIND,
    "service": _BY_SERVICE,
    "response": _BY_RESPONSE,
    "operation": _BY_OPERATION,
}
"""Every check, by what it is looked up by."""
WATCHED: dict[object, tuple[WatchedCheck, ...]] = {
    "CR": (connections.hogged,),
    services.WRITE: (control.foreign_select,),
}
"""Checks that need to know what happens in other sessions: by TPDU, and by the service of a request."""


def check(
    seen: Seen,
    association: Association,
    limits: Limits,
    watch: Watch | None = None,
    peer: str = "",
    server: str = "",
) -> list[Event]:
    """What is odd about a PDU that the association's memory has not learned from yet.

    `watch` is what is remembered beyond this session, `peer` and `server` the names of its ends in it.
    """
    events: list[Event] = []
    for it in _checks(seen):
        events += it(seen, association, limits)
    if watch is not None:
        for watched in WATCHED.get(_subject(seen), ()):
            events += watched(seen, association, watch, peer, server)
    return events


def _checks(seen: Seen) -> Iterable[Check]:
    """The checks that this PDU meets."""
    part = seen.part
    if part is None:
        return _BY_TPDU.get(seen.cotp, ())
    pdu = part.mms
    found = _BY_SPDU.get(seen.session, ())
    if part.abort and connections.refused not in found:
        found += (connections.refused,)
    if pdu is None:
        return (*found, *_BY_KIND[None])
    found += _BY_KIND.get(pdu.kind, ())
    if seen.naming is not None:
        found += _BY_OPERATION.get(seen.naming.number, ())
    by_service = _BY_SERVICE_OF.get(pdu.kind)
    return found if by_service is None else found + by_service.get(pdu.service, ())


def _subject(seen: Seen) -> object:
    """What `WATCHED` goes by."""
    if seen.part is None:
        return seen.cotp
    pdu = seen.part.mms
    return pdu.service if pdu is not None and pdu.kind == services.CONFIRMED_REQUEST else None
