"""The stock signatures as programs read them: stock.json, made from stock.yaml by `python -m scripts.stock`.

YAML is for people. To read and to check it takes longer than all else that most commands do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from inspector.results import Action
from inspector.rules import Application, Rule, Ruleset

FILE = "stock.json"
_SETS = ("needs", "forbids", "sets")


@cache
def text() -> str:
    """What the file holds."""
    return Path(__file__).with_name(FILE).read_text("utf-8")


@cache
def rules() -> tuple[tuple[Application, ...], tuple[Rule, ...]]:
    """Applications and detections, for the inspector."""
    data = json.loads(text())
    return tuple(Application(**each) for each in data["applications"]), tuple(map(_rule, data["detections"]))


def ruleset() -> Ruleset:
    """The stock signatures alone."""
    return Ruleset(*rules())


def _rule(plain: Mapping[str, Any]) -> Rule:
    """It has no `when`: stock detections are about events."""
    sets = {key: frozenset(plain.get(key, ())) for key in _SETS}
    action = Action[plain.get("action", "pass").upper()]
    return Rule(**{**plain, **sets, "attack": tuple(plain.get("attack", ())), "action": action})
