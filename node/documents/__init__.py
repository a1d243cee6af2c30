"""Files that people write: YAML in, frozen models out, every mistake at its place in the file.

errors.py     Problem and ConfigErrors: what `tandem check` prints
positions.py  YAML text -> plain values plus the line and column of each key and value
fields.py     field types: endpoints, addresses, names, paths, ranges with their limits
patterns.py   field types for patterns and for what signatures and policies name
schema.py     what a model wants at a location
explain.py    the validator's errors in the operator's words, with what would be right
read.py       a file's text; Reading: a text under a model, and all that is wrong with it
"""

import os

# Before pydantic makes the first model: it would look through all that is installed for plugins, which takes half as
# long as to check a file, and what is sound is not theirs to say.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from node.documents.errors import ConfigErrors, Problem
from node.documents.explain import Finding
from node.documents.fields import Section
from node.documents.read import Bounds, Reading, dotted, read_text

__all__ = ["Bounds", "ConfigErrors", "Finding", "Problem", "Reading", "Section", "dotted", "read_text"]
