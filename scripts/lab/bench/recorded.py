"""A read and its answer, as two control centres exchanged them (TASE.2 1996-08, from a public capture of 2005).

The client reads what an association begins with: Bilateral_Table_ID, TASE2_Version and Supported_Features
(IEC 60870-6-503, 5.2). Octets as recorded, but for the invoke ID, which counts up from request to request.
"""

from typing import Final

from scripts.lab.association import tpkt

INVOKE_IDS: Final = 0x80
"""How many there are in one octet of a BER INTEGER that is not negative."""

_INVOKE_ID_AT: Final = 24  # in both packets
_REQUEST: Final = tpkt(
    bytes.fromhex(
        "02f080 01000100 6161 305f 020103 a05a"  # DT; session data; presentation user data in context 3
        "a058 020102 a453 a151 a04f"  # confirmed request 2: read, list of variables
        "3022 a020 a11e 1a08 42454c4c45565545 1a12 42696c61746572616c5f5461626c655f4944"
        "3011 a00f 800d 54415345325f56657273696f6e"
        "3016 a014 8012 537570706f727465645f4665617475726573"
    )
)
_RESPONSE: Final = tpkt(
    bytes.fromhex(
        "02f080 01000100 6123 3021 020103 a01c"
        "a11a 020102 a415 a113"  # confirmed response 2: read, list of results
        "8a03 312e30 a207 850207cc 850108 840304fb00"  # "1.0"; 1996 and 8; the bits of the features
    )
)


def request(number: int) -> bytes:
    """The `number`-th request as one packet."""
    return _numbered(_REQUEST, number % INVOKE_IDS)


def response(invoke_id: int) -> bytes:
    """The answer to the request of that invoke ID."""
    return _numbered(_RESPONSE, invoke_id)


def invoke_id(packet: bytes) -> int:
    """The invoke ID of a request or response of ours."""
    return packet[_INVOKE_ID_AT]


def _numbered(packet: bytes, number: int) -> bytes:
    return packet[:_INVOKE_ID_AT] + bytes((number,)) + packet[_INVOKE_ID_AT + 1 :]


REQUESTS: Final = tuple(request(number) for number in range(INVOKE_IDS))
RESPONSES: Final = tuple(response(number) for number in range(INVOKE_IDS))
REQUEST_BYTES: Final = len(_REQUEST)
RESPONSE_BYTES: Final = len(_RESPONSE)
