"""Every mistake that a configuration can hold is told at its place, word for word: problems.txt."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.config import ConfigErrors, load, parse
from tests.config.cases import Case, read_cases, told

HERE = Path(__file__).parent
BASE = (HERE / "base.yaml").read_text()


@pytest.mark.parametrize("case", read_cases(HERE / "problems.txt", BASE), ids=lambda case: case.name)
def test_problem_at_its_place(case: Case) -> None:
    with pytest.raises(ConfigErrors) as caught:
        parse(case.edited, "x", check_files=False)
    assert told(caught.value.problems, "x") == case.expected


def test_base_is_sound() -> None:
    parse(BASE, check_files=False)


def test_all_problems_at_once_in_the_order_of_the_file() -> None:
    text = BASE
    for old, new in (
        ("priority: 200", 'priority: "200"'),
        ("lease_ms: 150", "lease_ms: 300"),
        ("name: data", "name: hb0"),
        ("source: 172.16.200.4", "source: 172.16.200.5"),
        ("file: null", "fil: null"),
    ):
        text = text.replace(old, new, 1)
    with pytest.raises(ConfigErrors) as caught:
        parse(text, check_files=False)
    assert [(problem.line, problem.path) for problem in caught.value.problems] == [
        (1, "node.priority"),
        (7, "cluster.heartbeat.lease_ms"),
        (12, "links[1].name"),
        (20, "services[0].source"),
        (23, "log.fil"),
    ]


def test_a_broken_entry_does_not_hide_the_rules_for_the_others() -> None:
    text = BASE.replace("172.16.200.177:102", "nowhere", 1).replace("172.16.200.4/24", "172.16.200.4", 1)
    with pytest.raises(ConfigErrors) as caught:
        parse(text, check_files=False)
    # The virtual addresses are not all known, so nobody can say that `source` is not one of them.
    assert [p.path for p in caught.value.problems] == ["virtual_addresses[1].address", "services[0].server"]


def test_lists_are_bounded() -> None:
    entries = "\n".join(
        f'  - {{name: l{n}, priority: {n}, local: "10.0.0.1:{n}", peer: "10.0.0.2:{n}"}}' for n in range(1, 18)
    )
    start, end = BASE.index("links:\n"), BASE.index("virtual_addresses:")
    with pytest.raises(ConfigErrors, match="the list has 17 entries"):
        parse(f"{BASE[:start]}links:\n{entries}\n{BASE[end:]}", check_files=False)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1000,
        "a: &a [*a, *a]",
        "? {}",
        "\x00",
        "&a [" + "*a," * 5000 + "]",
        "- " * 5000,
        "{" * 300,
        "a: 0x",
        ":",
    ],
)
def test_hostile_text_is_a_problem_not_a_crash(text: str) -> None:
    with pytest.raises(ConfigErrors):
        parse(text, check_files=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"node: {name: \xff}", "not UTF-8 text"),
        (b"#" * (1 << 18) + b"#", "larger than 262144 bytes"),
    ],
)
def test_unreadable_files(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "node.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigErrors, match=message):
        load(path)


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="not a file"):
        load(tmp_path)


def test_the_key_file_is_looked_at_even_when_the_cluster_section_has_problems(tmp_path: Path) -> None:
    key = tmp_path / "none.key"
    text = BASE.replace("/etc/tandem/cluster.key", str(key)).replace("group: grid-east", "group: 7")
    with pytest.raises(ConfigErrors) as caught:
        parse(text)
    assert [(p.line, p.path) for p in caught.value.problems] == [
        (3, "cluster.group"),
        (4, "cluster.key_file"),
    ]
    assert caught.value.problems[1].message == f"{key} does not exist"
    assert f"tandem keygen {key}" in caught.value.problems[1].hint
