"""What a section makes of plain values, and how it says all that is wrong with them."""

from __future__ import annotations

import pickle
from typing import Annotated, Any, Literal

import pytest

from node.documents.errors import SEE_EXAMPLE, Finding, Wrong, wrong
from node.documents.kinds import Parsed, Range
from node.documents.section import Field, Section, rule


def _even(value: object) -> int:
    if not isinstance(value, int) or value % 2:
        raise wrong("not even", "double it")
    return value


class Inner(Section):
    """One entry."""

    name: str = Field(examples=["a"])
    share: Annotated[float, Range(0, 1)] = 0.5
    even: Annotated[int, Parsed(_even)] | None = None

    @rule
    def _named_after_nobody(self) -> None:
        if self.name == "nobody":
            raise wrong("nobody is nobody", at="name")


class Outer(Section):
    """All kinds of values."""

    inner: Inner
    count: Annotated[int, Range(1, 9)] = 3
    mode: Literal["fast", "slow"] = "slow"
    on: bool = True
    many: tuple[Inner, ...] = Field(default=(), max_length=2)
    words: tuple[str, ...] = Field(default=("x",), min_length=1)
    table: dict[str, Inner] = Field(default={}, max_length=1)


class Wider(Inner):
    """With a key more, and a rule more."""

    more: str = ""

    @rule
    def _more_or_less(self) -> None:
        if self.more == "less":
            raise wrong("less is not more")


INNER: dict[str, Any] = {"name": "a"}


def told(**values: Any) -> list[Finding]:
    with pytest.raises(Wrong) as caught:
        Outer.read({"inner": INNER, **values})
    return list(caught.value.findings)


def test_defaults_and_what_was_given() -> None:
    found = Outer.read({"inner": INNER, "count": 4})
    assert (found.inner, found.count, found.mode, found.many) == (Inner(name="a"), 4, "slow", ())
    assert found.given == {"inner", "count"}
    assert found.inner.given == {"name"}


def test_a_whole_number_will_do_for_any_number_and_a_list_for_a_tuple() -> None:
    share = Inner(name="a", share=1).share
    assert (share, type(share)) == (1.0, float)
    assert Outer.read({"inner": INNER, "words": ["a", "b"]}).words == ("a", "b")


@pytest.mark.parametrize(
    ("values", "location", "message"),
    [
        ({"count": True}, ("count",), "must be a whole number, not true"),
        ({"count": "4"}, ("count",), 'must be a whole number, not "4"'),
        ({"count": 10}, ("count",), "10 is out of range"),
        ({"mode": "quick"}, ("mode",), 'must be one of fast, slow, not "quick"'),
        ({"mode": ["fast"]}, ("mode",), "must be one of fast, slow, not a list"),
        ({"on": 1}, ("on",), "must be true or false, not 1"),
        ({"inner": None}, ("inner",), "must be a mapping of keys to values, not empty"),
        ({"inner": {"name": 1}}, ("inner", "name"), "must be text, not 1"),
        ({"inner": {**INNER, "share": float("nan")}}, ("inner", "share"), "must be a number, not nan"),
        ({"inner": {**INNER, "share": 10**400}}, ("inner", "share"), f"{10**400} is out of range"),
        ({"inner": {**INNER, "even": 3}}, ("inner", "even"), "not even"),
        ({"inner": {"name": "nobody"}}, ("inner", "name"), "nobody is nobody"),
        ({"inner": {}}, ("inner", "name"), 'key "name" is missing'),
        ({"many": "a"}, ("many",), 'must be a list, not "a"'),
        ({"many": (INNER, INNER, 3)}, ("many",), "the list has 3 entries"),
        ({"many": (INNER, 3)}, ("many", 1), "must be a mapping of keys to values, not 3"),
        ({"words": ()}, ("words",), "the list is empty"),
        ({"table": {"a": INNER, "b": INNER}}, ("table",), "the list has 2 entries"),
        ({"table": {"a": {}}}, ("table", "a", "name"), 'key "name" is missing'),
        ({"contu": 4}, ("contu",), 'unknown key "contu"'),
    ],
)
def test_what_is_wrong_is_told_where_it_is(values: dict[str, Any], location: tuple[Any, ...], message: str) -> None:
    assert [(at, what) for at, what, _ in told(**values)] == [(location, message)]


def test_all_that_is_wrong_is_told_and_what_would_be_right() -> None:
    with pytest.raises(Wrong) as caught:
        Outer.read({"count": 0, "many": ({"name": 1}, {"nmae": "b"}), "moed": "fast"})
    assert caught.value.findings == [
        (("inner",), 'section "inner" is missing', SEE_EXAMPLE),
        (("count",), "0 is out of range", "must be from 1 to 9"),
        (("many", 0, "name"), "must be text, not 1", 'put it in quotes: "1"'),
        (("many", 1, "name"), 'key "name" is missing', "for example name: a"),
        (("many", 1, "nmae"), 'unknown key "nmae"', 'did you mean "name"?'),
        (("moed",), 'unknown key "moed"', 'did you mean "mode"?'),
    ]


def test_rules_are_asked_when_every_field_is_sound() -> None:
    with pytest.raises(Wrong, match="must be text"):
        Wider(name="nobody", more=1)  # type: ignore[arg-type]
    with pytest.raises(Wrong, match="nobody"):
        Wider(name="nobody", more="less")
    with pytest.raises(Wrong, match="less is not more"):
        Wider(name="b", more="less")
    assert list(Wider.schema()) == ["name", "share", "even", "more"]


def test_a_section_is_a_value() -> None:
    one, other = (Outer.read({"inner": INNER, "many": (INNER,), "table": {"t": INNER}}) for _ in range(2))
    assert one == other
    assert one != one.but(count=5)
    assert hash(one.inner) == hash(other.inner)
    assert {one.inner, other.inner} == {Inner(name="a")}
    assert pickle.loads(pickle.dumps(one)) == one
    assert Outer.read(one.plain()) == one
    assert (one.but(count=5).count, one.count) == (5, 3)
    with pytest.raises(AttributeError, match="frozen"):
        one.count = 5  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        del one.count
