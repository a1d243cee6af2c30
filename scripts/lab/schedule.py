"""Schedules of several faults, from a seed; and what each may break, going by what the pair promises.

A connection lives on as long as one of the nodes holds the pair's present state and is free to speak. So a fault may
break connections only if it befalls the last node that does: the other one is dead, silent, not in sync yet, or about
to leave all that it holds to this one. A fault that ends no node breaks nothing, whatever it is. Of the faults of one
schedule never so many last at once that nodes without a witness cannot hear each other while both live: what they do
then is another matter.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from scripts.lab.faults import FAULTS, Fault, Harm
from scripts.lab.topology import NETWORKS

_BLOWS: Final = (2, 4)
_PATIENT_SHARE: Final = 0.6
_PAUSE_S: Final = (0.0, 1.2)
_LASTS_S: Final = (0.2, 2.5)
_LASTS_WITHOUT_DATA_S: Final = (0.2, 1.2)  # the peers' own patience is not what is tried here


@dataclass(frozen=True)
class Blow:
    """One fault of a schedule."""

    fault: Fault
    victim: str  # the role of the node that it befalls: active or passive
    patient: bool  # whether it waits for the pair to be whole
    pause_s: float
    lasts_s: float


def draw(seed: str, faults: Mapping[str, Fault] = FAULTS) -> tuple[Blow, ...]:
    """The schedule of a seed."""
    source = random.Random(seed)
    return tuple(_blow(source, faults) for _ in range(source.randint(*_BLOWS)))


def _blow(source: random.Random, faults: Mapping[str, Fault]) -> Blow:
    fault = faults[source.choice(sorted(faults))]
    return Blow(
        fault,
        victim=source.choice(("active", "active", "passive")),
        patient=source.random() < _PATIENT_SHARE,
        pause_s=round(source.uniform(*_PAUSE_S), 3),
        lasts_s=round(source.uniform(*(_LASTS_WITHOUT_DATA_S if fault.stops_data else _LASTS_S)), 3),
    )


def leaves_a_path(fault: Fault, lasting: Iterable[Fault]) -> bool:
    """Whether the nodes still hear each other somewhere if `fault` comes on top of those that last."""
    return bool(set(NETWORKS) - {fault.cuts, *(each.cuts for each in lasting)})


def may_break(fault: Fault, victim: str, holders: Iterable[str]) -> bool:
    """Whether connections may break when `fault` befalls `victim`, while `holders` hold the pair's present state."""
    return fault.harm is not Harm.NONE and not set(holders) - {victim}
