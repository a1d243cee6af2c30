"""The round trip of a read: through the pair in sync, through HAProxy at the same place, and straight."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scripts.lab import topology
from scripts.lab.bench import haproxy, places
from scripts.lab.lab import Lab
from scripts.lab.layout import ICCP_PORT, PolicedSite, Timing
from scripts.lab.namespaces import LabError
from scripts.lab.nodes import Node

PAIR: Final = "pair"
GUARDED: Final = "guarded"
HAPROXY: Final = "haproxy"
DIRECT: Final = "direct"
_MARGIN_S: Final = 60.0
_SYNC_TIMEOUT_S: Final = 10.0
_ATTEMPTS: Final = 3
_TIMING: Final = Timing(interval_ms=100, lost_threshold=5, lease_ms=350)
"""Slower than the default, so that a machine busy with other things does not look like a dead node."""
_GUARDED_PORT: Final = ICCP_PORT + 2000
_SERVICES: Final = (1, 1, 2)
"""The policies of the services at ports 102, 1102 and 2102."""
_POLICY: Final = """\
policies:
  - id: 1
    name: open
  - id: 2
    name: enforcing
    default: deny
    unknown_peer: reset
    peers:
      - name: caller
        addresses: [10.1.100.0/24]
        client_may:
          - {domain: BELLEVUE, names: [Bilateral_Table_ID], rights: [read]}
          - {domain: null, names: [TASE2_Version, Supported_Features], rights: [read]}
"""
_ADDRESSES: Final = {
    PAIR: f"{topology.CLIENT_VIRTUAL}:{ICCP_PORT}",
    GUARDED: f"{topology.CLIENT_VIRTUAL}:{_GUARDED_PORT}",
    HAPROXY: f"{places.HAPROXY_ADDRESS}:{ICCP_PORT}",
    DIRECT: f"{topology.SERVER_ADDRESS}:{ICCP_PORT}",
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Times:
    """One path's round trips, microseconds."""

    requests: int
    p50_us: float
    p99_us: float
    best_us: float


@dataclass(frozen=True)
class RoundTrips:
    """All paths', of one run."""

    paths: dict[str, Times]
    haproxy: str  # its version

    def p50_ratio(self, path: str) -> float:
        """A path's median in terms of HAProxy's."""
        return self.paths[path].p50_us / self.paths[HAPROXY].p50_us

    def p99_ratio(self, path: str) -> float:
        """A path's 99th percentile in terms of HAProxy's."""
        return self.paths[path].p99_us / self.paths[HAPROXY].p99_us


def measure(prefix: str, seconds: float, say: Say) -> RoundTrips:
    """Build the lab, ask for `seconds` on all paths in turn, take the lab down.

    Begins anew when the pair was not in sync all the time: the figures would be another thing's. Raises LabError.
    """
    version = haproxy.version()
    for _ in range(_ATTEMPTS):
        say(f"round trip: building the lab, with {version} and a router beside the pair")
        lab = Lab(prefix, timing=_TIMING, site=PolicedSite(_POLICY, _SERVICES), more_hosts=places.MORE_HOSTS)
        with lab:
            if (paths := _measure(lab, seconds, say)) is not None:
                return RoundTrips(paths, version)
        say("round trip: the pair fell out of sync meanwhile, so that does not count")
    raise LabError("the pair does not stay in sync; is the machine busy with something else?")


def _measure(lab: Lab, seconds: float, say: Say) -> dict[str, Times] | None:
    """One attempt; None when the standby was lost in it."""
    places.route(lab.topology)
    lab.pair.start()
    active, _ = lab.pair.wait_ready()
    before = _streams(active)
    with haproxy.running(lab):
        say(f"round trip: asking through {', '.join(_ADDRESSES)} in turn, {seconds:g} s in all")
        paths = _ask(lab, seconds)
    return paths if _streams(active) == before else None


def _streams(node: Node) -> tuple[str, int, int]:
    """The node's role, and how often it became active and was followed by a passive one in sync."""
    status = node.wait("in sync", lambda status: status["replication"]["state"] == "in-sync", _SYNC_TIMEOUT_S)
    return status["role"], status["epoch"], status["replication"]["resyncs"]


def _ask(lab: Lab, seconds: float) -> dict[str, Times]:
    ports = (argument for port in (ICCP_PORT, _GUARDED_PORT) for argument in ("--port", str(port)))
    server = lab.start_program("server", "responder", "bench.responder", "--host", topology.SERVER_ADDRESS, *ports)
    server.wait_for_progress()
    addresses = [f"{name}={address}" for name, address in _ADDRESSES.items()]
    client = lab.start_program("client", "caller", "bench.caller", "--seconds", str(seconds), *addresses)
    summary = client.finish(seconds + _MARGIN_S)
    server.stop()
    return {name: Times(**times) for name, times in summary["paths"].items()}
