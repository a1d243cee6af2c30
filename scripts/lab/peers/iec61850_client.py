"""A TASE.2 client on libiec61850, the second stack: reads and reports by exception on one association.

    python -m scripts.lab.peers.iec61850_client --host 10.1.100.1 [--blocks | --trespass]

The library hands a report to Python one variable at a time, so a report is counted when its `Sequence` arrives. With
--blocks it first goes through what it can of Blocks 1, 4 and 5; with --trespass it asks for what it must not have in
between, and must be denied each time.
"""

import argparse
import os
import queue
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pyiec61850.pyiec61850 as lib

from scripts.lab.peers import iec61850
from scripts.lab.peers.iec61850 import DOMAIN, Connection, RefusedError
from scripts.lab.peers.sequence import Pace, SequenceCheck
from scripts.lab.programs import conclude, report

_DATA_SET: Final = "DS_lib"
_MEMBERS: Final = (
    "Transfer_Set_Name",
    "Transfer_Set_Time_Stamp",
    "DSConditions_Detected",
    "Sequence",
    "PT_0",
    "PT_1",
)
_FOREIGN: Final = "ICC2"
_READ_S: Final = 0.25
_TRESPASS_S: Final = 0.05
_MESSAGE_S: Final = 5.0
_QUEUE_MAX: Final = 10_000


class Reports(lib.InformationReportHandler):  # type: ignore[misc]
    """What the library calls for each variable of each report, from a thread of its own."""

    def __init__(self) -> None:
        lib.InformationReportHandler.__init__(self)
        self.numbers: queue.Queue[tuple[int, int]] = queue.Queue(_QUEUE_MAX)
        self.message = threading.Event()
        """An information message has come."""

    def trigger(self) -> None:
        name = self.getVariableListName()
        if name == "Sequence":
            number = lib.MmsValue_toInt32(lib.MmsValue_getElement(self.getMmsValue(), 0))
            self.numbers.put_nowait((number, time.monotonic_ns()))
        elif name == "Info_Mess_Header":
            self.message.set()


class Client:
    """One association, its reports and its reads."""

    def __init__(self, host: str, port: int) -> None:
        self.reports = SequenceCheck()
        self.pace = Pace()
        self.round_trip_longest_ms = 0.0
        self.requests = 0
        self.denied: Counter[str] = Counter()
        self.failures: list[str] = []
        self._handler = Reports()
        self._subscriber = lib.InformationReportSubscriber()
        self._transfer_set = ""
        self._connection = Connection(host, port)
        self._subscriber.setMmsConnection(self._connection.handle)
        self._subscriber.setEventHandler(self._handler)
        self._subscriber.subscribe()

    def go_through_blocks(self) -> None:
        """Block 1: look around, read, set a value. Block 4: an information message. Block 5: a control, its tag."""
        peer = self._connection
        peer.identify()
        peer.domains()
        peer.vmd_names()
        peer.names()
        for name, domain in (("Bilateral_Table_ID", DOMAIN), ("TASE2_Version", None), ("Supported_Features", None)):
            iec61850.forget(peer.read(name, domain))
        peer.type_of("PT_0")
        iec61850.forget(peer.read("PT_0"))
        peer.write("SP_1", iec61850.integer(7))
        peer.switch_messages()
        if not self._handler.message.wait(_MESSAGE_S):
            raise ConnectionError("no information message came")
        iec61850.forget(peer.read("BRK1_SBO"))
        peer.write("BRK1", iec61850.integer(1))
        peer.write("BRK1_TAG", iec61850.structure(iec61850.bits(3, 1), iec61850.string("maintenance")))
        iec61850.forget(peer.read("BRK1_TAG"))

    def start(self, *, blocks: bool = False) -> None:
        """Define a data set and start its transfer by exception (Block 2); look at the data set, too, with `blocks`."""
        peer = self._connection
        peer.define(_DATA_SET, _MEMBERS)
        if blocks:
            peer.data_sets()
            peer.members(_DATA_SET)
            peer.values(_DATA_SET)
        self._transfer_set = peer.next_transfer_set()
        self._write_transfer_set(status=True)

    def read(self) -> None:
        """One read, timed."""
        started_ns = time.monotonic_ns()
        try:
            iec61850.forget(self._connection.read("Bilateral_Table_ID"))
        except RefusedError as error:
            self.failures.append(str(error))
        self.requests += 1
        elapsed_ms = (time.monotonic_ns() - started_ns) / 1e6
        self.round_trip_longest_ms = max(self.round_trip_longest_ms, elapsed_ms)

    def trespass(self) -> None:
        """Ask for what is forbidden, once each, with a read in between."""
        peer = self._connection
        forbidden: dict[str, Callable[[], Any]] = {
            "write": lambda: peer.write("SP_1", iec61850.integer(1), _FOREIGN),
            "operate": lambda: peer.write("BRK2", iec61850.integer(1)),
            "names": lambda: peer.names(_FOREIGN),
            "data set": lambda: peer.define("SECRET", ("PT_0",)),
        }
        for kind, ask in forbidden.items():
            try:
                ask()
                self.failures.append(f"{kind}: no error where a denial belongs")
            except RefusedError as error:
                if error.code == iec61850.ACCESS_DENIED:
                    self.denied[kind] += 1
                else:
                    self.failures.append(f"{kind}: {error} where a denial belongs")
            self.read()

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
        self._connection.delete(_DATA_SET)
        self.take_reports()

    def leave(self) -> None:
        """Conclude the association and end the process, with nothing left to lose.

        The library may crash in the call, and does when a subscriber lives at the interpreter's own exit.
        """
        sys.stdout.flush()
        self._connection.conclude()
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
            "denied": dict(self.denied),
            "late_longest_ms": round(self.pace.late_longest_ms, 1),
            "round_trip_longest_ms": round(self.round_trip_longest_ms, 1),
            "errors": self.failures[:10],
        }

    def _write_transfer_set(self, *, status: bool) -> None:
        self._connection.write(self._transfer_set, iec61850.transfer_set(_DATA_SET, status=status))


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
    parser.add_argument("--blocks", action="store_true", help="go through Blocks 1, 4 and 5 first")
    parser.add_argument("--trespass", action="store_true", help="ask for what is forbidden, too")
    options = parser.parse_args()
    stopping = _stop_on_sigterm()
    client = Client(options.host, options.port)
    if options.blocks:
        client.go_through_blocks()
    client.start(blocks=options.blocks)
    while not stopping.wait(_TRESPASS_S if options.trespass else _READ_S) and not client.failures:
        if options.trespass:
            client.trespass()
        else:
            client.read()
        client.take_reports()
        report(**client.totals())
    client.finish()
    conclude(**client.totals())
    client.leave()


if __name__ == "__main__":
    main()
