"""A TASE.2 client on libiec61850, the second stack: reads and reports by exception on one association.

    python -m scripts.lab.peers.iec61850_client --host 10.1.100.1

The library hands a report to Python one variable at a time, so a report is counted when its `Sequence` arrives.
It does so from a thread of its own, which needs the interpreter; so calls that wait for the peer go through ctypes,
which lets go of the interpreter meanwhile. Through the binding, a report that comes before the answer is a deadlock.
"""

import argparse
import ctypes
import os
import queue
import signal
import sys
import threading
import time
from typing import Any, Final

import pyiec61850.pyiec61850 as lib

from scripts.lab.peers.sequence import Pace, SequenceCheck
from scripts.lab.programs import conclude, report

_DOMAIN: Final = "ICC1"
_DATA_SET: Final = "DS_lib"
_MEMBERS: Final = (
    "Transfer_Set_Name",
    "Transfer_Set_Time_Stamp",
    "DSConditions_Detected",
    "Sequence",
    "PT_0",
    "PT_1",
)
_READ_S: Final = 0.25
_REQUEST_TIMEOUT_MS: Final = 5000
_QUEUE_MAX: Final = 10_000

_waiting = ctypes.CDLL(lib._pyiec61850.__file__)
_waiting.MmsConnection_readVariable.restype = ctypes.c_void_p


class Reports(lib.InformationReportHandler):  # type: ignore[misc]
    """What the library calls for each variable of each report, from a thread of its own."""

    def __init__(self) -> None:
        lib.InformationReportHandler.__init__(self)
        self.numbers: queue.Queue[tuple[int, int]] = queue.Queue(_QUEUE_MAX)

    def trigger(self) -> None:
        if self.getVariableListName() == "Sequence":
            number = lib.MmsValue_toInt32(lib.MmsValue_getElement(self.getMmsValue(), 0))
            self.numbers.put_nowait((number, time.monotonic_ns()))


class Client:
    """One association, its reports and its reads."""

    def __init__(self, host: str, port: int) -> None:
        self.error = lib.MmsError_create()
        self.connection = lib.MmsConnection_create()
        self.reports = SequenceCheck()
        self.pace = Pace()
        self.round_trip_longest_ms = 0.0
        self.requests = 0
        self.failures: list[str] = []
        self._handler = Reports()
        self._subscriber = lib.InformationReportSubscriber()
        self._transfer_set = ""
        parameters = lib.MmsConnection_getIsoConnectionParameters(self.connection)
        lib.IsoConnectionParameters_setLocalApTitle(parameters, "1.1.999.1", 12)
        lib.IsoConnectionParameters_setRemoteApTitle(parameters, "1.1.999.2", 12)
        lib.MmsConnection_setRequestTimeout(self.connection, _REQUEST_TIMEOUT_MS)
        lib.MmsConnection_connect(self.connection, self.error, host, port)
        self._must("associate")

    def start(self) -> None:
        """Define a data set and start its transfer by exception."""
        self._subscriber.setMmsConnection(self.connection)
        self._subscriber.setEventHandler(self._handler)
        self._subscriber.subscribe()
        members = lib.LinkedList_create()
        for name in _MEMBERS:
            lib.LinkedList_add(members, lib.MmsVariableAccessSpecification_create(_DOMAIN, name))
        lib.MmsConnection_defineNamedVariableList(self.connection, self.error, _DOMAIN, _DATA_SET, members)
        self._must("define a data set")
        granted = lib.MmsConnection_readVariable(self.connection, self.error, _DOMAIN, "Next_DSTransfer_Set")
        self._must("get a transfer set")
        self._transfer_set = lib.MmsValue_toString(lib.MmsValue_getElement(granted, 2))
        self._write_transfer_set(status=True)

    def read(self) -> None:
        """One read, timed."""
        started_ns = time.monotonic_ns()
        value = self._wait("MmsConnection_readVariable", b"Bilateral_Table_ID")
        if value:
            _waiting.MmsValue_delete(ctypes.c_void_p(value))
        self.requests += 1
        code = lib.MmsError_getValue(self.error)
        if code != 0:
            self.failures.append(f"read: {lib.MmsError_toString(code)}")
        elapsed_ms = (time.monotonic_ns() - started_ns) / 1e6
        self.round_trip_longest_ms = max(self.round_trip_longest_ms, elapsed_ms)

    def take_reports(self) -> None:
        """Count what has arrived since."""
        while not self._handler.numbers.empty():
            number, arrived_ns = self._handler.numbers.get_nowait()
            self.pace.arrive(arrived_ns)
            self.reports.see(number)

    def finish(self) -> None:
        """Stop the transfer and delete the data set."""
        if self.failures:
            return
        self._write_transfer_set(status=False)
        self._wait("MmsConnection_deleteNamedVariableList", _DATA_SET.encode())
        self._must("delete the data set")
        self.take_reports()

    def leave(self) -> None:
        """Conclude the association and end the process, with nothing left to lose.

        The library may crash in the call, and does when a subscriber lives at the interpreter's own exit.
        """
        sys.stdout.flush()
        lib.MmsConnection_conclude(self.connection, self.error)
        os._exit(0)

    def totals(self) -> dict[str, Any]:
        return {
            "associations": 1,
            "survived": int(not self.failures),
            "reports": self.reports.received,
            "missed": self.reports.missed,
            "repeated": self.reports.repeated,
            "reordered": self.reports.reordered,
            "requests": self.requests,
            "late_longest_ms": round(self.pace.late_longest_ms, 1),
            "round_trip_longest_ms": round(self.round_trip_longest_ms, 1),
            "errors": self.failures[:10],
        }

    def _write_transfer_set(self, *, status: bool) -> None:
        value = _structure(
            _structure(lib.MmsValue_newUnsignedFromUint32(1), _string(_DOMAIN), _string(_DATA_SET)),
            *(_integer(number) for number in (0, 1, 0, 0, 0)),
            _conditions(),
            *(_boolean(flag) for flag in (False, False, True, False, status)),
            _integer(0),
        )
        name = self._transfer_set.encode()
        self._wait("MmsConnection_writeVariable", name, ctypes.c_void_p(int(value)))
        self._must("write a transfer set")

    def _wait(self, function: str, item: bytes, *more: ctypes.c_void_p) -> Any:
        """Call a function of the library that waits for the peer's answer on `item` of our domain."""
        handles = (ctypes.c_void_p(int(handle)) for handle in (self.connection, self.error))
        return getattr(_waiting, function)(*handles, _DOMAIN.encode(), item, *more)

    def _must(self, what: str) -> None:
        code = lib.MmsError_getValue(self.error)
        if code != 0:
            raise ConnectionError(f"cannot {what}: {lib.MmsError_toString(code)}")


def _structure(*members: Any) -> Any:
    value = lib.MmsValue_createEmptyStructure(len(members))
    for place, member in enumerate(members):
        lib.MmsValue_setElement(value, place, member)
    return value


def _string(text: str) -> Any:
    return lib.MmsValue_newVisibleString(text)


def _integer(number: int) -> Any:
    return lib.MmsValue_newIntegerFromInt32(number)


def _boolean(flag: bool) -> Any:
    return lib.MmsValue_newBoolean(flag)


def _conditions() -> Any:
    """DSConditions: interval and object change."""
    value = lib.MmsValue_newBitString(5)
    for position in (0, 2):
        lib.MmsValue_setBitStringBit(value, position, True)
    return value


def _stop_on_sigterm() -> threading.Event:
    """An event that SIGTERM sets, seen by a thread of its own: a signal in the library's wait would end the wait."""
    stopping = threading.Event()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # for every thread that is started from now on

    def watch() -> None:
        signal.sigwait({signal.SIGTERM})
        stopping.set()

    threading.Thread(target=watch, daemon=True).start()
    return stopping


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=102)
    options = parser.parse_args()
    stopping = _stop_on_sigterm()
    client = Client(options.host, options.port)
    client.start()
    while not stopping.wait(_READ_S) and not client.failures:
        client.read()
        client.take_reports()
        report(**client.totals())
    client.finish()
    conclude(**client.totals())
    client.leave()


if __name__ == "__main__":
    main()
