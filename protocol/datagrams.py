"""Sealed datagrams: heartbeats and death notices on every link.

    magic "TNDG" | version 1 | sender length | sender | incarnation 8 | counter 8 | sealed payload and tag

The header is in clear and authenticated. Each sender and incarnation has a key of its own, derived from the
cluster key, and its counter is the nonce: *a sender must never use an incarnation twice*, and a later life
must use a higher one. A worker and its guard are two senders ("a", "a/guard").

What the opener refuses, each counted by its code:
  malformed        no such header
  oversized        longer than DATAGRAM_BYTES_MAX; not even looked at
  version          a format of another release
  unauthenticated  wrong key, another group, or damaged
  stale            from an earlier incarnation of its sender: a higher one replaces it for ever
  replayed         seen before, or too far behind the newest to tell
  crowded          one sender more than the opener remembers (only holders of the key get this far)

Memory of what was seen starts empty with each opener, so datagrams recorded earlier may open once more in a
new life of the receiver. That is why messages also name the incarnation they are meant for (`Heartbeat.to`):
only those bound to the present life are evidence. Seal one datagram per link: copies of the same bytes on
another link are replays.

The cluster key can change while both live: counters and windows go on under the new one, and an opener may accept a
second key meanwhile.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from protocol.errors import SealError
from protocol.seal import COUNT_MAX, TAG_BYTES, derive, nonce

DATAGRAM_BYTES_MAX = 1400
SENDER_BYTES_MAX = 64
WINDOW = 128
"""How far behind the newest a datagram may arrive, in datagrams of one incarnation over all links."""

_MAGIC = b"TNDG"
_VERSION = 1
_FIXED_BYTES = len(_MAGIC) + 2 + 16


def _key(secret: bytes, group: str, sender: str, incarnation: int) -> bytes:
    info = b"tandem datagram 1\0" + incarnation.to_bytes(8, "big") + sender.encode()
    return derive(secret, salt=group.encode(), info=info)


class DatagramSealer:
    """Seals what one incarnation of `sender` says to its group."""

    def __init__(self, secret: bytes, group: str, sender: str, incarnation: int) -> None:
        name = sender.encode()
        assert 1 <= len(name) <= SENDER_BYTES_MAX, "sender names are bounded by the configuration"
        assert 1 <= incarnation <= COUNT_MAX, "incarnation 0 means unknown"
        self._names = (group, sender, incarnation)
        self.rekey(secret)
        self._prefix = _MAGIC + bytes((_VERSION, len(name))) + name + incarnation.to_bytes(8, "big")
        self._count = 0

    def rekey(self, secret: bytes) -> None:
        """From now on, seal with another cluster key."""
        self._cipher = ChaCha20Poly1305(_key(secret, *self._names))

    def seal(self, payload: bytes) -> bytes:
        """The next datagram, different each time."""
        self._count += 1
        header = self._prefix + self._count.to_bytes(8, "big")
        datagram = header + self._cipher.encrypt(nonce(self._count), payload, header)
        assert len(datagram) <= DATAGRAM_BYTES_MAX, "messages are bounded far below a datagram's size"
        return datagram


@dataclass(frozen=True, slots=True)
class Opened:
    """A datagram whose seal holds. `fresh`: newer than all before it of its incarnation, not a late one; `number`: its
    place among all that the incarnation sealed, from 1."""

    sender: str
    incarnation: int
    payload: bytes
    fresh: bool
    number: int


@dataclass(frozen=True, slots=True)
class _Header:
    sender: str
    incarnation: int
    count: int
    size: int


class _Sender:
    """One sender's present incarnation: its ciphers, and which counters were seen (RFC 4303, 3.4.3)."""

    def __init__(self, incarnation: int, ciphers: list[ChaCha20Poly1305]) -> None:
        self.incarnation = incarnation
        self.ciphers = ciphers
        self.newest = 0
        self._seen = 0  # bit n: counter newest - n was seen

    def knows(self, count: int) -> bool:
        """Whether this counter was seen, or lies too far back to tell."""
        behind = self.newest - count
        return behind >= WINDOW or (behind >= 0 and bool(self._seen >> behind & 1))

    def note(self, count: int) -> bool:
        """Remember a counter; true if it is the newest."""
        ahead = count - self.newest
        if ahead <= 0:
            self._seen |= 1 << -ahead
            return False
        # A jump beyond the window forgets all; the shift itself is bounded for counters of any size.
        self._seen = (self._seen << ahead) & ((1 << WINDOW) - 1) if ahead < WINDOW else 0
        self._seen |= 1
        self.newest = count
        return True


class DatagramOpener:
    """Opens the group's datagrams, sealed with any of the secrets. `refused` counts refusals by code."""

    def __init__(self, secret: bytes, group: str, *others: bytes, senders_max: int = 8) -> None:
        self._secrets: Sequence[bytes] = (secret, *others)
        self._group = group
        self._senders_max = senders_max
        self._senders: dict[str, _Sender] = {}
        self.refused: Counter[str] = Counter()

    def rekey(self, *secrets: bytes) -> None:
        """From now on, accept these cluster keys and no other."""
        self._secrets = secrets
        for name, sender in self._senders.items():
            sender.ciphers = self._ciphers(name, sender.incarnation)

    def _ciphers(self, sender: str, incarnation: int) -> list[ChaCha20Poly1305]:
        return [ChaCha20Poly1305(_key(secret, self._group, sender, incarnation)) for secret in self._secrets]

    def open(self, datagram: bytes) -> Opened:
        """What the datagram says; raises SealError with one of the codes above, and counts it."""
        try:
            return self._open(datagram)
        except SealError as error:
            self.refused[error.code] += 1
            raise

    def _open(self, datagram: bytes) -> Opened:
        header = _parse(datagram)
        known = self._senders.get(header.sender)
        self._refuse_old(header, known)
        if known is not None and known.incarnation == header.incarnation:
            sender = known
        else:
            sender = _Sender(header.incarnation, self._ciphers(header.sender, header.incarnation))
        payload = _decrypt(sender.ciphers, header, datagram)
        # Only from here on is the header true: nothing is remembered on a stranger's word.
        if known is None and len(self._senders) >= self._senders_max:
            raise SealError("crowded", f"more than {self._senders_max} senders")
        self._senders[header.sender] = sender
        return Opened(header.sender, header.incarnation, payload, sender.note(header.count), header.count)

    @staticmethod
    def _refuse_old(header: _Header, known: _Sender | None) -> None:
        if known is None or header.incarnation > known.incarnation:
            return
        if header.incarnation < known.incarnation:
            raise SealError("stale", f"incarnation {header.incarnation}, now {known.incarnation}")
        if known.knows(header.count):
            raise SealError("replayed", f"datagram {header.count}")


def _parse(datagram: bytes) -> _Header:
    if len(datagram) > DATAGRAM_BYTES_MAX:
        raise SealError("oversized", f"{len(datagram)} bytes")
    if len(datagram) < _FIXED_BYTES + 1 + TAG_BYTES or not datagram.startswith(_MAGIC):
        raise SealError("malformed", "no datagram of a tandem node")
    version, length = datagram[4], datagram[5]
    if version != _VERSION:
        raise SealError("version", f"datagram format {version}, here {_VERSION}")
    size = _FIXED_BYTES + length
    if not 1 <= length <= SENDER_BYTES_MAX or len(datagram) < size + TAG_BYTES:
        raise SealError("malformed", "the sender's name does not fit")
    incarnation = int.from_bytes(datagram[size - 16 : size - 8], "big")
    count = int.from_bytes(datagram[size - 8 : size], "big")
    if count == 0:
        raise SealError("malformed", "counters start at 1")
    return _Header(_name(datagram[6 : 6 + length]), incarnation, count, size)


def _name(octets: bytes) -> str:
    try:
        name = octets.decode()
    except UnicodeDecodeError:
        raise SealError("malformed", "the sender's name is no text") from None
    if not name.isprintable():
        raise SealError("malformed", "the sender's name does not print")
    return name


def _decrypt(ciphers: Sequence[ChaCha20Poly1305], header: _Header, datagram: bytes) -> bytes:
    for cipher in ciphers:
        try:
            return cipher.decrypt(nonce(header.count), datagram[header.size :], datagram[: header.size])
        except InvalidTag:
            continue
    raise SealError("unauthenticated", f"in the name of {header.sender}")
