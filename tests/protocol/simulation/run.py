"""One run from one seed, and what the checkers have against it."""

from collections.abc import Callable
from itertools import pairwise

from protocol.heartbeat import Role
from tests.protocol.simulation.faults import CUTS, MIXED, PARTED, WITNESSED
from tests.protocol.simulation.node import Node
from tests.protocol.simulation.witness import SimulatedWitness
from tests.protocol.simulation.world import World

Fault = Callable[[World], None]

EPISODES = 8
HEALING_S = 8.0
"""Longer than a fault's hold-down, a new worker and an impatient start together."""


def simulate(
    seed: int, *, lease_s: float = 0.15, witness: bool = False, heeds_witness: bool = True, parted: bool = False
) -> World:
    """One run: a start, some episodes, and time to recover after the last. `parted`: of nothing but cuts."""
    world = World(seed)
    world.witness = SimulatedWitness(world) if witness else None
    world.add(Node(world, "a", 200, lease_s, heeds_witness=heeds_witness))
    world.add(Node(world, "b", world.random.choice([100, 200]), lease_s, heeds_witness=heeds_witness))
    world.run(5.0)
    for _ in range(EPISODES):
        if witness:
            _befall(world, PARTED if parted else WITNESSED)
        else:
            _befall_unwitnessed(world)
    return world


def _befall(world: World, faults: tuple[Fault, ...]) -> None:
    for _ in range(world.random.randint(1, 3)):
        world.random.choice(faults)(world)
        world.run(world.now + world.random.uniform(0.0, 0.4))
    world.run(world.now + HEALING_S)


def _befall_unwitnessed(world: World) -> None:
    if world.random.random() < 0.4:
        for node in world.nodes.values():
            node.failures_due = 0  # a deaf node that restarts is the one case not covered, see roles.py
        world.random.choice(CUTS)(world)
        world.run(world.now + HEALING_S)
    else:
        _befall(world, MIXED)


def complaints(world: World) -> list[str]:
    """What the checkers have against a run."""
    found = list(world.overlaps)
    for name in world.nodes:
        own = [epoch for node, epoch, _ in world.epochs if node == name]
        if any(later <= earlier for earlier, later in pairwise(own)):
            found.append(f"epochs of {name} do not grow: {own}")
    highest = 0
    for name, epoch, reason in world.epochs:
        excused = world.witness is None and (reason == "alone" or world.ever_cut)
        if epoch <= highest and not excused:
            found.append(f"{name} reuses epoch {epoch}: {reason}")
        highest = max(highest, epoch)
    workers = [node.worker for node in world.nodes.values() if node.worker is not None]
    roles = sorted(worker.machine.role for worker in workers)
    if roles != [Role.ACTIVE, Role.PASSIVE]:
        found.append(f"in the end the roles are {roles}")
    speakers = [name for name, node in world.nodes.items() if node.speaks()]
    if len(speakers) != 1:
        found.append(f"in the end these speak: {speakers}")
    heard = {worker.machine.peer.latest.epoch for worker in workers if worker.machine.peer.latest is not None}
    if not {worker.machine.epoch for worker in workers if worker.machine.role is Role.ACTIVE} <= heard:
        found.append(f"in the end the passive does not follow the active node: {heard}")
    return found
