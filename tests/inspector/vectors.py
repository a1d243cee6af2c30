"""Octets for the tests: hex with comments, builders for every layer, and one whole conversation of our own."""

from functools import partial

from inspector import Direction

C2S, S2C = Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT
ACSE, MMS = 1, 3

Message = tuple[Direction, bytes]


def octets(text: str) -> bytes:
    """Hex in lines, each with an optional `# comment`."""
    return bytes.fromhex(" ".join(line.split("#")[0] for line in text.splitlines()))


def tlv(tag: int, *contents: bytes | str) -> bytes:
    """One BER value; a string stands for its ASCII octets."""
    body = b"".join(it.encode() if isinstance(it, str) else it for it in contents)
    size = len(body)
    if size < 0x80:
        length = bytes((size,))
    else:
        count = (size.bit_length() + 7) // 8
        length = bytes((0x80 | count,)) + size.to_bytes(count, "big")
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big") + length + body


def integer(value: int, tag: int = 0x02) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def tpkt(tpdu: bytes) -> bytes:
    return b"\x03\x00" + (len(tpdu) + 4).to_bytes(2, "big") + tpdu


SEGMENT = 65_000
"""Octets of user data in one DT, if nothing else is asked for."""


def data(tsdu: bytes, segment: int = SEGMENT) -> bytes:
    """A TSDU in DTs of at most `segment` octets of user data, each in a TPKT."""
    pieces = [tsdu[at : at + segment] for at in range(0, len(tsdu), segment)] or [b""]
    last = len(pieces) - 1
    return b"".join(tpkt(b"\x02\xf0" + (b"\x80" if n == last else b"\x00") + it) for n, it in enumerate(pieces))


def user_data(value: bytes, context: int = MMS) -> bytes:
    return tlv(0x61, tlv(0x30, integer(context), tlv(0xA0, value)))


def osi(value: bytes, context: int = MMS) -> bytes:
    """A value as session data."""
    return b"\x01\x00\x01\x00" + user_data(value, context)


def spdu(identifier: int, *parameters: bytes) -> bytes:
    body = b"".join(parameters)
    length = bytes((len(body),)) if len(body) < 0xFF else b"\xff" + len(body).to_bytes(2, "big")
    return bytes((identifier,)) + length + body


def request(service: bytes, invoke_id: int) -> bytes:
    return tlv(0xA0, integer(invoke_id), service)


def response(service: bytes, invoke_id: int) -> bytes:
    return tlv(0xA1, integer(invoke_id), service)


def error(invoke_id: int) -> bytes:
    return tlv(0xA2, integer(invoke_id, 0x80), tlv(0xA2, tlv(0xA0, integer(1, 0x87))))


def name(text: str) -> bytes:
    """An ObjectName from `domain/item`, `item` (VMD) or `@/item` (association)."""
    domain, slash, item = text.rpartition("/")
    if not slash:
        return tlv(0x80, item)
    return tlv(0x82, item) if domain == "@" else tlv(0xA1, tlv(0x1A, domain), tlv(0x1A, item))


def variables(*names: str) -> bytes:
    return tlv(0xA0, *(tlv(0x30, tlv(0xA0, name(it))) for it in names))


def variable_list(text: str) -> bytes:
    return tlv(0xA1, name(text))


def read(specification: bytes) -> bytes:
    return tlv(0xA4, tlv(0xA1, specification))


def read_result(*values: bytes) -> bytes:
    return tlv(0xA4, tlv(0xA1, *values))


def write(specification: bytes, *values: bytes) -> bytes:
    return tlv(0xA5, specification, tlv(0xA0, *values))


def report(specification: bytes, *values: bytes) -> bytes:
    return tlv(0xA3, tlv(0xA0, specification, tlv(0xA0, *values)))


def real(octets_: str = "00000000") -> bytes:
    return tlv(0x87, b"\x08" + bytes.fromhex(octets_))


def scoped(domain: str, item: str) -> bytes:
    """The value that names a transfer set or data set with its scope."""
    return tlv(0xA2, integer(1, 0x86), tlv(0x8A, domain), tlv(0x8A, item))


def transfer_set(*, status: bool, edition: int = 2000) -> bytes:
    """A DSTransferSet of the 1996 (12 members) or 2000 edition (13)."""
    flags = [False, False, True] + ([True] if edition == 2000 else []) + [status]
    return tlv(
        0xA2,
        scoped("DOM", "DS1"),  # DataSetName
        *(integer(it, 0x85) for it in (0, 30, 0, 0, 600)),  # StartTime .. IntegrityCheck
        tlv(0x84, b"\x03\xe0"),  # DSConditionsRequested
        *(tlv(0x83, bytes((it,))) for it in flags),  # BlockData .. Status
        integer(0, 0x85),  # EventCodeRequested
    )


CR = octets("""
    03 00 00 16              # TPKT, 22 octets
    11 E0 00 00 00 01 00     # CR, source 1, class 0
    C0 01 0A                 # TPDU size 1024
    C1 02 00 01  C2 02 00 02 # TSAPs
""")
CC = octets("""
    03 00 00 0E              # TPKT, 14 octets
    09 D0 00 01 00 02 00     # CC to source 1, class 0
    C0 01 0A                 # TPDU size 1024
""")
DR = octets("03 00 00 0B  06 80 00 01 00 02 00")

IDENTIFY = octets("""
    03 00 00 1B              # TPKT, 27 octets
    02 F0 80                 # DT, last
    01 00 01 00              # GIVE TOKENS, DATA TRANSFER
    61 0E 30 0C 02 01 03     # user data in context 3
    A0 07                    # one ASN.1 value
    A0 05 02 01 01 82 00     # confirmed request, invoke ID 1: identify
""")
REPORT = octets("""
    03 00 00 64                                      # TPKT, 100 octets
    02 F0 80  01 00 01 00                            # DT, session data
    61 57 30 55 02 01 03 A0 50                       # user data in context 3
    A3 4E A0 4C                                      # unconfirmed: informationReport
    A1 0C A1 0A 1A 03 44 4F 4D 1A 03 44 53 31        # variable list DOM/DS1
    A0 3C                                            # results
    A2 0F 86 01 01 8A 03 44 4F 4D 8A 05 54 53 2D 30 31 # transfer set DOM/TS-01
    84 02 03 80                                      # condition: interval
    A2 0B 87 05 08 00 00 00 00 84 02 00 30           # a point: real and flags
    A2 0B 87 05 08 3F 80 00 00 84 02 00 30
    A2 0B 87 05 08 40 00 00 00 84 02 00 30
""")

_INITIATE_PARAMETERS = (
    tlv(0x80, b"\x7d\x00"),
    integer(20, 0x81),
    integer(20, 0x82),
    integer(4, 0x83),
    tlv(0xA4, integer(1, 0x80), tlv(0x81, b"\x05\xfb\x00"), tlv(0x82, b"\x03\x6e\x1d" + bytes(8))),
)


def associate(apdu: int, initiate: int) -> bytes:
    """AARQ or AARE with an initiate in its user information."""
    external = tlv(0x28, tlv(0x06, b"\x51\x01"), integer(MMS), tlv(0xA0, tlv(initiate, *_INITIATE_PARAMETERS)))
    return tlv(apdu, tlv(0xA1, tlv(0x06, b"\x28\xca\x22\x02\x03")), tlv(0xBE, external))


CONTEXTS = tlv(
    0xA4,
    tlv(0x30, integer(ACSE), tlv(0x06, b"\x52\x01\x00\x01"), tlv(0x30, tlv(0x06, b"\x51\x01"))),
    tlv(0x30, integer(MMS), tlv(0x06, b"\x28\xca\x22\x02\x01"), tlv(0x30, tlv(0x06, b"\x51\x01"))),
)


def connect(identifier: int, contexts: bytes, value: bytes) -> bytes:
    """CN with CP, or AC with CPA."""
    ppdu = tlv(0x31, tlv(0xA0, integer(1, 0x80)), tlv(0xA2, contexts, user_data(value, ACSE)))
    accept = tlv(0x05, tlv(0x13, b"\x00"), tlv(0x16, b"\x02"))
    long_form = b"\xc1\xff" + len(ppdu).to_bytes(2, "big") if len(ppdu) > 254 else bytes((0xC1, len(ppdu)))
    return spdu(identifier, accept, tlv(0x14, b"\x00\x02"), long_form + ppdu)


CN = connect(0x0D, CONTEXTS, associate(0x60, 0xA8))
AC = connect(0x0E, tlv(0xA5, *[tlv(0x30, integer(0, 0x80))] * 2), associate(0x61, 0xA9))
RELEASE = spdu(0x09, tlv(0xC1, user_data(tlv(0x62, integer(0, 0x80)), ACSE)))
RELEASED = spdu(0x0A, tlv(0xC1, user_data(tlv(0x63, integer(0, 0x80)), ACSE)))
ABORT = spdu(0x19, tlv(0x11, b"\x03"), tlv(0xC1, tlv(0xA0, user_data(tlv(0x64, integer(0, 0x80)), ACSE))))

HEADER_NAMES = ("DOM/Transfer_Set_Name", "DOM/DSConditions_Detected")


def exchange(invoke_id: int, service: bytes, answer: bytes, *, by: Direction = C2S) -> list[Message]:
    """A confirmed service both ways."""
    other = Direction(1 - by)
    return [(by, data(osi(request(service, invoke_id)))), (other, data(osi(response(answer, invoke_id))))]


def conversation() -> list[Message]:
    """An association of two control centres from the first octet to the last; one PDU an entry."""
    long_list = tlv(0xA1, tlv(0xA0, *(tlv(0x1A, f"POINT_{n:04}") for n in range(120))), tlv(0x81, b"\x00"))
    return [
        (C2S, CR),
        (S2C, CC),
        (C2S, data(CN)),
        (S2C, data(AC)),
        *exchange(1, read(variables("DOM/Bilateral_Table_ID")), read_result(tlv(0x8A, "1.0"))),
        *exchange(7, tlv(0x82), tlv(0xA2, tlv(0x80, "V"), tlv(0x81, "M"), tlv(0x82, "R")), by=S2C),
        (C2S, data(osi(request(tlv(0xA1, tlv(0xA0, integer(0, 0x80)), tlv(0xA1, tlv(0x81, "DOM"))), 2)))),
        (S2C, data(osi(response(long_list, 2)), segment=400)),
        *exchange(3, tlv(0xAB, name("DOM/DS1"), variables(*HEADER_NAMES, "DOM/P1")), tlv(0x8B)),
        *exchange(4, read(variables("DOM/Next_DSTransfer_Set")), read_result(scoped("DOM", "TS-01"))),
        *exchange(5, write(variables("DOM/TS-01"), transfer_set(status=True)), tlv(0xA5, tlv(0x81))),
        (S2C, REPORT),
        (S2C, data(osi(report(variables(*HEADER_NAMES, "DOM/P1"), scoped("DOM", "TS-01"), real(), real())))),
        (C2S, data(osi(report(variables("DOM/Transfer_Report_ACK"), scoped("DOM", "TS-01"))))),
        (S2C, data(osi(report(variable_list("DOM/DS1"), scoped("DOM", "TS-01"), *(real(),) * 300)), segment=512)),
        *exchange(6, read(variables("DOM/BREAKER_SBO")), read_result(integer(5, 0x85))),
        (C2S, data(osi(request(write(variables("DOM/BREAKER"), integer(1, 0x85)), 8)))),
        (S2C, data(osi(error(8)))),
        *exchange(9, write(variables("DOM/TS-01"), transfer_set(status=False)), tlv(0xA5, tlv(0x81))),
        (C2S, data(osi(tlv(0x8B)))),
        (S2C, data(osi(tlv(0x8C)))),
        (C2S, data(RELEASE)),
        (S2C, data(RELEASED)),
    ]


SERVICES = b"\x6e\x1d"
"""The first two octets of ServiceSupportOptions: what TASE.2 needs of Blocks 1, 2, 4 and 5."""
TITLES = ("1.1.999.1", "1.1.999.2")
"""AP-titles of the client and the server in the lab."""
QUALIFIER = 12


def oid(dotted: str) -> bytes:
    """The contents of an OBJECT IDENTIFIER."""
    first, second, *rest = (int(it) for it in dotted.split("."))
    encoded = bytes((first * 40 + second,))
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        encoded += bytes(reversed(groups))
    return encoded


def cr(calling: bytes, called: bytes) -> bytes:
    """A connection request with these transport selectors, in its TPKT."""
    return _connection(0xE0, b"\x00\x00\x00\x01", calling, called)


def cc(calling: bytes, called: bytes) -> bytes:
    """The confirm of such a request."""
    return _connection(0xD0, b"\x00\x01\x00\x02", calling, called)


def _connection(kind: int, references: bytes, calling: bytes, called: bytes) -> bytes:
    variable = tlv(0xC0, b"\x0a") + tlv(0xC1, calling) + tlv(0xC2, called)
    fixed = bytes((kind,)) + references + b"\x00"
    return tpkt(bytes((len(fixed) + len(variable),)) + fixed + variable)


def initiate(tag: int, *, detail: int = 32000, outstanding: int = 5, services: bytes = SERVICES) -> bytes:
    """An initiate request (A8) or response (A9): largest PDU, requests open at once, services supported."""
    supported = b"\x03" + services + bytes(11 - len(services))
    options = tlv(0xA4, integer(1, 0x80), tlv(0x81, b"\x05\xfb\x00"), tlv(0x82, supported))
    numbers = (detail, 0x80), (outstanding, 0x81), (outstanding, 0x82), (10, 0x83)
    return tlv(tag, *(integer(value, number) for value, number in numbers), options)


def opening(
    *,
    tsaps: tuple[bytes, bytes] = (b"\x00\x01", b"\x00\x01"),
    titles: tuple[str, str] = TITLES,
    qualifier: int = QUALIFIER,
    detail: int = 32000,
    outstanding: int = 5,
    services: bytes = SERVICES,
) -> list[Message]:
    """An association from the first octet: CR, CC, CN with AARQ and initiate, AC with AARE and initiate.

    `tsaps` and `titles` are the client's and the server's, `qualifier` the client's.
    """
    offer = partial(initiate, detail=detail, outstanding=outstanding, services=services)
    called, calling = (tlv(0x06, oid(title)) for title in (titles[1], titles[0]))
    aarq = tlv(
        0x60,
        tlv(0xA1, tlv(0x06, b"\x28\xca\x22\x02\x03")),
        *(tlv(0xA2, called), tlv(0xA3, integer(QUALIFIER))),
        *(tlv(0xA6, calling), tlv(0xA7, integer(qualifier))),
        _user_information(offer(0xA8)),
    )
    aare = tlv(
        0x61,
        tlv(0xA1, tlv(0x06, b"\x28\xca\x22\x02\x03")),
        *(tlv(0xA2, integer(0)), tlv(0xA3, tlv(0xA1, integer(0)))),
        *(tlv(0xA4, called), tlv(0xA5, integer(QUALIFIER))),
        _user_information(offer(0xA9)),
    )
    accepted = tlv(0x30, integer(0, 0x80), tlv(0x81, b"\x51\x01"))
    return [
        (C2S, cr(*tsaps)),
        (S2C, cc(*tsaps)),
        (C2S, data(connect(0x0D, CONTEXTS, aarq))),
        (S2C, data(connect(0x0E, tlv(0xA5, accepted, accepted), aare))),
    ]


def _user_information(value: bytes) -> bytes:
    return tlv(0xBE, tlv(0x28, tlv(0x06, b"\x51\x01"), integer(MMS), tlv(0xA0, value)))


def denied(invoke_id: int) -> bytes:
    """The whole TPKT of a confirmed error: access, object-access-denied."""
    return data(osi(tlv(0xA2, integer(invoke_id, 0x80), tlv(0xA2, tlv(0xA0, integer(3, 0x87))))))


def point(octets_: str, flags: int = 0) -> bytes:
    """A reported point {Value, Flags}: a real from hex, and its flags."""
    return tlv(0xA2, real(octets_), tlv(0x84, bytes((0, flags))))
