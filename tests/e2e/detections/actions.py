"""What a policy does about what is found: one message is taken out and the rest goes on, or all of it ends.

Each talk says by the fates of its messages what is to be done; all are under the stern policy but one.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.e2e.detections.form import BROKEN, FILE, KILL
from tests.e2e.detections.policy import LENIENT, STERN, STRICT
from tests.e2e.detections.talks import Fate, Talk
from tests.e2e.detections.words import (
    FINE,
    IDENTIFY,
    VALUE,
    WRITTEN,
    control,
    identity,
    opened,
    read,
    report,
    reporting,
    select,
    write,
)
from tests.inspector import vectors
from tests.inspector.vectors import C2S, tlv, variables


class Deed(NamedTuple):
    """A talk, and the codes of what is found in it."""

    name: str
    talk: Talk
    codes: set[str]
    policy: int = STERN


def denied() -> list[Deed]:
    """The request is answered in the server's place, and has no effect: the next one that is in order passes."""
    unselected = opened().request(write("ICC1/BRK1", 1), fate=Fate.DENIED)
    sweep = select(opened(), "BRK1", "BRK2")
    sweep.request(read("ICC1/BRK3_SBO"), fate=Fate.DENIED).request(read("ICC1/BRK4_SBO"), fate=Fate.DENIED)
    segmented = opened().request(write("ICC1/SP_2", 1), fate=Fate.DENIED, segment=9)
    created = opened().request(tlv(0xAB, vectors.name("ICC1/DS_1"), variables("ICC1/PT_1")), fate=Fate.DENIED)
    return [
        Deed("operate without select", control(unselected, "BRK1"), {"operate-without-select"}),
        Deed("sweep, from the third on", sweep.ask(read("ICC1/PT_1"), VALUE), {"control-sweep"}),
        Deed("in many segments", segmented.ask(write("ICC1/SP_1", 1), WRITTEN), {"unauthorized-write"}, STRICT),
        Deed("data set", created.ask(read("ICC1/PT_1"), VALUE), {"unauthorized-write"}, STRICT),
    ]


def taken_out() -> list[Deed]:
    """Reports vanish; answers become errors, so that whoever asked is not left waiting."""
    spoofed = reporting().report(report(by="TS_9"), fate=Fate.DENIED).report(report(by="TS_9"), fate=Fate.DENIED)
    false = reporting().report(report(vectors.point("44480000")), fate=Fate.DENIED)
    oversized = opened().request(IDENTIFY).response(identity(150), fate=Fate.REPLACED)
    return [
        Deed("spoofed reports", spoofed.report(report()), {"report-unknown-transfer-set"}),
        Deed("false report", false.report(report(FINE)), {"value-out-of-range"}),
        Deed("oversized answer", oversized.ask(IDENTIFY, identity()), {"response-oversized"}),
    ]


def ended() -> list[Deed]:
    """The session is over for both."""
    return [
        Deed("program killed", opened().request(KILL, fate=Fate.ENDS), {"dangerous-service"}),
        Deed("file opened", opened().request(FILE, fate=Fate.ENDS), {"dangerous-service"}),
    ]


def unreadable() -> list[Deed]:
    """Where the policy says so, what cannot be read passes, and all that follows."""
    talk = opened().say(C2S, BROKEN["cotp-illegal"]).request(KILL)
    return [Deed("unreadable octets", talk, {"cotp-illegal"}, LENIENT)]


DEEDS = [*denied(), *taken_out(), *ended(), *unreadable()]
SHUNNED_FOR = opened().say(C2S, vectors.cr(b"\x00\x01", b"\x00\x01"), Fate.ENDS)
"""A talk after which its client is in quarantine."""
