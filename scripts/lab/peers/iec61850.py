"""libiec61850's MMS client as far as TASE.2 goes: what waits for the peer, through ctypes, lets go of the interpreter.

The library hands reports to Python from a thread of its own, which needs the interpreter; through the binding, a report
that comes before an answer is a deadlock. The binding is used for what does not wait.

Of names, the library reads those of a domain and of the VMD, but writes only those of a domain: without a domain
MmsConnection_writeVariable crashes, and for a variable of the association it has no function at all. Block 4 needs one
(IM_Transfer_Set), so `switch_messages` gives the library the MMS PDU to send; all below it is the library's own.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, Final

import pyiec61850.pyiec61850 as lib

DOMAIN: Final = "ICC1"
ACCESS_DENIED: Final = lib.MMS_ERROR_ACCESS_OBJECT_ACCESS_DENIED
REQUEST_TIMEOUT_MS: Final = 5000
_NONE: Final = lib.MMS_ERROR_NONE
_OWN_INVOKE_ID: Final = 30_000
"""Far from the invoke IDs that the library counts up."""

_calls = ctypes.CDLL(lib._pyiec61850.__file__)
for _name in (
    *("MmsConnection_readVariable", "MmsConnection_readNamedVariableListValues", "MmsValue_getElement"),
    *("MmsConnection_getDomainNames", "MmsConnection_getDomainVariableNames", "MmsConnection_getVMDVariableNames"),
    *("MmsConnection_getDomainVariableListNames", "MmsConnection_readNamedVariableListDirectory"),
    *("MmsConnection_getVariableAccessAttributes", "MmsConnection_identify"),
    *("LinkedList_getNext", "LinkedList_getData"),
):
    getattr(_calls, _name).restype = ctypes.c_void_p
_calls.MmsValue_toString.restype = ctypes.c_char_p


class RefusedError(Exception):
    """The answer was an error, or none came; `code` is the library's."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what}: {lib.MmsError_toString(code)}")
        self.code = code


class Connection:
    """One association. Every method that asks raises RefusedError."""

    def __init__(self, host: str, port: int) -> None:
        self.handle = lib.MmsConnection_create()
        self._error = lib.MmsError_create()
        parameters = lib.MmsConnection_getIsoConnectionParameters(self.handle)
        lib.IsoConnectionParameters_setLocalApTitle(parameters, "1.1.999.1", 12)
        lib.IsoConnectionParameters_setRemoteApTitle(parameters, "1.1.999.2", 12)
        lib.MmsConnection_setRequestTimeout(self.handle, REQUEST_TIMEOUT_MS)
        lib.MmsConnection_connect(self.handle, self._error, host, port)
        self._must("associate")

    def conclude(self) -> None:
        """End the association. The library may crash here; flush what is to be said before."""
        lib.MmsConnection_conclude(self.handle, self._error)

    def identify(self) -> None:
        self._ask("identify", "MmsConnection_identify")

    def read(self, item: str, domain: str | None = DOMAIN) -> Any:
        """A variable's value, to be deleted; None for the VMD's."""
        scope = None if domain is None else domain.encode()
        value = self._ask(f"read {item}", "MmsConnection_readVariable", scope, item.encode())
        return ctypes.c_void_p(value)

    def write(self, item: str, value: Any, domain: str = DOMAIN) -> None:
        """Set a variable to a value of the binding."""
        self._ask(f"write {item}", "MmsConnection_writeVariable", domain.encode(), item.encode(), _pointer(value))

    def switch_messages(self) -> None:
        """Write true to @/IM_Transfer_Set. The answer goes by: no call of the library awaits it."""
        item = b"IM_Transfer_Set"
        variable = _tlv(0xA0, _tlv(0x30, _tlv(0xA0, _tlv(0x82, item))))
        service = _tlv(0xA5, variable + _tlv(0xA0, b"\x83\x01\x01"))
        pdu = _tlv(0xA0, _tlv(0x02, _OWN_INVOKE_ID.to_bytes(2, "big")) + service)
        self._ask("enable information messages", "MmsConnection_sendRawData", pdu, len(pdu))

    def domains(self) -> list[str]:
        return self._list("names of domains", "MmsConnection_getDomainNames")

    def vmd_names(self) -> list[str]:
        return self._list("names of the VMD", "MmsConnection_getVMDVariableNames")

    def names(self, domain: str = DOMAIN) -> list[str]:
        return self._list("names", "MmsConnection_getDomainVariableNames", domain.encode())

    def data_sets(self, domain: str = DOMAIN) -> list[str]:
        return self._list("names of data sets", "MmsConnection_getDomainVariableListNames", domain.encode())

    def type_of(self, item: str) -> None:
        self._ask(f"type of {item}", "MmsConnection_getVariableAccessAttributes", DOMAIN.encode(), item.encode())

    def define(self, data_set: str, members: Sequence[str]) -> None:
        """Create a data set of variables of the domain."""
        listed = lib.LinkedList_create()
        for name in members:
            lib.LinkedList_add(listed, lib.MmsVariableAccessSpecification_create(DOMAIN, name))
        arguments = (DOMAIN.encode(), data_set.encode(), _pointer(listed))
        self._ask(f"create data set {data_set}", "MmsConnection_defineNamedVariableList", *arguments)

    def members(self, data_set: str) -> None:
        deletable = ctypes.c_bool()
        arguments = (DOMAIN.encode(), data_set.encode(), ctypes.byref(deletable))
        self._ask(f"elements of {data_set}", "MmsConnection_readNamedVariableListDirectory", *arguments)

    def values(self, data_set: str) -> None:
        arguments = (DOMAIN.encode(), data_set.encode(), ctypes.c_bool(False))
        self._ask(f"values of {data_set}", "MmsConnection_readNamedVariableListValues", *arguments)

    def delete(self, data_set: str) -> None:
        arguments = (DOMAIN.encode(), data_set.encode())
        self._ask(f"delete data set {data_set}", "MmsConnection_deleteNamedVariableList", *arguments)

    def next_transfer_set(self) -> str:
        """The name of a transfer set that is free."""
        granted = self.read("Next_DSTransfer_Set")
        name: bytes = _calls.MmsValue_toString(ctypes.c_void_p(_calls.MmsValue_getElement(granted, 2)))
        text = name.decode()
        _calls.MmsValue_delete(granted)
        return text

    def _list(self, what: str, function: str, *arguments: Any) -> list[str]:
        found = []
        each = _calls.LinkedList_getNext(ctypes.c_void_p(self._ask(what, function, *arguments)))
        while each:
            text = ctypes.c_char_p(_calls.LinkedList_getData(ctypes.c_void_p(each))).value or b""
            found.append(text.decode())
            each = _calls.LinkedList_getNext(ctypes.c_void_p(each))
        return found

    def _ask(self, what: str, function: str, *arguments: Any) -> Any:
        answer = getattr(_calls, function)(_pointer(self.handle), _pointer(self._error), *arguments)
        self._must(what)
        return answer

    def _must(self, what: str) -> None:
        code = lib.MmsError_getValue(self._error)
        if code != _NONE:
            raise RefusedError(what, code)


def forget(value: Any) -> None:
    """Delete a value that was read."""
    _calls.MmsValue_delete(value)


def structure(*members: Any) -> Any:
    value = lib.MmsValue_createEmptyStructure(len(members))
    for place, member in enumerate(members):
        lib.MmsValue_setElement(value, place, member)
    return value


def string(text: str) -> Any:
    return lib.MmsValue_newVisibleString(text)


def integer(number: int) -> Any:
    return lib.MmsValue_newIntegerFromInt32(number)


def boolean(flag: bool) -> Any:
    return lib.MmsValue_newBoolean(flag)


def bits(width: int, *on: int) -> Any:
    """A bit string of which the bits numbered in `on` are set."""
    value = lib.MmsValue_newBitString(width)
    for position in on:
        lib.MmsValue_setBitStringBit(value, position, True)
    return value


def transfer_set(data_set: str, *, status: bool) -> Any:
    """A DSTransferSet that reports by exception, once a second."""
    return structure(
        structure(lib.MmsValue_newUnsignedFromUint32(1), string(DOMAIN), string(data_set)),
        *(integer(number) for number in (0, 1, 0, 0, 0)),
        bits(5, 0, 2),  # interval, object change
        *(boolean(flag) for flag in (False, False, True, False, status)),
        integer(0),
    )


def _pointer(proxy: Any) -> ctypes.c_void_p:
    """A handle of the binding as ctypes takes it."""
    return ctypes.c_void_p(int(getattr(proxy, "this", proxy)))


def _tlv(tag: int, contents: bytes) -> bytes:
    return bytes((tag, len(contents))) + contents
