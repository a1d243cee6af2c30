"""The demo in network namespaces: the pair at work, the blow, the takeover, and what it kept."""

from typing import Final

from rich.console import Console, RenderableType

from scripts.lab import screen, topology
from scripts.lab.act import REPORTS_PER_S, Act, Mix
from scripts.lab.evidence import Result
from scripts.lab.faults import FAILURES, Failure
from scripts.lab.lab import Lab
from scripts.lab.nodes import Node
from scripts.lab.watching import watch

_LOAD_RATE_KIB: Final = 128.0
_GLANCE_S: Final = 0.5
_SHARE_BEFORE: Final = 0.4  # of the time shown
_STAND_DOWN = {"worker": "worker killed", "node": "killed", "power": "no power", "freeze": "stopped (SIGSTOP)"}


class Story:
    """Tells one failure from start to end on a console."""

    def __init__(self, console: Console, lab: Lab, failure: str, connections: int, seconds: float) -> None:
        self._console = console
        self._lab = lab
        self._failure: Failure = FAILURES[failure]
        self._mix = Mix.of(connections)
        self._seconds = seconds
        self._act = Act(lab, self._mix, _LOAD_RATE_KIB)
        self._notes: dict[str, str] = {}

    def tell(self) -> Result:
        """The whole story; returns the verdict's numbers."""
        self._set_up()
        self._show_work()
        self._show_cache()
        self._strike()
        self._mend()
        return self._conclude()

    def _set_up(self) -> None:
        screen.heading(self._console, 1, "The lab")
        self._console.print(
            screen.DRAWING.format(
                client=topology.CLIENT_ADDRESS,
                server=topology.SERVER_ADDRESS,
                front=topology.CLIENT_VIRTUAL,
                back=topology.SERVER_VIRTUAL,
            ),
            highlight=False,
        )
        self._console.print("\nEach of these hosts is a network namespace on this machine. Starting nodes and peers …")
        self._act.open()
        mix = self._mix
        parts = [f"{mix.associations} TASE.2 associations (hat-drivers, reports {REPORTS_PER_S:.0f} times a second)"]
        parts += ["1 association on another stack (libiec61850)"] if mix.second_stack else []
        parts += [f"{mix.load} connections of generated reports both ways, every byte checked"] if mix.load else []
        self._console.print("Running: " + ",\n         ".join(parts) + ".")

    def _show_work(self) -> None:
        screen.heading(self._console, 2, "At work: one node is active, the other keeps a copy of every session")
        self._watch(self._seconds * _SHARE_BEFORE)

    def _show_cache(self) -> None:
        self._act.look_again()
        if self._act.needless:
            self._console.print("This machine stuttered: the nodes changed places already. Nothing broke; on we go.")
        screen.heading(self._console, 3, f"The session cache on {self._act.passive.name}, the passive node")
        self._print_command(self._act.passive, "diagnose", "ips", "share", "list")

    def _strike(self) -> None:
        victim = self._act.active
        screen.heading(self._console, 4, f"The blow: node {victim.name}, the active one: {self._failure.words}")
        self._notes[victim.name] = _STAND_DOWN.get(self._failure.name, "no answer")
        self._act.strike(self._failure)
        if self._failure.takes_over:
            self._console.print(screen.takeover_table(self._act.moment))
        else:
            self._console.print("Nothing takes over: the nodes hear each other on the second link. Both say degraded.")
        self._watch(self._seconds * (1 - _SHARE_BEFORE))

    def _mend(self) -> None:
        where = self._act.passive.name if self._failure.takes_over else "both"
        screen.heading(self._console, 5, "Mended: the pair is whole again, ready for the next failure")
        self._act.mend(self._failure)
        self._console.print(f"Node {where}: passive, in sync." if self._failure.takes_over else "No longer degraded.")
        self._watch(_GLANCE_S)

    def _conclude(self) -> Result:
        screen.heading(self._console, 6, f"The same sessions, now on node {self._act.active.name}")
        self._print_command(self._act.active, "diagnose", "ips", "session", "list")
        result = self._act.close(self._failure)
        self._console.print()
        self._console.print(screen.sessions_table(result.before, result.after))
        self._console.print(screen.verdict_panel(verdict_lines(result)))
        return result

    def _print_command(self, node: Node, *arguments: str) -> None:
        self._console.print(f"$ tandem {' '.join(arguments)}", style="bold")
        self._console.print(shortened(self._lab.tandem(node, *arguments)), highlight=False, markup=False)

    def _watch(self, seconds: float) -> None:
        watch(self._console, seconds, self._overview)

    def _overview(self, passed: str) -> RenderableType:
        panels = []
        for node in self._lab.pair.nodes:
            status = node.status()
            if status:
                self._notes.pop(node.name, None)
            panels.append(screen.node_panel(node.name, status, self._notes.get(node.name, "")))
        return screen.overview(panels, screen.peers_panel(self._peer_rows(), passed))

    def _peer_rows(self) -> list[tuple[str, str]]:
        rows = []
        for client in self._act.clients:
            seen = client.latest
            if seen:
                alive = f"{seen['survived']} of {seen['associations']} associations unbroken"
                rows.append((client.name, f"{alive}, {seen['reports']} reports, {seen['missed']} missed"))
        if self._act.load is not None and (seen := self._act.load.latest):
            rows.append((
                "load",
                f"{seen['open']} connections, {seen['received'] / 1e6:.1f} MB checked, {seen['wrong']} bytes wrong,"
                f" longest stall {seen['longest_stall_ms']:.0f} ms",
            ))  # fmt: skip
        if self._act.voices is not None and (heard := self._act.voices.latest):
            speakers = ", ".join(f"{address}: node {name}" for address, name in heard.get("speaker", {}).items())
            rows.append(("on the wire", f"who speaks for {speakers}"))
        return rows


def verdict_lines(result: Result) -> list[tuple[bool, str]]:
    """The verdict in plain words, each with whether it is as it must be."""
    peers = result.peers
    lines = [
        (peers.survived == peers.connections, f"{peers.survived} of {peers.connections} connections lived through it"),
        (peers.bytes_wrong == 0, f"{peers.bytes_checked / 1e6:.1f} MB checked, {peers.bytes_wrong} bytes wrong"),
        (
            peers.reports_missed == peers.reports_repeated == 0,
            f"{peers.reports} transfer reports, {peers.reports_missed} missed, {peers.reports_repeated} out of place",
        ),
        (result.after.uninspected_pdus == 0, f"{result.after.uninspected_pdus} PDUs passed uninspected"),
        (not result.voices, "one voice: " + ("; ".join(result.voices) or "no packet from a node after its turn")),
    ]
    if result.expected:
        lines.append((True, f"a client's longest wait was {peers.longest_stall_ms:.0f} ms"))
    told = {words for _, words in lines}
    return lines + [(False, words) for words in result.faults() if words not in told and words not in result.voices]


def shortened(text: str, most: int = 24) -> str:
    """The first lines of a listing."""
    lines = text.rstrip().splitlines()
    if len(lines) <= most:
        return "\n".join(lines)
    return "\n".join([*lines[:most], f"… and {len(lines) - most} lines more"])
