"""What an ICCP (TASE.2) association says, and what is done about it, from its octets: pure, incremental, bounded.

    octets -> framer.py    tpkt.py (RFC 1006) and cotp.py (class 0), whole TSDUs out of any cuts
           -> decoder.py   session.py, presentation.py, acse.py, mms.py: one TSDU down the layers
                           services.py (names of MMS), objects.py (which objects a PDU touches), initiate.py
           -> meaning.py   tase2.py, apps.py (names): the TASE.2 operation and the application
           -> judge.py     checks/ (what is odd), policy/ (what is allowed), rules/ (what events are worth): the verdict
           -> memory.py    what the association learns from what passes; refusals.py builds errors for what does not
    stack.py drives them; seen.py is a PDU in its place, telling.py and turn.py what is told of it; shapes.py is the
    short way for reports like the last; state.py is what an association remembers and the deltas of it;
    checkpoint.py keeps that up to date elsewhere without seeing the traffic; watch.py remembers peers beyond one
    session; learning.py gathers what policies are made of; answers.py, values.py, operations.py and details.py read
    what a PDU says in full; patterns.py matches names; ber.py reads TLVs; packed.py packs state; limits.py bounds
    everything; results.py is what comes out; errors.py what goes wrong.

The rules that hold: peer octets never raise; what cannot be decoded is a finding and, unless told otherwise,
the end of the session; the same octets give the same results however they are cut; the state changes only
where a TSDU ends, so that a checkpoint and the octets held back are together the whole inspector.
"""

from inspector.checkpoint import Checkpoint, merge
from inspector.errors import StateError
from inspector.judge import Policing
from inspector.limits import Limits
from inspector.policy import Policy
from inspector.results import LAYERS, Action, Direction, Edit, Event, Finding, Pdu, Result, Severity
from inspector.rules import Ruleset, TagTable
from inspector.stack import OnUndecodable, Stack
from inspector.watch import Watch

__all__ = [
    "LAYERS",
    "Action",
    "Checkpoint",
    "Direction",
    "Edit",
    "Event",
    "Finding",
    "Limits",
    "OnUndecodable",
    "Pdu",
    "Policing",
    "Policy",
    "Result",
    "Ruleset",
    "Severity",
    "Stack",
    "StateError",
    "TagTable",
    "Watch",
    "merge",
]
