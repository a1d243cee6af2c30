"""Signature files: the stock one that comes with the program, and the user's own; YAML in, a Ruleset out.

    read(paths)   the stock signatures and those of the user's files

models.py   what a file may say
load.py     the user's files: every mistake at its place, those between files too
stock.yaml  every application that inspector.apps names, and at least one detection for every event
stock.py    the same as programs read it: stock.json, which `python -m scripts.stock` makes of it

Ids: 44684 is published for ICCP_Transfer.Reporting. Stock applications are 610000 and the number in inspector.apps,
stock detections 620000 and the rank times 100. 600000 to 699999 is kept for the stock file; the user's own may be
any others.
"""

from collections.abc import Sequence
from pathlib import Path

from inspector.rules import Ruleset
from node.signatures.stock import ruleset

__all__ = ["read"]


def read(paths: Sequence[Path] = ()) -> Ruleset:
    """The stock signatures and those of the user's files. Raises ConfigErrors with the problems of all of them."""
    if not paths:
        return ruleset()
    from node.signatures import load  # noqa: PLC0415 - it takes long to load; without files one can do without

    return load.compiled(load.read_files(paths))
