"""The policy: which peers may associate, and what each may do to which object.

actions.py   Judgement: an action and the events that say why
identity.py  Identity: who the two ends of a session are; Side: what a policy wants of one
rights.py    Right; Need: which right a request or report needs for each object it names
rows.py      Row: one line of a bilateral table, with its limits
points.py    Points: limits of the values that are reported
peers.py     Peer: how a partner is recognised, its bilateral table; Group: those that fit a session
policy.py    Policy: all of it compiled, decisions remembered
"""

from inspector.policy.actions import ALLOWED, Hit, Judgement, worst
from inspector.policy.identity import Identity, Side
from inspector.policy.peers import Peer
from inspector.policy.points import PointLimit, PointRow, Points
from inspector.policy.policy import Deed, Policy
from inspector.policy.rights import Right
from inspector.policy.rows import Rate, Row, Span

__all__ = [
    "ALLOWED",
    "Deed",
    "Hit",
    "Identity",
    "Judgement",
    "Peer",
    "PointLimit",
    "PointRow",
    "Points",
    "Policy",
    "Rate",
    "Right",
    "Row",
    "Side",
    "Span",
    "worst",
]
