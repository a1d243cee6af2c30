"""What no input may do: be forwarded though malformed, raise, cost more than its length allows, or outgrow a limit."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inspector import Direction, Limits, Pdu, Result, Stack
from scripts.lab.fuzz import cost, grammar, phrases, shrink, trees, trial
from scripts.lab.fuzz import octets as o
from scripts.lab.fuzz.inputs import CLOCK_MS, KINDS, Input, Maker
from scripts.lab.fuzz.material import ASSOCIATED, BUSY, FRESH, Material
from scripts.lab.fuzz.pool import transcript
from scripts.lab.fuzz.setups import Setup, setups
from scripts.lab.fuzz.worker import Worker
from tests.inspector.captures import FOLDER, needs_captures
from tests.inspector.vectors import octets

SETUPS = {it.name: it for it in setups()}
SEED = 7
INPUTS = 5_000
MANY_CODES = 45

# --- many inputs


def test_thousands_of_inputs_are_borne() -> None:
    """The first inputs of what `scripts/fuzz` does with millions."""
    figures = Worker(SEED).work(range(INPUTS))
    assert not figures.failures, "\n".join(transcript(SEED, it) for it in figures.failures)
    assert (figures.inputs, figures.measured) == (INPUTS, INPUTS // 1000)
    assert figures.compared > INPUTS // 50
    assert set(figures.kinds) == set(KINDS)
    assert set(figures.setups) == set(SETUPS)
    assert len(figures.findings) >= MANY_CODES, "inputs no longer reach far into the inspector"
    assert figures.resets > INPUTS // 10
    assert figures.denied > INPUTS // 200


def test_an_input_is_known_by_its_number() -> None:
    one, other = (Maker(SEED, Material(SEED), len(SETUPS)) for _ in range(2))
    assert [one.make(n) for n in range(200)] == [other.make(n) for n in reversed(range(200))][::-1]


# --- octets that crashed another stack

OVERRUN = octets("""
    03 00 00 41  02 F0 80  01 00 01 00
    61 34 30 32 02 01 00 A0 2D                       # presentation
    A0 2B 02 01 1A                                   # confirmed request 26
    A1 26 A0 03 80 01 00                             # getNameList of class 0
    A1 0D 81 8B 54 45 4D 50 4C 41 54 7F FF FF FF     # in a domain whose length lies
    82 10 4C 4C 4E 30 24 43 46 24 53 74 72 56 61 6C 32 30
""")
NESTED = octets("""
    03 00 00 3E  02 F0 80  01 00 01 00
    61 31 30 2F 02 01 00 A0 2A                       # presentation
    A0 28 02 01 6C                                   # confirmed request 108
    AD 23 80 21 01 A1 1E                             # deleteNamedVariableList, its scope 33 octets
    80 1C 30 1A A0 18 A1 16 1A 0B 54 45 54 45        # that overrun it
    02 F0 80 01 00 01 00 61 31 30 2F 02 01 00        # another message inside
    A0 2A A0                                         # the TPKT ends
    28 02 01 6C AD 23 80 21 01 4C 44 30 02 01 6C DC  # and what follows is none
    7F FE FE A1 13 A0 02 00 45 4D 41 54 45 4C 44
""")
MALFORMED = {"libiec61850_492_poc1.bin": OVERRUN, "libiec61850_492_poc2.bin": NESTED}
RESETTING = [it for it in SETUPS.values() if it.mode == "reset"]


@needs_captures
@pytest.mark.parametrize("name", MALFORMED)
def test_the_malformed_frames_are_those_published(name: str) -> None:
    assert MALFORMED[name] == (FOLDER / "malformed" / name).read_bytes()


@pytest.mark.parametrize("setup", RESETTING, ids=lambda it: it.name)
@pytest.mark.parametrize("start", [FRESH, ASSOCIATED, BUSY])
@pytest.mark.parametrize("direction", Direction, ids=lambda it: it.name.lower())
@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_frames_are_reported_and_not_forwarded(
    setup: Setup, start: int, direction: Direction, name: str
) -> None:
    given = Input(name, 0, start, ((direction, MALFORMED[name]),))
    outcome = trial.whole(setup, given)
    assert outcome.reset
    assert outcome.findings
    assert outcome.findings[-1].severity == "high"
    assert outcome.passed == (b"", b"")
    trial.compare(setup, given, 9)


# --- limits: hit, told of, and the session ended

EXACT = Limits()


def nested(depth: int) -> bytes:
    """A request whose innermost value lies so deep, the PPDU's own values included."""
    value = o.tlv(0x80)
    for _ in range(depth):
        value = o.tlv(0xA2, value)
    return o.data(o.osi(o.request(1, o.tlv(0xA5, o.variables("P"), o.tlv(0xA0, value)))))


def valued(count: int) -> bytes:
    """A report of so many values."""
    return o.data(o.osi(phrases.informs(o.variable_list("D/DS"), b"\x80\x00" * count)), 60_000)


def named(size: int) -> bytes:
    return o.data(o.osi(o.request(1, phrases.read("N" * size))))


def held(size: int) -> bytes:
    """A TSDU under way that takes so many octets."""
    piece = o.tpkt(b"\x02\xf0\x00" + bytes(993))
    return piece * (size // 1000) + o.tpkt(b"\x02\xf0\x00" + bytes(size % 1000 - 7))


def contexts(count: int) -> bytes:
    proposal = o.tlv(0x30, o.integer(1), o.tlv(0x06, b"\x2a"), o.tlv(0x30))
    return o.data(
        o.spdu(
            0x0D,
            o.spdu(0xC1, o.tlv(0x31, o.tlv(0xA0, o.integer(1, 0x80)), o.tlv(0xA2, o.tlv(0xA4, *[proposal] * count)))),
        )
    )


def arcs(size: int) -> bytes:
    value = o.tlv(0x60, o.tlv(0xA1, o.tlv(0x06, b"\x2a" * size)))
    return o.data(o.osi(value, o.ACSE))


AT_LIMIT: list[tuple[str, Callable[[int], bytes], int]] = [
    ("ber-depth", nested, EXACT.depth - 5),
    ("ber-elements", valued, EXACT.elements - 10),
    ("name-too-long", named, EXACT.name_bytes),
    ("held-overflow", held, EXACT.held_bytes),
    ("presentation-context-list", contexts, 16),
    ("ber-oid", arcs, 64),
]


@pytest.mark.parametrize(("code", "build", "most"), AT_LIMIT, ids=[it[0] for it in AT_LIMIT])
def test_what_exceeds_a_limit_is_told_and_ends_the_session(code: str, build: Callable[[int], bytes], most: int) -> None:
    within = Stack().feed(0, build(most))
    assert (within.findings, within.reset) == ((), False)
    for piece in (0, 1000):
        given = Input("limit", 0, FRESH, ((0, build(most + 1)),))
        outcome = trial.whole(SETUPS["no policing"], given, piece)
        assert ([it.code for it in outcome.findings], outcome.reset) == ([code], True)
        assert outcome.passed == (b"", b"")


def test_a_tpkt_over_the_limit_is_told_from_its_header() -> None:
    result = Stack(Limits(tpkt_bytes=500)).feed(0, b"\x03\x00\x01\xf5")
    assert ([it.code for it in result.findings], result.reset) == (["tpkt-length"], True)


def exchange(number: int, service: bytes, answer: bytes | None) -> Iterator[tuple[int, bytes]]:
    yield 0, o.data(o.osi(o.request(number, service)))
    if answer is not None:
        yield 1, o.data(o.osi(o.response(number, answer)))


def test_tables_stay_within_their_limits() -> None:
    """Calls, names and members beyond are forgotten or not taken up; nothing grows with what a peer sends."""
    limits = Limits(calls=8, names=5, members=12)
    stack = Stack(limits)
    for number in range(60):
        selected = phrases.read(f"D/BRK{number}_SBO")
        created = o.tlv(0xAB, o.name(f"D/DS{number}"), o.variables(*(f"D/P{n}" for n in range(number))))
        unanswered = phrases.read(f"D/P{number}")
        offered = phrases.read_result(o.scoped("D", f"TS{number}"))
        for direction, wire in (
            *exchange(4 * number, selected, phrases.read_result(o.integer(1, 0x85))),
            *exchange(4 * number + 1, created, o.tlv(0x8B)),
            *exchange(4 * number + 2, phrases.read("D/Next_DSTransfer_Set"), offered),
            *exchange(4 * number + 3, unanswered, None),
        ):
            assert stack.feed(direction, wire).forward == len(wire)
            assert max(map(len, stack.state.calls)) <= limits.calls
            assert len(stack.state.known) <= limits.names
    assert len(stack.state.known) == limits.names
    assert len(stack.state.calls[0]) == limits.calls
    assert len(stack.snapshot()) < 3000


# --- cost


def repeated(pdu: bytes) -> Callable[[int], tuple[tuple[int, bytes], ...]]:
    wire = o.data(o.osi(pdu))
    return lambda size: ((0, wire * (size // len(wire))),)


def one_with(build: Callable[[int], bytes], each: int) -> Callable[[int], tuple[tuple[int, bytes], ...]]:
    return lambda size: ((0, o.data(o.osi(build(size // each)), 30_000)),)


def reading(count: int) -> bytes:
    return o.request(1, phrases.read(*(f"ICC1/N{n:04}_SBO" for n in range(count))))


def defining(count: int) -> bytes:
    return o.request(1, o.tlv(0xAB, o.name("ICC1/DS"), o.variables(*(f"ICC1/N{n:04}" for n in range(count)))))


def writing(count: int) -> bytes:
    listed = o.variables(*(f"ICC1/BRK{n:04}" for n in range(count)))
    return o.request(1, phrases.write(listed, o.integer(1, 0x85) * count))


def answering(count: int) -> bytes:
    return o.response(1, phrases.read_result(o.scoped("ICC1", "TS_1") * count))


def tiny(size: int) -> tuple[tuple[int, bytes], ...]:
    piece = o.tpkt(b"\x02\xf0\x00\x01")
    return ((0, piece * (size // len(piece))),)


COSTLY: dict[str, Callable[[int], tuple[tuple[int, bytes], ...]]] = {
    "requests": repeated(o.request(1, o.tlv(0x82))),
    "unasked answers": repeated(o.error(1)),
    "selects": repeated(o.request(1, phrases.read("ICC1/BRK_SBO"))),
    "reports": repeated(phrases.informs(o.variable_list("ICC1/DS"), o.scoped("ICC1", "TS_1"), o.tlv(0x87, bytes(5)))),
    "names read": one_with(reading, 24),
    "names defined": one_with(defining, 22),
    "names written": one_with(writing, 25),
    "names answered": one_with(answering, 17),
    "values": one_with(lambda count: phrases.informs(o.variable_list("ICC1/DS"), b"\x83\x01\x00" * count), 3),
    "empty values": one_with(lambda count: phrases.informs(o.variable_list("ICC1/DS"), b"\xa2\x00" * count), 2),
    "tiny segments": tiny,
    "noise": lambda size: ((0, b"\x01" * size),),
}


@pytest.mark.parametrize("setup", ["no policing", "stock rules", "enforcing", "strict"])
@pytest.mark.parametrize("family", COSTLY)
def test_cost_grows_with_length_and_no_faster(setup: str, family: str) -> None:
    """Four times as much costs at most some four times as many steps, within the budget."""
    steps = []
    for size in (2_000, 8_000):
        given = Input(family, 0, ASSOCIATED, COSTLY[family](size), 0)
        steps.append(cost.steps(SETUPS[setup], given))
        assert steps[-1] <= cost.STEPS_PER_OCTET * given.octets + cost.STEPS_PER_MESSAGE
    assert steps[1] <= 5 * steps[0] + cost.STEPS_PER_MESSAGE


@pytest.mark.parametrize("setup", ["no policing", "stock rules", "enforcing"])
def test_members_of_a_data_set_are_not_gone_through_for_each_name(setup: str) -> None:
    members = (f"I/{n:04}" for n in range(2_000))
    sent = (
        (0, o.request(1, phrases.read("TASE2_Version"))),
        (0, o.request(2, o.tlv(0xAB, o.name("ICC1/DS_A"), o.variables(*members)))),
        (1, o.response(2, o.tlv(0x8B))),
        (0, o.request(3, phrases.write(o.variables(*["ICC1/DS_A"] * 800), b"\x83\x01\x00" * 800))),
    )
    given = Input("members", 0, ASSOCIATED, tuple((direction, o.data(o.osi(pdu))) for direction, pdu in sent))
    assert cost.steps(SETUPS[setup], given) < cost.steps_max(given)


@pytest.mark.parametrize("family", COSTLY)
def test_memory_grows_with_length_and_no_faster(family: str) -> None:
    given = Input(family, 0, ASSOCIATED, COSTLY[family](40_000), 0)
    assert cost.memory(SETUPS["strict"], given) <= cost.memory_max(given)


def test_octets_one_by_one_cost_no_more_for_being_many() -> None:
    """A TSDU in many segments is put together once, not again with every octet."""

    def trickling(size: int) -> int:
        stream = (*tiny(size), (0, o.data(b"\x01")))
        return cost.steps(SETUPS["no policing"], Input("trickle", 0, FRESH, stream, 1))

    assert trickling(8_000) <= 4.2 * trickling(2_000)


# --- what fuzzing has found


FOUND = {
    "an identity told by a CC is not forgotten": (
        "strict",
        FRESH,
        """
        1 0300002302f0800100010061163014020103a00fa10d020200b6a407a105840304f800
        1 0300001611d00001000200c0010ac1020001c2020002
        0 0300002902f08001000100611c301a020103a015a01302016da40ea10ca00a3008a006820450545f42
    """,
    ),
    "members with names too long are told of once": (
        "stock rules, narrow",
        FRESH,
        """
        0 0300003f02f0800100010061323030020103a02ba329a027a0233021a01fa11d1a0449434331
          1a154453436f6e646974696f6e735f4465746563746564a000
        0 0300002902f08001000100611c301a020103a015a01302015cac0ea10c1a04494343321a0442524b31
        1 0300007702f08001000100616a3068020103a063a16102015cac5c800100a157301da01ba1191a04494343
          311a115472616e736665725f5365745f4e616d653021a01f611d1a04494343311a154453436f6e64697469
          6f6e735f44657465637465643013a011a10f1a04494343311a0753544154455f31
    """,
    ),
    "a version in a number too long is told of once": (
        "telling",
        FRESH,
        """
        0 0300003202f0800100010061253023020103a01ea01c020112a417a115a0133011a00f800d54415345325f56657273696f6e
        1 0300002402f0800100010061173015020103a010a10e020112a409a107a2058500850108
    """,
    ),
    "octets behind a session PDU that ends too soon are not its own": (
        "no policing, pass",
        FRESH,
        """
        1 0300000a02f08001000100
    """,
    ),
    "octets behind a token SPDU are not a data transfer": (
        "stock rules",
        FRESH,
        """
        0 0300000902f0a001000100
    """,
    ),
    "a read of two lists, one of them of nothing": (
        "no policing, narrow",
        FRESH,
        """
        0 0300002502f0800100010061183016020103a011a00f020122a40aa102a000a104a0023000
    """,
    ),
    "a select refused with a number too long is told of once": (
        "stock rules, narrow",
        BUSY,
        """
        0 0300003602f0800100010061293027020103a022a02002012fa41ba119a0173015a013a1111a0449434331
          1a095441505f335f53424f
        1 0300003202f0800100010061253023020103a01ea11c02012fa417a11580134e6578745f44535472616e736665725f536574
    """,
    ),
}
"""Title: the setup, what came before, and messages, one a line: who sends them, and their octets."""


def found(text: str) -> tuple[tuple[int, bytes], ...]:
    """The messages of an entry; a line without a sender goes on with the one before."""
    sent: list[tuple[int, bytes]] = []
    for line in text.strip().splitlines():
        *direction, wire = line.split()
        start, octets = (int(direction[0]), b"") if direction else sent.pop()
        sent.append((start, octets + bytes.fromhex(wire)))
    return tuple(sent)


@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_a_bad_value_behind_a_good_one_is_told_of_beside_it(setup: Setup) -> None:
    values = (o.request(1, o.tlv(0x82)), o.tlv(0xA8, o.tlv(0x80, bytes(9))))
    parts = (o.tlv(0x30, o.integer(o.MMS), o.tlv(0xA0, value)) for value in values)
    wire = o.data(o.DATA_PREFIX + o.tlv(0x61, *parts))
    trial.run(setup, Input("two", 0, FRESH, ((0, wire),)))


@pytest.mark.parametrize("title", FOUND)
def test_what_fuzzing_found_stays_mended(title: str) -> None:
    name, start, text = FOUND[title]
    given = Input(title, 0, start, found(text))
    trial.run(SETUPS[name], given)
    for piece in (1, 7, 30):
        trial.compare(SETUPS[name], given, piece)


def test_a_shape_does_not_hide_what_is_due_again() -> None:
    """A rule that has fired is silent until its window has passed, and so is a report that goes by its shape; then
    the rule fires anew."""
    report = o.data(o.osi(phrases.informs(o.variable_list("ICC1/DS"), o.scoped("ICC1", "TS_9"), o.tlv(0x87, bytes(5)))))
    setup = SETUPS["stock rules"]
    stack = setup.stack(ASSOCIATED, setup.watch(ASSOCIATED))
    codes = [[it.code for it in stack.feed(1, report, CLOCK_MS + at).findings] for at in (0, 900, 1_800, 2_700, 90_000)]
    assert codes == [["report-unknown-transfer-set"], [], [], [], ["report-unknown-transfer-set"]]


# --- the instruments


def test_a_node_is_replaced_with_all_lengths_around_it_right() -> None:
    for said in grammar.Talk(grammar.Random(3)).conversation(12):
        tree = trees.of_data(said.octets) if said.is_data else trees.of_connection(said.octets)
        assert tree.nodes
        for node in tree.nodes:
            assert tree.replaced(node, said.octets[node.start : node.stop]) == said.octets
    said = phrases.connect()
    tree = trees.of_data(said)
    name = next(it for it in tree.nodes if tree.contents(it) == phrases.CLIENT_AP_TITLE)
    grown = tree.replaced(name, o.tlv(0x06, phrases.CLIENT_AP_TITLE + b"\x01" * 59))
    result = Stack().feed(0, o.data(grown))
    assert (result.findings, result.pdus[0].acse) == ((), "AARQ")


@pytest.mark.parametrize("bare", [False, True])
def test_the_grammar_makes_nothing_that_is_undecodable(bare: bool) -> None:
    for seed in range(12):
        stack = Stack()
        for said in grammar.Talk(grammar.Random(seed), bare=bare).conversation(25):
            wire = said.wire()
            result = stack.feed(said.direction, wire)
            assert (result.forward, result.findings) == (len(wire), ())
        assert stack.detected


class Forgetful(Stack):
    """Does not tell of the last PDU."""

    def feed(self, direction: Direction | int, data: bytes, now_ms: int = 0) -> Result:
        result = super().feed(direction, data, now_ms)
        return result._replace(pdus=result.pdus[:-1])


class Greedy(Stack):
    """Lets go of more than it has."""

    def feed(self, direction: Direction | int, data: bytes, now_ms: int = 0) -> Result:
        result = super().feed(direction, data, now_ms)
        return result._replace(forward=result.forward + 1) if result.forward else result


class Fragile(Stack):
    """Raises when it is told of a read."""

    def feed(self, direction: Direction | int, data: bytes, now_ms: int = 0) -> Result:
        if b"\xa4" in data:
            raise IndexError("read")
        return super().feed(direction, data, now_ms)


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Forgetful, "octets of PDUs"), (Greedy, "octets in hand"), (Fragile, "IndexError: read")],
)
def test_trouble_is_found_made_small_and_told(monkeypatch: pytest.MonkeyPatch, kind: type[Stack], words: str) -> None:
    monkeypatch.setattr("scripts.lab.fuzz.setups.Stack", kind)
    worker = Worker(SEED)
    worker.figures.failed = 3  # of which only two more are made small
    figures = worker.work(range(300))
    assert figures.failed > 3
    failure = figures.failures[0]
    assert words in failure.trouble
    assert failure.smallest.octets < failure.given.octets or failure.given.octets < 40
    told = transcript(SEED, failure)
    assert f"input {failure.index}" in told
    assert all(wire.hex() in told for _, wire in failure.smallest.sent)


def test_making_small_keeps_what_matters() -> None:
    given = Input("x", 0, BUSY, tuple((n % 2, bytes(range(40 * n, 40 * n + 40))) for n in range(6)), 3, 900)
    smallest = shrink.shrink(given, lambda it: any(b"\x64" in wire for _, wire in it.sent))
    assert smallest == Input("x", 0, FRESH, ((0, b"\x64"),))


def test_other_cuts_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """An inspector whose answer depends on the cuts is found out."""

    class Moody(Stack):
        def feed(self, direction: Direction | int, data: bytes, now_ms: int = 0) -> Result:
            result = super().feed(direction, data, now_ms)
            pdus = tuple(Pdu(*it[:-2], (), {"cut": len(data)}) for it in result.pdus)
            return result._replace(pdus=pdus)

    monkeypatch.setattr("scripts.lab.fuzz.setups.Stack", Moody)
    given = Input("moody", 0, FRESH, ((0, o.data(o.osi(o.request(1, o.tlv(0x82))))),))
    assert "pdus differ" in trial.trouble_of(SETUPS["no policing"], given, 5)
    assert not trial.trouble_of(SETUPS["no policing"], given)


def test_the_kept_streams_are_few_and_small() -> None:
    path = Path(trial.__file__).with_name("kept.txt")
    assert not path.exists() or path.stat().st_size <= 100_000
