"""The PDUs that tell a peer no: built here, sent in place of what the policy denies.

A denied request is answered as its server would answer one that its own table does not allow (ISO 9506-2,
Confirmed-ErrorPDU: access, object-access-denied), so that the association lives on. Frames are one TPKT with one
DT TPDU: the longest has some 40 octets, and no TPDU size is below 128.
"""

from inspector import services, session
from inspector.decoder import Part

_ACCESS_DENIED = b"\xa0\x03\x87\x01\x03"
"""errorClass [0]: access [7]: object-access-denied (3)."""
_CANCEL_NOT_POSSIBLE = b"\xa0\x03\x8a\x01\x02"
_FURTHER_COMMUNICATION_REQUIRED = b"\xa0\x03\x89\x01\x01"

_TPKT = b"\x03\x00"
_DT = b"\x02\xf0\x80"
MMS_CONTEXT = 3
"""What every known stack proposes for MMS; used when the traffic was never seen to name one."""


def possible(part: Part) -> bool:
    """Whether the association can live on without the PDU in `part`: not without what opens or ends it."""
    return part.mms is not None and part.acse is None and not part.mms.kind.startswith("initiate")


def answer(part: Part, spdu: str | None) -> bytes:
    """The whole TPKT that refuses the request (or replaces the response) in `part`; nothing for what needs no answer.

    `spdu` is None for MMS without a session layer.
    """
    pdu = part.mms
    build = None if pdu is None else _ANSWERS.get(pdu.kind)
    if pdu is None or build is None:
        return b""
    return _frame(build(pdu.invoke_id or 0), part.context, bare=spdu is None)


def _error(invoke_id: int) -> bytes:
    return _tlv(0xA2, _tlv(0x80, _integer(invoke_id)) + _tlv(0xA2, _ACCESS_DENIED))


def _cancel_error(invoke_id: int) -> bytes:
    return _tlv(0xA7, _tlv(0x80, _integer(invoke_id)) + _tlv(0xA1, _CANCEL_NOT_POSSIBLE))


def _conclude_error(_invoke_id: int) -> bytes:
    return _tlv(0xAD, _FURTHER_COMMUNICATION_REQUIRED)


_ANSWERS = {
    services.CONFIRMED_REQUEST: _error,
    services.CONFIRMED_RESPONSE: _error,
    "cancel-request": _cancel_error,
    "conclude-request": _conclude_error,
}


def _frame(pdu: bytes, context: int | None, *, bare: bool) -> bytes:
    if not bare:
        value = _tlv(0x02, _integer(MMS_CONTEXT if context is None else context)) + _tlv(0xA0, pdu)
        pdu = session.DATA_PREFIX + _tlv(0x61, _tlv(0x30, value))
    return _TPKT + (len(_TPKT) + 2 + len(_DT) + len(pdu)).to_bytes(2, "big") + _DT + pdu


def _tlv(tag: int, contents: bytes) -> bytes:
    assert len(contents) < 0x80, "refusals are short"
    return bytes((tag, len(contents))) + contents


def _integer(value: int) -> bytes:
    """The contents of a non-negative INTEGER, as few octets as there can be (X.690, 8.3)."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")
