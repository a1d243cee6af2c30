"""Policies: who may associate, who may do what to which object, within which limits."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import apps, services
from inspector.apps import NAMINGS, Naming
from inspector.patterns import Patterns
from inspector.policy import (
    ALLOWED,
    Deed,
    Identity,
    Judgement,
    Peer,
    PointLimit,
    PointRow,
    Policy,
    Rate,
    Right,
    Row,
    Side,
    Span,
)
from inspector.policy.points import Reported
from inspector.policy.rights import OF_ASSOCIATION, SCHEMES
from inspector.results import Action, Direction

TO_SERVER, TO_CLIENT = Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT
EAST = Identity("10.1.100.7", "0001", "0001", "1.1.999.1", 12)


class Hits:
    """Counts without a clock: one window that never ends."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, key: str, seconds: float, most: int) -> int:
        if self.counts[key] >= most:
            return 0
        self.counts[key] += 1
        return self.counts[key]


def row(names: str, rights: str, domain: str | None = "ICC1", **more: Any) -> Row:
    """`row("PT_* DS_*", "read report")`"""
    return Row(domain, tuple(names.split()), frozenset(map(Right, rights.split())), **more)


def policy(*rows: Row, default: Action = Action.DENY, **more: Any) -> Policy:
    """One peer, who comes from anywhere."""
    peer = Peer("east", client_may=rows, server_may=more.pop("server_may", ()), **more.pop("peer", {}))
    return Policy(1, "east", default=default, peers=[peer], **more)


def judge(it: Policy, naming: Naming, *objects: str, hits: Hits | None = None, **more: Any) -> Judgement:
    """What the policy says to a deed of the client."""
    identity = more.pop("identity", EAST)
    service = services.CONFIRMED_SERVICES[naming.number] if naming.number < 79 else None
    fields = {"direction": TO_SERVER, "service": service, "kind": "confirmed-request", **more}
    return it.judge(Deed(naming=naming, objects=objects, **fields), identity, hits or Hits())


def allows(it: Policy, naming: Naming, *objects: str, **more: Any) -> bool:
    return judge(it, naming, *objects, **more).action is Action.PASS


# --- the default policy


def test_the_default_policy_lets_everything_pass() -> None:
    it = Policy.default(3)
    assert (it.number, it.guarded, it.points, it.ignore_after) == (3, False, None, 0)
    assert it.admit(EAST) == ALLOWED
    assert all(judge(it, naming, "ICC1/BRK1") == ALLOWED for naming in NAMINGS.values())


# --- who

WANTED = Peer(
    "east",
    (IPv4Network("10.1.100.0/24"),),
    Side(("0001", "text:EAST*"), ("1.1.999.*",), (12,)),
    Side(("0001",)),
)


@pytest.mark.parametrize(
    ("said", "against"),
    [
        (EAST, None),
        (Identity(), None),
        (Identity("10.1.100.7"), None),
        (EAST._replace(client_tsap=b"EAST7".hex()), None),
        (Identity("10.1.101.7"), "10.1.101.7 is not in 10.1.100.0/24"),
        (Identity("nonsense"), "nonsense is not in 10.1.100.0/24"),
        (EAST._replace(client_tsap="0002"), "the client's TSAP 0002 is not 0001 or text:EAST*"),
        (EAST._replace(client_tsap="57455354"), 'the client\'s TSAP 57455354 ("WEST") is not 0001 or text:EAST*'),
        (EAST._replace(client_ap_title="1.1.99.1"), "the client's AP-title 1.1.99.1 is not 1.1.999.*"),
        (EAST._replace(client_ae_qualifier=13), "the client's AE-qualifier 13 is not 12"),
        (EAST._replace(server_tsap="0003"), "the server's TSAP 0003 is not 0001"),
    ],
)
def test_peers_are_known_by_what_they_said_so_far(said: Identity, against: str | None) -> None:
    assert WANTED.mismatch(said) == against


@pytest.mark.parametrize("action", [Action.MONITOR, Action.RESET, Action.QUARANTINE])
def test_unknown_peers(action: Action) -> None:
    it = Policy(1, "east", unknown_peer=action, peers=[WANTED])
    assert it.admit(EAST) == ALLOWED
    refused = it.admit(EAST._replace(client_ap_title="1.1.99.1"))
    assert (refused.action, refused.events[0].code, refused.events[0].key) == (action, "unknown-peer", "10.1.100.7")
    assert refused.why == (
        "10.1.100.7 (TSAP 0001, AP-title 1.1.99.1, AE-qualifier 12) is no peer of policy 1 (east): "
        "not east, for the client's AP-title 1.1.99.1 is not 1.1.999.*"
    )


def test_unknown_peers_that_may_pass_are_not_told_of() -> None:
    assert Policy(1, peers=[WANTED]).admit(Identity("10.9.9.9")) == ALLOWED


def test_an_identity_is_made_of_what_the_association_knows() -> None:
    facts: dict[str, int | str] = {
        "client.tsap": "0001",
        "client.ap_title": "1.1.999.1",
        "client.ae_qualifier": 12,
        "server.tsap": "0001",
        "tpdu": 1024,
    }
    assert Identity.of("10.1.100.7", facts) == EAST
    assert Identity.of("", {}) == Identity()


def test_a_selector_pattern_never_fits_half_octets() -> None:
    side = Side(("text:*A",))
    assert side.mismatch("4241", None, None) is None
    assert side.mismatch("1412", None, None) is not None
    assert Side(("text:*A",)).mismatch("0412", None, None) is not None, "0 41 2"


# --- rights

CASES = [
    (apps.GET_VALUE, "ICC1/PT_1", "read"),
    (apps.plain_service(services.READ), "ICC1/PT_1", "read"),
    (apps.GET_DATA_SET_VALUES, "ICC1/PT_1", "read"),
    (apps.GET_VALUE_TYPE, "ICC1/PT_1", "read"),
    (apps.GET_DATA_SET_ELEMENTS, "ICC1/PT_1", "read"),
    (apps.GET_TAG, "ICC1/PT_1_TAG", "read"),
    (apps.SET_VALUE, "ICC1/PT_1", "write"),
    (apps.plain_service(services.WRITE), "ICC1/PT_1", "write"),
    (apps.SET_DATA_SET_VALUES, "ICC1/PT_1", "operate"),
    (apps.CREATE_DATA_SET, "ICC1/PT_1", "write"),
    (apps.DELETE_DATA_SET, "ICC1/PT_1", "write"),
    (apps.START_TRANSFER, "ICC1/PT_1", "write"),
    (apps.STOP_TRANSFER, "ICC1/PT_1", "write"),
    (apps.SELECT, "ICC1/PT_1_SBO", "select"),
    (apps.OPERATE, "ICC1/PT_1", "operate"),
    (apps.START_PROGRAM, "ICC1/PT_1", "operate"),
    (apps.SET_TAG, "ICC1/PT_1_TAG", "tag"),
    (apps.TRANSFER_REPORT, "ICC1/PT_1", "report"),
    (apps.INFORMATION_MESSAGE, "ICC1/PT_1", "report"),
]


@pytest.mark.parametrize(("naming", "name", "right"), CASES, ids=lambda it: it if isinstance(it, str) else None)
def test_each_operation_needs_its_right(naming: Naming, name: str, right: str) -> None:
    others = " ".join(set(Right) - {Right(right)})
    if naming in (apps.SET_VALUE, apps.plain_service(services.WRITE)):
        others = others.replace("operate", "")  # see below
    assert allows(policy(row("PT_1", right)), naming, name)
    denied = judge(policy(row("PT_1", others), row("PT_2", right)), naming, name)
    assert denied.action is Action.DENY
    changes = right in ("write", "select", "operate", "tag")
    assert denied.events[0].code == ("unauthorized-write" if changes else "unauthorized-access")
    assert denied.events[0].key == name


def test_a_write_that_may_be_an_operate_is_allowed_as_either() -> None:
    assert allows(policy(row("BRK1", "operate")), apps.SET_VALUE, "ICC1/BRK1")
    assert not allows(policy(row("BRK1", "write")), apps.OPERATE, "ICC1/BRK1")


def test_every_object_is_judged_by_itself() -> None:
    """A PDU goes by the name of its first telling object: what stands behind must not slip through."""
    it = policy(row("PT_*", "read write"), row("BRK1", "read"))
    assert allows(it, apps.GET_VALUE, "ICC1/PT_1", "ICC1/PT_2")
    assert not allows(it, apps.GET_NEXT_DS, "ICC1/Next_DSTransfer_Set", "ICC1/BRK1_SBO")
    assert not allows(it, apps.GET_VALUE, "ICC1/PT_1", "ICC1/X")
    assert not allows(it, apps.SET_VALUE, "ICC1/PT_1", "ICC1/BRK1")
    assert not allows(it, apps.SET_VALUE, "ICC1/PT_1", "ICC1/BRK1_TAG")
    judgement = judge(it, apps.SET_VALUE, *(f"ICC1/X{n}" for n in range(100)))
    assert len(judgement.events) == 8, "not one for each of a thousand"


def test_the_message_says_who_what_and_why() -> None:
    why = judge(policy(), apps.OPERATE, "ICC1/BRK1").why
    assert why == (
        "10.1.100.7 (TSAP 0001, AP-title 1.1.999.1, AE-qualifier 12) may not operate ICC1/BRK1: "
        "no row of policy 1 (east) for peer east allows it"
    )


def test_data_sets_are_made_of_what_may_be_read_or_reported() -> None:
    it = policy(row("DS_*", "write"), row("PT_*", "read"), row("ST_*", "report"))
    members = ("ICC1/Transfer_Set_Name", "ICC1/PT_1", "ICC1/ST_1")
    assert allows(it, apps.CREATE_DATA_SET, "ICC1/DS_1", *members)
    assert not allows(it, apps.CREATE_DATA_SET, "ICC1/DS_1", *members, "ICC1/SECRET")
    assert not allows(it, apps.CREATE_DATA_SET, "ICC1/PT_1", *members)


@pytest.mark.parametrize("naming", [apps.SET_DATA_SET_VALUES, apps.plain_service(services.WRITE), apps.SET_VALUE])
def test_who_may_make_data_sets_may_not_write_their_members(naming: Naming) -> None:
    it = policy(row("DS_*", "write"), row("BRK1 PT_1", "read"), row("SETP", "operate", values=Span(0, 1)))
    assert allows(it, apps.CREATE_DATA_SET, "ICC1/DS_1", "ICC1/BRK1")
    assert not allows(it, naming, "ICC1/DS_1", by_list=True), "nobody knows what is in it"
    assert not allows(it, naming, "ICC1/DS_1", by_list=True, members=("ICC1/BRK1",))
    assert not allows(it, naming, "ICC1/DS_1", by_list=True, members=("ICC1/SETP", "ICC1/PT_1"), values=(1, 1))
    setp = {"by_list": True, "members": ("ICC1/SETP",)}
    assert allows(it, naming, "ICC1/DS_1", **setp, values=(1,))
    assert not allows(it, naming, "ICC1/DS_1", **setp, values=(2,))
    assert not allows(it, naming, "ICC1/DS_1", **setp, value=1), "it might be of the data set's first member or not"
    assert allows(policy(row("DS_1", "operate")), naming, "ICC1/DS_1", by_list=True)


def test_what_the_standard_reserves_needs_no_row_for_a_known_peer() -> None:
    it = policy()
    for name in ("TASE2_Version", "Supported_Features", "ICC1/Bilateral_Table_ID", "ICC1/Next_DSTransfer_Set"):
        assert allows(it, apps.GET_VALUE, name)
        assert not allows(it, apps.SET_VALUE, name)
    assert allows(it, apps.REPORT_ACK, "Transfer_Report_ACK", "Transfer_Set_Time_Stamp")
    stranger = Policy(1, default=Action.DENY, peers=[WANTED])
    assert not allows(stranger, apps.GET_VERSION, "TASE2_Version", identity=Identity("10.9.9.9"))


def test_domains() -> None:
    vmd, own = row("PT_1", "read", None), row("PT_1", "read", "@")
    named, any_domain = row("PT_1", "read", "ICC1"), row("PT_1", "read", "*")
    spelt = {"PT_1": vmd, "@/PT_1": own, "ICC1/PT_1": named}
    for name in spelt:
        for of, its_row in spelt.items():
            assert allows(policy(its_row), apps.GET_VALUE, name) is (name == of)
    assert allows(policy(any_domain), apps.GET_VALUE, "ICC2/PT_1")
    assert not allows(policy(any_domain), apps.GET_VALUE, "PT_1")
    assert not allows(policy(any_domain), apps.GET_VALUE, "@/PT_1")


def test_whole_domains() -> None:
    it = policy(row("PT_1", "read"), row("DS_*", "write"), row("BRK1", "operate", "ICC2"))
    assert allows(it, apps.GET_VALUE_NAMES, "ICC1/")
    assert not allows(it, apps.GET_VALUE_NAMES, "ICC2/")
    assert not allows(it, apps.DELETE_DATA_SET, "ICC1/")
    assert allows(policy(row("*", "write")), apps.DELETE_DATA_SET, "ICC1/")
    assert "may not read the names of ICC2: no row" in judge(it, apps.GET_VALUE_NAMES, "ICC2/").why
    assert "may not read the names of the VMD: no row" in judge(it, apps.GET_VALUE_NAMES).why
    assert allows(policy(row("X", "read", None)), apps.GET_VALUE_NAMES)


def test_variables_without_a_name_need_to_be_meant() -> None:
    assert not allows(policy(row("*", "read", None)), apps.GET_VALUE, "(unnamed)")
    assert allows(policy(row("(unnamed)", "read", None)), apps.GET_VALUE, "(unnamed)")


def test_each_side_has_its_table_but_reports_may_stand_in_either() -> None:
    both = policy(row("PT_1", "read"), server_may=(row("PT_2", "read"),))
    assert allows(both, apps.GET_VALUE, "ICC1/PT_1")
    assert not allows(both, apps.GET_VALUE, "ICC1/PT_2")
    assert allows(both, apps.GET_VALUE, "ICC1/PT_2", direction=TO_CLIENT)
    refused = judge(both, apps.GET_VALUE, "ICC1/PT_1", direction=TO_CLIENT)
    assert refused.why.startswith("the server may not read ICC1/PT_1")
    for it in (policy(row("PT_1", "report")), policy(server_may=(row("PT_1", "report"),))):
        assert allows(it, apps.TRANSFER_REPORT, "ICC1/PT_1", direction=TO_CLIENT)
        assert allows(it, apps.TRANSFER_REPORT, "ICC1/PT_1")


# --- the default, and what names no object


@pytest.mark.parametrize("default", [Action.MONITOR, Action.DENY, Action.RESET])
def test_the_default_is_for_what_no_row_allows(default: Action) -> None:
    refused = judge(policy(default=default), apps.GET_VALUE, "ICC1/PT_1")
    assert (refused.action, refused.events[0].code) == (default, "unauthorized-access")


def test_a_default_of_pass_is_silent() -> None:
    assert judge(policy(default=Action.PASS), apps.OPERATE, "ICC1/BRK1") == ALLOWED


def test_what_keeps_an_association_going_is_always_allowed() -> None:
    for number in OF_ASSOCIATION:
        assert allows(policy(), NAMINGS[number])
        assert allows(Policy(1, default=Action.DENY, peers=[WANTED]), NAMINGS[number], identity=Identity("10.9.9.9"))


def test_other_services_without_objects_fall_under_the_default_unless_allowed() -> None:
    download = apps.plain_service(services.CONFIRMED_SERVICES.index("initiateDownloadSequence"))
    directory = apps.plain_service(services.CONFIRMED_SERVICES.index("fileDirectory"))
    assert judge(policy(), download).events[0].code == "unauthorized-write"
    assert judge(policy(), directory).events[0].code == "unauthorized-access"
    allowing = policy(peer={"apps_allowed": Patterns(("MMS_*Download*",))})
    assert allows(allowing, download)
    assert not allows(allowing, directory)
    assert allows(policy(peer={"apps_allowed": Patterns(("MMS_GetNameList.*",))}), apps.GET_VALUE_NAMES)


def test_denied_applications_are_denied_whatever_the_rows_and_the_default_say() -> None:
    it = policy(row("*", "read write"), default=Action.PASS, peer={"apps_denied": Patterns(("MMS_Write.*",))})
    assert it.guarded
    refused = judge(it, apps.SET_VALUE, "ICC1/PT_1")
    assert (refused.action, refused.events[0].code) == (Action.DENY, "unauthorized-write")
    assert refused.why.endswith("used MMS_Write.Request: policy 1 (east) denies it to peer east")
    assert allows(it, apps.GET_VALUE, "ICC1/PT_1")
    identify = apps.plain_service(services.CONFIRMED_SERVICES.index("identify"))
    assert not allows(policy(peer={"apps_denied": Patterns(("MMS_Identify.*",))}), identify)


def test_denied_applications_may_be_the_users_own() -> None:
    it = policy(row("*", "operate"), peer={"apps_denied": Patterns(("ICCP_Breaker.Control",))})
    assert not allows(it, apps.OPERATE, "ICC1/BRK1", app="ICCP_Breaker.Control")
    assert allows(it, apps.OPERATE, "ICC1/BRK1")


def test_every_naming_is_either_of_objects_or_not() -> None:
    assert not OF_ASSOCIATION & set(SCHEMES)
    for naming in NAMINGS.values():
        judge(policy(), naming, "ICC1/X")
        judge(policy(), naming)


# --- limits


@pytest.mark.parametrize(("value", "allowed"), [(0, True), (1, True), (1.5, False), (-1, False), (None, False)])
def test_values(value: float | None, allowed: bool) -> None:
    it = policy(row("BRK1", "select operate", values=Span(0, 1)))
    assert allows(it, apps.OPERATE, "ICC1/BRK1", value=value) is allowed
    assert allows(it, apps.SET_VALUE, "ICC1/BRK1", value=value) is allowed, "the same write by another name"
    assert allows(it, apps.SELECT, "ICC1/BRK1_SBO"), "a select has no value"


def test_no_number_lies_nowhere() -> None:
    assert not Span(None, 1).holds(float("nan"))
    assert not Span(0, None).holds(float("nan"))
    assert not Span(0, 1).holds(float("inf"))
    assert [str(it) for it in (Span(0, 1), Span(None, 1), Span(2.5))] == ["0 to 1", "at most 1", "at least 2.5"]


def test_values_of_several_objects() -> None:
    it = policy(row("A B", "write", values=Span(0, 1)), row("C", "write"))
    both = ("ICC1/A", "ICC1/B")
    assert allows(it, apps.SET_VALUE, *both, values=(0, 1))
    assert not allows(it, apps.SET_VALUE, *both, values=(0, 2))
    assert not allows(it, apps.SET_VALUE, *both, value=1), "which one's value it is is not known"
    assert not allows(it, apps.SET_VALUE, *both, values=(0,))
    assert allows(it, apps.SET_VALUE, "ICC1/A", "ICC1/C", values=(0, None))


def test_rates_are_for_each_object_by_itself() -> None:
    it = policy(row("BRK1 BRK2", "select operate", rate=Rate(2, 60)))
    hits = Hits()
    assert [allows(it, apps.OPERATE, "ICC1/BRK1", hits=hits) for _ in range(3)] == [True, True, False]
    assert allows(it, apps.OPERATE, "ICC1/BRK2", hits=hits)
    assert allows(it, apps.SELECT, "ICC1/BRK1_SBO", hits=hits), "a select is not an operate"
    refused = judge(it, apps.OPERATE, "ICC1/BRK1", hits=hits)
    assert refused.events[0].code == "value-rate"
    assert refused.why.endswith("is over the rate for ICC1/BRK1: allowed are 2 in 60 s")


def test_a_refused_value_does_not_use_up_the_rate() -> None:
    it = policy(row("BRK1", "operate", values=Span(0, 1), rate=Rate(1, 60)))
    hits = Hits()
    assert not allows(it, apps.OPERATE, "ICC1/BRK1", value=7, hits=hits)
    assert allows(it, apps.OPERATE, "ICC1/BRK1", value=1, hits=hits)


def test_limits_hold_whatever_the_default() -> None:
    it = policy(row("BRK1", "operate", values=Span(0, 1)), default=Action.PASS)
    assert it.guarded
    refused = judge(it, apps.OPERATE, "ICC1/BRK1", value=2)
    assert (refused.action, refused.events[0].code) == (Action.DENY, "value-out-of-range")
    assert "wrote 2 to ICC1/BRK1: allowed is 0 to 1" in refused.why


def test_limits_may_only_be_told_of() -> None:
    it = policy(row("BRK1", "operate", values=Span(0, 1), action=Action.MONITOR), default=Action.MONITOR)
    assert not it.guarded
    assert judge(it, apps.OPERATE, "ICC1/BRK1", value=2).action is Action.MONITOR


# --- guarded


@pytest.mark.parametrize(
    ("it", "guarded"),
    [
        (policy(default=Action.DENY), True),
        (policy(default=Action.MONITOR), False),
        (policy(default=Action.RESET), False),
        (policy(row("X", "read", rate=Rate(1, 1)), default=Action.PASS), True),
        (policy(default=Action.PASS, guarded=True), True),
        (policy(default=Action.PASS, points=[PointRow("ICC1", ("X",), PointLimit(Span(0, 1)))]), False),
        (
            policy(default=Action.PASS, points=[PointRow("ICC1", ("X",), PointLimit(Span(0, 1), action=Action.DENY))]),
            True,
        ),
    ],
)
def test_guarded_if_something_may_be_denied(it: Policy, guarded: bool) -> None:
    assert it.guarded is guarded


# --- controls


def test_controls_are_what_rows_let_operate_and_not_write() -> None:
    it = policy(row("BRK*", "select operate"), row("BRK9", "write"), row("PT_*", "read"))
    assert [it.is_control(f"ICC1/{name}") for name in ("BRK1", "BRK9", "PT_1", "X")] == [True, False, False, False]
    assert not it.is_control("ICC2/BRK1")
    assert not Policy.default(1).is_control("ICC1/BRK1")


# --- points

LIMITED = policy(
    default=Action.PASS,
    points=[
        PointRow("ICC1", ("PT_1",), PointLimit(Span(0, 500), frozenset({"valid", "held"}), Rate(2, 1), key="a")),
        PointRow("ICC1", ("PT_*",), PointLimit(Span(0, 9), action=Action.DENY, key="b")),
    ],
)


def test_the_first_row_that_has_a_point_counts() -> None:
    assert LIMITED.points is not None
    assert LIMITED.points.limits("ICC1/PT_1") is LIMITED.points.rows[0].limit
    assert LIMITED.points("ICC1/PT_2") is LIMITED.points.rows[1].limit
    assert LIMITED.points("ICC2/PT_2") is None
    assert LIMITED.points("PT_2") is None


@pytest.mark.parametrize(
    ("point", "code", "action"),
    [
        (Reported("ICC1/PT_1", 500, "valid"), None, Action.PASS),
        (Reported("ICC1/PT_1"), None, Action.PASS),
        (Reported("ICC1/PT_1", 501, "held"), "value-out-of-range", Action.MONITOR),
        (Reported("ICC1/PT_1", float("nan")), "value-out-of-range", Action.MONITOR),
        (Reported("ICC1/PT_1", 1, "suspect"), "quality-limit", Action.MONITOR),
        (Reported("ICC1/PT_2", 10, "suspect"), "value-out-of-range", Action.DENY),
        (Reported("ICC1/ST_1", 1e9, "suspect"), None, Action.PASS),
    ],
)
def test_points(point: Reported, code: str | None, action: Action) -> None:
    assert LIMITED.points is not None
    judgement = LIMITED.points.judge([point], Hits())
    assert [event.code for event in judgement.events] == ([code] if code else [])
    assert judgement.action is action


def test_points_reported_too_often() -> None:
    assert LIMITED.points is not None
    hits = Hits()
    judged = [LIMITED.points.judge([Reported("ICC1/PT_1", 1)], hits) for _ in range(3)]
    assert [it.events[0].code if it.events else None for it in judged] == [None, None, "value-rate"]


def test_the_worst_point_of_a_report_is_told_even_behind_many() -> None:
    assert LIMITED.points is not None
    many = [Reported("ICC1/PT_1", 501 + n) for n in range(100)]
    judgement = LIMITED.points.judge([*many, Reported("ICC1/PT_2", 10)], Hits())
    assert judgement.action is Action.DENY
    assert judgement.events[0].key == "ICC1/PT_2"


# --- what must hold of any policy

NAMES = ("A", "B", "AB")
rows = st.builds(
    Row,
    st.sampled_from((None, "ICC1", "*")),
    st.lists(st.sampled_from((*NAMES, "*", "A*")), min_size=1, max_size=2).map(tuple),
    st.sets(st.sampled_from(Right), min_size=1).map(frozenset),
    st.none() | st.builds(Span, st.just(0.0), st.integers(0, 2).map(float)),
    st.none() | st.builds(Rate, st.integers(1, 3), st.just(10.0)),
    st.sampled_from((Action.MONITOR, Action.DENY)),
)
deeds = st.tuples(
    st.sampled_from((apps.GET_VALUE, apps.SET_VALUE, apps.OPERATE, apps.TRANSFER_REPORT, apps.START_TRANSFER)),
    st.sampled_from((*NAMES, *(f"ICC1/{name}" for name in NAMES))),
    st.integers(0, 3).map(float),
)


def keyed(some: list[Row]) -> list[Row]:
    """Each row with a key of its own, which goes with it."""
    return [Row(it.domain, it.names, it.rights, it.values, it.rate, it.action, str(nr)) for nr, it in enumerate(some)]


def told(some: list[Row], done: list[tuple[Naming, str, float]]) -> list[Judgement]:
    it = policy(*some)
    hits = Hits()
    return [judge(it, naming, name, value=value, hits=hits) for naming, name, value in done]


@given(st.lists(rows, max_size=5).map(keyed), st.lists(deeds, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(some: list[Row], done: list[Any], random: Any) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)
    assert told(shuffled, done) == told(some, done)


@given(st.lists(rows, min_size=1, max_size=5).map(keyed), st.lists(deeds, max_size=8))
def test_a_row_more_never_takes_anything_away(some: list[Row], done: list[Any]) -> None:
    fewer = told(some[:-1], done)
    assert all(more.action <= less.action for more, less in zip(told(some, done), fewer, strict=True))


@given(st.lists(rows, max_size=4).map(keyed), st.lists(deeds, max_size=8))
def test_remembered_decisions_are_the_same(some: list[Row], done: list[Any]) -> None:
    plain = [row for row in some if row.rate is None]
    it = policy(*plain)
    first, second = ([judge(it, naming, name, value=value) for naming, name, value in done] for _ in range(2))
    assert list(first) == list(second)


@given(st.lists(rows, max_size=4).map(keyed), st.lists(deeds, max_size=8))
def test_only_a_guarded_policy_denies(some: list[Row], done: list[Any]) -> None:
    it = policy(*some, default=Action.PASS)
    hits = Hits()
    actions = [judge(it, naming, name, value=value, hits=hits).action for naming, name, value in done]
    assert it.guarded or Action.DENY not in actions


def test_memory_of_decisions_is_bounded() -> None:
    it = policy(row("PT_*", "read"))
    for number in range(40_000):
        judge(it, apps.GET_VALUE, f"ICC1/PT_{number}", identity=EAST._replace(client_tsap=f"{number:08x}"))
        it.is_control(f"ICC1/X{number}")
    assert sum(len(grants) for group in it._groups.values() for grants in group.grants) <= 32_768
    assert len(it._who) <= 1_024
    assert len(it._controls) <= 32_768
