"""Many clients at a steady pace, each asking the recorded read and waiting for its answer; what each waited is kept.

    python -m scripts.lab.bench.askers --host 10.1.100.1 --port 102 --connections 100 --period-ms 100   (until SIGTERM)

The summary tells of every 100 ms how long the longest answer took that was asked for in them, by CLOCK_BOOTTIME:
so whoever knows when something happened finds what the clients saw of it.
"""

import argparse
import gc
import select
import signal
import socket
import threading
import time
from typing import Final

from scripts.lab import association
from scripts.lab.bench import recorded
from scripts.lab.faults import boottime_ns
from scripts.lab.programs import conclude, report

SLICE_NS: Final = 100_000_000
_TPDU_SIZE_EXPONENT: Final = 10
_PATIENCE_S: Final = 10.0
_LAST_ANSWERS_S: Final = 3.0
_PROGRESS_NS: Final = 250_000_000
_POLL_MS_MAX: Final = 5.0
_NS_PER_MS: Final = 1_000_000


class Asker:
    """One client. It asks again a period after it asked, or when it has its answer, whichever is later."""

    def __init__(self, address: tuple[str, int], number: int) -> None:
        self.sock = socket.create_connection(address, timeout=_PATIENCE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        association.open_as_caller(self.sock, number, _TPDU_SIZE_EXPONENT)
        self.sock.setblocking(False)
        self.due_ns = 0
        self.asked_ns: int | None = None
        self.fault: str | None = None
        self.asked = 0
        self._answer = b""

    def ask(self, now_ns: int, period_ns: int) -> None:
        """Send the next request."""
        self.asked_ns, self.due_ns = now_ns, max(self.due_ns + period_ns, now_ns)
        request = recorded.REQUESTS[self.asked % recorded.INVOKE_IDS]
        self.asked += 1
        try:
            if self.sock.send(request) != len(request):
                self.fault = "the connection takes no more"
        except OSError as error:
            self.fault = str(error)

    def take(self) -> bool:
        """Read what came; whether that was the rest of the answer."""
        try:
            octets = self.sock.recv(4096)
        except OSError as error:
            self.fault = str(error)
            return False
        self._answer += octets
        wanted = recorded.RESPONSES[(self.asked - 1) % recorded.INVOKE_IDS]
        if not octets:
            self.fault = "closed by the other side"
        elif self.asked_ns is None or not wanted.startswith(self._answer):
            self.fault = f"wrong answer {self._answer.hex()}"
        if self.fault is not None or self._answer != wanted:
            return False
        self._answer, self.asked_ns = b"", None
        return True


class Crowd:
    """All clients of the program."""

    def __init__(self, askers: list[Asker], period_ns: int) -> None:
        self.exchanges = 0
        self.longest_ns: dict[int, int] = {}
        self._askers = askers
        self._period_ns = period_ns
        self._poll = select.epoll()
        self._by_descriptor = {asker.sock.fileno(): asker for asker in askers}
        now_ns = boottime_ns()
        for place, asker in enumerate(askers):
            asker.due_ns = now_ns + place * period_ns // len(askers)  # evenly spread over the period
            self._poll.register(asker.sock, select.EPOLLIN)

    @property
    def waiting(self) -> bool:
        """Whether an answer is still due."""
        return any(asker.asked_ns is not None and asker.fault is None for asker in self._askers)

    @property
    def faults(self) -> list[str]:
        """What went wrong, of each connection that is not sound any more."""
        return [asker.fault for asker in self._askers if asker.fault is not None]

    def turn(self, *, asking: bool) -> None:
        """Take what came, and ask whatever is due."""
        for descriptor, _ in self._poll.poll(self._pause_s() if asking else _POLL_MS_MAX / 1000):
            self._take(self._by_descriptor[descriptor])
        now_ns = boottime_ns()
        for asker in self._askers if asking else ():
            if asker.due_ns <= now_ns and asker.asked_ns is None and asker.fault is None:
                asker.ask(now_ns, self._period_ns)

    def _pause_s(self) -> float:
        due_ns = min((asker.due_ns for asker in self._askers if asker.asked_ns is None), default=None)
        pause_ms = _POLL_MS_MAX if due_ns is None else (due_ns - boottime_ns()) / _NS_PER_MS
        return min(max(pause_ms, 0.0), _POLL_MS_MAX) / 1000

    def _take(self, asker: Asker) -> None:
        asked_ns = asker.asked_ns
        if asker.take() and asked_ns is not None:
            self.exchanges += 1
            place = asked_ns // SLICE_NS
            self.longest_ns[place] = max(self.longest_ns.get(place, 0), boottime_ns() - asked_ns)
        elif asker.fault is not None:
            self._poll.unregister(asker.sock)


def run(options: argparse.Namespace) -> None:
    """Ask until SIGTERM, wait for the last answers, and tell."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    askers = [Asker((options.host, options.port), number) for number in range(options.connections)]
    gc.disable()  # nothing here makes cycles, and a collection would be counted as somebody's delay
    crowd = Crowd(askers, options.period_ms * _NS_PER_MS)
    told_ns = 0
    while not stopping.is_set():
        crowd.turn(asking=True)
        if (now_ns := boottime_ns()) - told_ns > _PROGRESS_NS:
            told_ns = now_ns
            report(exchanges=crowd.exchanges, broken=len(crowd.faults))
    give_up_s = time.monotonic() + _LAST_ANSWERS_S
    while crowd.waiting and time.monotonic() < give_up_s:
        crowd.turn(asking=False)
    unanswered = ["no answer"] if crowd.waiting else []
    slices = {str(place): round(longest / _NS_PER_MS, 2) for place, longest in crowd.longest_ns.items()}
    conclude(connections=len(askers), exchanges=crowd.exchanges, faults=crowd.faults + unanswered, longest_ms=slices)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--period-ms", type=int, default=100)
    run(parser.parse_args())


if __name__ == "__main__":
    main()
