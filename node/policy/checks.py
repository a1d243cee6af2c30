"""The rules between the sections of a policy file, and between it and the signatures."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.rules import EVENTS, Ruleset
from node.documents import Finding
from node.documents.explain import near
from node.policy.models import Detection, PolicyEntry, PolicyFile
from node.signatures.models import fits_one


def check(file: PolicyFile, rules: Ruleset) -> Iterator[Finding]:
    """Every rule that is broken."""
    yield from _policies_differ(file)
    names = {each.name for each in rules.applications}
    for nr, policy in enumerate(file.policies):
        yield from _peers_differ(nr, policy)
        yield from _unknown_peers_have_no_policy(nr, policy)
        yield from _applications_are_known(nr, policy, names)
        for key, detection in policy.detections.items():
            yield from _detection(("policies", nr, "detections", key), key, detection, rules)


def _policies_differ(file: PolicyFile) -> Iterator[Finding]:
    for key in ("id", "name"):
        first: dict[object, int] = {}
        for nr, policy in enumerate(file.policies):
            value = getattr(policy, key)
            if (earlier := first.setdefault(value, nr)) != nr:
                yield ("policies", nr, key), f"{value} is policies[{earlier}]'s {key} already", f"each {key} once"


def _peers_differ(nr: int, policy: PolicyEntry) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for place, peer in enumerate(policy.peers):
        if (earlier := first.setdefault(peer.name, place)) != place:
            message = f"{peer.name} is peers[{earlier}]'s name already"
            yield ("policies", nr, "peers", place, "name"), message, "each name once in a policy"


def _unknown_peers_have_no_policy(nr: int, policy: PolicyEntry) -> Iterator[Finding]:
    """Without peers, everyone is unknown: whoever refuses those refuses all."""
    if not policy.peers and policy.unknown_peer in ("reset", "quarantine"):
        message = f"unknown peers are refused ({policy.unknown_peer}), and the policy knows none"
        yield ("policies", nr, "unknown_peer"), message, "name the peers under peers"


def _applications_are_known(nr: int, policy: PolicyEntry, names: set[str]) -> Iterator[Finding]:
    for place, peer in enumerate(policy.peers):
        for key in ("allow", "deny"):
            for number, pattern in enumerate(getattr(peer.applications, key)):
                if not fits_one(pattern, names):
                    at = ("policies", nr, "peers", place, "applications", key, number)
                    yield at, f"no application is called {pattern}", near(pattern, sorted(names))


def _detection(at: tuple[str | int, ...], key: str, detection: Detection, rules: Ruleset) -> Iterator[Finding]:
    changed = rules.overridden(key)
    if not changed:
        hint = near(key, EVENTS) or "an event's code, as operate-without-select, or a detection's id, as 620301"
        yield at, f'unknown key "{key}": no event and no detection is called so', hint
        return
    rates = detection.count is not None or detection.seconds is not None
    if rates and len(changed) > 1:
        ids = ", ".join(f"{rule.id} ({rule.name})" for rule in changed)
        message = f"{len(changed)} detections of {key} count differently: one count cannot do for all"
        yield (*at, "seconds" if detection.count is None else "count"), message, f"change one by its id: {ids}"
    elif rates:
        count = changed[0].count if detection.count is None else detection.count
        seconds = changed[0].seconds if detection.seconds is None else detection.seconds
        if count > 1 and not seconds:
            yield at, f"{count} of them within no time", "give seconds: the window in which they count"
