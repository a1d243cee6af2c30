"""The clocks a node reads, each for one purpose. None is ever compared with another host's."""

import time


def boottime_ns() -> int:
    """CLOCK_BOOTTIME: deadlines and the lease. It counts sleep, so a machine that slept finds its lease over."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def boottime_s() -> float:
    """`boottime_ns` in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def timestamp_clock_ms() -> int:
    """CLOCK_MONOTONIC in milliseconds: what the kernel makes TCP timestamps from (RFC 7323, section 5.4)."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000


def wall_s() -> float:
    """CLOCK_REALTIME: for display and logs, and for rate windows, which a takeover hands on."""
    return time.time()
