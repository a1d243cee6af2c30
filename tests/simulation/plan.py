"""What a run is made of: a seed for everything that chance decides, how the cluster is set, and a schedule of faults.

In a text:

    seed 17 talks=2 length=24 lost=0.01 override=yes policy=degrade
    at 1.612 kill a
    at 1.702 freeze-at b 12 0.300
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from random import Random
from typing import Any

from node.config import Config
from tests.simulation.faults import Fault, draw

WITNESS_LEASE_MS = 600
GUARDED = 2
"""The number of the policy that denies."""
FIRST_S = 1.4
"""The pair serves by then."""


@dataclass(frozen=True)
class Plan:
    """A run to be."""

    seed: int
    talks: int = 2
    length: int = 24
    """The most PDUs that a side of a talk says."""
    lost: float = 0.0
    late: float = 0.02
    override: bool = False
    policy: str = "degrade"
    hurry: bool = False
    """The peers say much at once, and soon again."""
    guarded: bool = False
    """A policy denies some of what the clients want."""
    witness: bool = False
    even: bool = False
    """Both nodes have the same priority."""
    faults: tuple[Fault, ...] = field(default=())

    def __str__(self) -> str:
        settings = {name: value for name, value in asdict(self).items() if name not in ("seed", "faults")}
        words = " ".join(f"{name}={_word(value)}" for name, value in settings.items())
        return "\n".join([f"seed {self.seed} {words}", *map(str, self.faults)])

    @classmethod
    def read(cls, lines: list[str]) -> Plan:
        """The inverse of str()."""
        first, *rest = [line for line in lines if line and line[0] not in " #"]
        _, seed, *words = first.split()
        plan = cls(int(seed), faults=tuple(map(Fault.read, rest)))
        settings = dict(word.split("=", 1) for word in words)
        return replace(plan, **{name: _value(getattr(plan, name), word) for name, word in settings.items()})

    def config(self, name: str) -> Config:
        """A node's configuration."""
        return _config(name, self.override, self.policy, self.even, self.witness, self.guarded)


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _value(default: Any, word: str) -> Any:
    return word == "yes" if isinstance(default, bool) else type(default)(word)


@lru_cache(64)
def _config(name: str, override: bool, policy: str, even: bool, witness: bool, guarded: bool) -> Config:
    mine, other = ("2", "3") if name == "a" else ("3", "2")
    links = (("hb0", 100, "10.78.0"), ("data", 50, "10.1.100"))
    return Config.model_validate(
        {
            "node": {"name": name, "priority": 200 if even or name == "a" else 100, "state_dir": "/nowhere"},
            "cluster": {
                "group": "simulated",
                "key_file": "/nowhere",
                "override": override,
                "takeover": "hitless",
                "heartbeat": {"interval_ms": 50, "lost_threshold": 4, "lease_ms": 150},
                "hold_down_ms": 600,
                "standby_loss": {"policy": policy, "after_ms": 300},
                "max_lag_kib": 64,
            },
            "links": tuple(
                {"name": link, "priority": priority, "local": f"{net}.{mine}:7410", "peer": f"{net}.{other}:7410"}
                for link, priority, net in links
            ),
            "virtual_addresses": (
                {"address": "10.1.100.1/24", "interface": "eth-client"},
                {"address": "172.16.200.4/24", "interface": "eth-server"},
            ),
            "services": (
                {
                    "name": "iccp",
                    "listen": "10.1.100.1:102",
                    "server": "172.16.200.177:102",
                    "source": "172.16.200.4",
                    "connect_timeout_ms": 800,
                    "policy": GUARDED if guarded else 1,
                },
            ),
            "witness": {"endpoints": ("http://10.79.0.5:2379",), "lease_ms": WITNESS_LEASE_MS} if witness else None,
            "limits": {"sessions": 8, "buffer_kib": 16, "held_kib": 16},
        }
    )


def draw_plan(seed: int) -> Plan:
    """The run of a seed."""
    random = Random(seed * 2 + 1)
    witness = random.random() < 0.3
    faults = []
    at_s = FIRST_S + random.uniform(0.0, 0.6)
    for _ in range(random.choice((1, 2, 2, 3, 3, 4, 5))):
        faults.append(draw(random, at_s, witness=witness))
        at_s += random.choice((0.0, 0.05, 0.2, 0.3, 0.8)) * random.random()
    return Plan(
        seed,
        talks=random.choice((1, 2, 2, 3)),
        length=random.choice((6, 20, 40)),
        lost=random.choice((0.0, 0.0, 0.01, 0.03)),
        late=random.choice((0.0, 0.02, 0.1)),
        override=random.random() < 0.4,
        policy=random.choice(("degrade", "degrade", "degrade", "hold")),
        hurry=random.random() < 0.1,
        guarded=random.random() < 0.25,
        witness=witness,
        even=random.random() < 0.3,
        faults=tuple(faults),
    )
