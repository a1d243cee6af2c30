"""The node's configuration: YAML in, frozen models out, every mistake at its place in the file.

errors.py     Problem and ConfigErrors: what `tandem check` prints
positions.py  YAML text -> plain values plus the line and column of each key and value
fields.py     the field types: endpoints, addresses, names, paths, ranges with their limits
models.py     the models; attribute names are the YAML keys; derived values with their units
explain.py    the validator's errors in the operator's words, with what would be right
checks.py     the rules between sections, one function a rule
load.py       load(path) -> Config, or ConfigErrors with all problems at once
"""

from node.config.errors import ConfigErrors, Problem
from node.config.fields import Endpoint
from node.config.load import load, parse
from node.config.models import (
    Cluster,
    Config,
    Heartbeat,
    Limits,
    Link,
    Log,
    Node,
    Service,
    StandbyLoss,
    VirtualAddress,
)

__all__ = [
    "Cluster",
    "Config",
    "ConfigErrors",
    "Endpoint",
    "Heartbeat",
    "Limits",
    "Link",
    "Log",
    "Node",
    "Problem",
    "Service",
    "StandbyLoss",
    "VirtualAddress",
    "load",
    "parse",
]
