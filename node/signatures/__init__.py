"""Signature files: the stock one that comes with the program, and the user's own; YAML in, a Ruleset out.

models.py   what a file may say
load.py     stock() and read(paths): every mistake at its place, those between files too
stock.yaml  every application that inspector.apps names, and at least one detection for every event

Ids: 44684 is published for ICCP_Transfer.Reporting. Stock applications are 610000 and the number in inspector.apps,
stock detections 620000 and the rank times 100. 600000 to 699999 is kept for the stock file; the user's own may be
any others.
"""

from node.signatures.load import compiled, read, read_files, stock
from node.signatures.models import SignatureFile

__all__ = ["SignatureFile", "compiled", "read", "read_files", "stock"]
