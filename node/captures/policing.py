"""What a capture is judged by: the stock signatures, more of the user's own, and a policy, as on a node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inspector import Direction, Policing, Stack, Watch
from node.captures.streams import Connection
from node.signatures import read


class Maker:
    """Makes the inspector of a connection, and makes it anew where octets were lost."""

    def __init__(self, policing: Policing | None = None, *, details: bool = False) -> None:
        self._policing = policing or Policing()
        self._details = details

    def new(self, connection: Connection, now_ms: int) -> Stack:
        """The inspector of a connection that was not seen before."""
        if self._policing.watch is not None:
            self._policing.watch.connected(connection.client[0], now_ms)
        return Stack(**self._options(connection))

    def closed(self, connection: Connection) -> None:
        """A connection is over."""
        if self._policing.watch is not None and connection.stack is not None:
            self._policing.watch.closed(connection.client[0])

    def without_held(self, connection: Connection, stack: Stack, direction: Direction) -> Stack:
        """The same inspector, less the octets it holds of one direction."""
        held = list(stack.held)
        held[direction] = b""
        return Stack.resume(stack.checkpoint(), (held[0], held[1]), **self._options(connection))

    def _options(self, connection: Connection) -> dict[str, Any]:
        server = "{}:{}".format(*connection.server)
        policing = replace(self._policing, client=connection.client[0], server=server)
        return {"on_undecodable": "continue", "policing": policing, "details": self._details}


def policed(
    policy: Path | None = None, number: int | None = None, signatures: Sequence[Path] = (), *, details: bool = False
) -> Maker:
    """What makes the inspectors of a capture.

    Raises ConfigErrors for files with mistakes, LookupError if the policy file has no such policy, or several and
    no number was given.
    """
    rules = read(signatures)
    if policy is None:
        return Maker(Policing(rules, None, Watch()), details=details)
    from node.policy import load_policy_file  # noqa: PLC0415 - pydantic takes as long to load as a small capture

    known = load_policy_file(policy, rules)
    if number is None and len(known) > 1:
        raise LookupError(f"{policy} has the policies {_listed(known)}: say which")
    chosen = next(iter(known)) if number is None else number
    if chosen not in known:
        raise LookupError(f"{policy} has no policy {chosen}, but {_listed(known)}")
    return Maker(Policing(*known[chosen], Watch()), details=details)


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
