"""A lab for each test that asks for one, built anew and removed whatever happens."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from scripts.lab.lab import Lab
from scripts.lab.layout import RELAXED

RUN = Path("/run")
LOG_LINES = 80


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Network, configurations and key; nothing runs yet."""
    with Lab(os.environ.get("TANDEM_LAB_PREFIX", "e2e-"), timing=RELAXED) as built:
        yield built


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure is shown with the last words of the nodes, whose logs go with the lab."""
    report = yield
    if report.failed:
        for log in sorted(RUN.glob("*-lab/?.log")):
            words = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            report.sections.append((f"{log}, its end", "\n".join(words)))
    return report
