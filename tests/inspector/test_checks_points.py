"""False data: what is reported, against the limits that the policy gives a point."""

import pytest

from inspector.policy import PointLimit, PointRow, Policy, Rate, Span
from tests.inspector import vectors as v
from tests.inspector.checking import ICCP, events, say
from tests.inspector.vectors import C2S, Message, exchange, name, real, report, tlv, variable_list, variables

CODES = ("value-out-of-range", "quality-limit", "value-rate")
LIMITS = Policy(
    1,
    points=[
        PointRow("DOM", ("PT_*",), PointLimit(Span(0, 500), frozenset(("valid", "held")))),
        PointRow("DOM", ("FLOOR",), PointLimit(Span(low=1))),
        PointRow("DOM", ("OFTEN",), PointLimit(rate=Rate(1, 60))),
    ],
)

VALID, HELD, SUSPECT, NOT_VALID = (tlv(0x84, bytes((0, it << 4))) for it in range(4))
FIVE, NEGATIVE, MUCH = real("40A00000"), real("C0A00000"), real("44FA0000")  # 5, -5, 2000


def point(value: bytes, flags: bytes = VALID) -> bytes:
    return tlv(0xA2, value, flags)


def listed(*points: tuple[str, bytes]) -> Message:
    """A report by exception."""
    return say(report(variables(*(it for it, _ in points)), *(it for _, it in points)))


def odd(*messages: Message) -> list[tuple[str, str]]:
    return [(it.code, it.key) for it in events([*ICCP, *messages], policy=LIMITS) if it.code in CODES]


RANGE, QUALITY, RATE = CODES


@pytest.mark.parametrize(
    ("what", "message", "expected"),
    [
        ("as expected", listed(("DOM/PT_1", point(FIVE))), []),
        ("bare", listed(("DOM/PT_1", FIVE)), []),
        ("too much", listed(("DOM/PT_1", point(MUCH))), [(RANGE, "DOM/PT_1")]),
        ("too much, bare", listed(("DOM/PT_1", MUCH)), [(RANGE, "DOM/PT_1")]),
        ("too little", listed(("DOM/PT_1", point(NEGATIVE))), [(RANGE, "DOM/PT_1")]),
        ("no number at all", listed(("DOM/PT_1", point(real("7FC00000")))), [(RANGE, "DOM/PT_1")]),
        ("held", listed(("DOM/PT_1", point(FIVE, HELD))), []),
        ("suspect", listed(("DOM/PT_1", point(FIVE, SUSPECT))), [(QUALITY, "DOM/PT_1")]),
        ("both", listed(("DOM/PT_1", point(MUCH, NOT_VALID))), [(RANGE, "DOM/PT_1"), (QUALITY, "DOM/PT_1")]),
        ("another point", listed(("DOM/OTHER", point(MUCH, NOT_VALID))), []),
        ("of another domain", listed(("ELSE/PT_1", point(MUCH, NOT_VALID))), []),
        ("one of two", listed(("DOM/PT_1", point(FIVE)), ("DOM/PT_2", point(MUCH))), [(RANGE, "DOM/PT_2")]),
        ("no end", listed(("DOM/FLOOR", point(MUCH))), []),
        ("below it", listed(("DOM/FLOOR", point(NEGATIVE))), [(RANGE, "DOM/FLOOR")]),
        ("a text", listed(("DOM/PT_1", tlv(0x8A, "9999"))), []),
        ("fewer values than names", say(report(variables("DOM/PT_1", "DOM/PT_2"), point(MUCH))), []),
        ("a value of an odd size", listed(("DOM/PT_1", tlv(0x87, b"\x08\x00"))), []),
    ],
)
def test_reported_values(what: str, message: Message, expected: list[tuple[str, str]]) -> None:
    assert odd(message) == expected, what


DATA_SET = exchange(905, tlv(0xAB, name("DOM/DS1"), variables("DOM/Transfer_Set_Name", "DOM/PT_1")), tlv(0x8B))


def test_a_whole_data_set_is_read_by_its_members() -> None:
    whole = say(report(variable_list("DOM/DS1"), v.scoped("DOM", "TS-01"), point(MUCH)))
    assert odd(*DATA_SET, whole) == [(RANGE, "DOM/PT_1")]
    assert odd(whole) == [], "members not known"
    longer = say(report(variable_list("DOM/DS1"), v.scoped("DOM", "TS-01"), point(MUCH), point(MUCH)))
    assert odd(*DATA_SET, longer) == [], "not told apart"


def test_it_is_all_one_who_reports() -> None:
    assert odd(say(report(variables("DOM/PT_1"), MUCH), by=C2S)) == [(RANGE, "DOM/PT_1")]


def test_points_are_reported_only_so_often() -> None:
    messages = [listed(("DOM/OFTEN", FIVE))] * 3
    assert odd(*messages) == [(RATE, "DOM/OFTEN")] * 2


def test_what_is_read_is_judged_alike() -> None:
    one = exchange(1, v.read(variables("DOM/PT_1")), v.read_result(point(MUCH)))
    assert odd(*one) == [(RANGE, "DOM/PT_1")]
    whole = exchange(1, v.read(variable_list("DOM/DS1")), v.read_result(v.scoped("DOM", "TS-01"), point(MUCH)))
    assert odd(*DATA_SET, *whole) == [(RANGE, "DOM/PT_1")]
    failed = exchange(1, v.read(variables("DOM/PT_1")), v.read_result(v.integer(3, 0x80)))
    assert odd(*failed) == []


def test_writes_are_not_reports() -> None:
    write = v.write(variables("DOM/PT_1"), MUCH)
    assert odd(*exchange(1, write, tlv(0xA5, tlv(0x81)))) == []
