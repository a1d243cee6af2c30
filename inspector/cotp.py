"""COTP class 0 (ISO 8073 / ITU-T X.224, clause 13): connection TPDUs and the header of data."""

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


def data_header(octets: Octets, pos: int, stop: int) -> bool:
    """Whether the DT at `pos` is the last of its TSDU. Class 0 data have a header of exactly three octets."""
    if octets[pos] != 2 or pos + 3 > stop:
        raise DecodeError("cotp-header", "a DT header of class 0 has three octets", pos)
    return octets[pos + 2] & EOT != 0


def connection(octets: Octets, pos: int, stop: int) -> str:
    """The name of the connection TPDU in `octets[pos:stop]`, its class and parameters checked."""
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
    _check_parameters(octets, pos + 1 + FIXED_BYTES[kind], end, name)
    return name


def _unknown(code: int, pos: int) -> DecodeError:
    known = ILLEGAL.get(code & 0xF0)
    if known is not None:
        return DecodeError("cotp-illegal", f"{known} does not exist in class 0", pos + 1)
    return DecodeError("cotp-unknown", f"TPDU code {code:#04x}", pos + 1)


def _check_parameters(octets: Octets, pos: int, end: int, name: str) -> None:
    while pos < end:
        if pos + 2 > end or pos + 2 + octets[pos + 1] > end:
            raise DecodeError("cotp-parameter", f"a parameter overruns {name}", pos)
        pos += 2 + octets[pos + 1]
