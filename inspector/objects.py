"""Which objects an MMS request or report touches (ISO 9506-2: ObjectName, VariableAccessSpecification)."""

from collections.abc import Callable
from typing import NamedTuple

from inspector import ber, services
from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits
from inspector.mms import MmsPdu

VMD_SPECIFIC = 0x80
DOMAIN_SPECIFIC = 0xA1
ASSOCIATION_SPECIFIC = 0x82

LIST_OF_VARIABLE = 0xA0
VARIABLE_LIST_NAME = 0xA1
NAMED = 0xA0
UNNAMED = "(unnamed)"
"""Stands for a variable given by address or description."""

NAMED_VARIABLE_LIST_CLASS = 2


class Access(NamedTuple):
    """What a service touches. `data` is where its list of values lies, `by_list` whether it names a whole
    variable list, `object_class` what a getNameList asks for."""

    objects: tuple[str, ...] = ()
    by_list: bool = False
    data: tuple[int, int] = (0, 0)
    object_class: int | None = None


NOTHING = Access()


def access(octets: Octets, pdu: MmsPdu, limits: Limits) -> Access:
    """What the request or report `pdu` touches; nothing for services that name no variables."""
    if pdu.kind == services.UNCONFIRMED:
        parse = _PARSERS[services.WRITE] if pdu.service == services.INFORMATION_REPORT else None
    else:
        parse = _PARSERS.get(pdu.service or 0)
    return NOTHING if parse is None else parse(octets, pdu.start, pdu.stop, limits)


def object_name(octets: Octets, pos: int, end: int, limits: Limits) -> tuple[str, int]:
    """The ObjectName at `pos` as one string, and where it stops."""
    tag, start, stop = ber.header(octets, pos, end)
    if tag == DOMAIN_SPECIFIC:
        _, first, last = ber.header(octets, start, stop)
        _, second, ending = ber.header(octets, last, stop)
        domain = ber.text(octets, first, last, limits.name_bytes)
        return f"{domain}/{ber.text(octets, second, ending, limits.name_bytes)}", stop
    if tag == VMD_SPECIFIC:
        return ber.text(octets, start, stop, limits.name_bytes), stop
    if tag == ASSOCIATION_SPECIFIC:
        return f"@/{ber.text(octets, start, stop, limits.name_bytes)}", stop
    raise DecodeError("mms-object-name", f"no object name: {tag:#04x}", pos)


def _variables(octets: Octets, pos: int, end: int, limits: Limits) -> tuple[str, ...]:
    """The names in a list of variables."""
    names = []
    while pos < end:
        _, start, pos = ber.header(octets, pos, end)
        names.append(_variable(octets, start, pos, limits))
    return tuple(names)


def _variable(octets: Octets, pos: int, end: int, limits: Limits) -> str:
    tag, start, stop = ber.header(octets, pos, end)
    return object_name(octets, start, stop, limits)[0] if tag == NAMED else UNNAMED


def _specification(octets: Octets, pos: int, end: int, limits: Limits) -> tuple[tuple[str, ...], bool, int]:
    """A VariableAccessSpecification: its names, whether it is a variable list's name, where it stops."""
    tag, start, stop = ber.header(octets, pos, end)
    if tag == VARIABLE_LIST_NAME:
        return (object_name(octets, start, stop, limits)[0],), True, stop
    if tag == LIST_OF_VARIABLE:
        return _variables(octets, start, stop, limits), False, stop
    raise DecodeError("mms-variable-access", f"no variable access specification: {tag:#04x}", pos)


def _variables_and_data(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    names, by_list, stop = _specification(octets, pos, end, limits)
    _, start, last = ber.header(octets, stop, end)
    return Access(names, by_list, (start, last))


def _read(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    tag, start, stop = ber.header(octets, pos, end)
    if tag == VMD_SPECIFIC:  # specificationWithResult, in the same place
        tag, start, stop = ber.header(octets, stop, end)
    if tag != VARIABLE_LIST_NAME:
        raise DecodeError("mms-variable-access", "a read of nothing", pos)
    names, by_list, _ = _specification(octets, start, stop, limits)
    return Access(names, by_list)


def _name_list(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    _, start, stop = ber.header(octets, pos, end)
    tag, first, last = ber.header(octets, start, stop)
    object_class = ber.unsigned(octets, first, last) if tag == VMD_SPECIFIC else None
    _, start, stop = ber.header(octets, stop, end)
    tag, first, last = ber.header(octets, start, stop)
    domain = f"{ber.text(octets, first, last, limits.name_bytes)}/"
    return Access((domain,) if tag == 0x81 else (), object_class=object_class)


def _one_variable(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    return Access((_variable(octets, pos, end, limits),))


def _one_name(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    return Access((object_name(octets, pos, end, limits)[0],), by_list=True)


def _definition(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    name, stop = object_name(octets, pos, end, limits)
    _, start, last = ber.header(octets, stop, end)
    return Access((name, *_variables(octets, start, last, limits)), by_list=True)


def _deletion(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    names: list[str] = []
    for tag, start, stop in ber.children(octets, pos, end):
        if tag == 0xA1:
            names.extend(_names(octets, start, stop, limits))
        elif tag == 0x82:
            names.append(f"{ber.text(octets, start, stop, limits.name_bytes)}/")
    return Access(tuple(names), by_list=True)


def _names(octets: Octets, pos: int, end: int, limits: Limits) -> list[str]:
    names = []
    while pos < end:
        name, pos = object_name(octets, pos, end, limits)
        names.append(name)
    return names


def _program(octets: Octets, pos: int, end: int, limits: Limits) -> Access:
    tag, start, stop = ber.header(octets, pos, end)
    return Access((ber.text(octets, start, stop, limits.name_bytes),)) if tag == VMD_SPECIFIC else NOTHING


_PARSERS: dict[int, Callable[[Octets, int, int, Limits], Access]] = {
    services.GET_NAME_LIST: _name_list,
    services.READ: _read,
    services.WRITE: _variables_and_data,
    services.GET_VARIABLE_ACCESS_ATTRIBUTES: _one_variable,
    services.DEFINE_NAMED_VARIABLE_LIST: _definition,
    services.GET_NAMED_VARIABLE_LIST_ATTRIBUTES: _one_name,
    services.DELETE_NAMED_VARIABLE_LIST: _deletion,
    **dict.fromkeys(range(services.START, services.KILL + 1), _program),
}
