"""What inputs are fed to: inspectors under every kind of policing, with the usual limits and with narrow ones."""

from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_network
from typing import Any, Final, NamedTuple

from inspector import Action, Limits, OnUndecodable, Policing, Policy, Ruleset, Stack, Watch
from inspector.policy import Peer, PointLimit, PointRow, Rate, Right, Row, Side, Span
from inspector.rules import Application, Rule, When
from node import signatures
from scripts.lab.fuzz import material, phrases
from scripts.lab.fuzz.inputs import CLOCK_MS

CLIENT: Final = "10.1.100.7"
OTHER_CLIENT: Final = "10.1.100.8"
SERVER: Final = "10.2.100.1:102"
CROWD: Final = 70
"""More connections than a client may have open, as the stock rules see it."""

USUAL: Final = Limits()
NARROW: Final = Limits(
    held_bytes=700, tpkt_bytes=600, depth=12, elements=60, name_bytes=33, calls=4, names=6, members=10
)


class Start(NamedTuple):
    """A moment from which a session goes on."""

    checkpoint: bytes
    watch: bytes


@dataclass(frozen=True, slots=True)
class Setup:
    """How an inspector is made."""

    name: str
    limits: Limits = USUAL
    mode: OnUndecodable = "reset"
    rules: Ruleset | None = None
    policy: Policy | None = None
    details: bool = False
    _starts: dict[int, Start] = field(default_factory=dict, compare=False)

    def watch(self, start: int) -> Watch | None:
        """What is remembered of peers at a start; none without rules."""
        return None if self.rules is None else Watch.restore(self._start(start).watch)

    def options(self, watch: Watch | None) -> dict[str, Any]:
        """The options that Stack, restore and resume take."""
        policing = Policing(self.rules, self.policy, watch, CLIENT, SERVER)
        return {"on_undecodable": self.mode, "policing": policing, "details": self.details}

    def stack(self, start: int, watch: Watch | None) -> Stack:
        """The inspector of a session that has come as far as `start`."""
        if start == material.FRESH:
            return Stack(self.limits, **self.options(watch))
        return Stack.resume(self._start(start).checkpoint, (b"", b""), self.limits, **self.options(watch))

    def _start(self, start: int) -> Start:
        found = self._starts.get(start)
        if found is None:
            found = self._starts[start] = self._run(start)
        return found

    def _run(self, start: int) -> Start:
        watch = Watch()
        watch.select("ICC1/BRK2", OTHER_CLIENT, CLOCK_MS, SERVER)
        for _ in range(CROWD if self.details else 1):
            watch.connected(CLIENT, CLOCK_MS)
        stack = Stack(self.limits, **self.options(watch))
        for said in material.openings()[start]:
            result = stack.feed(said.direction, said.wire(), CLOCK_MS - 5_000)
            assert not result.reset, f"{self.name} does not let start {start} happen: {result.findings}"
        return Start(stack.checkpoint(), watch.pack())


@cache
def setups() -> tuple[Setup, ...]:
    """Every setup, always in this order."""
    stock = signatures.read()
    own = _own(stock)
    enforcing, strict, telling, patient = _enforcing(), _strict(), _telling(), _patient()
    return (
        Setup("no policing"),
        Setup("no policing, pass", mode="pass"),
        Setup("no policing, narrow", NARROW, details=True),
        Setup("stock rules", rules=stock),
        Setup("stock rules, narrow", NARROW, "continue", stock, details=True),
        Setup("own rules", rules=own, policy=Policy.default(1)),
        Setup("enforcing", rules=stock, policy=enforcing),
        Setup("enforcing, narrow", NARROW, "reset", stock, enforcing),
        Setup("strict", USUAL, "reset", own, strict),
        Setup("telling", USUAL, "continue", stock, telling, details=True),
        Setup("patient", USUAL, "pass", stock, patient),
    )


def _own(stock: Ruleset) -> Ruleset:
    """The stock rules, with some that deny, reset and tag, and applications of the user's own."""
    operates = When(operation="Operate", objects=("ICC*/BRK*",))
    rules = [
        Rule(1, "third read", "low", when=When(mms_service="read"), count=3, seconds=60, sets=frozenset(("busy",))),
        Rule(2, "operate", "high", when=operates, action=Action.DENY, sets=frozenset(("operated",))),
        Rule(3, "write when busy", "medium", when=When(mms_service="write"), needs=frozenset(("busy",))),
        Rule(4, "names", "medium", when=When(mms_service="getNameList"), per="peer", count=2, seconds=9, distinct=True),
        Rule(5, "program", "high", when=When(app="MMS_Start*"), forbids=frozenset(("busy",)), action=Action.RESET),
        Rule(6, "late answers", "low", event="orphan-invoke-id", action=Action.DENY, count=2, seconds=30),
        Rule(7, "reports", "low", event="report-unknown-transfer-set", action=Action.MONITOR, per="object", count=2),
    ]
    applications = [
        Application(1, "Breakers", "control", 5, when=operates),
        Application(2, "Points", "data", 1, when=When(objects=("*/PT_?",), mms_service="read")),
    ]
    return Ruleset(stock.applications, stock.stock_rules, applications, rules)


def _peers(action: Action) -> tuple[Peer, ...]:
    """Rows for most of what the grammar does; operates, writes and programs are limited or left out."""
    every = frozenset(Right)
    looks = frozenset((Right.READ, Right.REPORT))
    client_may = (
        Row("ICC1", ("PT_*", "DS_*", "TS_*", "Transfer*", "DSCond*", "Next_*", "Bilateral*", "Info_*"), every),
        Row("ICC2", ("*",), looks),
        Row("ICC1", ("BRK1", "BRK1_*"), every, Span(0, 1), Rate(2, 60), action, "a"),
        Row("EAST", ("[A-T]*",), every, None, Rate(3, 10), action, "b"),
        Row(None, ("*",), frozenset((Right.READ,))),
        Row("@", ("IM_*",), frozenset((Right.WRITE,))),
    )
    server_may = (Row("*", ("*",), looks), Row("ICC1", ("PT_?",), every, Span(None, 100), None, action, "c"))
    client = Side(tsap=("0001",), ap_title=("1.1.999.12",), ae_qualifier=(phrases.AE_QUALIFIER,))
    networks = (ip_network("10.1.100.0/24"),)
    return (Peer("east", networks, client, client_may=client_may, server_may=server_may),)


def _points(action: Action) -> tuple[PointRow, ...]:
    limit = PointLimit(Span(0, 500), frozenset(("valid", "held")), Rate(10, 1), action, "p")
    return (PointRow("ICC1", ("PT_*",), limit), PointRow("*", ("STATE_?",), PointLimit(Span(1, 2), action=action)))


def _enforcing() -> Policy:
    return Policy(1, "enforcing", default=Action.DENY, peers=_peers(Action.DENY), quarantine_s=60)


def _strict() -> Policy:
    """Strangers are put in quarantine, bad values are taken out, and what no row allows ends the session."""
    peers, points = _peers(Action.DENY), _points(Action.DENY)
    return Policy(2, "strict", default=Action.DENY, unknown_peer=Action.QUARANTINE, peers=peers, points=points)


def _telling() -> Policy:
    peers, points = _peers(Action.MONITOR), _points(Action.MONITOR)
    return Policy(3, "telling", default=Action.MONITOR, unknown_peer=Action.MONITOR, peers=peers, points=points)


def _patient() -> Policy:
    """What is not seen to be ICCP is let go on unseen."""
    return Policy(4, "patient", on_undecodable="pass", ignore_after=600, peers=_peers(Action.DENY))
