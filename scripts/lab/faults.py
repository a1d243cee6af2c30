"""The ways in which a node can fail, as tables: the blow, how it is mended, what must follow.

FAILURES are those that a demo shows, one at a time; FAULTS, for schedules of several, says besides what a fault does to
the node that it befalls. Clocks and disks go wrong only where the lab gave the node its own; WITNESSED_FAULTS, with
which the nodes may be cut off from each other altogether, need the lab's witness.
"""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final

from scripts.lab import topology as plan
from scripts.lab.admin import AdminError
from scripts.lab.layout import NODE_NAMES
from scripts.lab.namespaces import kill, run
from scripts.lab.nodes import Node
from scripts.lab.topology import Topology

Act = Callable[[Topology, Node], None]

_HEARTBEAT_CABLE: Final = tuple(f"{name}-hb" for name in NODE_NAMES)


@dataclass(frozen=True)
class Failure:
    """One way to fail."""

    name: str
    words: str  # in plain words, of the node that it befalls
    strike: Act
    mend: Act
    takes_over: bool = True  # whether the other node must take over
    notice: bool = False  # whether the node itself lives to say so: no waiting for the lost time


def boottime_ns() -> int:
    """The clock that the nodes state their takeovers in."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def strike(failure: Failure, topology: Topology, node: Node) -> int:
    """Let `node` fail, and return when: CLOCK_BOOTTIME, taken just before the blow."""
    blow_ns = boottime_ns()
    failure.strike(topology, node)
    return blow_ns


def _kill_worker(_: Topology, node: Node) -> None:
    kill(node.pids().worker, signal.SIGKILL)


def _kill_node(_: Topology, node: Node) -> None:
    node.kill()


def _cables(node: Node) -> tuple[str, ...]:
    """All of a node's, the heartbeat's first: in the instant between two ioctls it must not hand over."""
    return (*_HEARTBEAT_CABLE, f"{node.name}-client", f"{node.name}-server")


def _pull_power(topology: Topology, node: Node) -> None:
    topology.unplug(_cables(node))
    node.kill()


def _restore_power(topology: Topology, node: Node) -> None:
    topology.plug_in(_cables(node))
    _restart(topology, node)


def _restart(_: Topology, node: Node) -> None:
    node.reap()
    node.start()


def _freeze(_: Topology, node: Node) -> None:
    node.signal(signal.SIGSTOP)


def _thaw(_: Topology, node: Node) -> None:
    node.signal(signal.SIGCONT)


def _unplug_client(topology: Topology, node: Node) -> None:
    topology.unplug((f"{node.name}-client",))


def _plug_in_client(topology: Topology, node: Node) -> None:
    topology.plug_in((f"{node.name}-client",))


def _unplug_heartbeat(topology: Topology, _: Node) -> None:
    topology.unplug(_HEARTBEAT_CABLE)


def _plug_in_heartbeat(topology: Topology, _: Node) -> None:
    topology.plug_in(_HEARTBEAT_CABLE)


def _switch_over(_: Topology, node: Node) -> None:
    node.ask("/switchover", "POST", timeout_s=10.0)


def _nothing(_: Topology, __: Node) -> None:
    """The node mends itself: its guard starts a new worker."""


FAILURES: Final = {
    failure.name: failure
    for failure in (
        Failure("worker", "its worker process is killed (kill -9)", _kill_worker, _nothing, notice=True),
        Failure("node", "its guard and its worker are killed in the same instant (kill -9)", _kill_node, _restart),
        Failure("power", "its power is pulled: every cable dead, every process gone", _pull_power, _restore_power),
        Failure("freeze", "its guard and its worker are stopped (SIGSTOP), and wake up later", _freeze, _thaw),
        Failure("data-link", "its cable to the client network is unplugged", _unplug_client, _plug_in_client),
        Failure(
            "heartbeat-link",
            "the heartbeat cable is unplugged; a second link remains",
            _unplug_heartbeat,
            _plug_in_heartbeat,
            takes_over=False,
        ),
        Failure(
            "planned",
            "it is told to hand over (tandem execute ha switchover)",
            _switch_over,
            _nothing,
            notice=True,
        ),
    )
}


class Harm(Enum):
    """What becomes of a node while a fault lasts."""

    NONE = "none"
    """It goes on, though perhaps in the other role."""
    SILENT = "silent"
    """It knows what it knew, and says nothing."""
    DEAD = "dead"
    """All that it knew of connections is gone."""


@dataclass(frozen=True)
class Fault:
    """A failure as a part of a schedule."""

    failure: Failure
    harm: Harm = Harm.NONE
    cuts: str = ""
    """The network over which the nodes do not hear each other while it lasts."""
    stops_data: bool = False
    """No traffic passes the node while it lasts."""
    shared: bool = False
    """It befalls both nodes, so that it lasts but once at a time."""
    gives_up_s: float = 0.0
    """For so long from its beginning the node may be about to leave all that it holds to the other one."""


_HANDOVER_S: Final = 1.5  # within which a planned switchover is over
_RESIGNING_S: Final = 2.0  # within which a node without its witness has given way, if it does: a lease and a half of it
_WALL_STEPS_S: Final = {"a": 86_400 * 3, "b": -86_400 * 3}
_BOOT_SHIFTS_S: Final = {"a": 86_400 * 20, "b": 3_600}


def _unplug_server(topology: Topology, node: Node) -> None:
    topology.unplug((f"{node.name}-server",))


def _plug_in_server(topology: Topology, node: Node) -> None:
    topology.plug_in((f"{node.name}-server",))


def _route(topology: Topology, name: str, network: str, what: str) -> None:
    """Nothing that node `name` says to the other one over a network gets there, or again."""
    other = next(each for each in NODE_NAMES if each != name)
    peer = plan.plug(other, network).address.split("/", maxsplit=1)[0]
    run("ip", "-n", topology.namespace(name), "route", what, "blackhole", f"{peer}/32", check=what == "replace")


def _mute(network: str) -> Failure:
    """What the node says to the other one over a data network is lost; what it hears is not, nor are its data."""
    return Failure(
        f"mute-{network}",
        f"its heartbeats over the {network} network are lost, in one direction; its data are not",
        lambda topology, node: _route(topology, node.name, network, "replace"),
        lambda topology, node: _route(topology, node.name, network, "del"),
        takes_over=False,
    )


def _terminate(_: Topology, node: Node) -> None:
    node.stop(patience_s=20.0)


def _start(_: Topology, node: Node) -> None:
    node.start()


def _switch_over_if_it_can(_: Topology, node: Node) -> None:
    with suppress(AdminError):
        node.ask("/switchover", "POST", timeout_s=10.0)


def _step_wall(_: Topology, node: Node) -> None:
    assert node.clocks is not None, "a lab with wrong clocks"
    node.clocks.step_wall(_WALL_STEPS_S[node.name])


def _mend_wall(_: Topology, node: Node) -> None:
    assert node.clocks is not None, "a lab with wrong clocks"
    node.clocks.step_wall(0)


def _die_and_find_other_clocks(_: Topology, node: Node) -> None:
    assert node.clocks is not None, "a lab with wrong clocks"
    node.clocks.boot_shift_s = 0 if node.clocks.boot_shift_s else _BOOT_SHIFTS_S[node.name]
    node.kill()


def _fill_disk(_: Topology, node: Node) -> None:
    assert node.disk is not None, "a lab with small disks"
    node.disk.fill()


def _free_disk(_: Topology, node: Node) -> None:
    assert node.disk is not None, "a lab with small disks"
    node.disk.free()


FAULTS: Final = {
    fault.failure.name: fault
    for fault in (
        Fault(FAILURES["worker"], Harm.DEAD),
        Fault(FAILURES["node"], Harm.DEAD),
        Fault(FAILURES["power"], Harm.DEAD),
        Fault(FAILURES["freeze"], Harm.SILENT),
        Fault(FAILURES["data-link"], cuts="client", stops_data=True, gives_up_s=_HANDOVER_S),
        Fault(
            Failure("server-link", "its cable to the server network is unplugged", _unplug_server, _plug_in_server),
            cuts="server",
            stops_data=True,
            gives_up_s=_HANDOVER_S,
        ),
        Fault(FAILURES["heartbeat-link"], cuts="hb"),
        Fault(_mute("client"), cuts="client"),
        Fault(_mute("server"), cuts="server"),
        Fault(
            Failure("planned", FAILURES["planned"].words, _switch_over_if_it_can, _nothing, notice=True),
            gives_up_s=_HANDOVER_S,
        ),
        Fault(
            Failure("restart", "it is stopped (SIGTERM) and started again", _terminate, _start),
            Harm.DEAD,
            gives_up_s=_HANDOVER_S,
        ),
        Fault(
            Failure("wall-clock", "its wall clock jumps by days, and back", _step_wall, _mend_wall, takes_over=False)
        ),
        Fault(
            Failure(
                "boot-clock",
                "it is killed, and starts again with its monotonic clocks elsewhere",
                _die_and_find_other_clocks,
                _restart,
            ),
            Harm.DEAD,
        ),
        Fault(
            Failure("full-disk", "the disk under its state directory is full", _fill_disk, _free_disk, takes_over=False)
        ),
    )
}


def _kill_witness(_: Topology, node: Node) -> None:
    assert node.witness is not None, "a lab with a witness"
    node.witness.kill()


def _start_witness(_: Topology, node: Node) -> None:
    assert node.witness is not None, "a lab with a witness"
    node.witness.start()


def _unplug_witness(topology: Topology, node: Node) -> None:
    topology.unplug((f"{node.name}-witness",))


def _plug_in_witness(topology: Topology, node: Node) -> None:
    topology.plug_in((f"{node.name}-witness",))


def _route_all(topology: Topology, what: str) -> None:
    for name in NODE_NAMES:
        for network in ("client", "server"):
            _route(topology, name, network, what)


def _cut_links(topology: Topology, _: Node) -> None:
    topology.unplug(_HEARTBEAT_CABLE)
    _route_all(topology, "replace")


def _mend_links(topology: Topology, _: Node) -> None:
    topology.plug_in(_HEARTBEAT_CABLE)
    _route_all(topology, "del")


WITNESSED_FAULTS: Final = FAULTS | {
    fault.failure.name: fault
    for fault in (
        Fault(
            Failure("etcd", "the witness is killed (kill -9), and started again", _kill_witness, _start_witness),
            stops_data=True,
            shared=True,
        ),
        Fault(
            Failure("witness-link", "its cable to the witness is unplugged", _unplug_witness, _plug_in_witness),
            stops_data=True,
            gives_up_s=_RESIGNING_S,
        ),
        Fault(
            Failure("all-links", "no heartbeat passes between the nodes, on any link", _cut_links, _mend_links),
            shared=True,
        ),
    )
}
