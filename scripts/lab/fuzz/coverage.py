"""Starts coverage-guided fuzzing: the inspector is imported under atheris's instruments, here for the first time."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def run(seed: int, seconds: float, folder: str) -> int:
    """Fuzz for so long; streams that reach new code stay in `folder`. Does not return once it has begun."""
    try:
        atheris: Any = import_module("atheris")
    except ImportError:
        print("scripts/fuzz --coverage needs atheris: .venv/bin/python -m pip install -e '.[fuzz]'", file=sys.stderr)
        return 2
    Path(folder).mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["inspector"]):
        guided: Any = import_module("scripts.lab.fuzz.guided")
    guided.start(atheris, seed, seconds, Path(folder))
    return 0
