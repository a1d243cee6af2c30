"""The whole lab: network, pair, peers; with a tear-down that always works."""

import atexit
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from scripts.lab import topology
from scripts.lab.clocks import Clocks
from scripts.lab.disks import SmallDisk
from scripts.lab.layout import ICCP_PORT, LOAD_PORT, Layout, PolicedSite, Site, Timing
from scripts.lab.namespaces import LabError, command
from scripts.lab.nodes import Node, Pair
from scripts.lab.programs import REPOSITORY, Program
from scripts.lab.topology import Plug, Topology

_RUN = Path("/run")


class Lab:
    """Use it as a context: entering builds it, leaving removes every trace of it."""

    def __init__(
        self,
        prefix: str = "tandem-",
        timestamps: bool = True,
        timing: Timing | None = None,
        site: Site | None = None,
        more_hosts: tuple[Plug, ...] = (),
        policy: str | None = None,
    ) -> None:
        """`policy` is a policy file's text: its policy 1 holds for both services of the usual site."""
        self.topology = Topology(prefix, timestamps, more_hosts)
        self._site = site or (Site() if policy is None else PolicedSite(policy))
        self.layout = Layout(_RUN / f"{prefix}lab", timing or Timing())
        self.pair = self._make_pair()
        self.programs: list[Program] = []
        self._next_caller = 0
        self._lock: socket.socket | None = None

    def __enter__(self) -> "Lab":
        self._lock = _claim(self.topology.prefix)
        atexit.register(self.remove)
        try:
            self.topology.create()
            self.layout.create(self._site)
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Take everything down. May be called twice."""
        if self._lock is None:
            return
        self.topology.destroy()
        for node in self.pair.nodes:
            if node.disk is not None:
                node.disk.unmount()
        for program in self.programs:
            program.kill()
        self.layout.remove()
        self._lock.close()
        self._lock = None
        atexit.unregister(self.remove)

    def _make_pair(self) -> Pair:
        first, second = (Node(name, self.topology.namespace(name), self.layout) for name in ("a", "b"))
        return Pair((first, second))

    def give_own_clocks_and_disks(self, disk_kib: int = 32 * 1024) -> None:
        """Let each node's clocks and the disk under its state go wrong by themselves. Before the nodes start.

        The disk has room for what a node keeps of its events."""
        for node in self.pair.nodes:
            node.clocks = Clocks(self.layout.root, node.name)
            node.disk = SmallDisk(self.layout.state(node.name), disk_kib)
            node.disk.mount()

    def start_program(self, host: str, name: str, module: str, *arguments: str) -> Program:
        """Start a module of the lab on a host; it is ended with the lab at the latest."""
        namespace = self.topology.namespace(host)
        program = Program(name, namespace, self.layout.log(name), f"scripts.lab.{module}", *arguments)
        self.programs.append(program)
        return program

    def start_servers(self, rate: float = 10.0, load_rate_kib: float = 0.0) -> dict[str, Program]:
        """The TASE.2 server (`rate` reports a second) and the load's called end."""
        tase2 = self.start_tase2_server(rate)
        load = self.start_program(
            "server", "load-server", "load", "serve", "--host", topology.SERVER_ADDRESS, "--port", str(LOAD_PORT),
            "--report", str(self.called_report), "--rate", str(load_rate_kib),
        )  # fmt: skip
        load.wait_for_progress()
        return {"tase2-server": tase2, "load-server": load}

    def start_tase2_server(self, rate: float = 10.0) -> Program:
        """The TASE.2 server alone, `rate` reports a second."""
        server = self.start_program(
            "server", "tase2-server", "peers.tase2_server",
            "--host", topology.SERVER_ADDRESS, "--port", str(ICCP_PORT), "--rate", str(rate),
        )  # fmt: skip
        server.wait_for_progress()
        return server

    def start_clients(self, associations: int) -> Program:
        """TASE.2 clients, through the pair."""
        return self.start_program(
            "client", "tase2-client", "peers.tase2_client",
            "--host", topology.CLIENT_VIRTUAL, "--port", str(ICCP_PORT), "--associations", str(associations),
        )  # fmt: skip

    def start_trespassers(self, associations: int) -> Program:
        """TASE.2 clients that also ask for what a policy should deny, through the pair."""
        return self.start_program(
            "client", "trespasser", "peers.trespasser",
            "--host", topology.CLIENT_VIRTUAL, "--port", str(ICCP_PORT), "--associations", str(associations),
        )  # fmt: skip

    def start_second_stack(self, *options: str) -> Program:
        """The client on libiec61850, through the pair."""
        return self.start_program(
            "client", "iec61850-client", "peers.iec61850_client",
            "--host", topology.CLIENT_VIRTUAL, "--port", str(ICCP_PORT), *options,
        )  # fmt: skip

    def start_load(self, connections: int, seconds: float, rate_kib: float = 0.0) -> Program:
        """Load through the pair, both ways, for a time."""
        first, self._next_caller = self._next_caller, self._next_caller + connections
        return self.start_program(
            "client", "load", "load", "run",
            "--host", topology.CLIENT_VIRTUAL, "--port", str(LOAD_PORT),
            "--connections", str(connections), "--seconds", str(seconds), "--rate", str(rate_kib),
            "--first", str(first), "--server-report", str(self.called_report),
        )  # fmt: skip

    def start_voices(self) -> Program:
        """Listen at the switch for who speaks for the virtual addresses."""
        voices = self.start_program("switch", "voices", "voices")
        voices.wait_for_progress()
        return voices

    @property
    def called_report(self) -> Path:
        """Where the load's called end writes its findings."""
        return self.layout.root / "load-server.jsonl"

    def tandem(self, node: Node, *arguments: str) -> str:
        """What `tandem` prints when asked about a node."""
        return tandem(self.layout, node, *arguments)


def tandem(layout: Layout, node: Node, *arguments: str) -> str:
    """Run the command line against a node's socket and return what it printed, errors included."""
    line = command(None, sys.executable, "-m", "node.cli", *arguments, "--socket", str(layout.socket(node.name)))
    done = subprocess.run(line, cwd=REPOSITORY, capture_output=True, text=True, timeout=90, check=False)
    return done.stdout or done.stderr


def _claim(prefix: str) -> socket.socket:
    """Hold the lab's name in the kernel for as long as we live, so that two do not share one."""
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        lock.bind(f"\0iccp-tandem-lab/{prefix}")
    except OSError as error:
        lock.close()
        raise LabError(f"another lab is running under the prefix {prefix!r}") from error
    return lock
