"""What befalls the nodes and their links."""

from functools import partial

from protocol import events
from tests.protocol.simulation.world import LINKS, World


def _stop(world: World) -> None:
    for node in world.nodes.values():
        if node.worker is not None and not node.worker.frozen and world.random.random() < 0.6:
            node.worker.freeze(world.random.choice([0.06, 0.12, 0.16, 0.3, 1.5]) * world.random.uniform(0.8, 1.2))


def _stop_in_renewal(world: World) -> None:
    for node in world.nodes.values():
        if node.worker is not None:
            node.worker.freeze_in_renewal_s = world.random.uniform(0.05, 0.8)


def _kill(world: World) -> None:
    world.random.choice(list(world.nodes.values())).kill_worker()


def _kill_both(world: World) -> None:
    for node in world.nodes.values():
        node.kill_worker()


def _power(world: World) -> None:
    world.random.choice(list(world.nodes.values())).cut_power(world.random.uniform(0.1, 4.0))


def _switch_over(world: World) -> None:
    for node in world.nodes.values():
        if node.worker is not None:
            node.worker.give(events.SwitchoverRequested("admin"))


def _fail_activation(world: World) -> None:
    world.random.choice(list(world.nodes.values())).failures_due = 1
    _kill_both(world)


def _one_link(world: World) -> None:
    link = world.random.choice(LINKS)
    world.set_cut({(link, name) for name in world.nodes})
    world.after(world.random.uniform(0.2, 3.0), lambda: world.set_cut(set()))


def _one_way(world: World) -> None:
    name = world.random.choice(list(world.nodes))
    world.set_cut({(link, name) for link in LINKS})
    world.after(world.random.uniform(0.1, 4.0), lambda: world.set_cut(set()))


def _all_links(world: World) -> None:
    world.set_cut({(link, name) for link in LINKS for name in world.nodes})
    world.after(world.random.uniform(0.1, 4.0), lambda: world.set_cut(set()))


def _lose_quorum(world: World) -> None:
    assert world.witness is not None
    world.tell("witness: no quorum")
    world.witness.quorum = False
    world.after(world.random.uniform(0.1, 3.0), partial(setattr, world.witness, "quorum", True))


def _cut_witness(world: World) -> None:
    assert world.witness is not None
    name = world.random.choice(list(world.nodes))
    world.tell(f"witness: cut off from {name}")
    world.witness.cut.add(name)
    world.after(world.random.uniform(0.1, 3.0), partial(world.witness.cut.discard, name))


def _slow_witness(world: World) -> None:
    assert world.witness is not None
    world.tell("witness: slow")
    world.witness.delay_s = world.random.choice([0.05, 0.2, 0.8])
    world.after(world.random.uniform(0.1, 3.0), partial(setattr, world.witness, "delay_s", 0.004))


MIXED = (_stop, _stop_in_renewal, _kill, _kill_both, _power, _switch_over, _fail_activation)
"""Faults that may come on top of each other."""
CUTS = (_one_link, _one_way, _all_links)
"""These come alone: a cut in one direction and a stopped node at once is beyond what two nodes can tell apart."""
WITNESSED = (*MIXED, *CUTS, _lose_quorum, _cut_witness, _slow_witness)
"""With a witness whatever happens may come on top of anything."""
PARTED = (_all_links, _cut_witness)
"""What the witness is there for."""
