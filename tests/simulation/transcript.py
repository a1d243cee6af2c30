"""A run as a text that reads like a story: the plan at the start of lines, what happened indented.

    seed 17 talks=1 length=24 lost=0.0 late=0.0 override=no policy=degrade even=no
    at 1.600 kill a
        0.4182 a takes the addresses: epoch 1, elected
        ...

Only turning points are told; `python -m tests.simulation FILE` tells all.
"""

from __future__ import annotations

from tests.simulation.plan import Plan
from tests.simulation.run import simulate

TOLD = (
    "takes the addresses",
    "following",
    "replication standing",
    "cache is stale",
    "cache in_sync",
    "standing down",
    "without power",
    "stopped in the middle",
    "both speak",
    "peers were ahead",
    "lease-",
    "ends a stalled",
    "!!!",
)


def read(text: str) -> Plan:
    """The plan of a story."""
    return Plan.read(text.splitlines())


def render(plan: Plan, comment: str = "") -> str:
    """The story of a plan."""
    run = simulate(plan)
    told = [line for line in run.world.trace if any(word in line for word in TOLD)]
    end = run.complaints or ["all is well"]
    lines = [comment] if comment else []
    return (
        "\n".join([*lines, str(plan), *(f"    {line.strip()}" for line in told), *(f"    {line}" for line in end)])
        + "\n"
    )
