"""The client of the round trip: asks on each path in turn, and takes the time of every answer.

    python -m scripts.lab.bench.caller --seconds 20 pair=10.1.100.1:102 haproxy=10.1.100.20:102

One request at a time in all. A batch on one path, then one on the next, and the first path is another one in every
round: whatever disturbs the machine disturbs all paths alike.
"""

import argparse
import gc
import socket
import time
from array import array
from typing import Any, Final

from scripts.lab import association
from scripts.lab.bench import recorded
from scripts.lab.bench.responder import receive
from scripts.lab.programs import conclude, report

BATCH: Final = 50
_WARM_UP_ROUNDS: Final = 4
_PATIENCE_S: Final = 10.0
_RETRY_S: Final = 0.1
_TPDU_SIZE_EXPONENT: Final = 10
_PROGRESS_S: Final = 1.0


class Path:
    """One way to the server, with an association open on it."""

    def __init__(self, name: str, address: tuple[str, int], number: int) -> None:
        self.name = name
        self.times_ns = array("q")
        self._asked = 0
        self._sock = _connect(address)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        association.open_as_caller(self._sock, number, _TPDU_SIZE_EXPONENT)

    def ask(self, count: int) -> None:
        """Ask `count` times, one after the other. Raises AssociationError when an answer is wrong."""
        for _ in range(count):
            number = self._asked % recorded.INVOKE_IDS
            self._asked += 1
            started_ns = time.perf_counter_ns()
            self._sock.sendall(recorded.REQUESTS[number])
            answer = receive(self._sock, recorded.RESPONSE_BYTES)
            self.times_ns.append(time.perf_counter_ns() - started_ns)
            if answer != recorded.RESPONSES[number]:
                raise association.AssociationError(f"{self.name}: {answer.hex() or 'closed'} for an answer")

    def forget(self) -> None:
        """The warm-up is over."""
        del self.times_ns[:]

    def summary(self) -> dict[str, float]:
        """Requests, and microseconds of the median, the 99th percentile and the quickest of them."""
        ordered = sorted(self.times_ns)
        count = len(ordered)
        p50, p99 = (ordered[min(count - 1, count * percent // 100)] / 1000 for percent in (50, 99))
        return {"requests": count, "p50_us": p50, "p99_us": p99, "best_us": ordered[0] / 1000}


def measure(paths: list[Path], seconds: float) -> None:
    """Whole rounds over all paths, for as long as it takes."""
    for _ in range(_WARM_UP_ROUNDS):
        for path in paths:
            path.ask(BATCH)
    for path in paths:
        path.forget()
    now_s = time.monotonic()
    until_s, progress_s = now_s + seconds, now_s
    rounds = 0
    while now_s < until_s:
        first = rounds % len(paths)
        for path in paths[first:] + paths[:first]:
            path.ask(BATCH)
        rounds += 1
        now_s = time.monotonic()
        if now_s >= progress_s:
            progress_s = now_s + _PROGRESS_S
            report(rounds=rounds)


def _connect(address: tuple[str, int]) -> socket.socket:
    """Connect, with patience for a listener that is just coming up."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return socket.create_connection(address, timeout=_PATIENCE_S)
        except ConnectionRefusedError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_RETRY_S)


def _path(text: str) -> tuple[str, tuple[str, int]]:
    name, address = text.split("=")
    host, port = address.rsplit(":", 1)
    return name, (host, int(port))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("paths", nargs="+", type=_path, metavar="NAME=HOST:PORT")
    options = parser.parse_args()
    paths = [Path(name, address, number) for number, (name, address) in enumerate(options.paths)]
    gc.disable()  # nothing here makes cycles, and a collection would be counted as somebody's delay
    measure(paths, options.seconds)
    summaries: dict[str, Any] = {path.name: path.summary() for path in paths}
    conclude(paths=summaries)


if __name__ == "__main__":
    main()
