"""SKELETON: helper LAYERS replaces this file."""

from inspector.ber import Octets


def number(octets: Octets, start: int, stop: int) -> float | None:
    """The first number in what is written."""
    return None
