"""Presentation layer (ISO 8823-1 / ITU-T X.226, clause 8): the PPDU, its parameters, and the values it carries."""

from collections.abc import Callable
from typing import NamedTuple

from inspector import ber
from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits

FULLY_ENCODED = 0x61
SIMPLY_ENCODED = 0x60
NORMAL_MODE_PARAMETERS = 0xA2
MODE_SELECTOR = 0xA0
NORMAL_MODE = 1

ACCEPTED = 0

INTEGER = 0x02
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30
SINGLE_ASN1_TYPE = 0xA0
OCTET_ALIGNED = 0x81

ACSE = "acse"
MMS = "mms"
ABSTRACT_SYNTAXES = {"2.2.1.0.1": ACSE, "1.0.9506.2.1": MMS}

CONTEXTS_MAX = 16
SELECTOR_OCTETS_MAX = 128

Contexts = dict[int, str]
"""Abstract syntax by presentation context, in the order of the proposal; other syntaxes than ours, and contexts
that were refused, are named by an empty string."""

RESULTS = {0: "acceptance", 1: "user rejection", 2: "provider rejection"}
REFUSALS = {
    0: "reason not specified",
    1: "temporary congestion",
    2: "local limit exceeded",
    3: "called presentation address unknown",
    4: "protocol version not supported",
    5: "default context not supported",
    6: "user data not readable",
    7: "no PSAP available",
}
"""Provider reasons of a CPR (clause 8.4)."""
ABORTS = {
    0: "reason not specified",
    1: "unrecognized PPDU",
    2: "unexpected PPDU",
    3: "unexpected session service primitive",
    4: "unrecognized PPDU parameter",
    5: "unexpected PPDU parameter",
    6: "invalid PPDU parameter value",
}
"""Provider reasons of an ARP (clause 8.4)."""


class Value(NamedTuple):
    """One presentation data value: its context (None when simply encoded) and span."""

    context: int | None
    start: int
    stop: int


class Proposal(NamedTuple):
    """One context of a proposal: its number, its abstract syntax, the transfer syntaxes it may use; OIDs dotted."""

    context: int
    syntax: str
    transfers: tuple[str, ...]


class Parameters(NamedTuple):
    """What a PPDU says beside its values; None where it says nothing."""

    calling_selector: bytes | None = None
    called_selector: bytes | None = None
    responding_selector: bytes | None = None
    proposals: tuple[Proposal, ...] | None = None
    results: tuple[int, ...] | None = None
    """What became of each context proposed, in that order; 0 is acceptance."""
    deleted: tuple[int, ...] = ()
    """The contexts that an alter-context gives up."""
    reason: int | None = None
    """The provider's, for a CPR or ARP."""


NOTHING = Parameters()


class Ppdu(NamedTuple):
    """A PPDU's name, the contexts it proposes, the values it carries, and its parameters."""

    name: str
    contexts: Contexts | None
    values: tuple[Value, ...]
    parameters: Parameters = NOTHING


_CONNECTION = {
    ("CN", 0x31): "CP",
    ("AC", 0x31): "CPA",
    ("RF", 0x30): "CPR",
    ("AB", 0xA0): "ARU",
    ("FN", 0xA0): "ARU",  # against the standard, but peers in use end an association so
    ("AB", 0x30): "ARP",
    ("TD", 0xA0): "AC",
    ("TD", 0xA1): "ACA",
}
_DATA = {"EX": "TE", "TD": "TTD"}


def decode(octets: Octets, pos: int, end: int, spdu: str, limits: Limits) -> Ppdu:
    """The PPDU in an SPDU's user data. Its kind follows from the SPDU and its tag (X.226, clause 6.4)."""
    tag, start, stop = ber.header(octets, pos, end)
    if stop != end:
        raise DecodeError("presentation-length", "octets after the PPDU", stop)
    ber.check(octets, start, stop, limits.depth, limits.elements)
    if tag in (FULLY_ENCODED, SIMPLY_ENCODED):
        return Ppdu(_DATA.get(spdu, "UD"), None, _values(octets, tag, start, stop, limits))
    name = _CONNECTION.get((spdu, tag))
    if name is None:
        raise DecodeError("presentation-unknown", f"PPDU {tag:#04x} in {spdu}", pos)
    return _connection(octets, start, stop, name, limits)


def agreed(known: Contexts, ppdu: Ppdu) -> Contexts:
    """The contexts in use after a PPDU, if those before it were `known`.

    A context counts as agreed when it is proposed, because a CP carries its first values at once; the answer
    takes back those that it refuses. What it leaves out it refuses.
    """
    parameters = ppdu.parameters
    if ppdu.name == "AC":
        kept = {number: syntax for number, syntax in known.items() if number not in parameters.deleted}
        return dict([*(kept | (ppdu.contexts or {})).items()][:CONTEXTS_MAX])
    if ppdu.contexts is not None:
        return ppdu.contexts
    if parameters.results is None or not known or ppdu.name == "CPR":
        return known
    numbers = list(known)
    if ppdu.name == "ACA":  # its results are those of the contexts added last
        numbers = numbers[max(0, len(numbers) - len(parameters.results)) :]
    results = dict(zip(numbers, parameters.results, strict=False))
    refused = [number for number in numbers if results.get(number) != ACCEPTED]
    return known | dict.fromkeys(refused, "") if refused else known


def _connection(octets: Octets, start: int, stop: int, name: str, limits: Limits) -> Ppdu:
    """CP and CPA keep their parameters one level down, behind the mode; the others do not."""
    values: tuple[Value, ...] = ()
    level = ber.children(octets, start, stop)
    if name in ("CP", "CPA"):
        level = _normal_mode(octets, level, start)
    for tag, first, last in level:
        if tag in (FULLY_ENCODED, SIMPLY_ENCODED):
            values = _values(octets, tag, first, last, limits)
    parameters = _parameters(octets, level, name)
    contexts = None
    if parameters.proposals is not None:
        contexts = {it.context: ABSTRACT_SYNTAXES.get(it.syntax, "") for it in parameters.proposals}
    return Ppdu(name, contexts, values, parameters)


def _parameters(octets: Octets, level: list[tuple[int, int, int]], name: str) -> Parameters:
    """Of a parameter that is repeated the last counts."""
    found: dict[str, object] = {}
    readers = _READERS[name]
    for tag, first, last in level:
        if tag in readers:
            field, read = readers[tag]
            found[field] = read(octets, first, last)
    return Parameters(**found) if found else NOTHING  # type: ignore[arg-type]


def _proposals(octets: Octets, pos: int, end: int) -> tuple[Proposal, ...]:
    proposals: list[Proposal] = []
    for _, start, stop in ber.children(octets, pos, end):
        item = ber.children(octets, start, stop)
        if len(item) < 2 or item[0][0] != INTEGER or item[1][0] != OBJECT_IDENTIFIER:
            raise DecodeError("presentation-context-list", "not an identifier and an abstract syntax", start)
        if len(proposals) == CONTEXTS_MAX:
            raise DecodeError("presentation-context-list", f"over {CONTEXTS_MAX} contexts", pos)
        number = ber.unsigned(octets, *item[0][1:])
        proposals.append(Proposal(number, ber.oid(octets, *item[1][1:]), _transfers(octets, item[2:])))
    return tuple(proposals)


def _transfers(octets: Octets, rest: list[tuple[int, int, int]]) -> tuple[str, ...]:
    if not rest or rest[0][0] != SEQUENCE:
        return ()
    names = ber.children(octets, *rest[0][1:])[:CONTEXTS_MAX]
    return tuple(ber.oid(octets, start, stop) for tag, start, stop in names if tag == OBJECT_IDENTIFIER)


def _results(octets: Octets, pos: int, end: int) -> tuple[int, ...]:
    """The first member of each result says whether the context was accepted."""
    results: list[int] = []
    for _, start, stop in ber.children(octets, pos, end):
        item = ber.children(octets, start, stop)
        if not item or len(results) == CONTEXTS_MAX:
            raise DecodeError("presentation-result-list", "a result without its value, or too many", start)
        results.append(ber.unsigned(octets, *item[0][1:]))
    return tuple(results)


def _numbers(octets: Octets, pos: int, end: int) -> tuple[int, ...]:
    return tuple(ber.unsigned(octets, start, stop) for _, start, stop in ber.children(octets, pos, end)[:CONTEXTS_MAX])


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


def _selector(octets: Octets, start: int, stop: int) -> bytes:
    if stop - start > SELECTOR_OCTETS_MAX:
        raise DecodeError("presentation-selector", f"a selector of more than {SELECTOR_OCTETS_MAX} octets", start)
    return bytes(octets[start:stop])


_READERS: dict[str, dict[int, tuple[str, Callable[[Octets, int, int], object]]]] = {
    "CP": {
        0x81: ("calling_selector", _selector),
        0x82: ("called_selector", _selector),
        0xA4: ("proposals", _proposals),
    },
    "CPA": {0x83: ("responding_selector", _selector), 0xA5: ("results", _results)},
    "CPR": {
        0x83: ("responding_selector", _selector),
        0xA5: ("results", _results),
        0x8A: ("reason", ber.unsigned),
    },
    "ARU": {},
    "ARP": {0x80: ("reason", ber.unsigned)},
    "AC": {0xA0: ("proposals", _proposals), 0xA1: ("deleted", _numbers)},
    "ACA": {0xA0: ("results", _results)},
}
