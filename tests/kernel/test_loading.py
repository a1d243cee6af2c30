"""How the gate gets onto a host, and what it says when it cannot."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from node.kernel import build, layout, libbpf
from node.kernel.errors import KernelError
from node.kernel.gate import OBJECT, TC_HANDLE, Gate, flow_key
from tests.kernel.hosts import CLIENT, INTERFACE, VIRTUAL, Host, Network, ip
from tests.requirements import needs_root, needs_tool

SLOTS = 8
UNSAFE_PROGRAM = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("tc") int gate_egress(struct __sk_buff *skb) { return *(int *)(long)skb->data; }
char _license[] SEC("license") = "Apache-2.0";
"""


def filters(host: Host, direction: str = "egress") -> str:
    shown = ["tc", "-n", host.name, "filter", "show", "dev", INTERFACE, direction]
    return subprocess.run(shown, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def host(network: Network) -> Host:
    """A host without any filter."""
    subprocess.run(["tc", "-n", network.a.name, "qdisc", "del", "dev", INTERFACE, "clsact"], check=False)
    return network.a


@needs_tool("clang")
@pytest.mark.skipif(build.clang_major() != build.CLANG_MAJOR, reason=f"needs clang {build.CLANG_MAJOR}")
def test_the_committed_object_is_what_the_source_gives(tmp_path: Path) -> None:
    build.build(tmp_path / "gate.bpf.o")
    assert (tmp_path / "gate.bpf.o").read_bytes() == OBJECT.read_bytes()


@needs_tool("clang")
def test_the_object_does_not_depend_on_where_it_was_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build.build(tmp_path / "here.o")
    copy = shutil.copy(build.SOURCE, tmp_path / build.SOURCE.name)
    monkeypatch.setattr(build, "SOURCE", Path(copy))
    build.build(tmp_path / "there.o")
    assert (tmp_path / "here.o").read_bytes() == (tmp_path / "there.o").read_bytes()


def test_a_build_without_a_compiler_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build.clang_major() is None
    with pytest.raises(KernelError) as caught:
        build.build(tmp_path / "gate.bpf.o")
    assert "apt install clang" in caught.value.remedy


@needs_root
def test_a_later_gate_takes_the_place_of_an_earlier_one(host: Host) -> None:
    with host.inside():
        first = Gate.load([INTERFACE], SLOTS, [VIRTUAL])
        second = Gate.load([INTERFACE], SLOTS, [VIRTUAL])
        assert filters(host).count("gate_egress:") == 1
        first.detach()  # no longer its own
        assert filters(host).count("gate_egress:") == filters(host, "ingress").count("gate_ingress:") == 1
        second.detach()
        second.detach()
    assert "gate" not in filters(host) + filters(host, "ingress")
    first.close()
    second.close()


@needs_root
def test_other_peoples_filters_stay(host: Host) -> None:
    with host.inside():
        other = Gate.load([INTERFACE], SLOTS)  # stands for any program, under a handle of its own
        fd, egress = other._object.program_fd("gate_egress"), libbpf.EGRESS  # type: ignore[union-attr]
        index = other_index(host)
        libbpf.attach(index, egress, fd, handle=7, priority=1)
        other.detach()
        gate = Gate.load([INTERFACE], SLOTS, [VIRTUAL])
        assert filters(host).count("gate_egress:") == 2
        gate.detach()
        assert libbpf.attached(index, egress, handle=7, priority=1) is not None
        assert libbpf.attached(index, egress, handle=TC_HANDLE, priority=1) is None
        libbpf.detach(index, egress, handle=7, priority=1)
    gate.close()
    other.close()


def other_index(host: Host) -> int:
    with host.inside():
        return int(ip("-n", host.name, "-o", "link", "show", "dev", INTERFACE).split(":")[0])


@needs_root
def test_the_gate_outlives_its_loader(host: Host) -> None:
    program = f"from node.kernel.gate import Gate; Gate.load(['{INTERFACE}'], 8, ['{VIRTUAL}'])"
    with host.inside():
        subprocess.run([sys.executable, "-c", program], check=True)
    assert "gate_egress" in filters(host)
    assert "gate_ingress" in filters(host, "ingress")


@needs_root
def test_a_loaded_gate_is_closed_and_an_adopted_one_empty(host: Host) -> None:
    key = flow_key((VIRTUAL, 1), (CLIENT, 2))
    with host.inside():
        guards = Gate.load([INTERFACE], SLOTS, [VIRTUAL])
    assert guards.lease == guards.reset_after == 0
    assert set(guards.statistics().values()) == {0}
    first = Gate.adopt(guards.fds(), SLOTS)
    first.lease = first.reset_after = 5
    flow = first.restore(key, 100, 200)
    assert (flow.receive_base, flow.send_base, flow.send_end) == (100, 200, 200)
    assert [each.key for each in first.flows] == [key]
    second = Gate.adopt(guards.fds(), SLOTS)
    assert guards.lease == guards.reset_after == 0
    assert list(libbpf.keys(guards.fds()["flows"], layout.KEY.size)) == []
    assert second.flows == ()
    with pytest.raises(AssertionError):
        second.open_fence()
    with host.inside():
        guards.detach()
    for gate in (first, second, guards):
        gate.close()


@needs_root
def test_the_set_of_virtual_addresses_is_replaced(host: Host) -> None:
    with host.inside():
        gate = Gate.load([INTERFACE], SLOTS, ["10.0.0.1", "10.0.0.2"])
        gate.set_virtual(["10.0.0.2", "10.0.0.3"])
        known = set(libbpf.keys(gate.fds()["virtual"], layout.ADDRESS_OCTETS))
        assert known == {layout.mapped("10.0.0.2"), layout.mapped("10.0.0.3")}
        gate.detach()
    gate.close()


@needs_root
def test_an_interface_that_does_not_exist(host: Host) -> None:
    with host.inside(), pytest.raises(KernelError, match="no interface none0") as caught:
        Gate.load(["none0"], SLOTS)
    assert "interface" in caught.value.remedy
    assert filters(host) == ""


def test_an_ipv6_address_is_refused() -> None:
    with pytest.raises(KernelError, match="2001:db8::1"):
        layout.mapped("2001:db8::1")


def test_a_host_without_libbpf() -> None:
    with pytest.raises(KernelError, match=r"libbpf\.so\.99") as caught:
        libbpf.library("libbpf.so.99")
    assert "apt install libbpf1" in caught.value.remedy


@needs_root
def test_a_file_that_is_no_object(host: Host, tmp_path: Path) -> None:
    (tmp_path / "gate.bpf.o").write_bytes(b"not an object")
    with host.inside(), pytest.raises(KernelError, match="cannot open"):
        Gate.load([INTERFACE], SLOTS, path=tmp_path / "gate.bpf.o")


@needs_root
@needs_tool("clang")
def test_a_verifiers_refusal_is_told_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "unsafe.c").write_text(UNSAFE_PROGRAM)
    headers = f"/usr/include/{os.uname().machine}-linux-gnu"
    compile_it = ["clang", "-O2", "-g", "-target", "bpf", "-I", headers, "-c", "unsafe.c", "-o", "unsafe.o"]
    subprocess.run(compile_it, cwd=tmp_path, check=True)
    unsafe = libbpf.BpfObject(tmp_path / "unsafe.o")
    with pytest.raises(KernelError, match="refuses") as caught:
        unsafe.load()
    assert "invalid access to packet" in caught.value.what
    assert caught.value.what.count("\n") <= libbpf.LOG_LINES + 1
    with pytest.raises(KernelError, match="no map"):
        unsafe.resize("flows", 1)
    unsafe.close()


def test_the_structures_are_as_long_as_the_gates() -> None:
    assert (layout.KEY.size, layout.FLOW_STATE.size, layout.LOOSE.size) == (36, 128, 136)
    enum = build.SOURCE.read_text().partition("enum stat {")[2].partition("STATS,")[0]
    assert tuple(name.strip().lower() for name in enum.split(",") if name.strip()) == layout.STATISTICS
