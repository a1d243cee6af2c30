"""The node's configuration: YAML in, frozen models out, every mistake at its place in the file.

models.py  the models; attribute names are the YAML keys; derived values with their units
checks.py  the rules between sections, one function a rule
load.py    load(path) -> Config, or ConfigErrors with all problems at once

How any file is read, and how its mistakes are told, is in node.documents.
"""

from node.config.load import load, parse
from node.config.models import (
    Admin,
    Cluster,
    Config,
    EventFile,
    Events,
    Gateway,
    Heartbeat,
    Limits,
    Link,
    Log,
    Node,
    Notify,
    Service,
    StandbyLoss,
    Syslog,
    Tls,
    VirtualAddress,
    Witness,
)
from node.documents.errors import ConfigErrors, Problem
from node.documents.fields import Endpoint

__all__ = [
    "Admin",
    "Cluster",
    "Config",
    "ConfigErrors",
    "Endpoint",
    "EventFile",
    "Events",
    "Gateway",
    "Heartbeat",
    "Limits",
    "Link",
    "Log",
    "Node",
    "Notify",
    "Problem",
    "Service",
    "StandbyLoss",
    "Syslog",
    "Tls",
    "VirtualAddress",
    "Witness",
    "load",
    "parse",
]
