"""One run from its plan: a start, its faults, and time to recover."""

from __future__ import annotations

from tests.simulation.checks import Checks
from tests.simulation.faults import Fault, befall
from tests.simulation.machine import Machine
from tests.simulation.network import Network, Noise
from tests.simulation.peers import Peers
from tests.simulation.plan import Plan
from tests.simulation.surroundings import Surroundings
from tests.simulation.world import World

HEALING_S = 12.0
"""Longer than a fault's hold-down, a new worker and an impatient start together; most runs need a fraction of it."""
LOOK_S = 0.25
SETTLED_S = 0.5
"""All must be well for so long."""
DOUBLED = 0.01


class Run:
    """The cluster, its peers and its faults. `simulate` runs it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.world = World(plan.seed)
        self.surroundings = Surroundings(self.world)
        noise = Noise(plan.lost, DOUBLED if plan.lost or plan.late else 0.0, plan.late)
        self.network = Network(self.world, noise)
        beat = plan.config("a").cluster.heartbeat
        self.checks = Checks(self.network, beat.interval_s, beat.lost_s, witnessed=plan.witness)
        self.network.checks = self.checks
        self.machines = {name: Machine(self.surroundings, self.network, name, plan.config(name)) for name in ("a", "b")}
        self.network.machines = self.machines
        self.peers = Peers(self.network, self.checks, plan)
        self.checks.peers = self.peers

    @property
    def complaints(self) -> list[str]:
        return self.checks.complaints

    def go(self) -> None:
        """From the start to the end, or to the first complaint."""
        world = self.world
        self.begin()
        last_s = max((fault.at_s for fault in self.plan.faults), default=1.0)
        world.run(last_s + 0.3)
        self._recover(world.now + HEALING_S)
        if not self.complaints:
            self.checks.finish()

    def begin(self) -> None:
        """Have power and faults come."""
        world = self.world
        for machine in self.machines.values():
            world.after(world.random.uniform(0, 0.3), machine.power_on)
        for fault in self.plan.faults:
            world.after(fault.at_s, self._befall, fault)

    def _befall(self, fault: Fault) -> None:
        befall(self, fault)

    def _recover(self, until_s: float) -> None:
        """Go on until all has been well for a while."""
        world = self.world
        well_since: float | None = None
        while world.now < until_s and not self.complaints:
            world.run(world.now + LOOK_S)
            if not self._well():
                well_since = None
                continue
            well_since = world.now if well_since is None else well_since
            self.peers.busy = False
            if world.now - well_since >= SETTLED_S and all(talk.whole or talk.may_break for talk in self.peers.open):
                return

    def _well(self) -> bool:
        roles = sorted(self.checks.role(machine) for machine in self.machines.values())
        whole = self.surroundings.store.quorum and not self.surroundings.store.cut and not self.network.cut
        return roles == ["active", "passive in sync"] and whole

    def dispose(self) -> None:
        """Let go of all that was never finished."""
        for process in self.world.processes:
            process.alive = False
            process.run(process.loop.dispose)


def simulate(plan: Plan) -> Run:
    """The run of a plan, done."""
    run = Run(plan)
    with run.surroundings.installed():
        try:
            run.go()
        finally:
            run.dispose()
    return run
