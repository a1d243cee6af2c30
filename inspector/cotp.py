"""COTP class 0 (ISO 8073 / ITU-T X.224, clause 13): connection TPDUs and the header of data."""

from typing import NamedTuple

from inspector.ber import Octets
from inspector.errors import DecodeError

DT = 0xF0
EOT = 0x80

NAMES = {0xE0: "CR", 0xD0: "CC", 0x80: "DR", 0x70: "ER", DT: "DT"}
ILLEGAL = {0xC0: "DC", 0x10: "ED", 0x60: "AK", 0x20: "EA", 0x50: "RJ"}
"""Real TPDUs, but of the classes that RFC 1006 never uses."""

FIXED_BYTES = {0xE0: 6, 0xD0: 6, 0x80: 6, 0x70: 4}
"""The fixed part after the length indicator, before the parameters."""
CLASS_AT = {0xE0: 6, 0xD0: 6}
"""Where CR and CC name the class, from the length indicator on."""
REASON_AT = {0x80: 6, 0x70: 4}
"""Where DR gives its reason and ER its cause, from the length indicator on."""

TPDU_SIZE = 0xC0
CALLING_TSAP = 0xC1
CALLED_TSAP = 0xC2
PREFERRED_TPDU_SIZE = 0xF0
PREFERRED_UNIT_OCTETS = 128
TPDU_SIZES = range(7, 14)
"""The exponents of two that the size parameter may hold: 128 to 8192 octets."""

REASONS = {
    0: "not specified",
    1: "congestion at TSAP",
    2: "session entity not attached to TSAP",
    3: "address unknown",
    128: "normal disconnect",
    129: "remote transport entity congestion",
    130: "negotiation failed",
    131: "duplicate source reference",
    132: "mismatched references",
    133: "protocol error",
    135: "reference overflow",
    136: "connection request refused on this network connection",
    138: "header or parameter length invalid",
}
"""Reasons of a DR (clause 13.5.3)."""
CAUSES = {
    0: "not specified",
    1: "invalid parameter code",
    2: "invalid TPDU type",
    3: "invalid parameter value",
}
"""Causes of an ER (clause 13.12.3)."""


class Connection(NamedTuple):
    """What a connection TPDU says. An ER has no source reference (0); sizes and TSAPs are of CR and CC only."""

    name: str
    source_ref: int
    destination_ref: int
    tpdu_octets: int | None = None
    """The largest TPDU; None if not given or of no known size."""
    calling_tsap: bytes | None = None
    called_tsap: bytes | None = None
    reason: int | None = None
    """Why a DR disconnects, or the cause of an ER."""


def data_header(octets: Octets, pos: int, stop: int) -> bool:
    """Whether the DT at `pos` is the last of its TSDU. Class 0 data have a header of exactly three octets."""
    if octets[pos] != 2 or pos + 3 > stop:
        raise DecodeError("cotp-header", "a DT header of class 0 has three octets", pos)
    return octets[pos + 2] & EOT != 0


def read_connection(octets: Octets, pos: int, stop: int) -> Connection:
    """The connection TPDU in `octets[pos:stop]`, its class and parameters checked. Raises DecodeError."""
    code = octets[pos + 1]
    kind = code & 0xF0 if code & 0xF0 in CLASS_AT else code
    name = NAMES.get(kind)
    if name is None or kind == DT:
        raise _unknown(code, pos)
    end = pos + 1 + octets[pos]
    if end != stop:
        raise DecodeError("cotp-length", f"{name} does not fill its TPKT", pos)
    if octets[pos] < FIXED_BYTES[kind]:
        raise DecodeError("cotp-length", f"{name} is too short", pos)
    if kind in CLASS_AT and octets[pos + CLASS_AT[kind]] >> 4:
        raise DecodeError("cotp-class", f"{name} asks for class {octets[pos + CLASS_AT[kind]] >> 4}", pos)
    parameters = _parameters(octets, pos + 1 + FIXED_BYTES[kind], end, name)
    destination_ref = octets[pos + 2] << 8 | octets[pos + 3]
    source_ref = 0 if name == "ER" else octets[pos + 4] << 8 | octets[pos + 5]
    if kind in REASON_AT:  # what an ER has under the code of a TSAP is the TPDU it complains about
        return Connection(name, source_ref, destination_ref, reason=octets[pos + REASON_AT[kind]])
    return Connection(
        name,
        source_ref,
        destination_ref,
        _tpdu_octets(parameters),
        parameters.get(CALLING_TSAP),
        parameters.get(CALLED_TSAP),
    )


def _unknown(code: int, pos: int) -> DecodeError:
    known = ILLEGAL.get(code & 0xF0)
    if known is not None:
        return DecodeError("cotp-illegal", f"{known} does not exist in class 0", pos + 1)
    return DecodeError("cotp-unknown", f"TPDU code {code:#04x}", pos + 1)


def _parameters(octets: Octets, pos: int, end: int, name: str) -> dict[int, bytes]:
    """The parameters by code; of one that is repeated the last counts (clause 13.2.3)."""
    parameters = {}
    while pos < end:
        if pos + 2 > end or pos + 2 + octets[pos + 1] > end:
            raise DecodeError("cotp-parameter", f"a parameter overruns {name}", pos)
        stop = pos + 2 + octets[pos + 1]
        parameters[octets[pos]] = bytes(octets[pos + 2 : stop])
        pos = stop
    return parameters


def _tpdu_octets(parameters: dict[int, bytes]) -> int | None:
    """The preferred size, in units of 128 octets, goes before the exponent of two."""
    preferred = parameters.get(PREFERRED_TPDU_SIZE)
    if preferred is not None and 1 <= len(preferred) <= 4:
        return int.from_bytes(preferred, "big") * PREFERRED_UNIT_OCTETS
    size = parameters.get(TPDU_SIZE)
    return 1 << size[0] if size is not None and len(size) == 1 and size[0] in TPDU_SIZES else None
