"""What the witness of a role scenario keeps, and when its answers come."""

from dataclasses import replace

from protocol import events, witness
from protocol.witness import EMPTY, Claim

WAY_S = 0.002
TIMEOUT_S = 0.25

Answer = events.WitnessAnswered | events.WitnessFailed


class Kept:
    """One record, as of now, and the answer that is under way."""

    def __init__(self) -> None:
        self.claim: Claim = EMPTY
        self.revision = 0
        self.up = True
        self.pending: tuple[float, Answer] | None = None

    def change(self, words: dict[str, str]) -> None:
        """Somebody else writes these fields."""
        kinds = {"incarnation": int, "epoch": int, "solo": lambda word: word == "yes"}
        self.claim = replace(self.claim, **{name: kinds.get(name, str)(word) for name, word in words.items()})
        self.revision += 1

    def ask(self, question: events.AskWitness, now: float) -> str | None:
        """Do what is asked, as far as it can be done; what was written, in words."""
        if not self.up:
            self.pending = (now + TIMEOUT_S, events.WitnessFailed(question.number, "timeout"))
            return None
        told = None
        if question.write is not None and question.revision == self.revision:
            self.claim = witness.unpack(question.write)
            self.revision += 1
            told = "write " + describe(self.claim)
        record = witness.pack(self.claim) if self.revision else None
        self.pending = (now + WAY_S, events.WitnessAnswered(question.number, record, self.revision))
        return told


def describe(claim: Claim) -> str:
    """A record in words."""
    words = f"{claim.node} holds, incarnation {claim.incarnation}, epoch {claim.epoch}"
    words += ", solo" if claim.solo else ""
    return words + (f", challenged by {claim.challenger}" if claim.challenger != witness.NOBODY else "")
