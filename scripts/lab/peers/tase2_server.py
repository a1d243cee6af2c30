"""A TASE.2 server on hat-drivers (Blocks 1, 2, 4 and 5) for many associations.

    python -m scripts.lab.peers.tase2_server --host 172.16.200.177 --rate 10

A transfer set with Interval 1 is reported `--rate` times a second, so that a lab run need not last minutes.
"""

import argparse
import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from hat import aio
from hat.drivers import mms, net

from scripts.lab.peers import model
from scripts.lab.programs import conclude, report

TRANSFER_SETS: Final = 4096
_NAMES_PER_ANSWER: Final = 100
_RBE_STRIDE: Final = 2  # of the analogs, an RBE report carries every second one
_KINDS_MAX: Final = 1000  # of requests told apart

_VMD: Final = {
    "TASE2_Version": model.structure(model.integer(2000), model.integer(8)),
    "Supported_Features": model.bits(12, 0, 1, 3, 4),
}


class Association:
    """One client's association: its data sets, transfer sets, set-points and what it has selected."""

    def __init__(self, server: "Tase2Server", connection: Any) -> None:
        self.server = server
        self.connection = connection
        self.data_sets: dict[str, list[Any]] = {}
        self.transfers: dict[str, object] = {}  # running ones, each with a token of its own
        self.selected: set[str] = set()
        self.tags: dict[str, Any] = {}
        self.set_points: dict[str, Any] = {}

    async def answer(self, request: Any) -> Any:
        """The response to any confirmed request."""
        handler = _HANDLERS.get(type(request))
        if handler is None:
            return mms.AccessError.OBJECT_ACCESS_UNSUPPORTED
        return handler(self, request)

    def identify(self, _: Any) -> Any:
        return mms.IdentifyResponse("lab", "tase2-server", "1", None)

    def names(self, request: Any) -> Any:
        in_vmd = isinstance(request.object_scope, mms.VmdSpecificObjectScope)
        if request.object_class == mms.ObjectClass.DOMAIN:
            found = [model.DOMAIN]
        elif request.object_class == mms.ObjectClass.NAMED_VARIABLE_LIST:
            found = [] if in_vmd else sorted(self.data_sets)
        else:
            found = sorted(_VMD) if in_vmd else [*_VARIABLES, *model.DEVICE_NAMES, *model.point_names(20)]
        if request.continue_after in found:
            found = found[found.index(request.continue_after) + 1 :]
        return mms.GetNameListResponse(found[:_NAMES_PER_ANSWER], len(found) > _NAMES_PER_ANSWER)

    def read(self, request: Any) -> Any:
        if isinstance(request.value, mms.DomainSpecificObjectName):
            members = self.data_sets.get(request.value.item_id, [])
        else:
            members = request.value
        return mms.ReadResponse([self._value(model.split_name(member.name)) for member in members])

    def _value(self, name: tuple[str | None, str]) -> Any:
        domain, item = name
        if domain is None:
            value = _VMD.get(item)
        elif item in _VARIABLES:
            value = _VARIABLES[item](self)
        elif (device := model.device(item)) is not None:
            value = self._device_value(device, item)
        else:
            value = self.set_points.get(item) or model.point_value(item, 0)
        return mms.DataAccessError.OBJECT_NON_EXISTENT if value is None else value

    def next_transfer_set(self) -> Any:
        return model.object_name(self.server.free_transfer_set())

    def _device_value(self, device: str, item: str) -> Any:
        """A device's state, its tag, or the answer to its select."""
        if item == device + model.SELECT:
            self.selected.add(device)
            return model.integer(model.CHECK_BACK_ID)
        if item == device + model.TAG:
            return self.tags.get(device, model.tag(""))
        return model.integer(0)

    def write(self, request: Any) -> Any:
        pairs = zip(request.specification, request.data, strict=False)
        return mms.WriteResponse([self._write(model.split_name(spec.name), data) for spec, data in pairs])

    def _write(self, name: tuple[str | None, str], value: Any) -> Any:
        domain, item = name
        device = model.device(item)
        if domain == model.ASSOCIATION and item == "IM_Transfer_Set":
            if value.value:
                self.connection.async_group.spawn(self._inform)
        elif item.startswith("TS_"):
            self._write_transfer_set(item, value)
        elif item.startswith("SP_"):
            self.set_points[item] = value
        elif device is not None and item == device + model.TAG:
            self.tags[device] = value
        elif item in self.selected:
            self.selected.remove(item)
        else:
            return mms.DataAccessError.OBJECT_ACCESS_DENIED
        return None

    def _write_transfer_set(self, item: str, value: Any) -> None:
        self.transfers.pop(item, None)
        if value.elements[11].value:
            token = self.transfers[item] = object()
            self.connection.async_group.spawn(self._report, item, value, token)

    async def _report(self, item: str, transfer_set: Any, token: object) -> None:
        """Send report after report, numbered from 0, at an even pace."""
        data_set = transfer_set.elements[0].elements[2].value
        interval_s = max(transfer_set.elements[2].value, 1) / self.server.rate
        rbe = transfer_set.elements[9].value
        due = time.monotonic()
        sequence = 0
        while self.connection.is_open and self.transfers.get(item) is token:
            await self.connection.send_unconfirmed(self._transfer_report(item, data_set, rbe, sequence))
            self.server.reports_sent += 1
            sequence += 1
            due += interval_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _transfer_report(self, item: str, data_set: str, rbe: bool, sequence: int) -> Any:
        members = self.data_sets.get(data_set, [])
        values = [self._reported(item, rbe, sequence, model.split_name(each.name)[1]) for each in members]
        if not rbe:  # an interval report names the data set, a report by exception each variable
            return mms.InformationReportUnconfirmed(model.domain_name(data_set), values)
        head = len(model.HEADER) + 1
        kept = [place for place in range(len(members)) if place < head or place % _RBE_STRIDE]
        return mms.InformationReportUnconfirmed([members[place] for place in kept], [values[place] for place in kept])

    @staticmethod
    def _reported(item: str, rbe: bool, sequence: int, member: str) -> Any:
        if member == "Transfer_Set_Name":
            return model.object_name(item)
        if member == "Transfer_Set_Time_Stamp":
            return model.integer(int(time.time()))
        if member == "DSConditions_Detected":
            return model.bits(5, 2 if rbe else 0)
        value = model.point_value(member, sequence)
        return mms.DataAccessError.OBJECT_NON_EXISTENT if value is None else value

    async def _inform(self) -> None:
        """The information message of Block 4."""
        header = model.structure(*(model.integer(number) for number in (1, 2, 3, 5)))
        specification = [model.domain_variable("Info_Mess_Header"), model.domain_variable("Info_Buff_64")]
        data = [header, mms.OctetStringData(b"hello" + bytes(59))]
        await self.connection.send_unconfirmed(mms.InformationReportUnconfirmed(specification, data))

    def define(self, request: Any) -> Any:
        self.data_sets[model.split_name(request.name)[1]] = list(request.specification)
        return mms.DefineNamedVariableListResponse()

    def attributes(self, request: Any) -> Any:
        members = self.data_sets.get(model.split_name(request.value)[1])
        if members is None:
            return mms.AccessError.OBJECT_NON_EXISTENT
        return mms.GetNamedVariableListAttributesResponse(True, members)

    def delete(self, request: Any) -> Any:
        names = [model.split_name(name)[1] for name in request.names]
        matched = sum(self.data_sets.pop(name, None) is not None for name in names)
        return mms.DeleteNamedVariableListResponse(matched, matched)

    def access_attributes(self, _: Any) -> Any:
        real = ("Value", mms.FloatingPointTypeDescription(32, 8)), ("Flags", mms.BitStringTypeDescription(8))
        return mms.GetVariableAccessAttributesResponse(False, mms.StructureTypeDescription(list(real)))


_HANDLERS: Final[dict[type, Callable[[Association, Any], Any]]] = {
    mms.IdentifyRequest: Association.identify,
    mms.GetNameListRequest: Association.names,
    mms.ReadRequest: Association.read,
    mms.WriteRequest: Association.write,
    mms.DefineNamedVariableListRequest: Association.define,
    mms.GetNamedVariableListAttributesRequest: Association.attributes,
    mms.DeleteNamedVariableListRequest: Association.delete,
    mms.GetVariableAccessAttributesRequest: Association.access_attributes,
}
_VARIABLES: Final[dict[str, Callable[[Association], Any]]] = {
    "Bilateral_Table_ID": lambda _: mms.VisibleStringData(model.BILATERAL_TABLE),
    "Next_DSTransfer_Set": Association.next_transfer_set,
    **{name: lambda _: mms.DataAccessError.OBJECT_ACCESS_DENIED for name in model.HEADER},
}


class Tase2Server:
    """All associations, and what was sent on them."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.reports_sent = 0
        self.acknowledged = 0
        self.accepted = 0
        self.requests: Counter[str] = Counter()
        self.associations: dict[Any, Association] = {}
        self._next_transfer_set = 0

    def free_transfer_set(self) -> str:
        self._next_transfer_set = self._next_transfer_set % TRANSFER_SETS + 1
        return f"TS_{self._next_transfer_set}"

    def opened(self, connection: Any) -> None:
        self.accepted += 1
        self._association(connection)
        connection.async_group.spawn(aio.call_on_cancel, self.associations.pop, connection, None)

    async def request(self, connection: Any, request: Any) -> Any:
        kind = model.describe(request)
        if kind in self.requests or len(self.requests) < _KINDS_MAX:
            self.requests[kind] += 1
        return await self._association(connection).answer(request)

    async def unconfirmed(self, _: Any, unconfirmed: Any) -> None:
        names = unconfirmed.specification
        if isinstance(names, list) and model.split_name(names[0].name)[1] == "Transfer_Report_ACK":
            self.acknowledged += 1

    def _association(self, connection: Any) -> Association:
        return self.associations.setdefault(connection, Association(self, connection))


async def serve(host: str, port: int, rate: float) -> None:
    """Serve until SIGTERM, with a line of progress each second."""
    server = Tase2Server(rate)
    listening = await mms.listen(
        server.opened,
        net.TcpAddress(host, port),
        request_cb=server.request,
        unconfirmed_cb=server.unconfirmed,
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    while not stop.is_set():
        report(associations=len(server.associations), reports_sent=server.reports_sent)
        try:
            await asyncio.wait_for(stop.wait(), 1.0)
        except TimeoutError:
            continue
    counts = {name: getattr(server, name) for name in ("accepted", "reports_sent", "acknowledged", "requests")}
    conclude(**counts)
    await listening.async_close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=102)
    parser.add_argument("--rate", type=float, default=10.0, help="reports a second of a transfer set with interval 1")
    options = parser.parse_args()
    asyncio.run(serve(options.host, options.port, options.rate))


if __name__ == "__main__":
    main()
