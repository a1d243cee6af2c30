"""What the bench came to: one JSON object, or a table to read."""

from dataclasses import dataclass
from typing import Any

from rich.table import Table

from scripts.lab.bench import tshark
from scripts.lab.bench.inspection import INSPECT, INSPECTOR, WITH_LIMITS, Speeds
from scripts.lab.bench.roundtrip import DIRECT, GUARDED, HAPROXY, PAIR, RoundTrips

_WORDS = {
    PAIR: "the pair, in sync",
    GUARDED: "the pair, enforcing a policy",
    HAPROXY: "HAProxy, TCP mode",
    DIRECT: "straight, through a router",
}


@dataclass(frozen=True)
class Figures:
    """Both parts; None for one that was not run."""

    trips: RoundTrips | None
    speeds: Speeds | None

    def as_json(self) -> dict[str, Any]:
        """The object that `scripts/bench --json` ends with."""
        trips = {} if self.trips is None else _trips_as_json(self.trips)
        speeds = {} if self.speeds is None else _speeds_as_json(self.speeds)
        return trips | speeds

    def tables(self) -> list[Table]:
        """The same to read."""
        trips = [] if self.trips is None else [_trips_table(self.trips)]
        speeds = [] if self.speeds is None else [_speeds_table(self.speeds)]
        return [*trips, *speeds]


def _trips_as_json(trips: RoundTrips) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for path, prefix in ((PAIR, "roundtrip"), (GUARDED, "roundtrip_guarded")):
        figures |= {
            f"{prefix}_p50_us": round(trips.paths[path].p50_us, 1),
            f"{prefix}_p99_us": round(trips.paths[path].p99_us, 1),
            f"{prefix}_p50_ratio_haproxy": round(trips.p50_ratio(path), 3),
            f"{prefix}_p99_ratio_haproxy": round(trips.p99_ratio(path), 3),
        }
    for path in (HAPROXY, DIRECT):
        figures |= {
            f"roundtrip_{path}_p50_us": round(trips.paths[path].p50_us, 1),
            f"roundtrip_{path}_p99_us": round(trips.paths[path].p99_us, 1),
        }
    return figures | {"roundtrip_requests": trips.paths[PAIR].requests, "haproxy": trips.haproxy}


def _speeds_as_json(speeds: Speeds) -> dict[str, Any]:
    quickest = speeds.quickest_tshark
    rate = speeds.rate_running(quickest)
    return {
        "inspector_pdus_per_s": round(speeds.rate(INSPECTOR)),
        "inspector_ratio_tshark": round(speeds.rate(INSPECTOR) / rate, 3),
        "inspect_ratio_tshark": round(speeds.rate(INSPECT) / rate, 3),
        "inspect_ratio_tshark_fields": round(speeds.rate(INSPECT) / speeds.rate_running("fields"), 3),
        "inspector_ratio_tshark_with_start": round(speeds.rate(INSPECTOR) / speeds.rate(quickest), 3),
        "inspect_ratio_tshark_with_start": round(speeds.rate(INSPECT) / speeds.rate(quickest), 3),
        "inspector_with_limits_pdus_per_s": round(speeds.rate(WITH_LIMITS)),
        "inspect_pdus_per_s": round(speeds.rate(INSPECT)),
        "tshark_pdus_per_s": round(rate),
        "tshark_way": quickest,
        "tshark_start_s": round(speeds.start_s[quickest], 3),
        "tshark_fields_pdus_per_s": round(speeds.rate_running("fields")),
        "reports": speeds.reports,
        "reports_origin": speeds.origin,
        "tshark": speeds.tshark,
    }


def _trips_table(trips: RoundTrips) -> Table:
    count = trips.paths[PAIR].requests
    table = Table(title=f"Round trip of a read, {count} on each path in turn")
    for column in ("path", "p50 µs", "p99 µs", "p50 / HAProxy", "p99 / HAProxy"):
        table.add_column(column, justify="left" if column == "path" else "right")
    for path, times in trips.paths.items():
        ratios = (f"{trips.p50_ratio(path):.2f}", f"{trips.p99_ratio(path):.2f}")
        table.add_row(_WORDS[path], f"{times.p50_us:.1f}", f"{times.p99_us:.1f}", *ratios)
    return table


def _speeds_table(speeds: Speeds) -> Table:
    base = speeds.rate_running(speeds.quickest_tshark)
    table = Table(
        title=f"{speeds.reports} transfer reports, best of {speeds.turns} turns",
        caption=f"tshark is compared by its quickest way, '{speeds.quickest_tshark}', less the time it needs to start.",
    )
    for column in ("program", "CPU s", "of them to start", "reports/s", "/ tshark"):
        table.add_column(column, justify="left" if column == "program" else "right")
    for program, seconds in speeds.seconds.items():
        is_tshark = program in tshark.WAYS
        rate = speeds.rate_running(program) if is_tshark else speeds.rate(program)
        start_s = speeds.start_s.get(program)
        words = f"tshark, {program}" if is_tshark else program
        shown = "" if start_s is None else f"{start_s:.3f}"
        table.add_row(words, f"{seconds:.3f}", shown, f"{rate:.0f}", f"{rate / base:.2f}")
    return table
