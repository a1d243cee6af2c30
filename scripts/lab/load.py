"""Many connections, both ways at full speed, every byte checked at both ends.

    python -m scripts.lab.load serve --host 172.16.200.177 --report server.jsonl
    python -m scripts.lab.load run   --host 10.1.100.1 --connections 20 --seconds 5 --server-report server.jsonl

`run` prints one verdict that holds both ends' findings. A caller sends for its time, ends on a PDU's edge and closes
its half; the called end then does likewise, so each side sees the other's clean end or reports what it saw instead.
"""

import argparse
import json
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any, Final

from scripts.lab import association, stream
from scripts.lab.engine import End, Engine, Outcome
from scripts.lab.programs import conclude, report

TO_CALLED: Final = 0
TO_CALLER: Final = 1
_EXPONENTS: Final = (11, 10)  # TPDU sizes 2048 and 1024, in turn
_HANDSHAKE_TIMEOUT_S: Final = 10.0
_END_TIMEOUT_S: Final = 20.0
_PROGRESS_S: Final = 0.25
_BACKLOG: Final = 1024


def serve(host: str, port: int, report_path: Path, rate: float) -> None:
    """Answer callers until SIGTERM; a JSON line per finished connection in `report_path`."""
    engine = Engine(rate)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    listener = socket.create_server((host, port), backlog=_BACKLOG)
    threading.Thread(target=_accept, args=(listener, engine), daemon=True).start()
    report(listening=f"{host}:{port}")
    with report_path.open("a") as sink:
        while not stopping.is_set():
            engine.turn()
            for end in engine.take_finished():
                sink.write(json.dumps(end.outcome().as_dict()) + "\n")
                sink.flush()
    conclude(stopped=True)


def _accept(listener: socket.socket, engine: Engine) -> None:
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_answer, args=(sock, engine), daemon=True).start()


def _answer(sock: socket.socket, engine: Engine) -> None:
    sock.settimeout(_HANDSHAKE_TIMEOUT_S)
    try:
        number, exponent = association.open_as_called(sock)
    except (OSError, association.AssociationError, KeyError):
        sock.close()  # a probe, or a caller that gave up: the caller's own verdict tells
        return
    sending, receiving = stream.build(number, TO_CALLER, exponent), stream.build(number, TO_CALLED, exponent)
    engine.add(End(number, sock, sending, receiving, until_s=None))


def run(options: argparse.Namespace) -> None:
    """Open all connections, send for the time given, and print the verdict."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    engine = Engine(options.rate * 1024)
    ends = [_call(options.host, options.port, options.first + place) for place in range(options.connections)]
    for end in ends:
        end.begin()
        engine.add(end)
    engine.turn()
    until_s = time.monotonic() + options.seconds
    deadline_s = until_s + _END_TIMEOUT_S
    next_progress_s = 0.0
    while engine.ends and time.monotonic() < deadline_s:
        now_s = time.monotonic()
        if now_s >= until_s or stopping.is_set():
            engine.stop_sending()
        if now_s >= next_progress_s:
            next_progress_s = now_s + _PROGRESS_S
            report(**engine.progress())
        engine.turn()
    engine.give_up("no end in time")
    ours = [end.outcome() for end in engine.take_finished()]
    theirs = _read_outcomes(options.server_report, {outcome.number for outcome in ours})
    conclude(**verdict(ours, theirs))


def _call(host: str, port: int, number: int) -> End:
    exponent = _EXPONENTS[number % len(_EXPONENTS)]
    sock = socket.create_connection((host, port), timeout=_HANDSHAKE_TIMEOUT_S)
    association.open_as_caller(sock, number, exponent)
    sending, receiving = stream.build(number, TO_CALLED, exponent), stream.build(number, TO_CALLER, exponent)
    return End(number, sock, sending, receiving, until_s=float("inf"))


def _read_outcomes(path: Path, numbers: set[int], patience_s: float = 5.0) -> list[Outcome]:
    """What the called end wrote of these callers, once it is all there or patience ends."""
    deadline = time.monotonic() + patience_s
    while True:
        lines = path.read_text().splitlines() if path.exists() else []
        found = [Outcome(**json.loads(line)) for line in lines]
        mine = [outcome for outcome in found if outcome.number in numbers]
        if len(mine) == len(numbers) or time.monotonic() > deadline:
            return mine
        time.sleep(0.05)


def verdict(ours: list[Outcome], theirs: list[Outcome]) -> dict[str, Any]:
    """Both ends of each connection held against each other."""
    called = {outcome.number: outcome for outcome in theirs}
    broken = {}
    for outcome in ours:
        other = called.get(outcome.number)
        if faults := _faults(outcome, other):
            broken[outcome.number] = faults
    ends = [*ours, *theirs]
    return {
        "connections": len(ours),
        "survived": len(ours) - len(broken),
        "bytes_checked": sum(outcome.received for outcome in ends),
        "bytes_wrong": sum(outcome.wrong for outcome in ends),
        "longest_stall_ms": max((outcome.longest_stall_ms for outcome in ours), default=0.0),
        "stalls_ms": sorted((outcome.longest_stall_ms for outcome in ours), reverse=True),
        "broken": {str(number): faults for number, faults in broken.items()},
    }


def _faults(ours: Outcome, theirs: Outcome | None) -> list[str]:
    if theirs is None:
        return [f"caller: {ours.ended}, received {ours.received}", "called end: nothing reported"]
    found = [f"{who}: {each.ended}" for who, each in (("caller", ours), ("called", theirs)) if each.ended != "clean"]
    if ours.sent != theirs.received:
        found.append(f"caller sent {ours.sent}, called received {theirs.received}")
    if theirs.sent != ours.received:
        found.append(f"called sent {theirs.sent}, caller received {ours.received}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    roles = parser.add_subparsers(dest="role", required=True)
    called, caller = roles.add_parser("serve"), roles.add_parser("run")
    for each in (called, caller):
        each.add_argument("--host", default="127.0.0.1")
        each.add_argument("--port", type=int, default=1102)
        each.add_argument("--rate", type=float, default=0.0, help="KiB/s of a connection each way; 0 is full speed")
    called.add_argument("--report", type=Path, required=True)
    caller.add_argument("--server-report", type=Path, required=True)
    caller.add_argument("--connections", type=int, default=20)
    caller.add_argument("--seconds", type=float, default=5.0)
    caller.add_argument("--first", type=int, default=0, help="number of the first caller; unique in a lab's life")
    options = parser.parse_args()
    if options.role == "serve":
        serve(options.host, options.port, options.report, options.rate * 1024)
    else:
        run(options)


if __name__ == "__main__":
    main()
