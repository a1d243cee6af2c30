"""Keys and the stream's seal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import SealError
from protocol.seal import TAG_BYTES, Opener, Sealer, derive
from tests.protocol.samples import OTHER_SECRET, SECRET


def test_derive_is_hkdf_sha256() -> None:
    """RFC 5869, appendix A.1, the first 32 octets of its output."""
    key = derive(bytes([0x0B] * 22), salt=bytes(range(13)), info=bytes(range(0xF0, 0xFA)))
    assert key.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


@pytest.mark.parametrize("changes", [{"salt": b"x"}, {"info": b"x"}])
def test_derive_separates_purposes(changes: dict[str, bytes]) -> None:
    purpose = {"salt": b"salt", "info": b"info"}
    assert derive(SECRET, **purpose) != derive(SECRET, **{**purpose, **changes})
    assert derive(SECRET, **purpose) != derive(OTHER_SECRET, **purpose)


@given(st.lists(st.tuples(st.binary(max_size=300), st.binary(max_size=20)), max_size=10))
def test_round_trip(messages: list[tuple[bytes, bytes]]) -> None:
    sealer, opener = Sealer(SECRET), Opener(SECRET)
    for number, (plaintext, aad) in enumerate(messages):
        sealed = sealer.seal(plaintext, aad)
        assert len(sealed) == len(plaintext) + TAG_BYTES
        assert opener.open(sealed, aad) == plaintext
        assert sealer.number == opener.number == number


def test_same_plaintext_never_looks_the_same() -> None:
    sealer = Sealer(SECRET)
    assert sealer.seal(b"again") != sealer.seal(b"again")


def _refused(opener: Opener, sealed: bytes, aad: bytes = b"") -> str:
    with pytest.raises(SealError) as caught:
        opener.open(sealed, aad)
    return caught.value.code


def test_repeated_reordered_lost() -> None:
    sealer, opener = Sealer(SECRET), Opener(SECRET)
    first, second, third = (sealer.seal(b"%d" % n) for n in range(3))
    assert _refused(opener, second) == "unauthenticated"
    assert opener.open(first) == b"0"
    assert _refused(opener, first) == "unauthenticated"
    assert _refused(opener, third) == "unauthenticated"
    assert opener.open(second) == b"1"


def test_wrong_key_and_wrong_aad() -> None:
    sealed = Sealer(SECRET).seal(b"x", b"aad")
    assert _refused(Opener(OTHER_SECRET), sealed, b"aad") == "unauthenticated"
    assert _refused(Opener(SECRET), sealed, b"other") == "unauthenticated"


@given(st.binary(max_size=100))
def test_garbage_is_refused(sealed: bytes) -> None:
    assert _refused(Opener(SECRET), sealed) == "unauthenticated"
