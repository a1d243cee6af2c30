"""What befalls the pair. A fault is a line of words, `kill a` or `cut hb0 a in 0.3`, and a schedule is faults with
their times: it can be printed, read back, and cut down.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from node.replicator import Standing
from protocol.heartbeat import Role
from tests.simulation.network import CLIENT_NET, HEARTBEAT, LINKS, NETS, SERVER_NET

if TYPE_CHECKING:
    from tests.simulation.run import Run

NODES = ("a", "b")
INTERFACES = {CLIENT_NET: "eth-client", SERVER_NET: "eth-server"}


class Fault(NamedTuple):
    """When, and what."""

    at_s: float
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"at {self.at_s:.3f} {' '.join(self.words)}"

    @classmethod
    def read(cls, line: str) -> Fault:
        """The inverse of str()."""
        _, at_s, *words = line.split()
        return cls(float(at_s), tuple(words))


# --- what they do


def _kill(run: Run, name: str) -> None:
    """The worker dies."""
    process = run.machines[name].process
    if process is not None:
        process.die()


def _kill_at(run: Run, name: str, calls: str) -> None:
    """The worker dies in the middle of its code."""
    process = run.machines[name].process
    if process is not None:
        process.in_a_moment(int(calls), process.die)


def _kill_node(run: Run, name: str, back_s: str) -> None:
    """Guard and worker die at one stroke."""
    guard = run.machines[name].guard
    if guard is not None:
        run.checks.hampered(run.machines[name], run.world.now)  # its lease lasts, and nobody hears a doubt
        guard.kill(float(back_s))


def _power(run: Run, name: str, off_s: str) -> None:
    machine = run.machines[name]
    if machine.kernel is not None:
        machine.power_off()
        run.world.after(float(off_s), machine.power_on)


def _freeze(run: Run, name: str, for_s: str) -> None:
    process = run.machines[name].process
    if process is not None:
        run.checks.hampered(run.machines[name], run.world.now + float(for_s))
        process.stop(float(for_s))


def _freeze_at(run: Run, name: str, calls: str, for_s: str) -> None:
    """The worker is stopped in the middle of its code."""
    machine = run.machines[name]
    process = machine.process

    def stop() -> None:
        run.world.tell(f"{name} stopped in the middle of its code")
        run.checks.hampered(machine, run.world.now + float(for_s))
        process.stop_here(float(for_s))  # type: ignore[union-attr]

    if process is not None and not process.stopped:
        process.in_a_moment(int(calls), stop)


def _stall(run: Run, name: str, for_s: str) -> None:
    """Worker and guard are stopped, and the kernel goes on."""
    guard = run.machines[name].guard
    if guard is not None:
        guard.stop(float(for_s))
        _freeze(run, name, for_s)


def _slow(run: Run, name: str, turn_s: str, for_s: str) -> None:
    """The machine has much else to do."""
    process = run.machines[name].process
    if process is not None:
        run.checks.hampered(run.machines[name], run.world.now + float(for_s))
        process.slow_s = float(turn_s)
        run.world.after(float(for_s), setattr, process, "slow_s", 0.0)


def _slow_stream(run: Run, extra_s: str, for_s: str) -> None:
    streams = run.network.streams
    streams.extra_s = float(extra_s)
    run.world.after(float(for_s), setattr, streams, "extra_s", 0.0)


def _cut(run: Run, net: str, name: str, way: str, for_s: str) -> None:
    ways = ("in", "out") if way == "both" else (way,)
    _sever(run, {(net, name, each) for each in ways}, float(for_s))


def _cut_all(run: Run, name: str, way: str, for_s: str) -> None:
    """All links of a node, in one direction or both."""
    ways = ("in", "out") if way == "both" else (way,)
    _sever(run, {(net, name, each) for net in (HEARTBEAT, CLIENT_NET) for each in ways}, float(for_s))


def _cut_links(run: Run, name: str, way: str, for_s: str) -> None:
    """All links of a node, while the data networks live."""
    ways = ("in", "out") if way == "both" else (way,)
    _sever(run, {(net, name, each) for net in LINKS for each in ways}, float(for_s))


def _sever(run: Run, cables: set[tuple[str, str, str]], for_s: float) -> None:
    run.checks.cables_changed()
    run.network.cut |= cables
    run.checks.cables_changed()
    run.world.after(for_s, _mend, run, cables)


def _mend(run: Run, cables: set[tuple[str, str, str]]) -> None:
    run.checks.cables_changed()
    run.network.cut -= cables
    run.checks.cables_changed()


def _unplug(run: Run, net: str, name: str, for_s: str) -> None:
    """A data network's cable: the carrier goes with it."""
    _cut(run, net, name, "both", for_s)
    _carrier(run, net, name, False)
    run.world.after(float(for_s), _carrier, run, net, name, True)


def _carrier(run: Run, net: str, name: str, up: bool) -> None:
    machine = run.machines[name]
    machine.carrier[INTERFACES[net]] = up
    process = machine.process
    if process is not None:
        for file in list(process.files.values()):
            if hasattr(file, "up"):
                file.changed()


def _break_stream(run: Run) -> None:
    run.network.streams.break_all()


def _switchover(run: Run, name: str) -> None:
    machine = run.machines[name]
    worker, process = machine.worker, machine.process
    if worker is not None and process is not None:
        process.loop.call_soon(worker._duties.request_switchover)


def _leave(run: Run, name: str) -> None:
    """SIGTERM; the service comes back after a second."""
    machine = run.machines[name]
    worker, other = machine.worker, run.network.other(machine).worker
    if machine.guard is None:
        return
    able = (
        worker is not None
        and other is not None
        and worker._parts.replicator.standing in (Standing.IN_SYNC, Standing.WAITING)
        and other._parts.standby.usable
        and not other_is_hampered(run, name)
    )
    if not able and worker is not None and worker._member.role is Role.ACTIVE:
        for talk in run.peers.open:
            talk.may_break = True
    machine.guard.leave()


def other_is_hampered(run: Run, name: str) -> bool:
    """Whether the other node may not hear what is said to it."""
    return bool(run.network.cut) or any(p is not None and p.stopped for p in (m.process for m in run.machines.values()))


def _refuse_address(run: Run, name: str) -> None:
    """The next activation of the node fails."""
    kernel = run.machines[name].kernel
    if kernel is not None:
        kernel.refusing = 1


def _full_disk(run: Run, name: str, for_s: str) -> None:
    machine = run.machines[name]
    machine.disk_fails = True
    run.world.after(float(for_s), setattr, machine, "disk_fails", False)


def _wall_jump(run: Run, name: str, by_s: str) -> None:
    run.machines[name].wall_ahead_s += float(by_s)


def _deaf_peers(run: Run, for_s: str) -> None:
    """The peers' applications do not read for a while."""
    for talk in run.peers.open:
        for side in talk.sides:
            if side is not None:
                side.deaf = True
                run.world.after(float(for_s), side.hear_again)


def _no_witness(run: Run, for_s: str) -> None:
    """It has lost its quorum."""
    run.surroundings.store.quorum = False
    run.world.after(float(for_s), setattr, run.surroundings.store, "quorum", True)


def _cut_witness(run: Run, name: str, for_s: str) -> None:
    """It cannot be reached from a node."""
    run.surroundings.store.cut.add(name)
    run.world.after(float(for_s), run.surroundings.store.cut.discard, name)


def _slow_witness(run: Run, extra_s: str, for_s: str) -> None:
    run.surroundings.store.extra_s = float(extra_s)
    run.world.after(float(for_s), setattr, run.surroundings.store, "extra_s", 0.0)


ACTS: dict[str, Callable[..., None]] = {
    "kill": _kill,
    "kill-at": _kill_at,
    "kill-node": _kill_node,
    "power-cut": _power,
    "freeze": _freeze,
    "freeze-at": _freeze_at,
    "stall": _stall,
    "slow": _slow,
    "slow-stream": _slow_stream,
    "cut": _cut,
    "cut-all": _cut_all,
    "cut-links": _cut_links,
    "unplug": _unplug,
    "break-stream": _break_stream,
    "switchover": _switchover,
    "leave": _leave,
    "refuse-address": _refuse_address,
    "full-disk": _full_disk,
    "wall-jump": _wall_jump,
    "deaf-peers": _deaf_peers,
    "no-witness": _no_witness,
    "cut-witness": _cut_witness,
    "slow-witness": _slow_witness,
}


def befall(run: Run, fault: Fault) -> None:
    """Let it happen."""
    run.world.tell(" ".join(fault.words))
    ACTS[fault.words[0]](run, *fault.words[1:])


# --- drawing them


def _s(random: Random, *choices: float) -> str:
    return f"{random.choice(choices) * random.uniform(0.7, 1.3):.3f}"


def _node(random: Random) -> str:
    return random.choice(NODES)


def _way(random: Random) -> str:
    return random.choice(("in", "out", "both"))


Drawn = tuple[int, Callable[[Random], tuple[str, ...]]]
"""How often, and how."""

_DRAWN: tuple[Drawn, ...] = (
    (5, lambda r: ("kill", _node(r))),
    (5, lambda r: ("kill-at", _node(r), str(r.randrange(1, 120)))),
    (4, lambda r: ("kill-node", _node(r), _s(r, 0.3, 1.0))),
    (4, lambda r: ("power-cut", _node(r), _s(r, 0.2, 1.0))),
    (4, lambda r: ("freeze", _node(r), _s(r, 0.06, 0.12, 0.16, 0.3, 0.7, 1.5))),
    (6, lambda r: ("freeze-at", _node(r), str(r.randrange(0, 60)), _s(r, 0.02, 0.12, 0.16, 0.25, 0.7))),
    (4, lambda r: ("stall", _node(r), _s(r, 0.06, 0.12, 0.18, 0.3, 0.7, 1.5))),
    (2, lambda r: ("slow", _node(r), _s(r, 0.002, 0.012), _s(r, 0.3, 0.8))),
    (2, lambda r: ("slow-stream", _s(r, 0.01, 0.05, 0.2), _s(r, 0.3, 0.8))),
    (4, lambda r: ("cut", r.choice(NETS), _node(r), _way(r), _s(r, 0.1, 0.3, 1.0))),
    (3, lambda r: ("cut-all", _node(r), _way(r), _s(r, 0.1, 0.3, 1.0))),
    (3, lambda r: ("cut-links", _node(r), _way(r), _s(r, 0.1, 0.3, 1.0))),
    (2, lambda r: ("unplug", r.choice((CLIENT_NET, SERVER_NET)), _node(r), _s(r, 0.3, 1.0))),
    (4, lambda r: ("break-stream",)),
    (5, lambda r: ("switchover", _node(r))),
    (3, lambda r: ("leave", _node(r))),
    (2, lambda r: ("refuse-address", _node(r))),
    (2, lambda r: ("full-disk", _node(r), _s(r, 0.3, 1.0))),
    (2, lambda r: ("wall-jump", _node(r), f"{r.uniform(-3600, 3600):.1f}")),
    (3, lambda r: ("deaf-peers", _s(r, 0.1, 0.5))),
)


_OF_A_WITNESS: tuple[Drawn, ...] = (
    (4, lambda r: ("no-witness", _s(r, 0.3, 0.8, 2.0))),
    (5, lambda r: ("cut-witness", _node(r), _s(r, 0.3, 0.8, 2.0))),
    (3, lambda r: ("slow-witness", _s(r, 0.02, 0.1, 0.25), _s(r, 0.5, 1.5))),
    (5, lambda r: ("cut-links", _node(r), "both", _s(r, 0.5, 1.5, 3.0))),
)


def draw(random: Random, at_s: float, *, witness: bool) -> Fault:
    """Any of them."""
    drawn = _DRAWN + _OF_A_WITNESS if witness else _DRAWN
    weights = [weight for weight, _ in drawn]
    ((_, make),) = random.choices(drawn, weights)
    return Fault(round(at_s, 3), make(random))
