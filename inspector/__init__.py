"""What an ICCP (TASE.2) association says, read from its octets: pure, incremental, bounded.

    octets -> framer.py    tpkt.py (RFC 1006) and cotp.py (class 0), whole TSDUs out of any cuts
           -> decoder.py   session.py, presentation.py, acse.py, mms.py: one TSDU down the layers
                           services.py (names of MMS), objects.py (which objects a PDU touches)
           -> meaning.py   tase2.py, apps.py (names): the TASE.2 operation and the application
    stack.py drives them; state.py is what an association remembers and the deltas of it;
    checkpoint.py keeps that memory up to date elsewhere without seeing the traffic;
    ber.py reads TLVs; limits.py bounds everything; results.py is what comes out; errors.py what goes wrong.

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
