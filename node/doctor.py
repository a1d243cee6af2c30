"""What this host lacks: each requirement is tried out, not guessed from versions.

`examine(config)` answers with every check; `missing_for_hitless(config)` is what the guard asks at start-up.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from node.config import Config, Endpoint
from node.errors import StartupError
from node.keys import KeyFileError, read_keys
from node.release import SOFTWARE

# "run": without it no mode works. "hitless": connections are not taken over. "advice": works, with a risk.
Need = Literal["run", "hitless", "advice"]

KERNEL_MIN = (5, 8)  # CAP_BPF, CAP_PERFMON, bpf_ktime_get_boot_ns, mmapable arrays
LIBBPF = "libbpf.so.1"
GATE_OBJECT = Path(__file__).parent / "kernel" / "gate.bpf.o"
CONNTRACK_LOOSE = Path("/proc/sys/net/netfilter/nf_conntrack_tcp_loose")
UNPRIVILEGED_PORT_START = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")

# linux/capability.h
NET_BIND_SERVICE, NET_ADMIN, NET_RAW, SYS_ADMIN, SYS_NICE, PERFMON, BPF = 10, 12, 13, 21, 23, 38, 39
IMPLIED_BY_SYS_ADMIN = (PERFMON, BPF)
TCP_REPAIR = 19  # linux/tcp.h
IP_FREEBIND = 15  # linux/in.h
NETLINK_SOCK_DIAG, SOCK_DESTROY, NLM_F_REQUEST_ACK = 4, 21, 0x5  # linux/netlink.h, linux/sock_diag.h
BPF_MAP_TYPE_ARRAY = 2  # linux/bpf.h

GRANT = "run as root, or give the service AmbientCapabilities= as configs/tandem.service does"


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement: `detail` says what was found, `remedy` what to do when it is not `ok`."""

    name: str
    ok: bool
    detail: str
    remedy: str
    needed_for: Need


def examine(config: Config) -> list[Check]:
    """Try all that a node with this configuration needs of this host. Changes nothing, takes < 10 s."""
    return [check for probe in (*HITLESS, *OTHERS) for check in probe(config)]


def missing_for_hitless(config: Config) -> list[str]:
    """What stands in the way of taking over live connections; empty when nothing does."""
    checks = (check for probe in HITLESS for check in probe(config))
    return [f"{check.name}: {check.detail}" for check in checks if not check.ok]


def lacking(config: Config, checks: list[Check]) -> list[Check]:
    """The failed checks without which the configured takeover mode cannot be had."""
    needed = {"run", "hitless"} if config.cluster.takeover == "hitless" else {"run"}
    return [check for check in checks if not check.ok and check.needed_for in needed]


def _kernel(_config: Config) -> Iterator[Check]:
    system, release = platform.system(), platform.release()
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    ok = system == "Linux" and numbers >= KERNEL_MIN
    minimum = ".".join(map(str, KERNEL_MIN))
    yield Check("kernel", ok, f"{system} {release}", f"Linux {minimum} or newer", "hitless")


def _capabilities(_config: Config) -> Iterator[Check]:
    held = _effective_capabilities()
    for name, bit in (("NET_ADMIN", NET_ADMIN), ("NET_RAW", NET_RAW), ("BPF", BPF), ("PERFMON", PERFMON)):
        yield _capability(name, held, bit, "hitless")


def _capability(name: str, held: int, bit: int, need: Need, remedy: str = GRANT) -> Check:
    ok = bool(held >> bit & 1) or (bit in IMPLIED_BY_SYS_ADMIN and bool(held >> SYS_ADMIN & 1))
    return Check(f"capability {name}", ok, "held" if ok else "not held", remedy, need)


def _effective_capabilities() -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)


def _libbpf(_config: Config) -> Iterator[Check]:
    remedy = "install it: apt install libbpf1 (Debian, Ubuntu), dnf install libbpf (Fedora, RHEL)"
    try:
        library = ctypes.CDLL(LIBBPF, use_errno=True)
    except OSError as error:
        yield Check("libbpf", False, str(error), remedy, "hitless")
        return
    yield Check("libbpf", True, f"{LIBBPF} loads", remedy, "hitless")
    made = library.bpf_map_create(BPF_MAP_TYPE_ARRAY, b"tandem_doctor", 4, 8, 1, None)
    if made >= 0:
        os.close(made)
    detail = "a map was made" if made >= 0 else f"refused: {os.strerror(-made)}"
    yield Check("bpf system call", made >= 0, detail, f"{GRANT}; see also kernel lockdown", "hitless")


def _gate_object(_config: Config) -> Iterator[Check]:
    ok = GATE_OBJECT.is_file()
    remedy = "install the package again, or build it: python -m node.kernel.build"
    yield Check("gate program", ok, f"{GATE_OBJECT}{'' if ok else ' is missing'}", remedy, "hitless")


def _tcp_repair(_config: Config) -> Iterator[Check]:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        ok, detail = True, "a socket entered repair mode"
    except OSError as error:
        ok, detail = False, f"refused: {error.strerror}"
    remedy = f"{GRANT}; the kernel needs CONFIG_CHECKPOINT_RESTORE"
    yield Check("TCP_REPAIR", ok, detail, remedy, "hitless")


def _sock_destroy(_config: Config) -> Iterator[Check]:
    """End a listening socket of our own: the kernel asks for the right only once it has found a socket."""
    try:
        with socket.socket() as victim, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as probe:
            victim.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)  # the loopback may be down
            victim.bind(("127.0.0.1", 0))
            victim.listen(1)
            probe.settimeout(2)
            probe.sendto(_destroy_request(*victim.getsockname()), (0, 0))
            (code,) = struct.unpack_from("=i", probe.recv(4096), 16)
    except OSError as error:
        code = -(error.errno or errno.EIO)
    detail = "orphaned sockets can be ended" if code == 0 else f"refused: {os.strerror(-code)}"
    yield Check("SOCK_DESTROY", code == 0, detail, f"{GRANT}; the kernel needs CONFIG_INET_DIAG_DESTROY", "hitless")


def _destroy_request(address: str, port: int) -> bytes:
    """A netlink message with struct inet_diag_req_v2 (linux/inet_diag.h) that names a listening TCP socket."""
    socket_id = struct.pack("!HH4s", port, 0, socket.inet_aton(address)) + bytes(32) + b"\xff" * 8  # any cookie
    request = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + socket_id
    return struct.pack("=IHHII", 16 + len(request), SOCK_DESTROY, NLM_F_REQUEST_ACK, 1, 0) + request


def _ports_capability(config: Config) -> Iterator[Check]:
    try:
        start = int(UNPRIVILEGED_PORT_START.read_text())
    except (OSError, ValueError):
        start = 1024
    low = sorted({str(service.listen.port) for service in config.services if service.listen.port < start})
    if low:
        remedy = f"{GRANT}, or choose listen ports from {start}: now {', '.join(low)}"
        yield _capability("NET_BIND_SERVICE", _effective_capabilities(), NET_BIND_SERVICE, "run", remedy)


def _priority_capability(_config: Config) -> Iterator[Check]:
    remedy = f"{GRANT}: with it the node runs at real-time priority, and load elsewhere cannot cost it the lease"
    yield _capability("SYS_NICE", _effective_capabilities(), SYS_NICE, "advice", remedy)


def _interfaces(config: Config) -> Iterator[Check]:
    known = {name for _, name in socket.if_nameindex()}
    for name in config.interfaces:
        if name not in known:
            there = ", ".join(sorted(known))
            yield Check(f"interface {name}", False, "does not exist", f"this host has: {there}", "run")
            continue
        state = Path("/sys/class/net", name, "operstate")
        found = state.read_text().strip() if state.exists() else "unknown"
        ok = found in ("up", "unknown")  # loopback and dummies never say more than "unknown"
        yield Check(f"interface {name}", ok, f"is {found}", f"ip link set {name} up, and see the cable", "run")


def _links(config: Config) -> Iterator[Check]:
    running = node_runs(config)
    for link in config.links:
        name = f"link {link.name}"
        if problem := _cannot_bind(socket.SOCK_DGRAM, Endpoint(link.local.host, 0)):
            remedy = f"give this host the address {link.local.host}, or correct links: local"
            yield Check(name, False, f"{link.local.host}: {problem}", remedy, "run")
            continue
        kinds = {"UDP": socket.SOCK_DGRAM, "TCP": socket.SOCK_STREAM}
        taken = [word for word, kind in kinds.items() if not running and _cannot_bind(kind, link.local)]
        detail = f"{'/'.join(taken)} {link.local} is taken" if taken else f"{link.local} is on this host"
        remedy = f"find who holds it: ss -lnp 'sport = {link.local.port}'"
        yield Check(name, not taken, detail, remedy, "run")


def _services(config: Config) -> Iterator[Check]:
    if node_runs(config):
        return
    for service in config.services:
        problem = _cannot_bind(socket.SOCK_STREAM, service.listen)
        if problem == os.strerror(errno.EACCES):
            continue  # told as a lacking capability
        remedy = f"find who holds it: ss -ltnp 'sport = {service.listen.port}'"
        detail = f"{service.listen}: {problem or 'free'}"
        yield Check(f"service {service.name}", not problem, detail, remedy, "run")


def _cannot_bind(kind: socket.SocketKind, endpoint: Endpoint) -> str:
    """Why a socket cannot be bound, or nothing. A virtual address need not be on this host; a link's must."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
        probe.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, int(kind == socket.SOCK_STREAM))
        try:
            probe.bind(endpoint.sockaddr)
        except OSError as error:
            return error.strerror or str(error)
    return ""


def node_runs(config: Config) -> bool:
    """Whether this very node is running already: then its ports are rightly taken."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(str(config.node.admin_socket)) == 0


def _other_node(config: Config) -> Iterator[Check]:
    """What the running node knows of its partner: whether both releases go together."""
    if not node_runs(config):
        return
    from node.cli.admin import AdminClient  # noqa: PLC0415 - the guard, which asks for less, does without
    from node.cli.failures import CliError  # noqa: PLC0415

    try:
        status = AdminClient(config.node.admin_socket).get("status").data
    except CliError:
        return  # it is just ending
    misfits = [problem for problem in status.get("problems", ()) if "releases" in problem]
    peer = status.get("peer") or {}
    detail = misfits[0] if misfits else f"{peer.get('software') or 'of an unknown release'}, here {SOFTWARE}"
    yield Check("other node", not misfits, detail, "upgrade one of them: neighbouring releases make a pair", "advice")


def _directories(config: Config) -> Iterator[Check]:
    for name, path in (("state_dir", config.node.state_dir), ("run_dir", config.node.run_dir)):
        there = next(each for each in (path, *path.parents) if each.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                ok, detail = True, f"{path}{'' if there == path else ' will be made'}"
        except OSError as error:
            ok, detail = False, f"{there} cannot be written: {error.strerror}"
        yield Check(name, ok, detail, f"mkdir -p {path}, owned by the node's user", "run")


def _key_file(config: Config) -> Iterator[Check]:
    try:
        read_keys(config.cluster.key_file)
    except KeyFileError as error:
        yield Check("key file", False, error.what, error.remedy, "run")
    else:
        yield Check("key file", True, str(config.cluster.key_file), "", "run")


def _conntrack(_config: Config) -> Iterator[Check]:
    try:
        loose = CONNTRACK_LOOSE.read_text().strip() != "0"
        detail = "picks up connections it did not see begin" if loose else "refuses such connections"
    except OSError:
        loose, detail = True, "not loaded"
    remedy = "sysctl -w net.netfilter.nf_conntrack_tcp_loose=1, else a firewall may drop connections taken over"
    yield Check("connection tracking", loose, detail, remedy, "advice")


def _firewall(_config: Config) -> Iterator[Check]:
    program = shutil.which("nft")
    if program is None:
        return
    remedy = "accept the services' and virtual addresses' TCP before `ct state invalid drop`"
    try:
        command = [program, "-j", "list", "ruleset"]
        done = subprocess.run(command, capture_output=True, timeout=5, check=True)
        chains = rules_dropping_invalid(json.loads(done.stdout or b"{}"))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        detail = f"its rules cannot be read ({type(error).__name__})"
        yield Check("firewall", False, detail, f"look yourself: {remedy}", "advice")
        return
    detail = f"drops ct state invalid in {', '.join(chains)}" if chains else "drops no connection taken over"
    yield Check("firewall", not chains, detail, remedy, "advice")


def rules_dropping_invalid(ruleset: dict[str, list[dict[str, dict[str, object]]]]) -> list[str]:
    """The nftables chains (family table chain) with a rule that drops or rejects `ct state invalid`."""
    found: dict[str, None] = {}
    for entry in ruleset.get("nftables", []):
        rule = entry.get("rule", {})
        text = json.dumps(rule.get("expr", []))
        if '"key": "state"' in text and '"invalid"' in text and ('"drop"' in text or '"reject"' in text):
            found[f"{rule.get('family')} {rule.get('table')} {rule.get('chain')}"] = None
    return list(found)


def _witness(config: Config) -> Iterator[Check]:
    """Each endpoint is asked for the record; without one that answers no node becomes active."""
    if config.witness is None:
        return
    from node.witness import look  # noqa: PLC0415 - aiohttp loads slowly, and the guard, who asks here too, needs none

    try:
        found = look(config.witness, config.cluster.group)
    except StartupError as error:
        yield Check("witness", False, error.what, error.remedy, "run")
        return
    remedy = "see that etcd runs there, that this host may reach it, and that user and certificates are right"
    need: Need = "advice" if any(ok for _, ok, _ in found) else "run"
    for endpoint, ok, detail in found:
        yield Check(f"witness {endpoint}", ok, detail, remedy, need)


Probe = Callable[[Config], Iterator[Check]]
HITLESS: tuple[Probe, ...] = (_kernel, _capabilities, _libbpf, _gate_object, _tcp_repair, _sock_destroy)
OTHERS: tuple[Probe, ...] = (
    *(_ports_capability, _interfaces, _links, _services, _directories, _key_file, _other_node),
    *(_priority_capability, _conntrack, _firewall, _witness),
)
