"""From a run that fails to the smallest schedule that fails alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.faults import Fault
from tests.simulation.plan import Plan
from tests.simulation.run import simulate

RUNS_MAX = 200


def failure(plan: Plan) -> str | None:
    """The kind of the first complaint: its rule, or that the end is not well."""
    complaints = simulate(plan).complaints
    return complaints[0].split()[1] if complaints else None


def shrink(plan: Plan) -> Plan:
    """The smallest found that fails as `plan` does; `plan` itself if it does not fail."""
    kind = failure(plan)
    if kind is None:
        return plan
    left = RUNS_MAX
    again = True
    while again and left > 0:
        again = False
        for smaller in _smaller(plan):
            left -= 1
            if failure(smaller) == kind:
                plan, again = smaller, True
                break
            if left <= 0:
                break
    return plan


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Each a little simpler, the boldest first."""
    faults = plan.faults
    for at in range(len(faults)):
        yield replace(plan, faults=faults[:at] + faults[at + 1 :])
    plainest = Plan(plan.seed)
    for name in ("lost", "late", "override", "policy", "even", "hurry", "guarded", "talks", "length"):
        plain = 0.0 if name in ("lost", "late") else 1 if name == "talks" else getattr(plainest, name)
        if getattr(plan, name) != plain:
            yield replace(plan, **{name: plain})
    for at, fault in enumerate(faults):
        rounded = round(fault.at_s, 1)
        if rounded != fault.at_s:
            yield replace(plan, faults=(*faults[:at], Fault(rounded, fault.words), *faults[at + 1 :]))
