"""A case: what fires a signature, and what almost does."""

from __future__ import annotations

from typing import NamedTuple

from tests.e2e.detections.policy import OPEN
from tests.e2e.detections.talks import Talk


class Case(NamedTuple):
    """The talks of `fires` lead to a finding `code` by signature `sid` on the last of them, those of `near` to none."""

    sid: int
    name: str
    code: str
    fires: list[Talk]
    near: list[Talk]
    policy: int = OPEN
