"""`tandem learn`: a policy that allows what was seen."""

from __future__ import annotations


def learn() -> None:
    """Write a policy from traffic."""
