"""The lab's instruments see what they are there to see. No node takes part."""

import argparse
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.lab import association, ordeal, schedule, stream
from scripts.lab.clocks import Clocks
from scripts.lab.disks import SmallDisk
from scripts.lab.faults import FAULTS
from scripts.lab.layout import Layout, Timing
from scripts.lab.namespaces import exists, inside
from scripts.lab.nodes import Node, Pair
from scripts.lab.peers.sequence import Pace, SequenceCheck
from scripts.lab.programs import Program
from scripts.lab.soaking import Way, add_timing, timing
from scripts.lab.topology import PLUGS, Topology
from scripts.lab.voices import Voice
from tests.e2e.forwarder import Mangle, flips_a_bit_at, forwarding, honest, swallows_from
from tests.requirements import needs_root, needs_tool

CALLED_PORT = 21102
FAR_INTO_THE_STREAM = 100_000


def test_sequence_counts_what_is_missing_repeated_and_out_of_order() -> None:
    check = SequenceCheck()
    for number in (0, 1, 4, 3, 4, 6):
        check.see(number)
    assert (check.received, check.missed, check.reordered, check.repeated) == (6, 2, 1, 1)


def test_sequence_starts_afresh_with_a_new_transfer() -> None:
    check = SequenceCheck()
    check.see(1)
    check.restart()
    check.see(0)
    assert (check.missed, check.repeated) == (1, 0)


def test_pace_tells_how_late_a_report_came() -> None:
    pace = Pace()
    for number in range(12):
        pace.arrive(1 + number * 100_000_000)
    pace.arrive(1 + 1_500_000_000)
    assert pace.late_longest_ms == pytest.approx(300.0)


def test_a_voice_that_comes_back_is_a_third_turn() -> None:
    voice = Voice()
    for node in ("a", "a", "b", "a"):
        voice.hear(node, "02:00", 1, is_arp=False)
    assert [(turn.node, turn.packets) for turn in voice.turns] == [("a", 2), ("b", 1), ("a", 1)]


def test_a_seed_is_a_schedule() -> None:
    assert schedule.draw("seed/1") == schedule.draw("seed/1") != schedule.draw("seed/2")
    drawn = [blow.fault.failure.name for number in range(200) for blow in schedule.draw(f"seed/{number}")]
    assert set(drawn) == set(FAULTS), "every fault has its turn"


def test_a_pair_is_found_though_its_roles_change_while_one_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair((Node("a", None, Layout(tmp_path)), Node("b", None, Layout(tmp_path))))
    active, in_sync = {"role": "active", "sync": "in-sync"}, {"role": "passive", "sync": "in-sync"}
    seen = {
        "a": iter([active, {"role": "passive", "sync": "syncing"}, in_sync]),
        "b": iter([{"role": "passive", "sync": "syncing"}, active, active]),
    }
    for node in pair.nodes:
        monkeypatch.setattr(node, "status", seen[node.name].__next__)
    assert pair.wait_ready(5.0) == (pair.node("b"), pair.node("a"))


def test_a_soak_tells_how_far_it_is() -> None:
    now_s, sink = [100.0], io.StringIO()
    way = Way("schedule", 200, sink=sink, clock_s=lambda: now_s[0])
    brief = Way("trial", 200, limit_s=600.0, sink=sink, clock_s=lambda: now_s[0])
    now_s[0] += 150.0
    way.tell(10)
    brief.tell(10)
    now_s[0] += 1350.0
    way.tell(200)
    assert sink.getvalue().splitlines() == [
        "schedule 10 of 200, about 48 min left",
        "trial 10 of 200, about 8 min left",
        "schedule 200 of 200, about 0 min left",
    ]


def test_a_soak_has_its_usual_times_and_others_if_told() -> None:
    parser = argparse.ArgumentParser()
    add_timing(parser, Timing(100, 6, 450))
    assert timing(parser.parse_args([])) == Timing(100, 6, 450)
    assert timing(parser.parse_args(["--threshold", "8"])) == Timing(100, 8, 450)


@pytest.mark.parametrize(
    ("fault", "victim", "holders", "may"),
    [
        ("worker", "a", "ab", False),
        ("worker", "a", "a", True),
        ("freeze", "a", "a", True),
        ("power", "b", "a", False),
        ("node", "b", "", True),
        ("data-link", "a", "a", False),
        ("full-disk", "a", "a", False),
    ],
)
def test_only_the_last_holder_of_the_state_may_break_connections(
    fault: str, victim: str, holders: str, may: bool
) -> None:
    assert schedule.may_break(FAULTS[fault], victim, holders) is may


def test_schedules_leave_the_nodes_a_path() -> None:
    cut = [FAULTS["heartbeat-link"], FAULTS["mute-client"]]
    assert schedule.leaves_a_path(FAULTS["data-link"], cut), "that network is cut already"
    assert not schedule.leaves_a_path(FAULTS["server-link"], cut)
    assert schedule.leaves_a_path(FAULTS["worker"], cut)


@pytest.mark.parametrize(
    ("speakers", "owners", "strange"),
    [("a", "a", 0), ("ab", "ab", 0), ("ac", "abc", 0), ("aba", "ab", 1), ("ba", "ab", 1)],
)
def test_voices_speak_in_the_order_of_the_epochs(speakers: str, owners: str, strange: int) -> None:
    turns = [{"node": name} for name in speakers]
    found = ordeal.strange_voices({"turns": {"10.1.100.1": turns}, "lost": 0}, list(owners))
    assert len(found) == strange


def test_a_small_disk_is_full_when_it_is_filled(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts")
    disk = SmallDisk(tmp_path, 64)
    disk.mount()
    try:
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "more").write_text("x")
        disk.free()
        (tmp_path / "more").write_text("x")
    finally:
        disk.unmount()


@needs_tool("clang")
def test_clocks_are_wrong_for_those_who_are_told_so_alone(tmp_path: Path) -> None:
    clocks = Clocks(tmp_path, "a")
    asking = [sys.executable, "-c", "import time; print(time.time(), time.monotonic())"]
    clocks.step_wall(-86_400)
    environment = os.environ | clocks.environment()
    told = subprocess.run(asking, env=environment, capture_output=True, text=True, check=True).stdout
    wall_s, monotonic_s = map(float, told.split())
    assert wall_s == pytest.approx(time.time() - 86_400, abs=60)
    assert monotonic_s == pytest.approx(time.monotonic(), abs=60)


@pytest.mark.parametrize("exponent", [10, 11])
def test_stream_is_made_of_whole_packets_of_the_agreed_size(exponent: int) -> None:
    built = stream.build(7, 0, exponent)
    place = 0
    while place < built.length:
        length = int.from_bytes(built.block[place + 2 : place + 4], "big")
        assert association.TPKT_HEADER < length <= association.TPKT_HEADER + (1 << exponent)
        place += length
    assert place == built.length == built.edges[-1]
    assert built.block == built.block[: built.length] * 2


def test_streams_differ_by_caller_and_direction() -> None:
    blocks = {stream.build(number, direction, 11).block for number in (1, 2) for direction in (0, 1)}
    assert len(blocks) == 4


@pytest.fixture
def called(tmp_path: Path) -> Iterator[Path]:
    """The load's called end on loopback; yields where it reports."""
    report = tmp_path / "called.jsonl"
    arguments = ("serve", "--port", str(CALLED_PORT), "--report", str(report), "--rate", "1000")
    program = Program("called", None, tmp_path / "called.log", "scripts.lab.load", *arguments)
    program.wait_for_progress()
    yield report
    program.kill()


def run_load(called: Path, mangle: Mangle) -> dict[str, object]:
    with forwarding(CALLED_PORT, mangle) as port:
        arguments = ("run", "--port", str(port), "--connections", "2", "--seconds", "1", "--rate", "1000")
        more = ("--server-report", str(called))
        load = Program("load", None, called.with_suffix(".log"), "scripts.lab.load", *arguments, *more)
        return load.finish(60.0)


def test_load_through_an_honest_forwarder_is_sound(called: Path) -> None:
    verdict = run_load(called, honest)
    assert verdict["survived"] == verdict["connections"] == 2
    assert verdict["bytes_wrong"] == 0
    assert int(str(verdict["bytes_checked"])) > 1_000_000


@pytest.mark.parametrize(
    "mangle", [flips_a_bit_at(FAR_INTO_THE_STREAM), swallows_from(FAR_INTO_THE_STREAM, 1)], ids=["flip", "loss"]
)
def test_load_notices_a_changed_and_a_lost_byte(called: Path, mangle: Mangle) -> None:
    verdict = run_load(called, mangle)
    assert verdict["survived"] == 0
    assert int(str(verdict["bytes_wrong"])) >= 1


@needs_root
def test_topology_connects_unplugs_and_leaves_nothing() -> None:
    topology = Topology("e2e-net-")
    topology.create()
    try:
        assert _reaches(topology, "client", "10.1.100.3")
        topology.unplug(["b-client"])
        assert not _reaches(topology, "client", "10.1.100.3")
        topology.plug_in(["b-client"])
        assert _reaches(topology, "client", "10.1.100.3")
        assert topology.retransmitted_segments("client") == 0
    finally:
        topology.destroy()
    assert not any(exists(topology.namespace(each.host)) for each in PLUGS)


def _reaches(topology: Topology, host: str, address: str) -> bool:
    """Whether an ARP request for `address` is answered (no ping needed)."""
    interface = next(each.interface for each in PLUGS if each.host == host)
    answers = inside(
        topology.namespace(host),
        lambda: (
            subprocess.run(
                ["python3", "-c", _ARP_PROBE, interface, address], capture_output=True, text=True, check=False
            ).stdout
        ),
    )
    return answers.strip() == "yes"


_ARP_PROBE = """
import socket, sys
interface, address = sys.argv[1:]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0608)
s.bind((interface, 0x0806)); s.settimeout(1.0)
mac = s.getsockname()[4]
who = socket.inet_aton(address)
s.send(b"\\xff" * 6 + mac + bytes.fromhex("08060001080006040001") + mac + bytes(4) + bytes(6) + who)
try:
    while True:
        packet = s.recv(64)
        if packet[20:22] == b"\\x00\\x02" and packet[28:32] == who:
            print("yes"); break
except TimeoutError:
    print("no")
"""
