"""Signatures: which applications there are, and which events are worth a finding.

events.py   the codes of all events, by what they tell of
model.py    Rule, Application, When: what a signature file says
ruleset.py  Ruleset: rules compiled, with their rates and tags
"""

from inspector.rules.events import EVENTS
from inspector.rules.model import Application, Override, Per, Rule, TagTable, When
from inspector.rules.ruleset import SIGNATURE, Ruleset

__all__ = ["EVENTS", "SIGNATURE", "Application", "Override", "Per", "Rule", "Ruleset", "TagTable", "When"]
