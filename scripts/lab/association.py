"""The bytes that open an ISO association (RFC 1006, ISO 8073, 8327, 8823, 8650, 9506), for lab traffic.

The two upper-layer exchanges are those of an independent stack, kept as octets: session CONNECT with presentation
CP, ACSE AARQ and MMS initiate-Request, and the answer to it. The caller's number travels as its calling TSAP.
"""

import socket
import struct
from typing import Final

PORT: Final = 102
TPKT_HEADER: Final = 4
_TPKT_VERSION: Final = 3
_CR: Final = 0xE0
_CC: Final = 0xD0
_CALLING_TSAP: Final = 0xC1
_DATA: Final = b"\x02\xf0\x80"

_CONNECT: Final = bytes.fromhex(
    "0db10506130100160102140200023302000134020001c19b318198a003800101a28190810400000001820400000001a423300f"
    "0201010604520100013004060251013010020103060528ca220201300406025101615d305b020101a0566054a107060528ca22"
    "0203a206060429876702a30302010ca606060429876701a70302010cbe2f282d06025101020103a024a82280027d0081010582"
    "0105a416800101810305fb00820c03ee1c200000000000000110"
)
_ACCEPT: Final = bytes.fromhex(
    "0e9b0506130100160102140200023302000134020001c185318182a003800101a27b830400000001a512300780010081025101"
    "300780010081025101615f305d020101a0586156a107060528ca220201a203020100a305a103020100a406060429876702a503"
    "02010cbe32283006025101020103a027a92580027d00810105820105830104a416800101810305fb00820c03ee1c2000000000"
    "00000110"
)


class AssociationError(Exception):
    """The peer did not answer as it must."""


def tpkt(tpdu: bytes) -> bytes:
    """One TPDU in its RFC 1006 packet."""
    return struct.pack("!BBH", _TPKT_VERSION, 0, TPKT_HEADER + len(tpdu)) + tpdu


def opening(number: int, tpdu_size_exponent: int) -> tuple[bytes, bytes, bytes, bytes]:
    """The four packets that open an association: caller, called, caller, called."""
    tsap = struct.pack("!I", number)
    request, confirm = (_connection_tpdu(kind, 0, tsap, tpdu_size_exponent) for kind in (_CR, _CC))
    return tpkt(request), tpkt(confirm), tpkt(_DATA + _CONNECT), tpkt(_DATA + _ACCEPT)


def open_as_caller(sock: socket.socket, number: int, tpdu_size_exponent: int) -> None:
    """Associate over a connected socket, as caller `number`.

    `tpdu_size_exponent` is what ISO 8073 codes: 10 for 1024 octets, 11 for 2048. Raises AssociationError, OSError.
    """
    sock.sendall(tpkt(_connection_tpdu(_CR, 0, struct.pack("!I", number), tpdu_size_exponent)))
    _expect(sock, _CC)
    sock.sendall(tpkt(_DATA + _CONNECT))
    _receive(sock)


def open_as_called(sock: socket.socket) -> tuple[int, int]:
    """Answer a caller; returns its number and TPDU size exponent. Raises AssociationError, OSError."""
    request = _expect(sock, _CR)
    reference = struct.unpack_from("!H", request, 4)[0]
    parameters = _parameters(request)
    number: int = struct.unpack("!I", parameters[_CALLING_TSAP])[0]
    exponent = parameters[0xC0][0]
    sock.sendall(tpkt(_connection_tpdu(_CC, reference, parameters[_CALLING_TSAP], exponent)))
    _receive(sock)
    sock.sendall(tpkt(_DATA + _ACCEPT))
    return number, exponent


def _connection_tpdu(kind: int, their_reference: int, tsap: bytes, exponent: int) -> bytes:
    head = struct.pack("!BHHB", kind, their_reference, 1, 0)
    variable = b"\xc0\x01" + bytes([exponent]) + b"\xc1" + bytes([len(tsap)]) + tsap + b"\xc2\x02\x00\x01"
    return bytes([len(head) + len(variable)]) + head + variable


def _parameters(tpdu: bytes) -> dict[int, bytes]:
    found = {}
    place = 7
    while place + 2 <= len(tpdu):
        length = tpdu[place + 1]
        found[tpdu[place]] = tpdu[place + 2 : place + 2 + length]
        place += 2 + length
    return found


def _expect(sock: socket.socket, kind: int) -> bytes:
    tpdu = _receive(sock)
    if tpdu[1] & 0xF0 != kind:
        raise AssociationError(f"TPDU {tpdu[1]:02x} where {kind:02x} belongs")
    return tpdu


def _receive(sock: socket.socket) -> bytes:
    """One TPDU, and not an octet more."""
    length = struct.unpack("!2xH", _receive_exactly(sock, TPKT_HEADER))[0]
    return _receive_exactly(sock, length - TPKT_HEADER)


def _receive_exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise AssociationError("connection closed during the association")
        data += piece
    return data
