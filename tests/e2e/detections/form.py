"""Ranks 4, 6 and 7: octets that are no ICCP, services nobody agreed on, things out of their order."""

from __future__ import annotations

from tests.e2e.detections.table import Case
from tests.e2e.detections.talks import Fate, Talk
from tests.e2e.detections.words import IDENTIFY, VALUE, extended, identity, integer, opened, opening, read
from tests.inspector import vectors
from tests.inspector.vectors import C2S, S2C, tlv, variables

_WHOLE = vectors.data(vectors.osi(vectors.request(IDENTIFY, 9)))
_SDU = _WHOLE[7:]


def _overrun() -> bytes:
    """The length of the confirmed request is one octet more than there is."""
    octets = bytearray(_WHOLE)
    octets[-len(vectors.request(IDENTIFY, 9)) + 1] += 1
    return bytes(octets)


def _nested() -> bytes:
    value = integer(1)
    for _ in range(40):
        value = tlv(0xA2, value)
    return vectors.data(vectors.osi(vectors.request(vectors.write(variables("ICC1/PT_1"), value), 9)))


BROKEN = {
    "tpkt-version": b"\x02" + _WHOLE[1:],
    "tpkt-length": b"\x03\x00\x00\x05\x00",
    "cotp-illegal": vectors.tpkt(b"\x02\x10\x80" + _SDU),  # ED, expedited data: not in class 0
    "cotp-unknown": vectors.tpkt(b"\x02\x00\x80" + _SDU),
    "cotp-header": vectors.tpkt(b"\x7f\xf0\x80" + _SDU),
    "cotp-length": b"\x03\x00\x00\x0c" + vectors.DR[4:] + b"\x00",
    "session-unknown": vectors.data(b"\x77" + _SDU[1:]),
    "ber-overrun": _overrun(),
    "ber-depth": _nested(),
}
"""Octets by the code of the error that they are."""


def framing() -> list[Case]:
    """Rank 4: nothing of it goes on, and the session ends."""
    sound = opened().ask(IDENTIFY, identity())
    by_client = [Case(620401, code, code, [opened().say(C2S, it, Fate.ENDS)], [sound]) for code, it in BROKEN.items()]
    by_server = opened().say(S2C, BROKEN["tpkt-version"], Fate.ENDS)
    return [*by_client, Case(620401, "tpkt-version by the server", "tpkt-version", [by_server], [sound])]


KILL, KILLED = extended(44, tlv(0x80, "PROGRAM")), extended(44)
FILE = extended(72, tlv(0xA0, tlv(0x19, "firmware.bin")), vectors.integer(0, 0x81))
FILE_OPEN = extended(72, vectors.integer(1, 0x80), tlv(0xA1, vectors.integer(9, 0x80)))
LOAD, LOADING = tlv(0xBA, tlv(0x80, "ICC1"), tlv(0xA1), tlv(0x82, b"\x00")), tlv(0x9A)
LOOK, LOOKED = extended(45, tlv(0x80, "PROGRAM")), extended(45, vectors.integer(2, 0x80))
SUPPORTING = vectors.SERVICES + bytes.fromhex("00 20 00 0c 00 00 00 80")
"""initiateDownloadSequence (26), kill and getProgramInvocationAttributes (44, 45), fileOpen (72) beside the usual."""


def services() -> list[Case]:
    """Rank 6."""

    def supported() -> Talk:
        return opened(services=SUPPORTING)

    dangerous = {"kill": (KILL, KILLED), "file open": (FILE, FILE_OPEN), "download": (LOAD, LOADING)}
    looked = supported().ask(LOOK, LOOKED)
    return [
        Case(620601, "kill", "service-not-negotiated", [opened().ask(KILL, KILLED)], [supported().ask(KILL, KILLED)]),
        *(
            Case(620602, it, "dangerous-service", [supported().ask(*asked)], [looked])
            for it, asked in dangerous.items()
        ),
    ]


_ASK = read("ICC1/PT_1")


def _busy(requests: int) -> Talk:
    talk = opened(outstanding=3)
    for _ in range(requests):
        talk.request(_ASK)
    return talk


def _writing(octets: int) -> Talk:
    return opened(detail=1000).request(vectors.write(variables("ICC1/SP_1"), tlv(0x8A, "x" * octets)))


def _in_context(context: int) -> Talk:
    return opened().say(C2S, vectors.data(vectors.osi(vectors.request(_ASK, 9), context)))


def states() -> list[Case]:
    """Rank 7."""
    transport = Talk(vectors.opening()[:2])
    second = opened().say(C2S, vectors.cr(b"\x00\x01", b"\x00\x01"))
    numbered = opened().request(_ASK, number=5)
    other, same = opened().request(_ASK, number=5), opened().request(_ASK, number=5)
    in_turn = opened().request(_ASK, number=5).response(VALUE, number=5).request(_ASK, number=5)
    twice, two = opened().ask(_ASK, VALUE).response(VALUE), opened().ask(_ASK, VALUE).ask(_ASK, VALUE)
    return [
        Case(620701, "before initiate", "pdu-before-initiate", [transport.request(_ASK)], [opening().request(_ASK)]),
        Case(
            *(620702, "nobody asked", "orphan-invoke-id"),
            [other.response(VALUE, number=6)],
            [same.response(VALUE, number=5)],
        ),
        Case(620702, "answered twice", "orphan-invoke-id", [twice], [two]),
        Case(620703, "same invoke ID", "duplicate-invoke-id", [numbered.request(_ASK, number=5)], [in_turn]),
        Case(620704, "outstanding", "too-many-outstanding", [_busy(4)], [_busy(3)]),
        Case(620705, "too large", "pdu-too-large", [_writing(1100)], [_writing(800)]),
        Case(620706, "context", "wrong-context", [_in_context(vectors.ACSE)], [_in_context(vectors.MMS)]),
        Case(620707, "second CR", "cotp-unexpected", [second], [opened()]),
    ]


CASES = [*framing(), *services(), *states()]
