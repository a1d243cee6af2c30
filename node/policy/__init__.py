"""SKELETON: helper POLICY replaces this file."""

from inspector import Policy, Ruleset
from node.config import Config

Rulebook = dict[str, tuple[Ruleset, Policy]]


def load_all(config: Config) -> Rulebook:
    """The signatures and the policy of each service."""
    return {service.name: (Ruleset(), Policy.default(service.policy)) for service in config.services}
