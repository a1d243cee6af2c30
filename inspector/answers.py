"""SKELETON: helper LAYERS replaces this file."""

from inspector.ber import Octets
from inspector.limits import Limits
from inspector.mms import MmsPdu


def all_succeeded(octets: Octets, pdu: MmsPdu) -> bool:
    """Whether every result of a read or write response is a success."""
    return True


def members(octets: Octets, pdu: MmsPdu, limits: Limits) -> list[str]:
    """The members that a getNamedVariableListAttributes response lists."""
    return []
