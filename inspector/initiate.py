"""SKELETON: helper LAYERS replaces this file."""

from typing import NamedTuple

from inspector.ber import Octets


class Initiate(NamedTuple):
    """What an initiate request or response offers."""

    local_detail: int | None = None
    max_calling: int = 0
    max_called: int = 0
    nesting: int | None = None
    version: int = 0
    parameter_cbb: bytes = b""
    services: bytes = b""


def decode(octets: Octets, start: int, stop: int) -> Initiate:
    """The parameters in the contents of an initiate PDU."""
    return Initiate()
