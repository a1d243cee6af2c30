"""What a decoded PDU means in its association: its TASE.2 operation and application, and what it teaches."""

from typing import NamedTuple

from inspector import apps, services, tase2
from inspector.apps import Naming
from inspector.ber import Octets
from inspector.decoder import Part
from inspector.limits import Limits
from inspector.mms import MmsPdu
from inspector.objects import Access
from inspector.state import DETECTED, Association


class Meaning(NamedTuple):
    """The names of a PDU that need the association's memory."""

    operation: str | None = None
    app: str | None = None
    objects: tuple[str, ...] = ()


NOTHING = Meaning()


_SIMPLE = {
    "initiate-request": (apps.INITIATE, apps.INITIATE),
    "conclude-request": (apps.CONCLUDE, apps.ICCP_CONCLUDE),
    "cancel-request": (apps.CANCEL, apps.CANCEL),
}
"""PDUs whose kind says all: the name outside and inside of TASE.2."""
_UNNAMED = (None, None)


class Interpreter:
    """Names the PDUs of one association and lets its state remember what later ones need."""

    __slots__ = ("_limits", "_state")

    def __init__(self, state: Association, limits: Limits) -> None:
        self._state = state
        self._limits = limits

    def interpret(self, direction: int, part: Part, octets: Octets) -> Meaning:
        """The meaning of one decoded PDU, in the order in which they pass."""
        if part.abort:
            return self._named(apps.ICCP_ABORT if self._state.flags & DETECTED else apps.ABORT)
        pdu = part.mms
        if pdu is None:
            return NOTHING
        if pdu.kind == services.UNCONFIRMED:
            return self._unconfirmed(pdu, part.access, octets)
        if pdu.kind == services.CONFIRMED_REQUEST:
            return self._request(direction, pdu, part.access, octets)
        if pdu.kind in services.ANSWERS:
            return self._answer(direction, pdu, octets)
        plain, iccp = _SIMPLE.get(pdu.kind, _UNNAMED)
        return self._named(iccp if self._state.flags & DETECTED else plain)

    def _named(self, naming: Naming | None, objects: tuple[str, ...] = ()) -> Meaning:
        if naming is None:
            return NOTHING
        self._state.see_app(naming)
        return Meaning(naming.operation, naming.app, objects)

    def _is_iccp(self, pdu: MmsPdu, access: Access, octets: Octets) -> bool:
        if self._state.flags & DETECTED:
            return True
        if not tase2.proves(pdu, access, octets):
            return False
        self._state.raise_flag(DETECTED)
        return True

    def _unconfirmed(self, pdu: MmsPdu, access: Access, octets: Octets) -> Meaning:
        if self._is_iccp(pdu, access, octets):
            return self._named(tase2.name_report(pdu, access), access.objects)
        return self._named(apps.plain_unconfirmed(pdu.service or 0), access.objects)

    def _request(self, direction: int, pdu: MmsPdu, access: Access, octets: Octets) -> Meaning:
        state = self._state
        if self._is_iccp(pdu, access, octets):
            naming = tase2.name_request(pdu, access, octets, state.names)
            for name, kind in tase2.learned(naming, access):
                state.learn(name, kind, self._limits.names)
        else:
            naming = apps.plain_service(pdu.service or 0)
        state.open_call(direction, pdu.invoke_id or 0, naming.number, self._limits.calls)
        return self._named(naming, access.objects)

    def _answer(self, direction: int, pdu: MmsPdu, octets: Octets) -> Meaning:
        naming = self._state.close_call(1 - direction, pdu.invoke_id)
        if naming is None:
            return NOTHING
        offered: list[str] = []
        if naming is apps.GET_NEXT_DS and pdu.service == services.READ:
            offered = tase2.transfer_sets_offered(octets, pdu, self._limits.name_bytes)
            for name in offered:
                self._state.learn(name, tase2.Kind.TRANSFER_SET, self._limits.names)
        return Meaning(naming.operation, None, tuple(offered))
