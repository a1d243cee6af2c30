"""What the service manager hears, at a socket of the test's own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.manager import Manager
from node.tether import Beat

PASSIVE = Beat("passive", 3, 1, 2, standby=False)
ACTIVE = Beat("active", 4, 1, 2, standby=True)


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        yield sock


def told(ear: socket.socket) -> list[list[str]]:
    found = []
    while True:
        try:
            found.append(ear.recv(4096).decode().split("\n"))
        except BlockingIOError:
            return found


def test_ready_with_the_first_beat_and_a_word_with_each_change(ear: socket.socket) -> None:
    manager = Manager(ear.getsockname())
    assert told(ear) == []
    for beat in (PASSIVE, PASSIVE, ACTIVE, ACTIVE):
        manager.beaten(beat, 0.0)
    manager.ended(died=True)
    manager.beaten(Beat("active", 4, 1, 2, standby=False), 1.0)
    manager.stopping()
    assert told(ear) == [
        ["READY=1", "STATUS=passive, epoch 3"],
        ["STATUS=active, epoch 4, the standby is ready"],
        ["STATUS=the worker died: starting another"],
        ["STATUS=active, epoch 4, no standby"],
        ["STOPPING=1", "STATUS=leaving"],
    ]


def test_the_watchdog_is_fed_by_beats_alone(ear: socket.socket) -> None:
    manager = Manager(ear.getsockname(), watchdog_s=4.0)
    for beat_s in (10.0, 10.0, 10.9, 11.0, 11.05, 11.05, 12.0):  # the same beat again is no beat
        manager.beaten(PASSIVE, beat_s)
    fed = [lines for lines in told(ear) if "WATCHDOG=1" in lines]
    assert len(fed) == 3, "at 10, 11 and 12"


def test_a_reload_begins_and_is_over(ear: socket.socket) -> None:
    manager = Manager(ear.getsockname())
    manager.beaten(PASSIVE, 0.0, reloaded=True)
    manager.reloading(7_000_999)
    manager.beaten(PASSIVE, 0.1)
    manager.beaten(PASSIVE, 0.2, reloaded=True)
    manager.beaten(PASSIVE, 0.3, reloaded=True)
    assert told(ear) == [
        ["READY=1", "STATUS=passive, epoch 3"],
        ["RELOADING=1", "MONOTONIC_USEC=7000", "STATUS=reloading"],
        ["STATUS=passive, epoch 3"],
        ["READY=1"],
    ]


def test_a_worker_that_stands_down(ear: socket.socket) -> None:
    manager = Manager(ear.getsockname())
    manager.beaten(ACTIVE, 0.0)
    manager.ended(died=False)
    assert told(ear)[-1] == ["STATUS=the worker stood down: starting another"]


def test_a_reload_that_the_worker_does_not_live_to_finish(ear: socket.socket) -> None:
    manager = Manager(ear.getsockname())
    manager.reloading(0)
    manager.ended(died=True)
    manager.beaten(PASSIVE, 0.2)
    assert [message[0] for message in told(ear)] == [
        "RELOADING=1",
        "STATUS=the worker died: starting another",
        "READY=1",
    ]


def test_the_environments_words_are_for_one_process(ear: socket.socket) -> None:
    environment = {"NOTIFY_SOCKET": ear.getsockname(), "WATCHDOG_USEC": "4000000", "WATCHDOG_PID": str(os.getpid())}
    Manager.of(environment).beaten(PASSIVE, 0.0)
    assert environment == {}
    assert told(ear) == [["READY=1", "WATCHDOG=1", "STATUS=passive, epoch 3"]]
    Manager.of({"NOTIFY_SOCKET": ear.getsockname(), "WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}).beaten(ACTIVE, 0)
    assert told(ear) == [["READY=1", "STATUS=active, epoch 4, the standby is ready"]]


def test_nobody_listens() -> None:
    Manager.of({}).beaten(PASSIVE, 0.0)
    Manager("/nowhere/at/all").beaten(PASSIVE, 0.0)


def test_an_abstract_socket() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(f"\0tandem-test-{os.getpid()}")
        ear.setblocking(False)
        Manager(f"@tandem-test-{os.getpid()}").beaten(PASSIVE, 0.0)
        assert told(ear) == [["READY=1", "STATUS=passive, epoch 3"]]


def test_a_deaf_manager_blocks_nobody(ear: socket.socket) -> None:
    manager = Manager(ear.getsockname())
    for number in range(10_000):
        manager.beaten(Beat("passive", number, 1, 2, standby=False), 0.0)
    assert 0 < len(told(ear)) < 10_000
