"""Control abuse: operate without select, or on what another has selected; sweeps, toggling, tags."""

import pytest

from inspector import Action
from inspector.watch import Watch
from tests.inspector import vectors as v
from tests.inspector.checking import ICCP, NOW, REFUSED, WRITTEN, answer, ask, events, odd
from tests.inspector.vectors import C2S, S2C, Message, exchange, integer, read, read_result, tlv, variables, write


def select(device: str = "DOM/BRK1", result: bytes | None = None, *, by: v.Direction = C2S) -> list[Message]:
    result = integer(5, 0x85) if result is None else result
    return exchange(11, read(variables(f"{device}_SBO")), read_result(result), by=by)


def operate(device: str = "DOM/BRK1", *more: str, by: v.Direction = C2S) -> list[Message]:
    values = [integer(1, 0x85)] * (1 + len(more))
    return exchange(12, write(variables(device, *more), *values), tlv(0xA5, *(tlv(0x81),) * len(values)), by=by)


TAGGED = exchange(13, read(variables("DOM/BRK1_TAG")), read_result(v.scoped("DOM", "x")))
"""After this BRK1 is known as a device, and not selected."""
BOTH = exchange(14, tlv(0xAB, v.name("DOM/DEVICES"), variables("DOM/BRK1", "DOM/BRK2")), tlv(0x8B))
BY_LIST = exchange(15, write(v.variable_list("DOM/DEVICES"), *[integer(1, 0x85)] * 2), WRITTEN)
WITHOUT = ("operate-without-select", "DOM/BRK1")


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("select, then operate", select() + operate(), []),
        ("no select", TAGGED + operate(), [WITHOUT]),
        ("the select was refused", select(result=integer(3, 0x80)) + operate(), [WITHOUT]),
        ("the select is not answered yet", [*select()[:1], *operate()], [WITHOUT]),
        ("the server selected, the client operates", select(by=S2C) + operate(), [WITHOUT]),
        ("the server selects and operates", select(by=S2C) + operate(by=S2C), []),
        ("one select, two operates", select() + operate() + operate(), [WITHOUT]),
        ("two selects, two operates", select() + operate() + select() + operate(), []),
        ("one select, twice in one write", select() + operate("DOM/BRK1", "DOM/BRK1"), [WITHOUT]),
        ("another device was selected", TAGGED + select("DOM/BRK2") + operate(), [WITHOUT]),
        ("a write to no device", exchange(1, write(variables("DOM/SP"), v.real()), WRITTEN), []),
        ("behind an object that is none", TAGGED + operate("DOM/SP", "DOM/BRK1"), [WITHOUT]),
        ("behind a tag", TAGGED + operate("DOM/OTHER_TAG", "DOM/BRK1"), [WITHOUT]),
        ("in a data set", TAGGED + BOTH + BY_LIST, [WITHOUT]),
        ("in a data set, selected", select() + BOTH + BY_LIST, []),
    ],
)
def test_operate_needs_a_select(what: str, messages: list[Message], expected: list[tuple[str, str]]) -> None:
    assert odd(messages, "operate-without-select") == expected, what


def test_a_denied_select_selects_nothing() -> None:
    def deny_selects(seen: object) -> Action:
        return Action.DENY if seen.naming is not None and seen.naming.operation == "Select" else Action.PASS

    messages = [*TAGGED, select()[0], *operate()]
    assert odd(messages, "operate-without-select", action=deny_selects) == [WITHOUT]


@pytest.mark.parametrize(
    ("what", "who", "after_ms", "expected"),
    [
        ("another client holds it", "west", 0, [("operate-foreign-select", "DOM/BRK1")]),
        ("held long ago", "west", 600_000, []),
        ("held by the same client, in another session", "east", 0, []),
    ],
)
def test_what_another_has_selected(what: str, who: str, after_ms: int, expected: list[tuple[str, str]]) -> None:
    watch = Watch()
    watch.select("DOM/BRK1", who, NOW)
    found = odd(TAGGED + operate(), "operate-foreign-select", watch=watch, now_ms=NOW + after_ms)
    assert found == expected, what


def test_the_last_to_select_may_operate() -> None:
    watch = Watch()
    watch.select("DOM/BRK1", "west", NOW)
    assert odd(select() + operate(), "operate-foreign-select", watch=watch) == []
    assert watch.selected_by("DOM/BRK1", NOW + 100) == "east"


def test_a_server_operates_on_devices_of_its_client() -> None:
    watch = Watch()
    watch.select("DOM/BRK1", "west", NOW)
    assert odd(TAGGED + operate(by=S2C), "operate-foreign-select", watch=watch) == []


def test_sweeps_and_toggling_are_told_device_by_device() -> None:
    messages = select() + operate() + select("DOM/BRK2") + operate("DOM/BRK2")
    assert odd(messages, "control-sweep", "control-toggle") == [
        ("control-sweep", "DOM/BRK1"),
        ("control-sweep", "DOM/BRK1"),
        ("control-toggle", "DOM/BRK1"),
        ("control-sweep", "DOM/BRK2"),
        ("control-sweep", "DOM/BRK2"),
        ("control-toggle", "DOM/BRK2"),
    ]


def test_one_read_may_select_many() -> None:
    names = [f"DOM/BRK{n}" for n in range(70)]
    messages = [ask(read(variables(*(f"{it}_SBO" for it in names))))]
    assert odd(messages, "control-sweep") == [("control-sweep", it) for it in names[:64]]


@pytest.mark.parametrize(
    ("what", "messages", "expected"),
    [
        ("a tag written", [ask(write(variables("DOM/BRK1_TAG"), tlv(0xA2)))], [("tag-change", "DOM/BRK1")]),
        (
            "behind another object",
            [ask(write(variables("DOM/A", "DOM/B_TAG"), v.real(), v.real()))],
            [("tag-change", "DOM/B")],
        ),
        ("a tag read", TAGGED, []),
        ("something else written", [ask(write(variables("DOM/TAG"), v.real())), answer(REFUSED)], []),
    ],
)
def test_tag_changes(what: str, messages: list[Message], expected: list[tuple[str, str]]) -> None:
    assert odd(messages, "tag-change") == expected, what


def test_mms_that_is_not_iccp_has_no_devices() -> None:
    messages = [*ICCP[:4], *exchange(12, write(variables("LD/X_TAG"), v.real()), WRITTEN)]
    assert [it.code for it in events(messages)] == ["connection"]
