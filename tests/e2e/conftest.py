"""A lab for each test that asks for one, built anew and removed whatever happens."""

import os
from collections.abc import Iterator

import pytest

from scripts.lab.lab import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Network, configurations and key; nothing runs yet."""
    with Lab(os.environ.get("TANDEM_LAB_PREFIX", "e2e-")) as built:
        yield built
