"""Keys, and authenticated encryption of a stream.

HKDF with SHA-256 (RFC 5869) derives every key; ChaCha20-Poly1305 (RFC 8439) seals. A nonce is a counter: four
zero bytes and 64 bits, big-endian, so a key must never be used by two sealers. Both ends of a stream count in
step and the number is not sent: a frame that is lost, repeated, reordered or altered does not open.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.errors import SealError

KEY_BYTES = 32
TAG_BYTES = 16
COUNT_MAX = 2**64 - 1


def derive(secret: bytes, *, salt: bytes, info: bytes) -> bytes:
    """A 32-byte key for the purpose `info` names (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(secret)


def nonce(count: int) -> bytes:
    """The 12-byte nonce of message number `count` under a key."""
    return bytes(4) + count.to_bytes(8, "big")


class Sealer:
    """Seals messages, numbered from 0. `number` is that of the last message sealed, -1 before the first."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self.number = -1

    def seal(self, plaintext: bytes, aad: bytes = b"") -> bytes:
        """The next message, TAG_BYTES longer than `plaintext`; `aad` is authenticated and not sent."""
        self.number += 1
        assert self.number <= COUNT_MAX, "a key's counter must not wrap"
        return self._cipher.encrypt(nonce(self.number), plaintext, aad)


class Opener:
    """Opens what a Sealer of the same key sealed, in order. `number`: the last opened, -1 before any.

    Of several keys, that of the first message stands for all that follow.
    """

    def __init__(self, *keys: bytes) -> None:
        self._ciphers = [ChaCha20Poly1305(key) for key in keys]
        self.number = -1

    def open(self, sealed: bytes | bytearray, aad: bytes = b"") -> bytes:
        """The plaintext; raises SealError `unauthenticated` unless this is exactly the next message."""
        for cipher in self._ciphers:
            try:
                plaintext = cipher.decrypt(nonce(self.number + 1), sealed, aad)
            except InvalidTag:
                continue
            self._ciphers = [cipher]
            self.number += 1
            return plaintext
        raise SealError("unauthenticated", f"message {self.number + 1} of the stream")
