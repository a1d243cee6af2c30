"""Opening the replication stream: both ends prove the cluster key, agree on fresh keys, and say who they are.

    each:  hello     magic "TNDM" | version 2 | X25519 public key 32 | nonce 32       in clear
    each:  identity  the first sealed frame (number 0): name, group, incarnation, epoch, schemas, software

Either end sends its hello at once and its identity as soon as it has the other's hello. The keys, one for
each direction, come from the cluster key and the X25519 secret (RFC 7748) together, bound to both hellos by a
hash: without the cluster key nobody reads or makes a frame, and a key that leaks later opens no recorded
stream. While the cluster's key is changed an end may accept a second one; each direction then goes by whichever its
sender uses.

Codes of HandshakeError:
  magic, version    no tandem node, or another release's stream
  reflected         our own hello came back
  public-key        a key that would make the secret a constant
  unauthenticated   the other end has another cluster key, or the stream is damaged
  malformed, oversized   the identity is none
  group, same-name  the wrong cluster, or two nodes of one name
  schema            no common version of what the nodes exchange
  closed            it failed before
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from protocol import records, versions
from protocol.errors import FrameError, HandshakeError, MessageError
from protocol.frames import FrameReader, FrameWriter
from protocol.limits import FRAME_BYTES_MAX
from protocol.records import RECORD_BYTES_MAX, Schema, number, text
from protocol.seal import Opener, Sealer, derive

NONCE_BYTES = 32
PRIVATE_KEY_BYTES = 32

_MAGIC = b"TNDM"
_VERSION = 1
_HELLO_BYTES = len(_MAGIC) + 2 + 32 + NONCE_BYTES
_SCHEMAS_MAX = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a node is. `schemas`: of each thing exchanged (versions.py) the versions that it reads."""

    name: str
    group: str
    incarnation: int
    epoch: int
    schemas: Mapping[str, tuple[int, ...]]
    software: str


@dataclass(frozen=True, slots=True)
class Established:
    """The stream is open. Frames that came along already are in the reader: take() or feed() gives them."""

    peer: Identity
    schemas: Mapping[str, int]
    """Of each thing both know, the highest version that both understand."""
    writer: FrameWriter
    reader: FrameReader


def _are_schemas(value: object) -> bool:
    """A map of a few names to a few version numbers each."""
    name, version = text(), number(2**16 - 1)
    return (
        isinstance(value, dict)
        and len(value) <= _SCHEMAS_MAX
        and all(map(name, value))
        and all(
            isinstance(numbers, list | tuple) and 1 <= len(numbers) <= _SCHEMAS_MAX and all(map(version, numbers))
            for numbers in value.values()
        )
    )


_IDENTITY = Schema(
    "identity",
    1,
    {
        "name": text(),
        "group": text(),
        "incarnation": number(),
        "epoch": number(),
        "schemas": _are_schemas,
        "software": text(),
    },
)


def pack_identity(identity: Identity) -> bytes:
    """The payload of the first frame."""
    return records.pack(_IDENTITY, {**asdict(identity), "schemas": dict(identity.schemas)})


def unpack_identity(payload: bytes) -> Identity:
    """Who the peer says it is; raises MessageError."""
    _, fields = records.unpack({_IDENTITY.kind: (_IDENTITY,)}, payload)
    fields["schemas"] = {name: tuple(numbers) for name, numbers in fields["schemas"].items()}
    return Identity(**fields)


def _agree(mine: Identity, peer: Identity) -> dict[str, int]:
    try:
        return versions.common(mine.schemas, peer.schemas)
    except HandshakeError as error:
        raise HandshakeError(error.code, f"{peer.name} is of {peer.software}; {error.detail}") from None


class Handshake:
    """One end of the handshake: bytes in by receive(), bytes out by to_send(), no time and no I/O.

    `private_key` and `nonce` are 32 octets each of fresh randomness; never use them again. `others` are cluster keys
    that the other end may use as well.
    """

    def __init__(
        self,
        secret: bytes,
        identity: Identity,
        *,
        initiator: bool,
        private_key: bytes,
        nonce: bytes,
        others: Sequence[bytes] = (),
        max_frame: int = FRAME_BYTES_MAX,
    ) -> None:
        assert len(nonce) == NONCE_BYTES, "a nonce has 32 octets"
        self._secrets = (secret, *others)
        self._identity = identity
        self._initiator = initiator
        self._private_key = X25519PrivateKey.from_private_bytes(private_key)
        public_key = self._private_key.public_key().public_bytes_raw()
        self._hello = _MAGIC + _VERSION.to_bytes(2, "big") + public_key + nonce
        self._outgoing = bytearray(self._hello)
        self._incoming = bytearray()
        self._max_frame = max_frame
        self._stream: tuple[FrameWriter, FrameReader] | None = None
        self._over = False

    def to_send(self) -> bytes:
        """What is to be sent now; empty when nothing is."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def receive(self, data: bytes) -> Established | None:
        """Take a piece of the stream. None while more is needed; after Established, feed its reader instead.

        Raises HandshakeError: close the connection.
        """
        if self._over:
            raise HandshakeError("closed", "the handshake is over")
        try:
            established = self._receive(data)
        except HandshakeError:
            self._over = True
            raise
        except (FrameError, MessageError) as error:
            self._over = True
            raise HandshakeError(error.code, error.detail) from None
        self._over = established is not None
        return established

    def _receive(self, data: bytes) -> Established | None:
        if self._stream is None:
            self._incoming += data
            if not _MAGIC.startswith(bytes(self._incoming[: len(_MAGIC)])):
                raise HandshakeError("magic", "the other end is no tandem node")
            if len(self._incoming) < _HELLO_BYTES:
                return None
            data = bytes(self._incoming[_HELLO_BYTES:])
            self._stream = self._open_stream(bytes(self._incoming[:_HELLO_BYTES]))
            self._incoming.clear()
        writer, reader = self._stream
        reader.add(data)
        payload = reader.take()
        return None if payload is None else self._meet(unpack_identity(payload), writer, reader)

    def _open_stream(self, hello: bytes) -> tuple[FrameWriter, FrameReader]:
        """The other's hello is here: make the keys and say who we are."""
        version = int.from_bytes(hello[4:6], "big")
        if version != _VERSION:
            raise HandshakeError("version", f"stream format {version}, here {_VERSION}")
        if hello[6:38] == self._hello[6:38]:
            raise HandshakeError("reflected", "our own hello came back")
        shared = self._shared(hello[6:38])
        hellos = (self._hello, hello) if self._initiator else (hello, self._hello)
        salt = sha256(b"".join(hellos)).digest()
        to_responder, to_initiator = (
            [derive(secret + shared, salt=salt, info=b"tandem stream 1 " + direction) for secret in self._secrets]
            for direction in (b"to responder", b"to initiator")
        )
        mine, theirs = (to_responder, to_initiator) if self._initiator else (to_initiator, to_responder)
        writer = FrameWriter(Sealer(mine[0]), self._max_frame)
        self._outgoing += writer.frame(pack_identity(self._identity))
        return writer, FrameReader(Opener(*theirs), RECORD_BYTES_MAX)

    def _shared(self, public_key: bytes) -> bytes:
        try:
            return self._private_key.exchange(X25519PublicKey.from_public_bytes(public_key))
        except ValueError:
            raise HandshakeError("public-key", "a point of low order") from None

    def _meet(self, peer: Identity, writer: FrameWriter, reader: FrameReader) -> Established:
        if peer.group != self._identity.group:
            raise HandshakeError("group", f"{peer.group}, here {self._identity.group}")
        if peer.name == self._identity.name:
            raise HandshakeError("same-name", f"both nodes are called {peer.name}")
        schemas = _agree(self._identity, peer)
        reader.max_frame = self._max_frame  # a stranger could only make us hold one identity
        return Established(peer, schemas, writer, reader)
