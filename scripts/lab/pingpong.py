"""Paced requests and their answers, and what TCP had to send again meanwhile.

    python -m scripts.lab.pingpong --host 10.1.100.1 --rounds 30 --interval 1

An acknowledgement that comes late or never makes a peer retransmit; so over a paced exchange (MMS Identify, one at a
time) TcpRetransSegs must stand still. Give it a network namespace in which nothing else talks.
"""

import argparse
import asyncio
import statistics
import time

from hat.drivers import mms, net

from scripts.lab.programs import conclude, report
from scripts.lab.topology import read_retransmitted_segments

_ANSWER_TIMEOUT_S = 10.0


async def exchange(host: str, port: int, rounds: int, interval_s: float) -> None:
    """Ask `rounds` times, `interval_s` apart, and conclude with round trips and retransmissions."""
    connection = await mms.connect(
        net.TcpAddress(host, port),
        local_detail_calling=32000,
        request_cb=lambda *_: mms.IdentifyResponse("lab", "pingpong", "1", None),
        unconfirmed_cb=lambda *_: None,
    )
    before = read_retransmitted_segments()
    round_trips_ms = []
    for number in range(rounds):
        started_ns = time.monotonic_ns()
        await asyncio.wait_for(connection.send_confirmed(mms.IdentifyRequest()), _ANSWER_TIMEOUT_S)
        round_trips_ms.append((time.monotonic_ns() - started_ns) / 1e6)
        report(round=number, round_trip_ms=round(round_trips_ms[-1], 3))
        await asyncio.sleep(interval_s)
    conclude(
        rounds=rounds,
        retransmitted=read_retransmitted_segments() - before,
        round_trip_median_ms=round(statistics.median(round_trips_ms), 3),
        round_trip_longest_ms=round(max(round_trips_ms), 3),
    )
    await connection.async_close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=102)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between two requests")
    options = parser.parse_args()
    asyncio.run(exchange(options.host, options.port, options.rounds, options.interval))


if __name__ == "__main__":
    main()
