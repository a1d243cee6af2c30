"""The clocks a node reads, each for one purpose. None is ever compared with another host's.

The gate holds the lease against the kernel's own clock. In a time namespace, as a container may have one, a process is
told another: what it is off by is taken out, or a lease would outlast its node by as much.
"""

import time
from pathlib import Path

OFFSETS = Path("/proc/self/timens_offsets")
NS_PER_S = 1_000_000_000


def namespace_offset_ns(clock: str) -> int:
    """By how much the time namespace of this process shifts a clock ("boottime", "monotonic"): time_namespaces(7)."""
    try:
        rows = [line.split() for line in OFFSETS.read_text().splitlines()]
    except OSError:
        return 0  # a kernel without time namespaces
    return sum(int(seconds) * NS_PER_S + int(rest) for name, seconds, rest in rows if name == clock)


_BOOTTIME_OFFSET_NS = namespace_offset_ns("boottime")


def boottime_ns() -> int:
    """CLOCK_BOOTTIME: deadlines and the lease. It counts sleep, so a machine that slept finds its lease over."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - _BOOTTIME_OFFSET_NS


def boottime_s() -> float:
    """`boottime_ns` in seconds."""
    return boottime_ns() / NS_PER_S


def timestamp_clock_ms() -> int:
    """CLOCK_MONOTONIC in milliseconds: what the kernel makes TCP timestamps from (RFC 7323, section 5.4)."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000


def wall_s() -> float:
    """CLOCK_REALTIME: for display and logs, and for rate windows, which a takeover hands on."""
    return time.time()
