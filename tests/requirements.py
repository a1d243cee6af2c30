"""What a test needs of the host, said in the reason when it skips."""

import os
import shutil

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: network namespaces, BPF and TCP_REPAIR")


def needs_tool(name: str) -> pytest.MarkDecorator:
    """Skip unless the program `name` is on PATH."""
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"needs {name} on PATH")
