"""What this release writes for another one, and in which version it speaks to which life of its peer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgpack
import pytest

from node.agreement import Agreement
from node.member import Facts, Member
from node.release import SOFTWARE
from node.schemas import READS, WRITES, written_for
from protocol.errors import HandshakeError
from protocol.handshake import Identity
from protocol.heartbeat import Role, Sync
from tests.protocol.samples import heartbeat, identity
from tests.protocol.test_versions import RELEASE_0_1_0

FACTS = Facts(sync=Sync.IN_SYNC, stream=True, solo=False, stale=False, sessions=1)


class Speaker:
    """A member whose role machine says the same always; `versions` of what it sent."""

    def __init__(self) -> None:
        self.versions: list[int] = []
        self.peer = SimpleNamespace(incarnation=7)
        machine: Any = SimpleNamespace(role=Role.PASSIVE, peer=self.peer, heartbeat=lambda **_: heartbeat())
        lease: Any = SimpleNamespace(claimed=False)
        links: Any = SimpleNamespace(send=lambda payload: self.versions.append(msgpack.unpackb(payload)["v"]))
        orders = ("activate", "stand_down", "reclaim_lease", "begin_handover", "announce", "ask_witness", "beaten")
        duties: Any = SimpleNamespace(**{name: lambda *_: None for name in orders}, facts=lambda: FACTS)
        self.member = Member(machine, lease, links, duties, 0.05, Agreement({}, lambda _: None))

    def meet(self, **changes: Any) -> None:
        self.member.meet(identity("b", **changes))

    def speak(self) -> int:
        self.member.send_heartbeat()
        return self.versions[-1]


def test_the_lowest_version_until_the_peer_has_said_more_in_this_life() -> None:
    here = Speaker()
    assert here.speak() == 1
    here.meet(schemas=READS, software=SOFTWARE)
    assert (here.speak(), here.member.software) == (2, SOFTWARE)
    here.peer.incarnation = 8
    assert (here.speak(), here.member.software) == (1, None), "it may have come back as an older release"
    here.meet(schemas=RELEASE_0_1_0, incarnation=8, software="iccp-tandem 0.1")
    assert (here.speak(), here.member.software) == (1, "iccp-tandem 0.1")


def test_a_node_can_follow_one_of_its_own_release_and_of_the_one_before() -> None:
    assert written_for(identity("b", schemas=READS)) == {name: max(versions) for name, versions in WRITES.items()}
    assert written_for(identity("b", schemas=RELEASE_0_1_0))["messages"] in RELEASE_0_1_0["messages"]


def test_a_node_that_could_not_follow_is_told_why() -> None:
    long_ago: Identity = identity("b", schemas={**RELEASE_0_1_0, "messages": (1,)}, software="iccp-tandem 0.0")
    with pytest.raises(HandshakeError) as caught:
        written_for(long_ago)
    assert caught.value.code == "schema"
    assert caught.value.detail == (
        f"b (iccp-tandem 0.0) cannot read what {SOFTWARE} writes:"
        " messages: here version 2 or version 3, there version 1"
    )
