"""Presentation layer (ISO 8823-1 / ITU-T X.226, clause 8): the PPDU and the values it carries."""

from typing import NamedTuple

from inspector import ber
from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits

FULLY_ENCODED = 0x61
SIMPLY_ENCODED = 0x60
CONTEXT_LIST = 0xA4
NORMAL_MODE_PARAMETERS = 0xA2
MODE_SELECTOR = 0xA0
NORMAL_MODE = 1

INTEGER = 0x02
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30
SINGLE_ASN1_TYPE = 0xA0
OCTET_ALIGNED = 0x81

ACSE = "acse"
MMS = "mms"
ABSTRACT_SYNTAXES = {b"\x52\x01\x00\x01": ACSE, b"\x28\xca\x22\x02\x01": MMS}

CONTEXTS_MAX = 16

Contexts = dict[int, str]
"""Abstract syntax by presentation context; other syntaxes than ours are named by an empty string."""


class Value(NamedTuple):
    """One presentation data value: its context (None when simply encoded) and span."""

    context: int | None
    start: int
    stop: int


class Ppdu(NamedTuple):
    """A PPDU's name, the contexts a CP proposes, and the values it carries."""

    name: str
    contexts: Contexts | None
    values: tuple[Value, ...]


def decode(octets: Octets, pos: int, end: int, spdu: str, limits: Limits) -> Ppdu:
    """The PPDU in an SPDU's user data. Its kind follows from the SPDU and its tag (X.226, clause 6.4)."""
    tag, start, stop = ber.header(octets, pos, end)
    if stop != end:
        raise DecodeError("presentation-length", "octets after the PPDU", stop)
    ber.check(octets, start, stop, limits.depth, limits.elements)
    if tag in (FULLY_ENCODED, SIMPLY_ENCODED):
        return Ppdu("UD", None, _values(octets, tag, start, stop, limits))
    name = _CONNECTION.get((spdu, tag))
    if name is None:
        raise DecodeError("presentation-unknown", f"PPDU {tag:#04x} in {spdu}", pos)
    return _connection(octets, start, stop, name, limits)


_CONNECTION = {
    ("CN", 0x31): "CP",
    ("AC", 0x31): "CPA",
    ("RF", 0x30): "CPR",
    ("AB", 0xA0): "ARU",
    ("FN", 0xA0): "ARU",  # against the standard, but peers in use end an association so
    ("AB", 0x30): "ARP",
}


def _connection(octets: Octets, start: int, stop: int, name: str, limits: Limits) -> Ppdu:
    """CP and CPA keep their parameters one level down, behind the mode; the others do not."""
    contexts = None
    values: tuple[Value, ...] = ()
    level = ber.children(octets, start, stop)
    if name in ("CP", "CPA"):
        level = _normal_mode(octets, level, start)
    for tag, first, last in level:
        if tag == CONTEXT_LIST and name == "CP":
            contexts = _contexts(octets, first, last)
        elif tag in (FULLY_ENCODED, SIMPLY_ENCODED):
            values = _values(octets, tag, first, last, limits)
    return Ppdu(name, contexts, values)


def _normal_mode(octets: Octets, level: list[tuple[int, int, int]], pos: int) -> list[tuple[int, int, int]]:
    parameters: list[tuple[int, int, int]] | None = None
    for tag, first, last in level:
        if tag == MODE_SELECTOR:
            mode = ber.children(octets, first, last)
            if len(mode) != 1 or ber.unsigned(octets, *mode[0][1:]) != NORMAL_MODE:
                raise DecodeError("presentation-mode", "not the normal mode", first)
        elif tag == NORMAL_MODE_PARAMETERS:
            parameters = ber.children(octets, first, last)
    if parameters is None:
        raise DecodeError("presentation-mode", "no normal mode parameters", pos)
    return parameters


def _contexts(octets: Octets, pos: int, end: int) -> Contexts:
    contexts: Contexts = {}
    for _, start, stop in ber.children(octets, pos, end):
        item = ber.children(octets, start, stop)
        if len(item) < 2 or item[0][0] != INTEGER or item[1][0] != OBJECT_IDENTIFIER:
            raise DecodeError("presentation-context-list", "not an identifier and an abstract syntax", start)
        syntax = bytes(octets[item[1][1] : item[1][2]])
        contexts[ber.unsigned(octets, *item[0][1:])] = ABSTRACT_SYNTAXES.get(syntax, "")
        if len(contexts) > CONTEXTS_MAX:
            raise DecodeError("presentation-context-list", f"over {CONTEXTS_MAX} contexts", pos)
    return contexts


def _values(octets: Octets, tag: int, pos: int, end: int, limits: Limits) -> tuple[Value, ...]:
    if tag == SIMPLY_ENCODED:
        return (Value(None, pos, end),)
    values = []
    while pos < end:
        item, start, pos = ber.header(octets, pos, end)
        if item != SEQUENCE:
            raise DecodeError("presentation-value", f"a PDV list is no SEQUENCE but {item:#04x}", start)
        values.append(_value(octets, start, pos, limits))
    return tuple(values)


def _value(octets: Octets, pos: int, end: int, limits: Limits) -> Value:
    tag, start, stop = ber.header(octets, pos, end)
    if tag == OBJECT_IDENTIFIER:
        tag, start, stop = ber.header(octets, stop, end)
    if tag != INTEGER:
        raise DecodeError("presentation-value", "a PDV list without a context", pos)
    context = ber.unsigned(octets, start, stop)
    tag, start, last = ber.header(octets, stop, end)
    if last != end or tag not in (SINGLE_ASN1_TYPE, OCTET_ALIGNED):
        raise DecodeError("presentation-value", "a PDV list whose value is not one ASN.1 value", stop)
    if tag == OCTET_ALIGNED:
        ber.check(octets, start, last, limits.depth, limits.elements)
    return Value(context, start, last)
