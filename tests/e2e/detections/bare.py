"""Plays talks to the inspector alone, as a node would: one watch for all, a stack for each connection."""

from __future__ import annotations

from inspector import Finding, Result, Stack
from inspector.judge import Policing
from inspector.watch import Watch
from node.policy import Loaded
from tests.e2e.detections.talks import Fate, Message, Talk

NOW_MS = 1_800_000_000_000


def address(peer: int) -> str:
    """A client's address: those from peers.OUTSIDE on lie beyond what the strict policy names."""
    return f"10.1.100.{16 + peer}"


def play(talks: list[Talk], loaded: Loaded) -> list[Finding]:
    """The findings on the last talk's connection; fails when a message does not fare as it should."""
    watch = Watch()
    found: list[Finding] = []
    for talk in talks:
        client = address(talk.peer)
        watch.connected(client, NOW_MS)
        policing = Policing(loaded.rules, loaded.policy, watch, client)
        stack = Stack(on_undecodable=loaded.policy.on_undecodable or "reset", policing=policing)
        found = []
        for message in talk.messages:
            result = stack.feed(message.direction, message.octets, NOW_MS)
            found += result.findings
            assert fate(message, result) is message.fate, result
    return found


def fate(message: Message, result: Result) -> Fate:
    """What became of a message."""
    if result.reset:
        assert (result.forward, result.edits) == (0, ())
        return Fate.ENDS
    assert result.forward == len(message.octets), "a whole message is decided at once"
    if not result.edits:
        return Fate.PASSES
    (edit,) = result.edits
    assert (edit.start, edit.stop) == (0, len(message.octets))
    if edit.instead:
        assert edit.instead == message.back
        return Fate.REPLACED
    assert edit.back == message.back
    return Fate.DENIED
