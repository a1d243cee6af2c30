"""`tandem learn`: what was seen is allowed, everything else is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import Direction, Pdu, Policing, Stack
from inspector.learning import Learner
from node import signatures
from node.captures.drafting import WIDTH, draft
from node.captures.files import Capture
from node.captures.inspection import Inspection, Sighting
from node.captures.notes import Notes
from node.captures.policing import Maker, policed
from node.captures.tables import ALIKE_MIN
from node.cli import learn, progress
from node.policy import Loaded, load_policy_file
from tests.captures import frames as made
from tests.captures.test_inspect import AREVA, tandem, write
from tests.cli.fake_node import FakeNode, fake_node
from tests.inspector.captures import FOLDER, needs_captures
from tests.inspector.vectors import (
    AC,
    CC,
    CN,
    CR,
    IDENTIFY,
    Message,
    conversation,
    data,
    exchange,
    integer,
    name,
    octets,
    osi,
    read,
    read_result,
    real,
    report,
    request,
    tlv,
    variable_list,
    variables,
)
from tests.inspector.vectors import (
    write as write_service,
)

C2S, S2C = Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT
CLIENT = "10.0.0.1"
RULES = signatures.read()
DENIALS = ("unknown-peer", "unauthorized-write", "unauthorized-access", "value-out-of-range", "value-rate")


def gathered(messages: Iterable[Message], learner: Learner | None = None, *, client: str = CLIENT) -> Learner:
    """A learner that has seen the messages."""
    learner = learner or Learner()
    stack = Stack(on_undecodable="continue", details=True)
    for at, (direction, sent) in enumerate(messages):
        for pdu in stack.feed(direction, sent).pdus:
            learner.see(pdu, client, stack.state.facts, 1_000_000_000_000 + at * 1000, stack.state.known)
    return learner


def drafted(learner: Learner) -> str:
    return draft(learner.facts(), ["a test"])


def loaded(text: str) -> Loaded:
    with NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return load_policy_file(file.name, RULES)[1]


def judged(held_to: Loaded, messages: Iterable[Message], client: str = CLIENT) -> list[Pdu]:
    """The PDUs of the messages, held to a policy."""
    stack = Stack(policing=Policing(*held_to, client=client))
    return [pdu for direction, sent in messages for pdu in stack.feed(direction, sent).pdus]


def denied(pdus: Iterable[Pdu]) -> list[str]:
    return [
        finding.detail
        for pdu in pdus
        for finding in pdu.findings
        if pdu.verdict not in ("pass", "monitor") or finding.code in DENIALS
    ]


def rows(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("- {domain:")]


# What was seen is allowed


def test_a_conversation_is_allowed_by_what_was_learned_from_it() -> None:
    text = drafted(gathered(conversation()))
    assert denied(judged(loaded(text), conversation())) == []
    assert "default: deny" in text
    assert "unknown_peer: reset" in text


NAMES = st.one_of(
    st.builds("{}{}".format, st.sampled_from(("PT_", "BUS1_V_", "State", "x")), st.integers(0, 12)),
    st.sampled_from(("BRK1", "BRK2", "NULL", "y", "1e3", "A*B", "A?", "[x]", "a b", "a/b", "é", "Info_Mess_Header")),
    st.text("AB*?[]\"'{}:#, ", min_size=1, max_size=6),
)
OBJECTS = st.one_of(
    NAMES.map(lambda it: f"ICC1/{it}"), NAMES.map(lambda it: f"@/{it}"), NAMES.map(lambda it: it.replace("/", "."))
)
RESERVED = st.sampled_from(("ICC1/Bilateral_Table_ID", "TASE2_Version", "ICC2/Next_DSTransfer_Set"))


def name_list(scope: bytes, object_class: int) -> bytes:
    return tlv(0xA1, tlv(0xA0, integer(object_class, 0x80)), tlv(0xA1, scope))


SERVICES = st.one_of(
    st.lists(st.one_of(OBJECTS, RESERVED), min_size=1, max_size=3).map(lambda it: read(variables(*it))),
    st.lists(OBJECTS, min_size=1, max_size=3).map(
        lambda it: write_service(variables(*it), *(integer(1, 0x85) for _ in it))
    ),
    OBJECTS.map(lambda it: write_service(variable_list(it), integer(1, 0x85))),
    OBJECTS.map(lambda it: read(variables(f"{it}_SBO"))),
    OBJECTS.map(lambda it: write_service(variables(f"{it}_TAG"), tlv(0xA2, tlv(0x84, b"\x05\x00"), tlv(0x8A, "why")))),
    OBJECTS.map(lambda it: read(variables(f"{it}_TAG", it))),
    OBJECTS.map(lambda it: read(variable_list(it))),
    OBJECTS.map(lambda it: tlv(0xA6, tlv(0xA0, name(it)))),
    OBJECTS.map(lambda it: tlv(0xAC, name(it))),
    st.lists(OBJECTS, min_size=2, max_size=4).map(lambda it: tlv(0xAB, name(it[0]), variables(*it[1:]))),
    OBJECTS.map(lambda it: tlv(0xAD, tlv(0xA1, name(it)))),
    st.just(tlv(0xAD, integer(2, 0x80), tlv(0x82, "ICC1"))),
    st.sampled_from((0, 2)).map(lambda it: name_list(tlv(0x80, b""), it)),
    st.sampled_from((0, 2)).map(lambda it: name_list(tlv(0x81, "ICC9"), it)),
    st.sampled_from(("82", "80 00", "9F 49 01 01", "BF 48 05 A0 03 19 01 41", "BF 28 00")).map(octets),
)
REPORTS = st.one_of(
    OBJECTS.map(lambda it: report(variable_list(it), real())),
    st.lists(OBJECTS, min_size=1, max_size=3).map(lambda it: report(variables(*it), *(real(),) * len(it))),
    st.just(report(variables("Transfer_Report_ACK", "ICC1/Transfer_Set_Name"), real(), real())),
)
DIRECTIONS = st.sampled_from((C2S, S2C))


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """What two peers might say, from the start or from the middle."""
    said: list[Message] = draw(st.sampled_from(([], [(C2S, CR), (S2C, CC), (C2S, data(CN)), (S2C, data(AC))])))
    said = list(said)
    for number, (by, service) in enumerate(draw(st.lists(st.tuples(DIRECTIONS, SERVICES), max_size=8)), 1):
        said.append((by, data(osi(request(service, number)))))
    said += [(by, data(osi(it))) for by, it in draw(st.lists(st.tuples(DIRECTIONS, REPORTS), max_size=4))]
    return said


@settings(deadline=None, max_examples=150)
@given(conversations())
def test_whatever_was_said_is_allowed(said: list[Message]) -> None:
    learner = gathered(said)
    if not learner.facts():
        return
    assert denied(judged(loaded(drafted(learner)), said)) == []


@settings(deadline=None, max_examples=60)
@given(conversations(), conversations())
def test_learners_add_up(one: list[Message], other: list[Message]) -> None:
    """By merging, over JSON, as by seeing both."""
    both = gathered(other, gathered(one), client="10.0.0.9")
    merged = Learner()
    for each in (gathered(one), gathered(other, client="10.0.0.9")):
        merged.merge(json.loads(json.dumps(each.facts())))
    assert merged.facts() == both.facts()
    twice = Learner()
    for _ in range(2):
        twice.merge(gathered(one).facts())
    assert [it[4] for entry in twice.facts() for it in entry["accesses"]] == [
        2 * it[4] for entry in gathered(one).facts() for it in entry["accesses"]
    ]


@needs_captures
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.pcap*")), ids=lambda it: it.name)
def test_captures_are_allowed_by_what_was_learned_from_them(path: Path, tmp_path: Path) -> None:
    policy = tmp_path / "learned.yaml"
    done = tandem("learn", path, "--output", policy)
    assert done.exit_code == 0, done.output
    assert [it.pdu for it in sightings(path, policed(policy)) if denied([it.pdu])] == []
    assert max(map(len, policy.read_text().splitlines())) <= WIDTH + 12


def sightings(path: Path, maker: Maker) -> Iterator[Sighting]:
    notes = Notes()
    with Capture(path, notes) as capture:
        yield from Inspection(notes, maker).run(capture)


# Everything else is not


def startup(path: Path, maker: Maker) -> Stack:
    """The inspector after a whole capture."""
    *_, last = sightings(path, maker)
    assert last.connection.stack is not None
    return last.connection.stack


FOREIGN = {
    "a foreign write": write_service(variables("BELLEVUE/BREAKER_7"), integer(1, 0x85)),
    "a write to what may be read": write_service(variables("BELLEVUE/ANALOG_ICCP_IN"), integer(1, 0x85)),
    "a new domain": read(variables("SEATTLE/TP29")),
    "another name of a known domain": read(variables("BELLEVUE/TP29")),
    "the names of a new domain": name_list(tlv(0x81, "SEATTLE"), 0),
    "a select": read(variables("BELLEVUE/BREAKER_7_SBO")),
    "a service nobody used": octets("BF 28 00"),
}


@needs_captures
@pytest.mark.parametrize("what", FOREIGN)
def test_what_the_control_centres_never_did_is_denied(what: str, tmp_path: Path) -> None:
    policy = tmp_path / "learned.yaml"
    tandem("learn", FOLDER / AREVA, "-o", policy)
    stack = startup(FOLDER / AREVA, policed(policy))
    allowed = stack.feed(C2S, data(osi(request(read(variables("TASE2_Version")), 9000))))
    assert (allowed.pdus[0].verdict, allowed.edits) == ("pass", ())
    result = stack.feed(C2S, data(osi(request(FOREIGN[what], 9001))))
    assert result.pdus[0].verdict == "deny"
    assert {it.code for it in result.pdus[0].findings} & {"unauthorized-write", "unauthorized-access"}


@needs_captures
def test_an_operate_is_denied(tmp_path: Path) -> None:
    policy = tmp_path / "learned.yaml"
    tandem("learn", FOLDER / AREVA, "-o", policy)
    stack = startup(FOLDER / AREVA, policed(policy))
    select, operate = read(variables("BELLEVUE/BRK_SBO")), write_service(variables("BELLEVUE/BRK"), integer(1, 0x85))
    verdicts = [stack.feed(C2S, data(osi(request(it, 9000 + n)))).pdus[0] for n, it in enumerate((select, operate))]
    assert [it.verdict for it in verdicts] == ["deny", "deny"]


@needs_captures
def test_a_peer_that_was_not_seen_is_reset(tmp_path: Path) -> None:
    policy = tmp_path / "learned.yaml"
    tandem("learn", FOLDER / AREVA, "-o", policy)
    held_to = load_policy_file(policy, RULES)[1]
    assert judged(held_to, [(C2S, CR)], client="10.101.1.99")[0].verdict == "reset"


@needs_captures
def test_the_table_is_read_at_a_glance(tmp_path: Path) -> None:
    policy = tmp_path / "learned.yaml"
    done = tandem("learn", FOLDER / AREVA, "-o", policy, "--name", "kirkland", "--policy-id", 7)
    assert done.stdout == f"{policy}: written, 1 peer and 7 rows; read it before a node enforces it (policy_file)\n"
    text = policy.read_text()
    assert len(text.splitlines()) <= 50
    assert "from iccp_areva_2005_genuine.pcap: 165 PDUs of 1 client, 2005-07-29 18:23:59 to" in text
    assert "  - id: 7\n    name: kirkland\n    default: deny  # for what no row allows\n" in text
    assert '        client: {tsap: ["0001"], ap_title: ["1.1.1"], ae_qualifier: [1]}\n' in text
    assert (
        "          - {domain: BELLEVUE, names: [ANALOG_ICCP_IN, STATUS_ICCP_IN], rights: [report]}  # 112 times\n"
        in text
    )
    assert "domain: KIRKLAND, names: [CITEC_TS0, CITEC_TS1], rights: [write]}  # twice; last 2005-07-29" in text


# The text


def seen(*services: bytes, by: Direction = C2S) -> str:
    said: list[Message] = [(C2S, CR), (S2C, CC), (C2S, data(CN)), (S2C, data(AC))]
    said += exchange(99, read(variables("ICC1/Bilateral_Table_ID")), read_result(tlv(0x8A, "1.0")))
    said += [(by, data(osi(request(it, number)))) for number, it in enumerate(services, 100)]
    text = drafted(gathered(said))
    assert denied(judged(loaded(text), said)) == []
    return text


def reads(*names: str) -> bytes:
    return read(variables(*names))


def test_names_that_begin_alike_are_a_pattern() -> None:
    text = seen(reads(*(f"ICC1/PT_{n}" for n in range(ALIKE_MIN)), "ICC1/OTHER"))
    assert rows(text) == [
        "- {domain: ICC1, names: [PT_*, OTHER], rights: [read]}  # a pattern for 8 names seen; 9 times"
    ]
    text = seen(reads(*(f"ICC1/State{n}" for n in range(ALIKE_MIN))))
    assert 'names: ["State[0-9]*"], rights: [read]' in text


def test_too_few_names_are_a_list() -> None:
    text = seen(reads(*(f"ICC1/PT_{n}" for n in range(ALIKE_MIN - 1))))
    assert "names: [PT_0, PT_1, PT_2, PT_3, PT_4, PT_5, PT_6], rights: [read]" in text


def test_a_pattern_never_fits_a_name_with_other_rights() -> None:
    many = reads(*(f"ICC1/PT_{n}" for n in range(ALIKE_MIN)))
    text = seen(many, write_service(variables("ICC1/PT_99"), integer(1, 0x85)))
    assert "*" not in "".join(rows(text))
    assert any("names: [PT_99], rights: [write]" in row for row in rows(text))


def test_what_is_written_is_never_a_pattern() -> None:
    text = seen(*(write_service(variables(f"ICC1/SP_{n}"), integer(n, 0x85)) for n in range(20)))
    assert "*" not in "".join(rows(text))


def test_controls_are_listed_with_what_was_done_and_the_values() -> None:
    operate = [write_service(variables("ICC1/BRK1"), integer(it, 0x85)) for it in (1, 0, 3)]
    text = seen(reads("ICC1/BRK1_SBO"), *operate, write_service(variables("ICC1/BRK2_TAG"), tlv(0xA2)))
    tag, control = rows(text)
    assert tag.startswith("- {domain: ICC1, names: [BRK1], rights: [select, operate]}  # 4 times; values 0 to 3; last ")
    assert control.startswith("- {domain: ICC1, names: [BRK2], rights: [tag]}  # once; last ")


def test_what_is_reserved_needs_no_row() -> None:
    text = seen()
    assert rows(text) == []
    assert "# Needs no row, for IEC 60870-6 reserves it: Bilateral_Table_ID." in text


def test_whoever_asked_for_names_may_do_so_again() -> None:
    text = seen(name_list(tlv(0x81, "ICC9"), 0), name_list(tlv(0x80, b""), 9))
    assert rows(text) == [
        "- {domain: ICC9, names: [Bilateral_Table_ID], rights: [read]}  # once; all names of the domain were asked for",
        "- {domain: null, names: [Bilateral_Table_ID], rights: [read]}  # once; all names of the domain were asked for",
    ]


@pytest.mark.parametrize(
    ("key", "odd"), [("tsap", ""), ("tsap", "00" * 33), ("ap_title", "cn=east"), ("ae_qualifier", -1)]
)
def test_who_cannot_be_described_is_not(key: str, odd: int | str) -> None:
    facts = gathered(conversation()).facts()
    facts[0]["identities"] = {"client.tsap": ["0001"], "client.ap_title": ["1.1.2"], "client.ae_qualifier": [5]}
    facts[0]["identities"][f"client.{key}"].append(odd)
    (line,) = (it.strip() for it in draft(facts, ["x"]).splitlines() if it.strip().startswith("client: {"))
    assert key not in line
    assert line.count(": [") == 2
    loaded(draft(facts, ["x"]))


def test_services_without_an_object_are_allowed_by_name() -> None:
    assert "applications: {allow: [MMS_FileRead.Request]}" in seen(octets("9F 49 01 01"))


def test_odd_names_stay_in_their_quotes() -> None:
    text = seen(reads('ICC1/a"b', "ICC1/NULL", "ICC1/1", "ICC1/a*b", "ICC1/x y"))
    assert 'names: ["1", "NULL", "a\\"b", a?b, x?y]' in text or 'names: ["1", "NULL", "a\\"b", "a?b", "x?y"]' in text


def test_a_data_set_that_is_written_stands_for_its_members() -> None:
    write_all = write_service(variable_list("ICC1/DS"), integer(1, 0x85), integer(0, 0x85))
    said = [
        *exchange(1, reads("ICC1/Bilateral_Table_ID"), read_result(tlv(0x8A, "1.0"))),
        *exchange(2, tlv(0xAB, name("ICC1/DS"), variables("ICC1/SP1", "ICC1/SP2")), tlv(0x8B)),
        (C2S, data(osi(request(write_all, 3)))),
    ]
    text = drafted(gathered(said))
    assert denied(judged(loaded(text), said)) == []
    assert [row.partition("  #")[0] for row in rows(text)] == [
        "- {domain: ICC1, names: [SP1, SP2], rights: [report, write]}",
        "- {domain: ICC1, names: [DS], rights: [write]}",
    ]
    assert "names: [DS], rights: [operate]" in seen(write_all)


def test_a_name_that_is_a_wildcard_allows_no_other() -> None:
    text = seen(
        write_service(variables("ICC1/*", "*"), integer(1, 0x85), integer(1, 0x85)), reads("ICC1/**", "ICC1/[a-z]")
    )
    assert [row.partition("  #")[0] for row in rows(text)] == [
        '- {domain: ICC1, names: ["??", "?a-z?"], rights: [read]}',
        '- {domain: ICC1, names: ["?"], rights: [write]}',
        '- {domain: null, names: ["?"], rights: [write]}',
    ]


def test_what_was_done_to_a_whole_domain_is_said_to_allow_all() -> None:
    (row,) = rows(seen(tlv(0xAD, integer(2, 0x80), tlv(0x82, "ICC1"))))
    assert row.startswith('- {domain: ICC1, names: ["*"], rights: [write]}')
    assert "done to all of the domain at once" in seen(tlv(0xAD, integer(2, 0x80), tlv(0x82, "ICC1")))


def test_findings_are_told() -> None:
    learner = gathered([*conversation(), (C2S, IDENTIFY[:-9] + b"\xff" * 9)])
    text = drafted(learner)
    assert re.search(r"# Found meanwhile: .*\(1\)", text)


def test_what_was_denied_is_not_learned() -> None:
    said = [(C2S, CR), *exchange(1, reads("ICC1/Bilateral_Table_ID"), read_result(real()))]
    learner = gathered(said)
    before = learner.facts()[0]["accesses"]
    pdu = Pdu(C2S, ("tpkt",), 9, "DT", mms_pdu="confirmed-request", mms_service="write", objects=("ICC1/x",))
    learner.see(pdu._replace(verdict="deny"), CLIENT, {})
    assert learner.facts()[0]["accesses"] == before
    learner.see(pdu._replace(verdict="monitor"), CLIENT, {})
    assert learner.facts()[0]["accesses"] != before


def test_learners_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.learning.ACCESSES_MAX", 4)
    monkeypatch.setattr("inspector.learning.PEERS_MAX", 1)
    learner = gathered([(C2S, data(osi(request(reads(*(f"ICC1/P{n}" for n in range(9))), 1))))])
    gathered([(C2S, CR)], learner, client="10.0.0.77")
    (entry,) = learner.facts()
    assert (len(entry["accesses"]), entry["left_off"], learner.left_off) == (4, 5, 1)
    assert "5 accesses were left off" in drafted(learner)


def test_clients_by_ipv6_are_told_of() -> None:
    text = drafted(gathered(conversation(), client="fd00::1"))
    assert "- name: client-1  # at fd00::1: a policy knows addresses of IPv4 alone" in text
    assert denied(judged(loaded(text), conversation(), client="fd00::1")) == []


@pytest.mark.parametrize("facts", [[{}], [{"address": 1}], [3], [None]])
def test_nonsense_is_not_merged(facts: Any) -> None:
    with pytest.raises(ValueError, match="not what a learner gathers"):
        Learner().merge(facts)


# The command


def test_several_captures_make_one_policy(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, client in ((one, made.CLIENT), (other, ("10.0.0.7", 40_000))):
        folder.mkdir()
        write(folder, made.packets(client=client))
    done = tandem("learn", one / "it.pcap", other / "it.pcap")
    assert done.exit_code == 0
    assert 'addresses: ["10.0.0.1"]' in done.stdout
    assert 'addresses: ["10.0.0.7"]' in done.stdout
    assert len(loaded(done.stdout).policy.peers) == 2


def test_an_output_is_not_replaced_unasked(tmp_path: Path) -> None:
    capture, output = write(tmp_path, made.packets()), tmp_path / "policy.yaml"
    assert tandem("learn", capture, "-o", output).exit_code == 0
    output.write_text("mine")
    done = tandem("learn", capture, "-o", output)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (f"tandem: {output} exists already\n    choose another name, or replace it with --force\n")
    assert tandem("learn", capture, "-o", output, "--force").exit_code == 0
    assert output.read_text() != "mine"
    assert "can be written there" in tandem("learn", capture, "-o", tmp_path / "no" / "where").stderr


def test_nothing_to_learn_from(tmp_path: Path) -> None:
    done = tandem("learn", write(tmp_path, made.handshake()))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("tandem: nothing to learn from: no ICCP in it.pcap\n")


def test_progress_through_captures(tmp_path: Path) -> None:
    capture = write(tmp_path, made.packets(conversation()))
    assert tandem("learn", capture).stderr == ""
    assert tandem("learn", capture, "--progress").stderr.splitlines()[-1] == "it.pcap: 100 %"


@pytest.mark.parametrize("arguments", [[], ["--live", "it.pcap"]])
def test_captures_or_live(arguments: list[str]) -> None:
    done = tandem("learn", *arguments)
    assert done.exit_code == 2
    assert "tandem learn --help" in done.stderr


# From a running node


@pytest.fixture
def node(tmp_path: Path) -> Iterator[FakeNode]:
    with fake_node(tmp_path / "a.sock") as fake:
        yield fake


def answer(node: FakeNode, **services: object) -> None:
    node.replies["GET /learned"] = (200, json.dumps({"left_s": 0.0, "services": services}).encode())
    node.replies["POST /learned?seconds=5"] = (200, b'{"ok": true}')


def test_live(node: FakeNode, tmp_path: Path) -> None:
    answer(node, iccp=gathered(conversation()).facts(), west=gathered(conversation(), client="10.0.0.7").facts())
    done = tandem("learn", "--live", "--socket", tmp_path / "a.sock")
    assert (done.exit_code, node.asked) == (0, ["GET /learned"])
    assert "from the node at" in done.stdout
    assert denied(judged(loaded(done.stdout), conversation())) == []
    assert len(loaded(done.stdout).policy.peers) == 2
    west = tandem("learn", "--live", "--socket", tmp_path / "a.sock", "--service", "west")
    assert len(loaded(west.stdout).policy.peers) == 1
    other = tandem("learn", "--live", "--socket", tmp_path / "a.sock", "--service", "other")
    assert other.exit_code == 2
    assert "let it learn for a while: --seconds N" in other.stderr


@pytest.mark.parametrize("interrupted", [False, True])
def test_live_from_now_on(node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool) -> None:
    def sleep(_seconds: float) -> None:
        assert node.asked == ["POST /learned?seconds=5"]
        answer(node, iccp=gathered(conversation()).facts())
        if interrupted:
            raise KeyboardInterrupt

    answer(node)
    monkeypatch.setattr("time.sleep", sleep)
    done = tandem("learn", "--live", "--seconds", "5", "--socket", tmp_path / "a.sock")
    assert done.exit_code == 0
    assert done.stderr == "tandem: learning for 5 s; Ctrl-C ends it sooner\n"
    assert denied(judged(loaded(done.stdout), conversation())) == []


def test_progress_of_learning_live(node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = Hours()
    for module in (learn, progress):
        monkeypatch.setattr(module, "time", hours)
    answer(node, iccp=gathered(conversation()).facts())
    done = tandem("learn", "--live", "--seconds", "5", "--progress", "--socket", tmp_path / "a.sock")
    parts = [int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("learning: ")]
    assert len(parts) > 10
    assert (parts[0], parts[-1], parts) == (0, 96, sorted(parts))


class Hours:
    """A clock on which time passes only while one sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.mark.parametrize("facts", [{}, 3, [3], {"services": 3}, {"services": {"iccp": [{"address": "x"}]}}])
def test_live_from_what_is_no_node(node: FakeNode, tmp_path: Path, facts: object) -> None:
    node.replies["GET /learned"] = (200, json.dumps(facts).encode())
    done = tandem("learn", "--live", "--socket", tmp_path / "a.sock")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "did not answer as a tandem node does" in done.stderr


def test_live_from_no_node(tmp_path: Path) -> None:
    done = tandem("learn", "--live", "--socket", tmp_path / "none.sock")
    assert done.exit_code == 1
    assert "there is no such socket" in done.stderr
