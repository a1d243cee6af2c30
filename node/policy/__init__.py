"""Policy files: YAML in, for each policy its rules and the compiled Policy out; every mistake at its place.

fields.py   field types: networks, transport selectors, AP-titles
models.py   what a policy file may say
checks.py   the rules between its sections, and between it and the signatures
compile.py  a policy's model compiled for the inspector
tables.py   what was read, in numbers and hashes
load.py     load_policy_file(path); load_all(config), what each service is to be held to
"""

from node.policy.load import Loaded, Rulebook, load_all, load_policy_file
from node.policy.models import PolicyFile
from node.policy.tables import Tables

__all__ = ["Loaded", "PolicyFile", "Rulebook", "Tables", "load_all", "load_policy_file"]
