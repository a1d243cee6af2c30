"""The demo without root: the pair on the loopback interface. The passive node takes over, clients connect again."""

import signal
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console, RenderableType

from scripts.lab import screen
from scripts.lab.act import REPORTS_PER_S
from scripts.lab.evidence import Moment, Peers, Result, Sessions
from scripts.lab.faults import boottime_ns
from scripts.lab.lab import tandem
from scripts.lab.layout import Layout, LoopbackSite
from scripts.lab.namespaces import LabError, kill
from scripts.lab.nodes import Node, Pair
from scripts.lab.programs import Program
from scripts.lab.story import shortened
from scripts.lab.watching import watch

_RECONNECT_TIMEOUT_S: Final = 20.0
_KINDS: Final = ("worker", "node", "planned")


def run(console: Console, failure: str, connections: int, seconds: float) -> Result:
    """Tell the story; leaves nothing behind. Raises LabError for a failure that needs a lab of its own."""
    if failure not in _KINDS:
        raise LabError(f"--failure {failure} needs network namespaces, and so root; without: {', '.join(_KINDS)}")
    with tempfile.TemporaryDirectory(prefix="tandem-demo-") as directory:
        story = ReconnectStory(console, Layout(Path(directory) / "lab"), failure, connections)
        try:
            return story.tell(seconds)
        finally:
            story.end()


class ReconnectStory:
    """One failure of a pair on the loopback interface."""

    def __init__(self, console: Console, layout: Layout, failure: str, connections: int) -> None:
        self._console = console
        self._layout = layout
        self._failure = failure
        self._connections = connections
        self._pair = Pair((Node("a", None, layout), Node("b", None, layout)))
        self._programs: list[Program] = []

    def tell(self, seconds: float) -> Result:
        """From the start of the pair to the verdict."""
        self._layout.create(LoopbackSite())
        screen.heading(self._console, 1, "A pair on the loopback interface, in reconnect mode")
        self._pair.start()
        active, passive = self._pair.wait_ready()
        server, client = self._start_peers()
        self._say_what_is_missing(active)
        screen.heading(self._console, 2, "At work")
        watch(self._console, seconds / 2, self._overview)
        before = Sessions.of(active)
        screen.heading(self._console, 3, f"The blow: {self._failure} of node {active.name}")
        moment = self._strike(active, passive)
        self._console.print(screen.takeover_table(moment, "it serves from now on; there is nothing to restore"))
        watch(self._console, seconds / 2, self._overview)
        self._await_clients(client)
        self._console.print(self._overview())
        after = Sessions.of(passive)
        return self._conclude(server, client, moment, before, after)

    def end(self) -> None:
        """End every process that was started."""
        for program in self._programs:
            program.kill()
        for node in self._pair.nodes:
            node.stop()

    def _start_peers(self) -> tuple[Program, Program]:
        port = str(LoopbackSite.iccp_port)
        server = self._start(
            "tase2-server", "--host", LoopbackSite.server_address, "--port", port, "--rate", str(REPORTS_PER_S)
        )
        server.wait_for_progress()
        count = str(self._connections)
        client = self._start(
            "tase2-client", "--host", LoopbackSite.client_virtual, "--port", port,
            "--associations", count, "--reconnect",
        )  # fmt: skip
        client.wait_for_progress()
        return server, client

    def _start(self, name: str, *arguments: str) -> Program:
        module = f"scripts.lab.peers.{name.replace('-', '_')}"
        program = Program(name, None, self._layout.log(name), module, *arguments)
        self._programs.append(program)
        return program

    def _say_what_is_missing(self, node: Node) -> None:
        missing = node.status().get("missing") or ["nothing but the will: the configuration says reconnect"]
        self._console.print("Hitless takeover would need: " + "; ".join(missing) + ".", markup=False)
        self._console.print("Here connections end with the node that served them, and clients connect again.")

    def _overview(self, passed: str = "") -> RenderableType:
        panels = [screen.node_panel(node.name, node.status()) for node in self._pair.nodes]
        seen = self._programs[-1].latest
        words = f"{seen['alive']} of {seen['associations']} associations open, {seen['reports']} reports"
        again = f"{seen['reconnects']} opened again, longest outage {seen['outage_longest_ms']:.0f} ms"
        rows = [("tase2-client", words), ("", again)]
        return screen.overview(panels, screen.peers_panel(rows, passed))

    def _strike(self, active: Node, passive: Node) -> Moment:
        blow_ns = boottime_ns()
        if self._failure == "planned":
            active.ask("/switchover", "POST", timeout_s=10.0)
        elif self._failure == "worker":
            kill(active.pids().worker, signal.SIGKILL)
        else:
            active.kill()
        return Moment.of(blow_ns, self._pair.wait_active(passive))

    def _await_clients(self, client: Program) -> None:
        deadline = time.monotonic() + _RECONNECT_TIMEOUT_S
        while client.latest["alive"] < self._connections:
            if time.monotonic() > deadline:
                raise LabError(f"clients did not come back: {client.latest}")
            time.sleep(0.1)

    def _conclude(self, server: Program, client: Program, moment: Moment, before: Sessions, after: Sessions) -> Result:
        screen.heading(self._console, 4, "The sessions on the new primary")
        shown = tandem(self._layout, self._pair.active(), "diagnose", "ips", "session", "list")
        self._console.print(shortened(shown), markup=False)
        peers = Peers()
        summary = client.stop()
        peers.add_clients(summary)
        peers.reports_missed = max(0, server.stop()["reports_sent"] - peers.reports)
        peers.longest_stall_ms = max(peers.longest_stall_ms, summary["outage_longest_ms"])
        came_back = summary["reconnects"] >= 1 and summary["missed"] == 0
        complaints = () if came_back else ("no client connected again",)
        result = Result("reconnect", self._failure, True, peers, moment, before, after, complaints=complaints)
        lines = [
            (came_back, f"{summary['reconnects']} associations were opened again by the clients"),
            (after.epoch == before.epoch + 1, f"epoch {before.epoch} → {after.epoch}"),
            (
                True,
                f"the longest outage was {summary['outage_longest_ms']:.0f} ms, {peers.reports_missed} reports lost",
            ),
            (True, "with root, the same pair keeps the connections themselves: sudo scripts/demo"),
        ]
        self._console.print(screen.verdict_panel(lines))
        return result
