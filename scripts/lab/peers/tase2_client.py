"""TASE.2 clients on hat-drivers: the whole conversation of Blocks 1, 2, 4 and 5, then reports until SIGTERM.

    python -m scripts.lab.peers.tase2_client --host 10.1.100.1 --associations 10

Every report's sequence number and every value in it is checked. With `--reconnect`, an association that ends is
opened anew.
"""

import argparse
import asyncio
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from hat.drivers import mms, net

from scripts.lab.peers import model
from scripts.lab.peers.sequence import Pace, SequenceCheck
from scripts.lab.programs import conclude, report

_PROGRESS_S: Final = 0.25
_KEEPALIVE_S: Final = 2.0
_KEEPALIVE_STAGGER_S: Final = 0.3  # so that associations do not ask in step
ANSWER_TIMEOUT_S: Final = 10.0
_LARGE: Final = 2  # the number of the association with large reports
_LARGE_POINTS: Final = 240  # a report of this many points takes several transport units
_LARGE_INTERVAL_S: Final = 5
_SMALL_POINTS: Final = 6
_ACKNOWLEDGE_EVERY: Final = 10
_RETRY_S: Final = 0.02


class RefusedError(Exception):
    """The server's answer was not what the conversation needs."""


@dataclass
class Tally:
    """What one association has seen."""

    reports: SequenceCheck = field(default_factory=SequenceCheck)
    wrong_values: int = 0
    requests: int = 0
    denied: Counter[str] = field(default_factory=Counter)
    round_trip_longest_ms: float = 0.0
    pace: Pace = field(default_factory=Pace)
    errors: list[str] = field(default_factory=list)
    ended: bool = False
    reconnects: int = 0
    outage_longest_ms: float = 0.0


class Association:
    """One association and its transfer set. Number 2 is the one with large, slow reports."""

    def __init__(self, number: int, host: str, port: int) -> None:
        self.number = number
        self.tally = Tally()
        self.reporting = asyncio.Event()
        self._address = net.TcpAddress(host, port)
        self._connection: Any = None
        self._data_set = f"DS_{number}"
        self._transfer_set = ""
        self._points = _LARGE_POINTS if number == _LARGE else _SMALL_POINTS
        self._interval_s = _LARGE_INTERVAL_S if number == _LARGE else 1
        self._rbe = number % 2 == 1
        self._stopping = False
        self._information = asyncio.Event()

    @property
    def open(self) -> bool:
        return self._connection is not None and bool(self._connection.is_open)

    async def start(self) -> None:
        """Associate, go through the conversation and start the transfer.

        Raises RefusedError or ConnectionError.
        """
        self.tally.pace.pause()
        self._connection = await mms.connect(
            self._address,
            local_detail_calling=32000,
            request_cb=lambda *_: mms.IdentifyResponse("lab", "tase2-client", "1", None),
            unconfirmed_cb=self._unconfirmed,
            local_tsel=1,
            remote_tsel=1,
            local_ssel=1,
            remote_ssel=1,
            local_psel=1,
            remote_psel=1,
            local_ap_title=(1, 1, 999, 1),
            remote_ap_title=(1, 1, 999, 2),
            local_ae_qualifier=12,
            remote_ae_qualifier=12,
        )
        await self._look_around()
        await self._operate()
        await self._start_transfer()

    async def _look_around(self) -> None:
        await self._ask(mms.IdentifyRequest())
        vmd = mms.VmdSpecificObjectScope()
        domain = mms.DomainSpecificObjectScope(model.DOMAIN)
        await self._ask(mms.GetNameListRequest(mms.ObjectClass.DOMAIN, vmd, None))
        await self._ask(mms.GetNameListRequest(mms.ObjectClass.NAMED_VARIABLE, domain, None))
        first = ("TASE2_Version", "Supported_Features")
        names = [model.domain_variable("Bilateral_Table_ID"), *(model.vmd_variable(name) for name in first)]
        table = (await self._ask(mms.ReadRequest(names))).results[0]
        if table != mms.VisibleStringData(model.BILATERAL_TABLE):
            raise RefusedError(f"bilateral table {table}")
        await self._ask(mms.GetVariableAccessAttributesRequest(model.domain_name("PT_0")))

    async def _operate(self) -> None:
        """An information message, and a control: select, operate, tag."""
        switch = mms.NameVariableSpecification(mms.AaSpecificObjectName("IM_Transfer_Set"))
        await self._write(switch, model.boolean(True))
        await asyncio.wait_for(self._information.wait(), ANSWER_TIMEOUT_S)
        await self._ask(mms.ReadRequest([model.domain_variable("BRK1_SBO")]))
        await self._write(model.domain_variable("BRK1"), model.integer(1))
        await self._write(model.domain_variable("BRK1_TAG"), model.tag("maintenance", 1))

    async def _start_transfer(self) -> None:
        members = [*model.HEADER, *model.point_names(self._points)]
        name = model.domain_name(self._data_set)
        await self._ask(mms.DefineNamedVariableListRequest(name, [model.domain_variable(item) for item in members]))
        await self._ask(mms.GetNamedVariableListAttributesRequest(name))
        await self._ask(mms.ReadRequest(name))
        answer = await self._ask(mms.ReadRequest([model.domain_variable("Next_DSTransfer_Set")]))
        self._transfer_set = answer.results[0].elements[2].value
        await self._write_transfer_set(status=True)

    async def _write_transfer_set(self, *, status: bool) -> None:
        value = model.transfer_set(self._data_set, self._interval_s, rbe=self._rbe, critical=True, status=status)
        await self._write(model.domain_variable(self._transfer_set), value)

    async def keep_alive(self) -> None:
        """Ask at even times, Identify and reads in turn, and note the round trip."""
        requests = (mms.IdentifyRequest(), mms.ReadRequest([model.domain_variable("Bilateral_Table_ID")]))
        await asyncio.sleep(self.number * _KEEPALIVE_STAGGER_S % _KEEPALIVE_S)
        while self.open and not self._stopping:
            await asyncio.sleep(_KEEPALIVE_S)
            started_ns = time.monotonic_ns()
            await self._ask(requests[self.tally.requests % len(requests)])
            elapsed_ms = (time.monotonic_ns() - started_ns) / 1e6
            self.tally.requests += 1
            self.tally.round_trip_longest_ms = max(self.tally.round_trip_longest_ms, elapsed_ms)

    async def finish(self) -> None:
        """Stop the transfer, delete the data set, conclude."""
        self._stopping = True
        if not self.open:
            return
        try:
            await self._write_transfer_set(status=False)
            await self._ask(mms.DeleteNamedVariableListRequest([model.domain_name(self._data_set)]))
        except (ConnectionError, RefusedError, TimeoutError) as error:
            self.tally.errors.append(f"at the end: {error!r}")
        await self._connection.async_close()

    async def _ask(self, request: Any) -> Any:
        answer = await asyncio.wait_for(self._connection.send_confirmed(request), ANSWER_TIMEOUT_S)
        if not type(answer).__name__.endswith("Response"):
            raise RefusedError(f"{type(request).__name__}: {answer}")
        return answer

    async def _write(self, variable: Any, value: Any) -> None:
        results = (await self._ask(mms.WriteRequest([variable], [value]))).results
        if results != [None]:
            raise RefusedError(f"write refused: {results}")

    async def _unconfirmed(self, _: Any, unconfirmed: Any) -> None:
        if isinstance(unconfirmed.specification, list):
            names = [model.split_name(each.name)[1] for each in unconfirmed.specification]
            if names[0] == "Info_Mess_Header":
                self._information.set()
                return
        else:
            names = [*model.HEADER, *model.point_names(self._points)]
        self._take_report(names, unconfirmed.data)
        if self.tally.reports.received % _ACKNOWLEDGE_EVERY == 0:
            await self._acknowledge()

    def _take_report(self, names: list[str], values: list[Any]) -> None:
        if not self._stopping:
            self.tally.pace.arrive(time.monotonic_ns())
        self.reporting.set()
        content = dict(zip(names, values, strict=False))
        sequence = content[model.SEQUENCE].elements[0].value
        self.tally.reports.see(sequence)
        self.tally.wrong_values += sum(
            content[name] != model.point_value(name, sequence) for name in names[len(model.HEADER) :]
        )

    async def _acknowledge(self) -> None:
        """Transfer_Report_ACK: an information report toward the server."""
        names = [
            model.domain_variable("Transfer_Report_ACK"),
            model.domain_variable("Transfer_Set_Time_Stamp"),
        ]
        data = [model.object_name(self._transfer_set), model.integer(int(time.time()))]
        await self._connection.send_unconfirmed(mms.InformationReportUnconfirmed(names, data))


class Clients:
    """All associations of this process."""

    def __init__(self, options: argparse.Namespace, make: type[Association] = Association) -> None:
        self._reconnect: bool = options.reconnect
        self._associations = [make(n, options.host, options.port) for n in range(options.associations)]
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Start all, one after the other; tell the progress until SIGTERM; finish all; conclude."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stopping.set)
        for association in self._associations:
            await association.start()
        tasks = [asyncio.create_task(self._live(association)) for association in self._associations]
        await asyncio.gather(*(each.reporting.wait() for each in self._associations))
        while not self._stopping.is_set():
            report(**self._totals())
            await asyncio.wait([asyncio.create_task(self._stopping.wait())], timeout=_PROGRESS_S)
        await asyncio.gather(*(association.finish() for association in self._associations))
        for task in tasks:
            task.cancel()
        conclude(**self._totals())

    async def _live(self, association: Association) -> None:
        """Keep one association busy until the end; note when it ends early."""
        while not self._stopping.is_set():
            try:
                await association.keep_alive()
            except (ConnectionError, TimeoutError, RefusedError) as error:
                if not self._stopping.is_set():  # at the end, a question may be cut off by the close
                    association.tally.errors.append(f"association {association.number}: {error!r}")
            if self._stopping.is_set():
                return
            association.tally.ended = True
            if not self._reconnect:
                return
            await self._reopen(association)

    async def _reopen(self, association: Association) -> None:
        started_ns = time.monotonic_ns()
        association.tally.reports.restart()
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(association.start(), 2.0)
            except Exception:  # the stack raises bare exceptions when it is refused
                await asyncio.sleep(_RETRY_S)
                continue
            tally = association.tally
            tally.reconnects += 1
            tally.outage_longest_ms = max(tally.outage_longest_ms, (time.monotonic_ns() - started_ns) / 1e6)
            return

    def _totals(self) -> dict[str, Any]:
        tallies = [association.tally for association in self._associations]
        return {
            "associations": len(tallies),
            "alive": sum(association.open for association in self._associations),
            "survived": sum(not tally.ended and not tally.errors for tally in tallies),
            "reports": sum(tally.reports.received for tally in tallies),
            "missed": sum(tally.reports.missed for tally in tallies),
            "repeated": sum(tally.reports.repeated for tally in tallies),
            "reordered": sum(tally.reports.reordered for tally in tallies),
            "wrong_values": sum(tally.wrong_values for tally in tallies),
            "requests": sum(tally.requests for tally in tallies),
            "round_trip_longest_ms": round(max(tally.round_trip_longest_ms for tally in tallies), 1),
            "late_longest_ms": round(max(tally.pace.late_longest_ms for tally in tallies), 1),
            "reconnects": sum(tally.reconnects for tally in tallies),
            "outage_longest_ms": round(max(tally.outage_longest_ms for tally in tallies), 1),
            "denied": dict(sum((tally.denied for tally in tallies), Counter())),
            "errors": [error for tally in tallies for error in tally.errors][:10],
        }


def run(description: str | None, make: type[Association] = Association) -> None:
    """The whole program, with associations of a kind."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=102)
    parser.add_argument("--associations", type=int, default=1)
    parser.add_argument("--reconnect", action="store_true", help="open an association anew when it ends")
    asyncio.run(Clients(parser.parse_args(), make).run())


if __name__ == "__main__":
    run(__doc__)
