"""Versions of what two nodes exchange, so that a node and one of the release before make a pair.

Each thing exchanged has a *schema* with a number: "messages" (the replication stream, session records included),
"decoder" (the inspector's state and its deltas), "watch" (what is known of peers), "heartbeat". A node says in the
handshake which versions it reads; the other writes the highest of them that it can write. Before the handshake, and to
a peer that has begun a new life since, heartbeats are written in the lowest version.

Whoever changes what is exchanged:
  1. Adds, and takes nothing away: a field or a message whose absence is harmless. The reader gives what is missing a
     default, the writer leaves out what the other does not read (records.newer and `since` in messages.py).
  2. Gives the schema a new number and keeps writing the old one for as long as the release before reads no more.
  3. If the meaning of what is there must change, gives it another name beside the old one.
  4. Adds the new version to the tests that cut it down to each older one.
A pair without a common version refuses the replication stream and says so; heartbeats are understood all the same, so
that the two do not fight over the addresses.
"""

from collections.abc import Mapping

from protocol.errors import HandshakeError

Versions = Mapping[str, tuple[int, ...]]

UNSAID: Versions = {"heartbeat": (1,), "watch": (1,)}
"""What a node of release 0.1.0 reads without saying so."""


def reads(peer: Versions, name: str) -> tuple[int, ...]:
    """The versions of a schema that a node reads which has said `peer` of itself."""
    return peer.get(name, UNSAID.get(name, ()))


def common(mine: Versions, theirs: Versions) -> dict[str, int]:
    """Of each schema the highest version in both. Raises HandshakeError `schema`."""
    agreed = {}
    for name, versions in mine.items():
        both = set(versions) & set(reads(theirs, name))
        if not both:
            here, there = (_numbers(each) for each in (versions, reads(theirs, name)))
            raise HandshakeError("schema", f"{name}: here {here}, there {there}")
        agreed[name] = max(both)
    return agreed


def _numbers(versions: tuple[int, ...]) -> str:
    return " or ".join(f"version {number}" for number in versions) or "none"
