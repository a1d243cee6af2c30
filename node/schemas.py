"""What this release exchanges with the other node, and what it writes for another one (rules: protocol/versions.py)."""

from __future__ import annotations

from inspector import state, watch
from node.release import SOFTWARE
from protocol import heartbeat, messages, versions
from protocol.errors import HandshakeError
from protocol.handshake import Identity

READS: versions.Versions = {
    "messages": messages.VERSIONS_READ,
    "decoder": state.VERSIONS_READ,
    "watch": (watch.VERSION,),
    "heartbeat": heartbeat.VERSIONS,
}
WRITES: versions.Versions = {**READS, "messages": messages.VERSIONS_WRITTEN, "decoder": (state.VERSION,)}


def written_for(peer: Identity) -> dict[str, int]:
    """The versions to write for a passive node. Raises HandshakeError if it could not follow this one."""
    try:
        return versions.common(WRITES, peer.schemas)
    except HandshakeError as error:
        detail = f"{peer.name} ({peer.software}) cannot read what {SOFTWARE} writes: {error.detail}"
        raise HandshakeError(error.code, detail) from None
