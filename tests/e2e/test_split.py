"""Every link between the nodes is cut while the data networks live, and no witness: both become active, as two nodes
alone cannot tell that from death. When a link is back the lower epoch stands down, and the addresses stay put."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from scripts.lab import topology
from scripts.lab.act import wait
from scripts.lab.faults import FAILURES
from scripts.lab.lab import Lab
from scripts.lab.layout import RELAXED, Site
from scripts.lab.nodes import Node, has_taken_over, in_sync
from tests.requirements import needs_root

AFTERWARDS_S = 1.0


class OneLink(Site):
    """Nodes that hear each other over the heartbeat cable only."""

    link_networks = Site.link_networks[:1]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab("esplit-", timing=RELAXED, site=OneLink()) as built:
        yield built


def known_address(lab: Lab, host: str, address: str) -> str:
    """The hardware address that a host would send to."""
    asked = ("ip", "-n", lab.topology.namespace(host), "-json", "neigh", "show", address)
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    (entry,) = json.loads(done.stdout)
    return str(entry["lladdr"])


def mac(node: Node, network: str) -> str:
    return topology.plug(node.name, network).mac


@needs_root
def test_all_links_cut_and_one_back(lab: Lab) -> None:
    lab.pair.start()
    first, second = lab.pair.wait_ready()
    lab.start_servers(load_rate_kib=32.0)
    load = lab.start_load(2, seconds=3600.0, rate_kib=32.0)
    load.wait_for_progress(30.0)
    cut = FAILURES["heartbeat-link"]
    cut.strike(lab.topology, first)
    second.wait("active as well", has_taken_over, 20.0)
    assert first.status()["role"] == "active"
    wait(1.0)
    voices = lab.start_voices()
    cut.mend(lab.topology, first)
    first.wait("passive and in sync", in_sync, 40.0)
    lab.pair.wait_ready()
    merged = second.status()
    wait(AFTERWARDS_S)
    assert (merged["role"], merged["epoch"]) == ("active", 2), "the higher epoch stays"
    turns = voices.stop()["turns"]
    last = {address: each[-1]["node"] for address, each in turns.items()}
    assert last == dict.fromkeys(topology.VIRTUAL_ADDRESSES, second.name)
    assert all(len(each) <= 2 for each in turns.values()), "the loser does not speak again"
    assert known_address(lab, "client", topology.CLIENT_VIRTUAL) == mac(second, "client")
    assert known_address(lab, "server", topology.SERVER_VIRTUAL) == mac(second, "server")
    assert second.status()["epoch"] == merged["epoch"]
