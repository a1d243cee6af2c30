"""Connections: made, refused, aborted, held open for nothing."""

from collections.abc import Sequence

from inspector import acse, cotp
from inspector.checks.base import NONE
from inspector.limits import Limits
from inspector.results import Direction, Event
from inspector.seen import Seen
from inspector.state import MIDSTREAM, Association
from inspector.watch import Watch

CONNECTIONS_MAX = 8
"""Connections that one peer may have open: a control centre has a few associations, and some to spare while old ones
time out."""

_ACCEPTED = (None, 0)


def made(seen: Seen, _association: Association, _limits: Limits) -> Sequence[Event]:
    """A connection request; the key is the selector that it calls."""
    if seen.connection is None:
        return NONE
    called = (seen.connection.called_tsap or b"").hex()
    return (Event("connection", f"connection to transport selector {called or '(none)'}", called),)


def refused(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """A refusal or an abort, of whatever layer; the key is the transport selector that was called."""
    why = _refusal(seen)
    if not why:
        return NONE
    return (Event("connection-refused", why, str(association.facts.get("server.tsap", ""))),)


def _refusal(seen: Seen) -> str:
    if seen.connection is not None:
        reasons = cotp.CAUSES if seen.cotp == "ER" else cotp.REASONS
        return f"{seen.cotp}: {reasons.get(seen.connection.reason or 0, seen.connection.reason)}"
    apdu = None if seen.part is None else seen.part.acse
    if apdu is not None and apdu.name == "AARE" and apdu.result not in _ACCEPTED:
        reason = acse.RESULTS.get(apdu.result or 0, apdu.result)
        return f"AARE: {reason}, {_diagnosis(apdu)}"
    if seen.session == "RF":
        return "the session was refused"
    if seen.part is not None and seen.part.abort:
        return "ABRT" if apdu is not None else "the session was aborted"
    return ""


def _diagnosis(apdu: acse.Apdu) -> str:
    names = acse.DIAGNOSTICS.get(apdu.source or "", ())
    number = apdu.diagnostic or 0
    return names[number] if 0 <= number < len(names) else f"diagnostic {number}"


def without_association(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """Session data before any session was asked for: a connection that is used, or held, without an association."""
    if association.contexts or association.flags & MIDSTREAM or seen.session != "DT":
        return NONE
    return (Event("connection-hogging", "data before an association"),)


def hogged(seen: Seen, _association: Association, watch: Watch, peer: str, _server: str) -> Sequence[Event]:
    """One more connection of a peer that has many."""
    count = watch.connections(peer)
    if count <= CONNECTIONS_MAX or seen.direction is not Direction.CLIENT_TO_SERVER:
        return NONE
    return (Event("connection-hogging", f"{count} connections of {peer} open", peer),)
