"""Blocks 1, 2, 4 and 5 of TASE.2, as two independent stacks speak them through the pair: each PDU has its right name.

hat-drivers goes through all four. libiec61850 does, too, but for one thing: it has no function to write a variable of
the association, which Block 4 needs; there it is given the MMS PDU to send (scripts/lab/peers/iec61850.py). The server
is hat-drivers', with reports by data set (DS_0) and by exception (DS_1, DS_lib).

The wires on both sides of the pair are tapped, and `tandem inspect` tells what each carried; that is compared with what
the clients are known to do, with what the node itself told of its sessions, and with what it learned for a policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from node import signatures
from scripts.lab.lab import Lab
from scripts.lab.layout import ICCP_PORT, RELAXED
from scripts.lab.programs import Program
from scripts.lab.topology import CLIENT_ADDRESS
from tests.e2e.lines import until
from tests.e2e.wire import captured, inspected
from tests.requirements import needs_root, needs_tool

pytestmark = [needs_root, needs_tool("tcpdump")]

REPORTS = 12
"""Of each association, at least."""
DATA_SETS = ("DS_0", "DS_1", "DS_lib")

REQUESTS = ("confirmed-request", "conclude-request")

Said = tuple[str, str, tuple[str, ...]]
"""What a request or report does (the TASE.2 operation, or the MMS service), its application, its objects."""
Row = dict[str, Any]

OPENING = """
identify                      | MMS_Identify.Request                        |
getNameList                   | MMS_GetNameList.Request                     |
getNameList                   | MMS_GetNameList.Request                     | ICC1/
Get Bilateral Table ID        | ICCP_Get.Bilateral.Table.ID                 | {table}
Get Data Value Type           | MMS_GetVariableAccessAttributes.Request     | ICC1/PT_0
Enable Information Messages   | ICCP_Start.Transfer.IMTransferSet           | @/IM_Transfer_Set
Select                        | ICCP_Select.Device                          | ICC1/BRK1_SBO
Operate                       | ICCP_Operate.Device                         | ICC1/BRK1
Set Tag Value                 | ICCP_Set.Tag.Value                          | ICC1/BRK1_TAG
Create Data Set               | ICCP_Create.Dataset                         | {data_set} {members}
Get Data Set Element Names    | MMS_GetNamedVariableListAttributes.Request  | {data_set}
Get Data Set Element Values   | ICCP_Get.Dataset.Element.Values             | {data_set}
Get Next DSTransfer Set Value | ICCP_Get.Next.DSTransfer.Set.Value          | ICC1/Next_DSTransfer_Set
Start Transfer                | ICCP_Start.Transfer.DSTransferSet           | {transfer_set}
"""
LIBRARY_OPENING = """
identify                      | MMS_Identify.Request                        |
getNameList                   | MMS_GetNameList.Request                     |
getNameList                   | MMS_GetNameList.Request                     |
getNameList                   | MMS_GetNameList.Request                     | ICC1/
Get Bilateral Table ID        | ICCP_Get.Bilateral.Table.ID                 | ICC1/Bilateral_Table_ID
Get TASE.2 Version            | ICCP_Get.TASE2.Version                      | TASE2_Version
Get Supported Features        | ICCP_Get.Supported.Features                 | Supported_Features
Get Data Value Type           | MMS_GetVariableAccessAttributes.Request     | ICC1/PT_0
Get Data Value                | MMS_Read.Request                            | ICC1/PT_0
Set Data Value                | MMS_Write.Request                           | ICC1/SP_1
Enable Information Messages   | ICCP_Start.Transfer.IMTransferSet           | @/IM_Transfer_Set
Select                        | ICCP_Select.Device                          | ICC1/BRK1_SBO
Operate                       | ICCP_Operate.Device                         | ICC1/BRK1
Set Tag Value                 | ICCP_Set.Tag.Value                          | ICC1/BRK1_TAG
Get Tag Value                 | ICCP_Get.Tag.Value                          | ICC1/BRK1_TAG
Create Data Set               | ICCP_Create.Dataset                         | {data_set} {members}
Get Data Set Names            | MMS_GetNameList.Request                     | ICC1/
Get Data Set Element Names    | MMS_GetNamedVariableListAttributes.Request  | {data_set}
Get Data Set Element Values   | ICCP_Get.Dataset.Element.Values             | {data_set}
Get Next DSTransfer Set Value | ICCP_Get.Next.DSTransfer.Set.Value          | ICC1/Next_DSTransfer_Set
Start Transfer                | ICCP_Start.Transfer.DSTransferSet           | {transfer_set}
"""
BETWEEN = """
identify                      | MMS_Identify.Request                        |
Get Bilateral Table ID        | ICCP_Get.Bilateral.Table.ID                 | ICC1/Bilateral_Table_ID
Transfer Report ACK           | ICCP_Transfer.Report.ACK                    | ICC1/Transfer_Report_ACK {stamp}
"""
ENDING = """
Stop Transfer                 | ICCP_Stop.Transfer.DSTransferSet            | {transfer_set}
Delete Data Set               | ICCP_Delete.Dataset                         | {data_set}
Conclude                      | MMS_Conclude.Request                        |
"""
MESSAGE = """
Information Message           | ICCP_Information.Message                    | ICC1/Info_Mess_Header ICC1/Info_Buff_64
"""
REPORT = """
Transfer Report               | ICCP_Transfer.Reporting                     | {reported}
"""
HEADER = "ICC1/Transfer_Set_Name ICC1/Transfer_Set_Time_Stamp ICC1/DSConditions_Detected ICC1/Sequence"
SMALL = f"{HEADER} ICC1/PT_0 ICC1/PT_1 ICC1/PT_2 ICC1/PT_3 ICC1/PT_4 ICC1/PT_5"
START_UP = "ICC1/Bilateral_Table_ID TASE2_Version Supported_Features"


class Association(NamedTuple):
    """What is known beforehand of one association."""

    opening: str
    members: str
    reported: str


EXPECTED = {
    "DS_0": Association(OPENING, SMALL, "ICC1/DS_0"),
    "DS_1": Association(OPENING, SMALL, f"{HEADER} ICC1/PT_1 ICC1/PT_3 ICC1/PT_5"),
    "DS_lib": Association(LIBRARY_OPENING, f"{HEADER} ICC1/PT_0 ICC1/PT_1", f"{HEADER} ICC1/PT_1"),
}


class Told(NamedTuple):
    """What was told of all that was said."""

    clients: dict[str, list[Row]]
    """What `tandem inspect` saw between client and pair, by the association's data set."""
    servers: dict[str, list[Row]]
    """And between pair and server."""
    events: list[Row]
    learned: dict[str, Any]
    sessions: dict[str, Row]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    file = tmp_path_factory.mktemp("blocks") / "wire.pcap"
    with Lab("eblk-", timing=RELAXED) as lab:
        lab.pair.start()
        active, _ = lab.pair.wait_ready()
        server = lab.start_tase2_server()
        active.ask("/learned?seconds=600", "POST")
        with captured(lab, ICCP_PORT, file):
            clients = [lab.start_second_stack("--blocks"), lab.start_clients(2)]
            for client in clients:
                await_reports(client)
            sessions = active.ask("/sessions")
            summaries = [client.stop() for client in clients]
            server.stop()
        assert [summary["errors"] for summary in summaries] == [[], []]
        events, learned = active.ask("/events"), active.ask("/learned")
    rows = inspected(file)[:-1]
    legs = {address: by_data_set(leg(rows, address)) for address in (f"{CLIENT_ADDRESS}:", "172.16.200.4:")}
    here, there = legs.values()
    named = {name: each for name, leg_ in here.items() for each in sessions if each["client"] == client_of(leg_)}
    yield Told(here, there, events, learned["services"]["iccp"], named)


def await_reports(client: Program) -> None:
    """Enough for each of its associations."""

    def look() -> bool:
        return bool(client.latest) and client.latest["reports"] >= REPORTS * client.latest["associations"]

    until("reports", look)


def leg(rows: list[Row], address: str) -> list[list[Row]]:
    """The connections whose client is at an address."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        client = row["connection"]["client"]
        if client.startswith(address):
            found.setdefault(client, []).append(row)
    return list(found.values())


def by_data_set(connections: list[list[Row]]) -> dict[str, list[Row]]:
    found = {}
    for connection in connections:
        created = next(row for row in connection if row["operation"] == "Create Data Set" and row["app"])
        found[created["objects"][0].removeprefix("ICC1/")] = connection
    return found


def client_of(connection: list[Row]) -> str:
    client: str = connection[0]["connection"]["client"]
    return client


def said(row: Row) -> Said:
    return row["operation"] or row["mms_service"] or row["mms_pdu"], row["app"], tuple(row["objects"])


def table(text: str, **names: str) -> list[Said]:
    rows = ([cell.strip() for cell in line.split("|")] for line in text.format(**names).strip().splitlines())
    return [(what, app, tuple(objects.split())) for what, app, objects in rows]


def asked(connection: list[Row]) -> list[Said]:
    """The requests and reports of the client, after initiate."""
    of_client = [row for row in connection if row["direction"] == "client->server"]
    return [said(row) for row in of_client if row["mms_pdu"] in (*REQUESTS, "unconfirmed")]


def pushed(connection: list[Row]) -> list[Said]:
    """What the server sent without being asked."""
    return [said(row) for row in connection if row["direction"] == "server->client" and row["mms_pdu"] == "unconfirmed"]


def names_of(data_set: str, connection: list[Row]) -> dict[str, str]:
    started = next(row for row in connection if row["operation"] == "Start Transfer")
    expected = EXPECTED[data_set]
    return {
        "data_set": f"ICC1/{data_set}",
        "transfer_set": started["objects"][0],
        "members": expected.members,
        "reported": expected.reported,
        "table": START_UP,
        "stamp": "ICC1/Transfer_Set_Time_Stamp",
    }


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_every_request_has_its_name_and_objects(told: Told, data_set: str) -> None:
    connection = told.clients[data_set]
    names = names_of(data_set, connection)
    requests = asked(connection)
    opening, ending = table(EXPECTED[data_set].opening, **names), table(ENDING, **names)
    assert requests[: len(opening)] == opening
    assert requests[-len(ending) :] == ending
    assert set(requests[len(opening) : -len(ending)]) <= set(table(BETWEEN, **names))
    assert names["transfer_set"].startswith("ICC1/TS_")


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_every_report_has_its_name_and_objects(told: Told, data_set: str) -> None:
    connection = told.clients[data_set]
    names = names_of(data_set, connection)
    message, *reports = pushed(connection)
    assert [message] == table(MESSAGE, **names)
    assert len(reports) >= REPORTS
    assert set(reports) == set(table(REPORT, **names))


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_every_answer_has_its_requests_operation(told: Told, data_set: str) -> None:
    connection = told.clients[data_set]
    asked_for = {row["invoke_id"]: row for row in connection if row["mms_pdu"] == "confirmed-request"}
    answers = [row for row in connection if row["mms_pdu"] == "confirmed-response"]
    assert len(answers) == len([row for row in connection if row["mms_pdu"] == "confirmed-request"])
    for row in answers:
        request = asked_for[row["invoke_id"]]
        assert (row["operation"], row["mms_service"]) == (request["operation"], request["mms_service"])


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_both_sides_of_the_pair_carry_the_same(told: Told, data_set: str) -> None:
    for direction in ("client->server", "server->client"):
        here, there = (
            [
                {key: value for key, value in row.items() if key not in ("frame", "time", "connection", "findings")}
                for row in leg_[data_set]
                if row["direction"] == direction
            ]
            for leg_ in (told.clients, told.servers)
        )
        assert here == there[: len(here)]
        late = [row["layers"] for row in there[len(here) :]]
        assert late in ([], [["tpkt", "cotp", "session"]]), "the client may be gone before the server says farewell"


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_the_node_told_of_each_application_once_when_it_came(told: Told, data_set: str) -> None:
    connection = told.clients[data_set]
    seen = list(dict.fromkeys(row["app"] for row in connection if row["app"]))
    session = told.sessions[data_set]
    events = [row for row in told.events if row["type"] == "app" and row["serial"] == session["serial"]]
    assert sorted(row["app"] for row in events) == sorted(seen)
    assert session["apps"] == [row["app"] for row in events][: len(session["apps"])]
    by_app = {row["app"]: row for row in reversed(connection) if row["app"]}
    for event in events:
        row = by_app[event["app"]]
        assert (event.get("operation"), event.get("mms_service")) == (row["operation"], row["mms_service"])
        objects = event.get("objects", [])
        assert objects == row["objects"][: len(objects)]


def test_nothing_but_the_tags_was_found_odd(told: Told) -> None:
    """Ordinary ICCP of two stacks: no finding but that a tag was changed, which is always told of."""
    found = [row for row in told.events if row["type"] == "finding"]
    tag_changed = next(rule.id for rule in signatures.read().rules if rule.event == "tag-change")
    assert [row["sid"] for row in found] == [tag_changed] * len(DATA_SETS)


def test_the_node_learned_who_did_what(told: Told) -> None:
    (peer,) = told.learned if isinstance(told.learned, list) else told.learned["peers"]
    assert peer["address"] == CLIENT_ADDRESS
    assert peer["identities"]["client.ap_title"] == ["1.1.999.1"]
    learned = {tuple(access[:4]) for access in peer["accesses"]}
    assert {
        ("client", "select", "ICC1/BRK1", "ICCP_Select.Device"),
        ("client", "operate", "ICC1/BRK1", "ICCP_Operate.Device"),
        ("client", "tag", "ICC1/BRK1", "ICCP_Set.Tag.Value"),
        ("client", "write", "@/IM_Transfer_Set", "ICCP_Start.Transfer.IMTransferSet"),
        ("client", "write", "ICC1/SP_1", "MMS_Write.Request"),
        ("client", "write", "ICC1/DS_lib", "ICCP_Create.Dataset"),
        ("client", "report", "ICC1/PT_0", "ICCP_Create.Dataset"),
        ("server", "report", "ICC1/DS_0", "ICCP_Transfer.Reporting"),
        ("server", "report", "ICC1/PT_1", "ICCP_Transfer.Reporting"),
        ("server", "report", "ICC1/Info_Mess_Header", "ICCP_Information.Message"),
    } <= learned
