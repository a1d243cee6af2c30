"""The ways in which a node can fail, as a table: the blow, how it is mended, what must follow."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scripts.lab.layout import NODE_NAMES
from scripts.lab.namespaces import kill
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
