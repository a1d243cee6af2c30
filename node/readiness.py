"""Before a planned switchover: the passive node restores every connection while the primary still serves them.

Some move on meanwhile, and are restored anew in the next pass, as a live migration copies memory. Each pass has less to
do than the one before, until what is left for the gap itself is little.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from node import clock
from node.understudies import Understudies
from protocol.session import Session

PASSES_MAX = 5
FEW = 8
"""Sockets; no pass is worth while for fewer."""
SLICE_S = 0.002
"""In one turn of the event loop: the primary's clients wait for commits."""


async def bring_up(
    understudies: Understudies, sessions: Mapping[int, Session], peer_clock_ms: Callable[[], int]
) -> None:
    """Have understudies of these sessions, or nearly all, stand where they stand."""
    for _ in range(PASSES_MAX):
        if await _pass(understudies, sessions, peer_clock_ms) <= FEW:
            return


async def _pass(understudies: Understudies, sessions: Mapping[int, Session], peer_clock_ms: Callable[[], int]) -> int:
    moved = 0
    until_s = clock.boottime_s() + SLICE_S
    for id_ in list(sessions):
        session = sessions.get(id_)
        if session is not None:
            moved += understudies.bring_up(session, peer_clock_ms())
        if clock.boottime_s() >= until_s:
            await asyncio.sleep(0)
            until_s = clock.boottime_s() + SLICE_S
    return moved
