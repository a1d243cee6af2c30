"""Valid conversations of two control centres, drawn at random: the grammar that fuzzing and property tests start from.

A `Talk` knows what has been agreed on so far, so that what it says next makes sense: answers fit their requests,
reports name data sets that exist, an operate follows its select. Everything comes from the generator it is given.
"""

from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from scripts.lab.fuzz import octets as o
from scripts.lab.fuzz import phrases
from scripts.lab.fuzz.octets import tlv

CLIENT: Final = 0
SERVER: Final = 1
DOMAINS: Final = ("ICC1", "ICC2", "EAST")
POINTS: Final = ("PT_A", "PT_B", "PT_KV", "PT_MW", "STATE_1", "TIE_7")
DEVICES: Final = ("BRK1", "BRK2", "TAP_3", "SETPOINT")
SEGMENTS: Final = (24, 60, 128, 1021)

CLIENT_TSAP: Final = b"\x00\x01"
SERVER_TSAP: Final = b"\x00\x02"


class Said(NamedTuple):
    """One TSDU, or one TPDU that is no DT, and who sends it (0: the client)."""

    direction: int
    octets: bytes
    is_data: bool = True

    def wire(self, segment: int = o.SEGMENT_BYTES) -> bytes:
        """In as many TPKTs as it takes."""
        return o.data(self.octets, segment) if self.is_data else o.tpkt(self.octets)


class Talk:
    """One association, from nothing. `bare`: MMS without session, presentation and ACSE."""

    def __init__(self, rng: Random, *, bare: bool = False) -> None:
        self._rng = rng
        self._bare = bare
        self._invoke_ids = [rng.randrange(1, 200), rng.randrange(1, 200)]
        self._data_sets: dict[str, list[str]] = {}
        self._transfer_sets: dict[str, str] = {}

    # --- the whole

    def opening(self) -> list[Said]:
        """Everything up to an association that may be used."""
        opened = connection()
        if self._bare:
            return [*opened, self._says(CLIENT, phrases.initiate(0xA8)), self._says(SERVER, phrases.initiate(0xA9))]
        return [*opened, Said(CLIENT, phrases.connect()), Said(SERVER, phrases.accept())]

    def odd_opening(self) -> list[Said]:
        """An opening with what few say: a preferred size, small PDUs, authentication, directory names, a refusal."""
        preferred = o.spdu(0xF0, self._rng.randbytes(self._rng.randint(1, 2)))
        titles = tlv(0xA6, tlv(0x30, o.text("CN=a", 0x16))) + tlv(0xA7, tlv(0x30, o.text("b", 0x16)))
        secret = tlv(0x8A, b"\x07\x80") + tlv(0x8B, b"\x52\x03\x01") + tlv(0xAC, o.text("secret", 0x80))
        invocations = tlv(0xA8, o.integer(1)) + tlv(0xA9, o.integer(2))
        size = self._rng.choice((64, 200, 1000))
        diagnostic = self._rng.choice((tlv(0xA1, o.integer(7)), tlv(0xA2, o.integer(1))))
        rejected = tlv(0xA2, o.integer(1)) + tlv(0xA3, diagnostic)
        return [
            Said(CLIENT, o.tpdu(0xE0, b"\x00\x00\x00\x07\x00", preferred), False),
            connection()[1],
            Said(
                CLIENT,
                phrases.connect(phrases.associate(0x60, phrases.initiate(0xA8, size), titles + invocations + secret)),
            ),
            Said(
                SERVER,
                phrases.accept(
                    phrases.associate(0x61, phrases.initiate(0xA9, size), rejected if self._rng.random() < 0.3 else b"")
                ),
            ),
        ]

    def start_up(self) -> list[Said]:
        """What TASE.2 asks first: version, features, bilateral table."""
        domain = self._domain()
        return [
            *self._confirmed(phrases.read(f"{domain}/Bilateral_Table_ID"), phrases.read_result(o.text("1.0", 0x8A))),
            *self._confirmed(
                phrases.read("TASE2_Version"), phrases.read_result(tlv(0xA2, o.integer(2000, 0x85), o.integer(8, 0x85)))
            ),
            *self._confirmed(phrases.read("Supported_Features"), phrases.read_result(tlv(0x84, b"\x04\xf8\x00"))),
        ]

    def goes_on(self) -> list[Said]:
        """One exchange, or a few that belong together."""
        return self._rng.choice(EXCHANGES)(self)

    def closing(self) -> list[Said]:
        """One of the ways in which an association ends."""
        way = self._rng.randrange(4)
        if way == 0 or self._bare:
            return [self._says(CLIENT, tlv(0x8B)), self._says(SERVER, tlv(0x8C))]
        if way == 1:
            return [
                Said(CLIENT, o.spdu(0x09, tlv(0xC1, o.user_data(tlv(0x62, o.integer(0, 0x80)), o.ACSE)))),
                Said(SERVER, o.spdu(0x0A, tlv(0xC1, o.user_data(tlv(0x63, o.integer(0, 0x80)), o.ACSE)))),
            ]
        if way == 2:
            abort = tlv(0xA0, o.user_data(tlv(0x64, o.integer(0, 0x80)), o.ACSE))
            return [Said(self._either(), o.spdu(0x19, o.spdu(0x11, b"\x03"), o.spdu(0xC1, abort)))]
        return [Said(SERVER, o.tpdu(0x80, b"\x00\x01\x00\x02\x00"), False)]

    def conversation(self, exchanges: int) -> list[Said]:
        """From the first octet to the last."""
        said = [*self.opening(), *self.start_up()]
        for _ in range(exchanges):
            said += self.goes_on()
        return [*said, *self.closing()]

    # --- exchanges

    def identify(self) -> list[Said]:
        answer = tlv(0xA2, o.text("V", 0x80), o.text("M", 0x81), o.text("1.0", 0x82))
        return self._confirmed(tlv(0x82), answer, self._either())

    def status(self) -> list[Said]:
        return self._confirmed(tlv(0x80, b"\x00"), tlv(0xA0, o.integer(0, 0x80), o.integer(0, 0x81)))

    def names(self) -> list[Said]:
        sort = self._rng.choice((0, 2, 9))
        scope = tlv(0xA1, self._rng.choice((tlv(0x80), o.text(self._domain(), 0x81), tlv(0x82))))
        listed = tlv(0xA0, *(o.text(it) for it in self._some(POINTS)))
        more = tlv(0x81, self._rng.choice((b"\x00", b"\xff")))
        return self._confirmed(tlv(0xA1, tlv(0xA0, o.integer(sort, 0x80)), scope), tlv(0xA1, listed, more))

    def types(self) -> list[Said]:
        answer = tlv(0xA6, tlv(0x80, b"\x00"), tlv(0xA2, phrases.type_description(self._rng, 3)))
        return self._confirmed(tlv(0xA6, tlv(0xA0, o.name(self._point()))), answer)

    def read_parts(self) -> list[Said]:
        """Components of a structure, by alternate access."""
        selection = o.text(self._rng.choice(POINTS), 0x81) if self._rng.random() < 0.5 else o.integer(2, 0x82)
        nested = tlv(0xA0, o.text("Value", 0x81), tlv(0x30, selection))
        access = tlv(0xA5, self._rng.choice((selection, nested)))
        listed = tlv(0xA0, tlv(0x30, tlv(0xA0, o.name(self._point())), access))
        return self._confirmed(tlv(0xA4, tlv(0x80, b"\xff"), tlv(0xA1, listed)), phrases.read_result(self._value()))

    def read(self) -> list[Said]:
        names = [self._point() for _ in range(self._rng.randint(1, 4))]
        results = [self._value() if self._rng.random() < 0.8 else o.integer(10, 0x80) for _ in names]
        return self._confirmed(phrases.read(*names), phrases.read_result(*results), self._either())

    def write(self) -> list[Said]:
        result = self._rng.choice((tlv(0x81), o.integer(3, 0x80)))
        value = o.integer(self._rng.randrange(300), 0x85)
        return self._confirmed(phrases.write(o.variables(self._point()), value), tlv(0xA5, result), self._either())

    def create_data_set(self) -> list[Said]:
        name = self._data_set_name()
        members = [f"{self._domain()}/{it}" for it in ("Transfer_Set_Name", "DSConditions_Detected")]
        members += [self._point() for _ in range(self._rng.randint(1, 4))]
        self._data_sets[name] = members
        return self._confirmed(tlv(0xAB, o.name(name), o.variables(*members)), tlv(0x8B))

    def delete_data_set(self) -> list[Said]:
        name = self._data_set_name()
        self._data_sets.pop(name, None)
        listed = tlv(0xAD, o.integer(0, 0x80), tlv(0xA1, o.name(name)))
        return self._confirmed(listed, tlv(0xAD, o.integer(1, 0x80), o.integer(1, 0x81)))

    def data_set_elements(self) -> list[Said]:
        name = self._known_data_set()
        members = [tlv(0x30, tlv(0xA0, o.name(it))) for it in self._data_sets.get(name, ["ICC1/PT_A"])]
        return self._confirmed(tlv(0xAC, o.name(name)), tlv(0xAC, tlv(0x80, b"\x00"), tlv(0xA1, *members)))

    def data_set_values(self) -> list[Said]:
        results = [self._value() for _ in range(self._rng.randint(1, 4))]
        listed = o.variable_list(self._known_data_set())
        if self._rng.random() < 0.4:
            answers = [tlv(0x81) if self._rng.random() < 0.8 else o.integer(3, 0x80) for _ in results]
            return self._confirmed(phrases.write(listed, *results), tlv(0xA5, *answers))
        return self._confirmed(tlv(0xA4, tlv(0xA1, listed)), phrases.read_result(*results))

    def transfer(self) -> list[Said]:
        """A transfer set asked for, started, and at times stopped again."""
        domain = self._domain()
        item = f"TS_{self._rng.randrange(6)}"
        by = self._either()
        said = self._confirmed(
            phrases.read(f"{domain}/Next_DSTransfer_Set"), phrases.read_result(o.scoped(domain, item)), by
        )
        data_set = self._known_data_set()
        self._transfer_sets[f"{domain}/{item}"] = data_set
        for running in (True, False) if self._rng.random() < 0.3 else (True,):
            value = phrases.transfer_set(self._rng, data_set, running)
            result = tlv(0xA5, tlv(0x81) if self._rng.random() < 0.9 else o.integer(3, 0x80))
            said += self._confirmed(phrases.write(o.variables(f"{domain}/{item}"), value), result, by)
        return said

    def reports(self) -> list[Said]:
        """Reports of one to three transfer sets, interleaved; those of one set are alike but for their values."""
        sets = [self._report_shape() for _ in range(self._rng.randint(1, 3))]
        by = self._rng.choice((SERVER, SERVER, SERVER, CLIENT))
        return [self._report(*self._rng.choice(sets), by) for _ in range(self._rng.randint(1, 6))]

    def select_and_operate(self) -> list[Said]:
        device = f"{self._domain()}/{self._rng.choice(DEVICES)}"
        command = o.integer(self._rng.randrange(3), 0x85)
        said: list[Said] = []
        if self._rng.random() < 0.7:
            granted = o.integer(5, 0x85) if self._rng.random() < 0.8 else o.integer(3, 0x80)
            said += self._confirmed(phrases.read(f"{device}_SBO"), phrases.read_result(granted))
        answer = self._rng.choice((tlv(0xA5, tlv(0x81)), tlv(0xA5, o.integer(3, 0x80)), None))
        return said + self._confirmed(phrases.write(o.variables(device), command), answer)

    def tag(self) -> list[Said]:
        device = f"{self._domain()}/{self._rng.choice(DEVICES)}_TAG"
        value = tlv(0xA2, tlv(0x84, b"\x05\x40"), o.text("maintenance", 0x8A))
        return [
            *self._confirmed(phrases.read(device), phrases.read_result(value)),
            *self._confirmed(phrases.write(o.variables(device), value), tlv(0xA5, tlv(0x81))),
        ]

    def messages(self) -> list[Said]:
        switch = tlv(0x83, bytes((self._rng.randrange(2),)))
        header = tlv(0xA2, *(o.integer(self._rng.randrange(100), 0x85) for _ in range(4)))
        names = o.variables(f"{self._domain()}/Info_Mess_Header", f"{self._domain()}/Info_Buff_16")
        return [
            *self._confirmed(phrases.write(o.variables("@/IM_Transfer_Set"), switch), tlv(0xA5, tlv(0x81))),
            self._says(SERVER, phrases.informs(names, header, tlv(0x89, bytes(16)))),
        ]

    def acknowledgement(self) -> list[Said]:
        what = self._rng.choice(("Transfer_Report_ACK", "Transfer_Report_NACK"))
        domain, _, item = self._rng.choice(list(self._transfer_sets) or ["ICC1/TS_1"]).rpartition("/")
        names = o.variables(f"{domain}/{what}", f"{domain}/Transfer_Set_Time_Stamp")
        return [self._says(self._either(), phrases.informs(names, o.scoped(domain, item), o.integer(1, 0x85)))]

    def program(self) -> list[Said]:
        number = self._rng.randrange(40, 45)
        return self._confirmed(tlv(0xBF00 | number, o.text("PROG", 0x80)), tlv(0x9F00 | number))

    def files(self) -> list[Said]:
        """One of the services about files, with its answer more often than not."""
        named = tlv(0xA0, o.text(self._rng.choice(("F", "a/b.txt", "..")), 0x19))
        attributes = tlv(0xA1, o.integer(self._rng.randrange(70_000), 0x80), o.text("20261122120000Z", 0x81))
        listed = tlv(0xA0, *(tlv(0x30, named, attributes) for _ in range(self._rng.randrange(3))))
        services: tuple[tuple[bytes, bytes], ...] = (
            (tlv(0xBF48, named, o.integer(0, 0x81)), tlv(0xBF48, o.integer(7, 0x80), attributes)),
            (o.integer(7, 0x9F49), tlv(0xBF49, tlv(0x80, bytes(9)), tlv(0x81, b"\x00"))),
            (o.integer(7, 0x9F4A), tlv(0x9F4A)),
            (tlv(0xBF4B, named, tlv(0xA1, o.text("G", 0x19))), tlv(0x9F4B)),
            (tlv(0xBF4C, o.text("F", 0x19)), tlv(0x9F4C)),
            (tlv(0xBF4D, named), tlv(0xBF4D, listed, tlv(0x81, b"\x00"))),
            (tlv(0xBF2E, tlv(0xA1, o.text("F", 0x19)), tlv(0xA2, o.text("G", 0x19))), tlv(0x9F2E)),
        )
        asked, answer = self._rng.choice(services)
        return self._confirmed(asked, answer if self._rng.random() < 0.8 else None)

    def any_service(self) -> list[Said]:
        """A service of any number, with an argument such as some service has; which need not be this one."""
        number = self._rng.randrange(86)
        argument = self._rng.choice(phrases.ARGUMENTS)
        primitive = argument and not argument[0] & 0x80
        tag = (0x80 if primitive else 0xA0) | number
        if number >= 0x1F:
            tag = (0x9F00 if primitive else 0xBF00) | number
        service = tlv(tag, argument)
        return self._confirmed(service, self._rng.choice((service, None)), self._either())

    def events(self) -> list[Said]:
        body = tlv(0xA0, o.name("ICC1/EE_1")), tlv(0xA1, o.name("ICC1/EC_1")), o.integer(64, 0x82)
        enrolment = tlv(0xBF39, tlv(0xA0, o.name("ICC1/EE_1")), tlv(0xA1, o.name("ICC1/EC_1")))
        return [*self._confirmed(enrolment, tlv(0x9F39)), self._says(SERVER, tlv(0xA3, tlv(0xA2, *body)))]

    def refused(self) -> list[Said]:
        """Something asked for, and an error, a reject or silence."""
        by = self._either()
        number = self._next_id(by)
        answers = (
            o.error(number, self._rng.randrange(12), self._rng.randrange(8)),
            tlv(0xA4, o.integer(number, 0x80), o.integer(1, 0x81)),
            tlv(0xA4, o.integer(1, 0x81)),
        )
        said = [self._says(by, o.request(number, phrases.read(self._point())))]
        if self._rng.random() < 0.7:
            said.append(self._says(1 - by, self._rng.choice(answers)))
        return said

    def cancelled(self) -> list[Said]:
        number = self._next_id(CLIENT)
        answer = tlv(0x86, bytes((number & 0x7F,)))
        if self._rng.random() < 0.5:
            answer = tlv(0xA7, o.integer(number & 0x7F, 0x80), tlv(0xA1, tlv(0xA0, o.integer(2, 0x8A))))
        asked = self._says(CLIENT, o.request(number, phrases.read(self._point())))
        return [asked, self._says(CLIENT, tlv(0x85, bytes((number & 0x7F,)))), self._says(SERVER, answer)]

    def contexts_altered(self) -> list[Said]:
        """A presentation context more, and one less; both in typed data."""
        if self._bare:
            return self.identify()
        number = self._rng.randrange(5, 12)
        proposed = tlv(0xA0, tlv(0x30, o.integer(number), tlv(0x06, b"\x28\xca\x22\x02\x01"), tlv(0x30)))
        deleted = tlv(0xA1, o.integer(number - 2)) if self._rng.random() < 0.5 else b""
        result = tlv(0xA0, tlv(0x30, o.integer(self._rng.randrange(3), 0x80)))
        return [
            Said(CLIENT, b"\x21\x00" + tlv(0xA0, proposed, deleted)),
            Said(SERVER, b"\x21\x00" + tlv(0xA1, result)),
        ]

    def several_in_one(self) -> list[Said]:
        """More than one value in one TSDU."""
        if self._bare:
            return self.identify()
        parts = [
            tlv(0x30, o.integer(o.MMS), tlv(0xA0, o.request(self._next_id(CLIENT), phrases.read(self._point()))))
            for _ in range(self._rng.randint(2, 3))
        ]
        return [Said(CLIENT, o.DATA_PREFIX + tlv(0x61, *parts))]

    # --- pieces

    def _says(self, direction: int, pdu: bytes) -> Said:
        return Said(direction, pdu if self._bare else o.osi(pdu))

    def _confirmed(self, service: bytes, answer: bytes | None, by: int = CLIENT) -> list[Said]:
        """A service both ways; without an answer the access is denied."""
        number = self._next_id(by)
        pdu = o.error(number) if answer is None else o.response(number, answer)
        return [self._says(by, o.request(number, service)), self._says(1 - by, pdu)]

    def _next_id(self, by: int) -> int:
        self._invoke_ids[by] += 1
        return self._invoke_ids[by]

    def _either(self) -> int:
        return SERVER if self._rng.random() < 0.3 else CLIENT

    def _domain(self) -> str:
        return self._rng.choice(DOMAINS)

    def _point(self) -> str:
        scope = self._rng.random()
        item = self._rng.choice(POINTS)
        return item if scope < 0.1 else f"@/{item}" if scope < 0.15 else f"{self._domain()}/{item}"

    def _some(self, names: tuple[str, ...]) -> list[str]:
        return [it for it in names if self._rng.random() < 0.6]

    def _data_set_name(self) -> str:
        return f"{self._domain()}/DS_{self._rng.randrange(4)}"

    def _known_data_set(self) -> str:
        return self._rng.choice(list(self._data_sets)) if self._data_sets else self._data_set_name()

    def _value(self) -> bytes:
        return self._rng.choice(phrases.VALUES)(self._rng)

    def _report_shape(self) -> tuple[str, bool, list[Callable[[Random], bytes]]]:
        """A transfer set, whether its reports name a data set, and what its values are like."""
        name = self._rng.choice(list(self._transfer_sets) or ["ICC1/TS_1"])
        return (
            name,
            self._rng.random() < 0.6,
            [self._rng.choice(phrases.VALUES) for _ in range(self._rng.randint(1, 5))],
        )

    def _report(self, name: str, by_list: bool, makers: list[Callable[[Random], bytes]], by: int) -> Said:
        domain, _, item = name.rpartition("/")
        data_set = self._transfer_sets.get(name, f"{domain}/DS_0")
        head = (o.scoped(domain, item), tlv(0x84, bytes((3, self._rng.choice((0x80, 0x40, 0x20))))))
        values = (make(self._rng) for make in makers)
        if by_list:
            return self._says(by, phrases.informs(o.variable_list(data_set), *head, *values))
        names = [f"{domain}/Transfer_Set_Name", f"{domain}/DSConditions_Detected"]
        names += [f"{domain}/{POINTS[n % len(POINTS)]}" for n in range(len(makers))]
        return self._says(by, phrases.informs(o.variables(*names), *head, *values))


def connection(client_tsap: bytes = CLIENT_TSAP, server_tsap: bytes = SERVER_TSAP) -> list[Said]:
    """CR and CC."""
    size = o.spdu(0xC0, b"\x0a")
    selectors = o.spdu(0xC1, client_tsap) + o.spdu(0xC2, server_tsap)
    return [
        Said(CLIENT, o.tpdu(0xE0, b"\x00\x00\x00\x01\x00", size + selectors), False),
        Said(SERVER, o.tpdu(0xD0, b"\x00\x01\x00\x02\x00", size + selectors), False),
    ]


EXCHANGES: Final[tuple[Callable[[Talk], list[Said]], ...]] = (
    *(Talk.identify, Talk.status, Talk.names, Talk.types, Talk.read, Talk.read_parts, Talk.write),
    *(Talk.create_data_set, Talk.create_data_set, Talk.delete_data_set, Talk.data_set_elements, Talk.data_set_values),
    *(Talk.transfer, Talk.transfer, Talk.reports, Talk.reports, Talk.reports, Talk.reports),
    *(Talk.select_and_operate, Talk.select_and_operate, Talk.tag, Talk.messages, Talk.acknowledgement),
    *(
        Talk.program,
        Talk.files,
        Talk.events,
        Talk.refused,
        Talk.cancelled,
        Talk.contexts_altered,
        Talk.several_in_one,
    ),
)
