"""The errors of this package: all that a peer's bytes can ever raise.

Each carries a stable kebab-case `code` for counters and logs, and a detail for people.
"""


class ProtocolError(Exception):
    """Something the other node sent, or somebody in its name, is not acceptable."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class SealError(ProtocolError):
    """A seal does not hold, or a datagram is refused. Codes: see seal.py and datagrams.py."""


class HandshakeError(ProtocolError):
    """The replication stream cannot be opened with this peer. Codes: see handshake.py."""


class FrameError(ProtocolError):
    """The replication stream is damaged beyond this frame: close it. Codes: see frames.py."""


class MessageError(ProtocolError):
    """A message whose seal holds says nothing that this version understands."""
