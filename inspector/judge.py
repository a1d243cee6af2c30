"""What is done about a PDU: checks and policy say what they see, rules what that is worth; the worst action wins."""

from collections.abc import Container
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from inspector import apps, ber, checks, services, values
from inspector.ber import Octets
from inspector.errors import DecodeError
from inspector.limits import Limits
from inspector.memory import granted
from inspector.objects import Access
from inspector.policy import ALLOWED, Deed, Identity, Judgement, Points, Policy, worst
from inspector.results import Action, Direction, Finding
from inspector.rules import Ruleset
from inspector.seen import Seen
from inspector.state import ADMITTED, STRANGER, Association
from inspector.tase2 import Kind, device_of
from inspector.watch import Watch


@dataclass(frozen=True, slots=True)
class Policing:
    """What a session is held to. Without rules and policy PDUs are named and no more."""

    rules: Ruleset | None = None
    policy: Policy | None = None
    watch: Watch | None = None
    """What is remembered of peers beyond one session."""
    client: str = ""
    """The client's address."""
    server: str = ""
    """The server's, with its port: what tells its devices from those of others."""


class Verdict(NamedTuple):
    """What becomes of a PDU, why, and which application it is."""

    action: Action
    findings: tuple[Finding, ...]
    app: str | None
    unpermitted: bool = False
    """The policy does not allow it, and only tells of it."""
    quiet: bool = True
    """Nothing was odd about it, so that another like it need not be looked at."""


_WRITES = (apps.OPERATE, apps.SET_VALUE, apps.SET_DATA_SET_VALUES, apps.plain_service(services.WRITE))
_JUDGED = frozenset(
    (services.CONFIRMED_REQUEST, services.UNCONFIRMED, "initiate-request", "conclude-request", "cancel-request")
)


class Judge:
    """Judges the PDUs of one association."""

    def __init__(self, policing: Policing, state: Association, limits: Limits) -> None:
        self._rules = policing.rules
        self._policy = policing.policy
        self._watch = policing.watch
        self._client = policing.client
        self._server = policing.server
        self._state = state
        self._limits = limits
        self._identity: Identity | None = None
        self._identified = -1
        """The generation of the association's memory that the identity was made of."""
        policy = policing.policy
        self._points = None if policy is None else policy.points
        denying_rules = policing.rules is not None and policing.rules.guarded
        self.guarded = denying_rules or (policy is not None and policy.guarded)
        self.ignore_after = 0 if policy is None else policy.ignore_after
        self.quarantine_s = 0.0 if policy is None else policy.quarantine_s
        self.by_shape = self._points is None and not (policing.rules is not None and policing.rules.watches_pdus)
        """Whether PDUs of one shape are all judged alike."""
        self.needs_objects = self._points is not None
        """Whether answers are judged by the objects that were asked for."""

    def is_control(self, name: str) -> bool:
        """Whether the policy's table calls an object a control."""
        return self._policy is not None and self._policy.is_control(name)

    def judge(self, seen: Seen, objects: tuple[str, ...], doubted: Container[str] = ()) -> Verdict:
        """The verdict on a PDU that the association's memory has not learned from yet.

        What is odd by one of the codes in `doubted` is not held against it.
        """
        app = self._name(seen, objects)
        if self._rules is None:
            return Verdict(Action.PASS, (), app)
        events = checks.check(seen, self._state, self._limits, self._watch, self._client, self._server)
        if doubted:
            events = [event for event in events if event.code not in doubted]
        judgement = self._judgement(seen, app)
        if self._points is not None:
            judgement = worst([judgement, self._judge_values(seen, self._points)])
        events = [*events, *judgement.events]
        if not events and not self._rules.watches_pdus:
            return Verdict(judgement.action, (), app)
        findings, action = self._rules.findings(events, seen, app, self._state, self._watch, self._client)
        highest = max(action, judgement.action)
        if highest is Action.QUARANTINE and self._watch is not None:
            self._watch.quarantine(self._client, seen.now_ms + round(self.quarantine_s * 1000))
        told = tuple(_with_policy(finding, judgement) for finding in findings)
        return Verdict(highest, told, app, judgement.action is Action.MONITOR, quiet=False)

    def passed(self, seen: Seen) -> None:
        """The PDU goes on: a select that is granted to the client concerns other sessions as well."""
        call, pdu = seen.call, None if seen.part is None else seen.part.mms
        if self._watch is None or call is None or pdu is None or call.number != apps.SELECT.number:
            return
        device = device_of(call.object)
        if device is not None and seen.direction == Direction.SERVER_TO_CLIENT and granted(seen):
            self._watch.select(device, self._client, seen.now_ms, self._server)

    def undecodable(self, error: DecodeError, origin: int) -> Finding:
        """The finding for octets that cannot be decoded."""
        offset = error.offset - origin
        rule = None if self._rules is None else self._rules.first("framing")
        if rule is None:
            return Finding(error.code, "high", error.detail, offset)
        return Finding(error.code, rule.severity, error.detail, offset, rule.id, rule.attack, rule.action)

    def _name(self, seen: Seen, objects: tuple[str, ...]) -> str | None:
        naming = seen.naming
        if naming is None:
            return None
        custom = None if self._rules is None else self._rules.application(seen, objects)
        self._state.see_app(naming.number if custom is None else custom)
        return naming.app if custom is None else custom

    def _judgement(self, seen: Seen, app: str | None) -> Judgement:
        policy = self._policy
        if policy is None:
            return ALLOWED
        admitted = self._admit(policy) if self._introduces(seen) else ALLOWED
        pdu = None if seen.part is None else seen.part.mms
        if pdu is None or seen.naming is None or pdu.kind not in _JUDGED:
            return admitted
        access = seen.part.access if seen.part is not None else None
        assert access is not None
        deed = Deed(
            *(seen.direction, seen.naming, pdu.service_name, pdu.kind, access.objects),
            values=_numbers(seen.octets, access) if seen.naming in _WRITES else (),
            app=app,
            by_list=access.by_list,
            members=self._members(access),
        )
        judgement = policy.judge(deed, self._who(), partial(self._hit, seen.now_ms))
        return judgement if admitted is ALLOWED else worst([admitted, judgement])

    def _admit(self, policy: Policy) -> Judgement:
        """Whether the two ends may go on, by what they have said so far; a stranger is told of once."""
        self._state.raise_flag(ADMITTED)
        admitted = policy.admit(self._who())
        if admitted.events and self._state.flags & STRANGER:
            return admitted._replace(events=())
        if admitted.events:
            self._state.raise_flag(STRANGER)
        return admitted

    def _judge_values(self, seen: Seen, points: Points) -> Judgement:
        reported = checks.reported(seen, self._state, points.limits)
        return points.judge(reported, partial(self._hit, seen.now_ms)) if reported else ALLOWED

    def _members(self, access: Access) -> tuple[str, ...]:
        """The members of the data set that is accessed as a whole, as far as they are known."""
        known = self._state.known.get(access.objects[0]) if access.by_list and access.objects else None
        return tuple(known.value) if known is not None and known.kind is Kind.DATA_SET else ()

    def _hit(self, now_ms: int, key: str, seconds: float, most: int) -> int:
        """Rates count in the association, and for the peer, lest connecting anew begin them anew."""
        here = self._state.hit(f"policy:{key}", "", now_ms, seconds, False, most)
        if self._watch is None:
            return here
        return min(here, self._watch.hit(f"policy:{self._client}:{key}", "", now_ms, seconds, False, most))

    def _introduces(self, seen: Seen) -> bool:
        """Whether a PDU says who its sender is, or is the first of an association whose opening was not seen."""
        if seen.connection is not None:
            return seen.connection.name == "CR"
        return not self._state.flags & ADMITTED or (seen.part is not None and seen.part.acse is not None)

    def _who(self) -> Identity:
        if self._identity is None or self._identified != self._state.generation:
            self._identity = Identity.of(self._client, self._state.facts)
            self._identified = self._state.generation
        return self._identity


def _with_policy(finding: Finding, judgement: Judgement) -> Finding:
    """What the policy told of shows what the policy does about it."""
    if all(event.code != finding.code for event in judgement.events):
        return finding
    return finding._replace(action=max(finding.action, judgement.action))


def _numbers(octets: Octets, access: Access) -> tuple[float | None, ...]:
    """The number in each value that is written."""
    pos, end = access.data
    numbers = []
    while pos < end:
        stop = ber.header(octets, pos, end)[2]
        numbers.append(values.number(octets, pos, stop))
        pos = stop
    return tuple(numbers)
