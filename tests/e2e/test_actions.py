"""What a policy orders is done, to that message and no other: in the inspector alone, and through a pair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.policy import Loaded, load_policy_file
from tests.e2e.detections import bare
from tests.e2e.detections.actions import DEEDS, SHUNNED_FOR, Deed
from tests.e2e.detections.form import KILL
from tests.e2e.detections.live import Stage, ended, hang_up, perform, staged
from tests.e2e.detections.policy import LENIENT, OPEN, POLICY, STERN, STRICT
from tests.e2e.detections.talks import Talk
from tests.e2e.detections.words import IDENTIFY, identity, opened, opening, read, write
from tests.e2e.lines import receive, row
from tests.inspector import vectors
from tests.requirements import needs_root

all_deeds = pytest.mark.parametrize("deed", DEEDS, ids=[deed.name.replace(" ", "-") for deed in DEEDS])


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Loaded]:
    path: Path = tmp_path_factory.mktemp("actions") / "policy.yaml"
    path.write_text(POLICY)
    return load_policy_file(path)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged("eact-") as stage:
        yield stage


@all_deeds
def test_in_the_inspector_alone(policies: dict[int, Loaded], deed: Deed) -> None:
    assert deed.codes == {found.code for found in bare.play([deed.talk], policies[deed.policy])}


@needs_root
@all_deeds
def test_through_the_pair(stage: Stage, deed: Deed) -> None:
    line = stage.play([deed.talk], deed.policy)
    assert deed.codes == {each["code"] for each in stage.events(line)}


@needs_root
def test_who_is_in_quarantine_is_not_served_anywhere(stage: Stage) -> None:
    client = stage.client()
    bystander = stage.dial(OPEN, client)
    line = stage.dial(STERN, client)
    perform(line, SHUNNED_FOR.messages)
    assert stage.refuses(STERN, client)
    assert stage.refuses(OPEN, client)
    assert ended(bystander.client), "what it had open is over"
    line.close()
    bystander.close()


@needs_root
def test_what_cannot_be_read_is_let_through_uninspected(stage: Stage) -> None:
    (deed,) = (deed for deed in DEEDS if deed.policy == LENIENT)
    line = stage.dial(LENIENT, stage.client())
    perform(line, deed.talk.messages)
    session = row(stage.lab.pair.active(), "/sessions", line)
    assert session is not None
    assert session["ignored"] is True
    line.close()


@needs_root
@pytest.mark.parametrize(("talk", "ignored"), [(opening(), True), (opened(), False)], ids=["plain-MMS", "ICCP"])
def test_what_is_not_iccp_is_left_alone_after_a_while(stage: Stage, talk: Talk, ignored: bool) -> None:
    for _ in range(20):
        talk.ask(IDENTIFY, identity())
    line = stage.play([talk.request(KILL)], LENIENT)
    assert (stage.sids(line) == set()) is ignored


@needs_root
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_a_denied_request_between_two_others_whatever_the_pieces(stage: Stage, piece: int) -> None:
    line = stage.dial(STRICT, stage.client())
    perform(line, opened().messages)
    assert line.server is not None
    services = (read("ICC1/PT_1"), write("ICC1/SP_2", 1), read("ICC1/SP_1"))
    first, denied, last = (
        vectors.data(vectors.osi(vectors.request(service, number))) for number, service in enumerate(services, 11)
    )
    octets = first + denied + last
    for at in range(0, len(octets), piece):
        line.client.sendall(octets[at : at + piece])
    assert receive(line.server, len(first + last)) == first + last
    assert receive(line.client, len(vectors.denied(12))) == vectors.denied(12)
    hang_up(line)
    line.close()
