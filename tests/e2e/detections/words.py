"""The PDUs of TASE.2 that the talks are made of, and how they begin."""

from __future__ import annotations

from typing import Any

from tests.e2e.detections.talks import Talk
from tests.inspector import vectors
from tests.inspector.vectors import tlv, variable_list, variables

IDENTIFY = tlv(0x82)
WRITTEN = tlv(0xA5, tlv(0x81))
NOT_WRITTEN = tlv(0xA5, vectors.integer(3, 0x80))
MEMBERS = ("ICC1/Transfer_Set_Name", "ICC1/DSConditions_Detected", "ICC1/PT_1")
CONDITIONS = tlv(0x84, b"\x03\x80")
FINE = vectors.point("42c80000")
"""100.0, valid."""


def integer(value: int) -> bytes:
    """An INTEGER of MMS."""
    return vectors.integer(value, 0x85)


VALUE = vectors.read_result(integer(0))
ABSENT = vectors.read_result(vectors.integer(10, 0x80))
REFUSED = vectors.read_result(vectors.integer(3, 0x80))


def opening(**said: Any) -> Talk:
    """An association up to initiate (arguments as of vectors.opening)."""
    return Talk(vectors.opening(**said))


def opened(**said: Any) -> Talk:
    """An association that is known to be ICCP."""
    return opening(**said).ask(read("ICC1/Bilateral_Table_ID"), vectors.read_result(tlv(0x8A, "1.0")))


def read(*names: str) -> bytes:
    return vectors.read(variables(*names))


def write(name: str, value: int) -> bytes:
    return vectors.write(variables(name), integer(value))


def identity(vendor_octets: int = 3) -> bytes:
    return tlv(0xA2, tlv(0x80, "V" * vendor_octets), tlv(0x81, "M"), tlv(0x82, "1"))


def name_list(domain: str) -> bytes:
    return tlv(0xA1, tlv(0xA0, vectors.integer(0, 0x80)), tlv(0xA1, tlv(0x81, domain)))


NAMES = tlv(0xA1, tlv(0xA0, tlv(0x1A, "PT_1")), tlv(0x81, b"\x00"))


def extended(number: int, *contents: bytes) -> bytes:
    """A service whose number takes a second octet."""
    return tlv(0xBF00 | number, *contents)


def select(talk: Talk, *devices: str) -> Talk:
    for device in devices:
        talk.ask(read(f"ICC1/{device}_SBO"), vectors.read_result(integer(126)))
    return talk


def operate(talk: Talk, *devices: str) -> Talk:
    for device in devices:
        talk.ask(write(f"ICC1/{device}", 1), WRITTEN)
    return talk


def control(talk: Talk, *devices: str) -> Talk:
    """Select and operate, each."""
    for device in devices:
        operate(select(talk, device), device)
    return talk


TAG = tlv(0xA2, tlv(0x84, b"\x05\x40"), tlv(0x8A, "out of service"))


def tag(talk: Talk, *devices: str) -> Talk:
    for device in devices:
        talk.ask(vectors.write(variables(f"ICC1/{device}_TAG"), TAG), WRITTEN)
    return talk


def reporting() -> Talk:
    """An association on which the server reports ICC1/DS_1 by ICC1/TS_1."""
    talk = opened()
    talk.ask(tlv(0xAB, vectors.name("ICC1/DS_1"), variables(*MEMBERS)), tlv(0x8B))
    talk.ask(read("ICC1/Next_DSTransfer_Set"), vectors.read_result(vectors.scoped("ICC1", "TS_1")))
    return talk.ask(vectors.write(variables("ICC1/TS_1"), transfer_set()), WRITTEN)


def transfer_set() -> bytes:
    """A DSTransferSet of ICC1/DS_1, enabled."""
    flags = (tlv(0x83, bytes((flag,))) for flag in (False, True, False, False, True))
    return tlv(
        0xA2,
        vectors.scoped("ICC1", "DS_1"),
        *(integer(it) for it in (0, 1, 0, 0, 0)),
        tlv(0x84, b"\x03\xa0"),
        *flags,
        integer(0),
    )


def report(*points: bytes, by: str = "TS_1") -> bytes:
    """A report of the whole of ICC1/DS_1 by a transfer set."""
    named = vectors.scoped("ICC1", by)
    return vectors.report(variable_list("ICC1/DS_1"), named, CONDITIONS, *(points or (FINE,)))


def receipt(kind: str) -> bytes:
    """ACK or NACK of a report."""
    names = variables(f"ICC1/Transfer_Report_{kind}", "ICC1/Transfer_Set_Time_Stamp")
    return vectors.report(names, vectors.scoped("ICC1", "TS_1"), integer(1))
