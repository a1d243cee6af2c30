"""Ranks 2, 3 and 9: what is asked for."""

from __future__ import annotations

from tests.e2e.detections.policy import STRICT, WATCHED
from tests.e2e.detections.table import Case
from tests.e2e.detections.talks import Fate, Talk
from tests.e2e.detections.words import (
    ABSENT,
    IDENTIFY,
    NAMES,
    NOT_WRITTEN,
    REFUSED,
    TAG,
    VALUE,
    WRITTEN,
    control,
    identity,
    name_list,
    opened,
    operate,
    read,
    select,
    tag,
    write,
)
from tests.inspector import vectors


def wrote(*names: str) -> Talk:
    """Writes that go through."""
    talk = opened()
    for name in names:
        talk.ask(write(f"ICC1/{name}", 1), WRITTEN)
    return talk


def looked(*names: str) -> Talk:
    """Reads that go through."""
    talk = opened()
    for name in names:
        talk.ask(read(f"ICC1/{name}"), VALUE)
    return talk


def unauthorized() -> list[Case]:
    """Rank 2."""
    denied_write = opened().request(write("ICC1/SP_2", 1), fate=Fate.DENIED).ask(read("ICC1/SP_1"), VALUE)
    denied_read = opened().request(read("ICC2/PT_1"), fate=Fate.DENIED).ask(read("ICC1/PT_1"), VALUE)
    spied = looked("X_1", "X_2", "X_3").ask(write("ICC1/SP_2", 1), WRITTEN)
    hardly = looked("X_1", "X_2").ask(write("ICC1/SP_2", 1), WRITTEN)
    failed = opened().ask(write("ICC1/SP_2", 1), NOT_WRITTEN)
    return [
        Case(620201, "foreign write", "unauthorized-write", [denied_write], [wrote("SP_1")], STRICT),
        Case(620201, "watched write", "unauthorized-write", [wrote("SP_2")], [wrote("SP_1")], WATCHED),
        Case(
            *(620202, "writes to many", "unauthorized-write"),
            [wrote("SP_2", "SP_3", "SP_4")],
            [wrote("SP_2", "SP_3", "SP_2", "SP_1")],
            WATCHED,
        ),
        Case(620203, "write after a look around", "unauthorized-write", [spied], [hardly], WATCHED),
        Case(620204, "foreign read", "unauthorized-access", [denied_read], [looked("PT_1")], STRICT),
        Case(
            *(620205, "reads of many", "unauthorized-access"),
            [looked("X_1", "X_2", "X_3")],
            [looked("X_1", "X_2", "X_1", "PT_3")],
            WATCHED,
        ),
        Case(620206, "write that succeeded", "write-succeeded", [wrote("SP_2")], [failed], WATCHED),
    ]


def controls() -> list[Case]:
    """Rank 3."""
    unselected = "operate-without-select"
    refused = opened().ask(read("ICC1/BRK1_SBO"), REFUSED)
    by_another = operate(opened(), "BRK7")
    by_another.peer = 1
    read_only = opened().ask(read("ICC1/BRK1_TAG"), vectors.read_result(TAG))
    again = control(opened(), "BRK1")
    return [
        Case(
            620301, "operate twice", "operate-without-select", [operate(again, "BRK1")], [_controlled("BRK1", "BRK1")]
        ),
        Case(
            620301,
            "after a refused select",
            "operate-without-select",
            [operate(refused, "BRK1")],
            [_controlled("BRK1")],
        ),
        Case(
            *(620302, "operates without select", unselected),
            [operate(opened(), "BRK1", "BRK1", "BRK1")],
            [control(operate(opened(), "BRK1", "BRK1"), "BRK1")],
        ),
        Case(
            *(620303, "selected by another", "operate-foreign-select"),
            [select(opened(), "BRK7"), by_another],
            [select(opened(), "BRK8"), operate(opened(), "BRK8")],
        ),
        Case(
            *(620304, "sweep", "control-sweep"),
            [select(opened(), "BRK1", "BRK2", "BRK3", "BRK4")],
            [select(opened(), "BRK1", "BRK2", "BRK3", "BRK1")],
        ),
        Case(
            *(620305, "toggling", "control-toggle"),
            [_controlled("BRK1", "BRK1", "BRK1")],
            [_controlled("BRK1", "BRK2", "BRK1", "BRK2")],
        ),
        Case(620306, "tag", "tag-change", [tag(opened(), "BRK1")], [read_only]),
        Case(
            *(620307, "tags", "tag-change"),
            [tag(opened(), "BRK1", "BRK2", "BRK3")],
            [tag(opened(), "BRK1", "BRK2", "BRK1")],
        ),
    ]


def _controlled(*devices: str) -> Talk:
    return control(opened(), *devices)


def listed(domains: int) -> Talk:
    talk = opened()
    for number in range(domains):
        talk.ask(name_list(f"DOM_{number}"), NAMES)
    return talk


def guessed(wrong: int) -> Talk:
    talk = opened()
    for number in range(4):
        talk.ask(read(f"ICC1/GUESS_{number}"), ABSENT if number < wrong else VALUE)
    return talk


def discoveries() -> list[Case]:
    """Rank 9: keepalives, and what every start-up reads, are nobody's discovery."""
    calm = opened()
    for _ in range(8):
        calm.ask(read("ICC1/Bilateral_Table_ID"), VALUE).ask(IDENTIFY, identity())
    return [
        Case(620901, "names listed", "enumeration", [listed(6)], [calm]),
        Case(620902, "many names listed", "enumeration", [listed(9)], [listed(8)]),
        Case(620903, "guessing", "access-error", [guessed(4)], [guessed(3)]),
    ]


CASES = [*unauthorized(), *controls(), *discoveries()]
