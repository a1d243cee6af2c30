"""What a decoded PDU means in its association: its TASE.2 operation and application, or the request it answers."""

from collections.abc import Callable
from typing import NamedTuple

from inspector import apps, services, tase2
from inspector.apps import Naming
from inspector.ber import Octets
from inspector.decoder import Part
from inspector.limits import Limits
from inspector.mms import MmsPdu
from inspector.objects import Access
from inspector.state import DETECTED, Association, Call


class Meaning(NamedTuple):
    """What the names of a PDU are; a PDU is a request or report (`naming`), an answer (`call`), or neither."""

    naming: Naming | None = None
    call: Call | None = None
    operation: str | None = None
    objects: tuple[str, ...] = ()


NOTHING = Meaning()

_SIMPLE = {
    "initiate-request": (apps.INITIATE, apps.INITIATE),
    "conclude-request": (apps.CONCLUDE, apps.ICCP_CONCLUDE),
    "cancel-request": (apps.CANCEL, apps.CANCEL),
}
"""PDUs whose kind says all: the name outside and inside of TASE.2."""


class Interpreter:
    """Names the PDUs of one association. All that it changes is the flag that ICCP was detected."""

    __slots__ = ("_is_control", "_limits", "_state")

    def __init__(self, state: Association, limits: Limits, is_control: Callable[[str], bool]) -> None:
        self._state = state
        self._limits = limits
        self._is_control = is_control

    def interpret(self, direction: int, part: Part, octets: Octets) -> Meaning:
        """The meaning of one decoded PDU, in the order in which they pass."""
        if part.abort:
            return _named(apps.ICCP_ABORT if self._state.flags & DETECTED else apps.ABORT)
        pdu = part.mms
        if pdu is None:
            return NOTHING
        if pdu.kind in services.ANSWERS:
            return self._answer(direction, pdu, octets)
        naming = self._naming(pdu, part.access, octets)
        return NOTHING if naming is None else _named(naming, part.access.objects)

    def _naming(self, pdu: MmsPdu, access: Access, octets: Octets) -> Naming | None:
        if pdu.kind in _SIMPLE:
            return _SIMPLE[pdu.kind][self._state.flags & DETECTED]
        if pdu.kind == services.UNCONFIRMED:
            iccp = self._is_iccp(pdu, access, octets)
            return tase2.name_report(pdu, access) if iccp else apps.plain_unconfirmed(pdu.service or 0)
        if pdu.kind == services.CONFIRMED_REQUEST:
            iccp = self._is_iccp(pdu, access, octets)
            service = pdu.service or 0
            return tase2.name_request(pdu, access, octets, self._kind) if iccp else apps.plain_service(service)
        return None

    def _is_iccp(self, pdu: MmsPdu, access: Access, octets: Octets) -> bool:
        if self._state.flags & DETECTED:
            return True
        if not tase2.proves(pdu, access, octets):
            return False
        self._state.raise_flag(DETECTED)
        return True

    def _kind(self, name: str) -> tase2.Kind | None:
        """What a name stands for: learned from the traffic, or a control by the policy's table."""
        known = self._state.known.get(name)
        if known is not None:
            return known.kind
        return tase2.Kind.DEVICE if self._is_control(name) else None

    def _answer(self, direction: int, pdu: MmsPdu, octets: Octets) -> Meaning:
        call = self._state.call(1 - direction, pdu.invoke_id)
        if call is None:
            return NOTHING
        offered: list[str] = []
        if call.number == apps.GET_NEXT_DS.number and pdu.service == services.READ:
            offered = tase2.transfer_sets_offered(octets, pdu, self._limits.name_bytes)
        return Meaning(None, call, apps.NAMINGS[call.number].operation, tuple(offered))


def _named(naming: Naming, objects: tuple[str, ...] = ()) -> Meaning:
    return Meaning(naming, None, naming.operation, objects)
