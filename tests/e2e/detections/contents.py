"""Ranks 8, 11 and 12: reports and answers that are false, or could not be true."""

from __future__ import annotations

from tests.e2e.detections.policy import STRICT
from tests.e2e.detections.table import Case
from tests.e2e.detections.talks import Fate, Talk
from tests.e2e.detections.words import (
    FINE,
    IDENTIFY,
    VALUE,
    WRITTEN,
    control,
    extended,
    identity,
    opened,
    read,
    receipt,
    report,
    reporting,
    select,
    write,
)
from tests.inspector import vectors
from tests.inspector.vectors import C2S, tlv

_UNKNOWN = "report-unknown-transfer-set"


def reported(*points: bytes) -> Talk:
    """Reports of one point each."""
    talk = reporting()
    for point in points:
        talk.report(report(point))
    return talk


def _by(*transfer_sets: str) -> Talk:
    talk = reporting()
    for name in transfer_sets:
        talk.report(report(by=name))
    return talk


def _acknowledged(*kinds: str) -> Talk:
    talk = reporting()
    for kind in kinds:
        talk.report(report()).report(receipt(kind), by=C2S)
    return talk


def reports() -> list[Case]:
    """Rank 8."""
    right = _acknowledged("ACK")
    return [
        Case(620801, "unknown set", _UNKNOWN, [_by("TS_9")], [right]),
        Case(620801, "none started", _UNKNOWN, [opened().report(report())], [right]),
        Case(620802, "unknown sets", _UNKNOWN, [_by("TS_7", "TS_8", "TS_9")], [_by("TS_8", "TS_9", "TS_8", "TS_1")]),
        Case(620803, "wrong way", "report-wrong-direction", [reporting().report(report(), by=C2S)], [right]),
        Case(620803, "ACK by the sender", "report-wrong-direction", [reporting().report(receipt("ACK"))], [right]),
        Case(620804, "member too many", "report-member-count", [reporting().report(report(FINE, FINE))], [right]),
        Case(
            *(620805, "NACKs", "report-nack"),
            [_acknowledged("NACK", "NACK", "NACK")],
            [_acknowledged("NACK", "NACK", "ACK")],
        ),
    ]


def _directory(name_octets: int) -> bytes:
    attributes = tlv(0xA1, vectors.integer(1, 0x80), tlv(0x81, "20260101000000Z"))
    entry = tlv(0x30, tlv(0xA0, tlv(0x19, "n" * name_octets)), attributes)
    return extended(77, tlv(0xA0, tlv(0x30, entry)), tlv(0x81, b"\x00"))


def answers() -> list[Case]:
    """Rank 11: what a server can do to its clients."""
    ask = read("ICC1/PT_1")
    in_order = opened().ask(ask, VALUE).ask(write("ICC1/SP_1", 1), WRITTEN)
    return [
        Case(621101, "of another service", "response-mismatch", [opened().ask(ask, WRITTEN)], [in_order]),
        Case(
            *(621102, "vendor name", "response-oversized"),
            [opened().ask(IDENTIFY, identity(150))],
            [opened().ask(IDENTIFY, identity(99))],
        ),
        Case(
            *(621102, "file name", "response-oversized"),
            [opened().ask(extended(77), _directory(450))],
            [opened().ask(extended(77), _directory(20))],
        ),
    ]


HELD, SUSPECT = 0x10, 0x20
"""Validity: bits 2 and 3 of a point's flags, counted from the highest."""


def values() -> list[Case]:
    """Rank 12: false data, as far as the operator has said what is true."""
    high = reported(vectors.point("44480000"))  # 800.0
    suspect, held = reported(vectors.point("42c80000", SUSPECT)), reported(vectors.point("42c80000", HELD))
    too_high, allowed = (opened().request(write("ICC1/SP_1", it), fate=fate) for it, fate in _WRITES)
    overdone = control(opened(), "BRK1", "BRK1").request(read("ICC1/BRK1_SBO"), fate=Fate.DENIED)
    return [
        Case(621201, "reported too high", "value-out-of-range", [high], [reported(FINE)]),
        Case(621201, "set too high", "value-out-of-range", [too_high], [allowed], STRICT),
        Case(621202, "suspect", "quality-limit", [suspect], [held]),
        Case(621203, "reported too often", "value-rate", [reported(*[FINE] * 4)], [reported(*[FINE] * 3)]),
        Case(621203, "selected too often", "value-rate", [overdone], [select(opened(), "BRK1", "BRK1")], STRICT),
    ]


_WRITES = ((2, Fate.DENIED), (1, Fate.PASSES))

CASES = [*reports(), *answers(), *values()]
