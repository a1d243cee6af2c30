"""What the doctor finds; each check is made to fail once."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from node import doctor
from node.config import Config, Witness, parse
from node.keys import new_key, write_keys
from tests.requirements import needs_root

ROOT = Path(__file__).parents[2]

SETTINGS = """
node: {{name: a, state_dir: {dir}/state, run_dir: {dir}/run}}
cluster: {{group: g, key_file: {dir}/k, takeover: {takeover}}}
links: [{{name: hb0, local: "127.0.0.1:{port}", peer: "127.0.0.2:{port}"}}]
virtual_addresses: [{{address: 10.99.0.1/24, interface: {interface}}}]
services: [{{name: iccp, listen: "10.99.0.1:{listen}", server: "10.99.1.1:102", source: 10.99.0.1}}]
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def make(tmp_path: Path, port: int) -> Any:
    write_keys(tmp_path / "k", (new_key(),))

    def config(**changes: Any) -> Config:
        values = {"dir": tmp_path, "takeover": "auto", "port": port, "interface": "lo", "listen": 10102, **changes}
        return parse(SETTINGS.format(**values))

    return config


def found(config: Config) -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.examine(config)}


def test_what_is_there_is_found(make: Any, port: int) -> None:
    checks = found(make())
    for name in ("kernel", "interface lo", "link hb0", "service iccp", "state_dir", "run_dir", "key file"):
        assert checks[name].ok, checks[name]
    assert checks["link hb0"].detail == f"127.0.0.1:{port} is on this host"
    assert all(check.remedy for check in checks.values() if not check.ok)
    assert {check.needed_for for check in checks.values()} <= {"run", "hitless", "advice"}


def test_changes_nothing(make: Any, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    doctor.examine(make())
    assert sorted(tmp_path.iterdir()) == before


def test_interface_that_is_not_there(make: Any) -> None:
    check = found(make(interface="eth-none"))["interface eth-none"]
    assert (check.ok, check.detail, check.needed_for) == (False, "does not exist", "run")
    assert "lo" in check.remedy


def test_link_address_of_another_host(make: Any) -> None:
    config = make()
    moved = config.links[0].model_copy(update={"local": config.services[0].server})
    check = found(config.model_copy(update={"links": (moved,)}))["link hb0"]
    assert not check.ok
    assert check.detail.startswith("10.99.1.1: ")


def test_ports_that_are_taken(make: Any, port: int) -> None:
    with socket.socket() as stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        stream.bind(("127.0.0.1", port))
        stream.listen()
        datagrams.bind(("127.0.0.1", port))
        check = found(make())["link hb0"]
    assert not check.ok
    assert check.detail == f"UDP/TCP 127.0.0.1:{port} is taken"
    assert f"sport = {port}" in check.remedy


def test_a_service_port_that_is_taken(make: Any, port: int) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        check = found(make(listen=other.getsockname()[1]))["service iccp"]
    assert not check.ok
    assert "in use" in check.detail


def test_the_node_itself_may_hold_its_ports(make: Any, port: int) -> None:
    config = make()
    config.node.run_dir.mkdir()
    with socket.socket(socket.AF_UNIX) as admin, socket.socket() as stream:
        admin.bind(str(config.node.admin_socket))
        admin.listen()
        stream.bind(("127.0.0.1", port))
        stream.listen()
        checks = found(config)
    assert checks["link hb0"].ok
    assert "service iccp" not in checks


def test_directory_that_cannot_be_made(make: Any) -> None:
    config = make()
    node = config.node.model_copy(update={"state_dir": Path("/proc/tandem/state")})
    check = found(config.model_copy(update={"node": node}))["state_dir"]
    assert not check.ok
    assert check.detail.startswith("/proc cannot be written: ")


def test_key_file_of_the_wrong_mode(make: Any, tmp_path: Path) -> None:
    config = make()
    (tmp_path / "k").chmod(0o644)
    check = found(config)["key file"]
    assert (check.ok, check.needed_for) == (False, "run")
    assert check.remedy.startswith("chmod 600")


def test_a_witness_that_does_not_answer(make: Any, port: int, tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{port}"
    assert not any(name.startswith("witness") for name in found(make()))
    config = make().model_copy(update={"witness": Witness(endpoints=(endpoint,))})
    check = found(config)[f"witness {endpoint}"]
    assert (check.ok, check.needed_for) == (False, "run")
    assert "Connect call failed" in check.detail
    unreadable = Witness(endpoints=(endpoint,), ca_file=tmp_path / "none")
    check = found(make().model_copy(update={"witness": unreadable}))["witness"]
    assert (check.ok, check.detail.startswith(f"witness: {tmp_path / 'none'}")) == (False, True)


def test_low_ports_need_a_capability(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "capability NET_BIND_SERVICE" not in found(make(listen=10102))
    monkeypatch.setattr(doctor, "_effective_capabilities", lambda: 0)
    check = found(make(listen=102))["capability NET_BIND_SERVICE"]
    assert not check.ok
    assert check.remedy.endswith("choose listen ports from 1024: now 102")


def test_capabilities(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_effective_capabilities", lambda: 1 << doctor.SYS_ADMIN | 1 << doctor.NET_RAW)
    checks = found(make())
    held = {name for name in ("NET_ADMIN", "NET_RAW", "BPF", "PERFMON") if checks[f"capability {name}"].ok}
    assert held == {"NET_RAW", "BPF", "PERFMON"}, "SYS_ADMIN stands for BPF and PERFMON"
    assert any("NET_ADMIN" in lack for lack in doctor.missing_for_hitless(make()))


@needs_root
def test_without_privileges_nothing_is_claimed(tmp_path: Path) -> None:
    """The trials are made by a process that may do nothing, and each must say so."""
    code = "from node import doctor\nfor probe in doctor.HITLESS:\n for c in probe(None): print(int(c.ok), c.name)"
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told = dict(reversed(line.split(" ", 1)) for line in done.stdout.splitlines())
    for name in ("capability NET_ADMIN", "capability BPF", "bpf system call", "TCP_REPAIR", "SOCK_DESTROY"):
        assert told[name] == "0", told


@needs_root
def test_with_all_privileges_the_trials_succeed(make: Any) -> None:
    checks = found(make())
    for name in ("bpf system call", "TCP_REPAIR", "SOCK_DESTROY"):
        assert checks[name].ok, checks[name]


def test_missing_library(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LIBBPF", "libbpf.so.99")
    checks = found(make())
    assert not checks["libbpf"].ok
    assert "apt install libbpf1" in checks["libbpf"].remedy
    assert "bpf system call" not in checks


def test_what_is_lacking_depends_on_the_mode(make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "GATE_OBJECT", tmp_path / "none.o")
    for takeover, lacks_gate in (("hitless", True), ("auto", False), ("reconnect", False)):
        config = make(takeover=takeover)
        lacking = {check.name for check in doctor.lacking(config, doctor.examine(config))}
        assert ("gate program" in lacking) == lacks_gate
    assert f"gate program: {tmp_path / 'none.o'} is missing" in doctor.missing_for_hitless(make())


@pytest.mark.parametrize(("content", "ok"), [("1\n", True), ("0\n", False), (None, True)])
def test_connection_tracking(
    make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, ok: bool
) -> None:
    path = tmp_path / "loose"
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(doctor, "CONNTRACK_LOOSE", path)
    check = found(make())["connection tracking"]
    assert (check.ok, check.needed_for) == (ok, "advice")


STATE = {"ct": {"key": "state"}}


@pytest.mark.parametrize(
    ("expression", "drops"),
    [
        ([{"match": {"op": "in", "left": STATE, "right": "invalid"}}, {"drop": None}], True),
        ([{"match": {"op": "in", "left": STATE, "right": ["invalid", "untracked"]}}, {"reject": None}], True),
        ([{"vmap": {"key": STATE, "data": {"set": [["new", {"accept": None}], ["invalid", {"drop": None}]]}}}], True),
        ([{"match": {"op": "in", "left": STATE, "right": ["established", "related"]}}, {"accept": None}], False),
        ([{"match": {"op": "in", "left": STATE, "right": "invalid"}}, {"counter": {}}], False),
        ([{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}}, {"drop": None}], False),
    ],
)  # fmt: skip
def test_firewall_rules(expression: list[Any], drops: bool) -> None:
    rule = {"family": "inet", "table": "filter", "chain": "input", "expr": expression}
    ruleset: Any = {"nftables": [{"metainfo": {}}, {"rule": rule}, {"rule": rule}]}
    assert doctor.rules_dropping_invalid(ruleset) == (["inet filter input"] if drops else [])


@pytest.mark.parametrize(
    ("script", "ok", "detail"),
    [
        ("echo '{\"nftables\": []}'", True, "drops no connection taken over"),
        ("exit 1", False, "its rules cannot be read (CalledProcessError)"),
        ("echo nonsense", False, "its rules cannot be read (JSONDecodeError)"),
    ],
)
def test_firewall_program(
    make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, ok: bool, detail: str
) -> None:
    program = tmp_path / "nft"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    check = found(make())["firewall"]
    assert (check.ok, check.detail, check.needed_for) == (ok, detail, "advice")
