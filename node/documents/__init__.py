"""Files that people write: YAML in, frozen models out, every mistake at its place in the file.

errors.py     Problem and ConfigErrors: what `tandem check` prints
positions.py  YAML text -> plain values plus the line and column of each key and value
section.py    sections: what a mapping's keys are, and the rules between them
kinds.py      what the type of a key takes
fields.py     types of keys: endpoints, addresses, names, paths, ranges with their limits
patterns.py   likewise for patterns and for what signatures and policies name
words.py      how values are named in messages, and the word that was meant
read.py       a file's text; Reading: a text under a model, and all that is wrong with it
"""

from node.documents.errors import ConfigErrors, Finding, Problem
from node.documents.read import Bounds, Reading, dotted, read_text
from node.documents.section import Section

__all__ = ["Bounds", "ConfigErrors", "Finding", "Problem", "Reading", "Section", "dotted", "read_text"]
