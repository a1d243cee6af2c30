"""A lab for each test that asks for one, built anew and removed whatever happens."""

import os
from collections.abc import Iterator

import pytest

from scripts.lab.lab import Lab
from scripts.lab.layout import Timing

RELAXED = Timing(interval_ms=100, lost_threshold=5, lease_ms=350)
"""Slower than the default, so that a machine busy with other things does not look like a dead node."""


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Network, configurations and key; nothing runs yet."""
    with Lab(os.environ.get("TANDEM_LAB_PREFIX", "e2e-"), timing=RELAXED) as built:
        yield built
