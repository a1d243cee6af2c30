"""What an input costs, measured so that it can be asserted: steps of the interpreter, and memory at its peak.

Steps are bytecodes executed inside the inspector; what is done within one (joining octets, comparing two integers) is
bounded by the octets in hand. Both budgets are linear in the octets fed, with so much for each message and each feed
besides: a message of twenty octets may have to go through a table that the limits allow.
"""

import sys
import time
import tracemalloc
from types import FrameType
from typing import Any, Final

import inspector
from scripts.lab.fuzz.inputs import Input
from scripts.lab.fuzz.setups import Setup
from scripts.lab.fuzz.trial import run

STEPS_PER_MESSAGE: Final = 20_000
STEPS_PER_FEED: Final = 500
"""In a capture each feed behind octets that lose the framing is a finding of its own."""
STEPS_PER_OCTET: Final = 350
MEMORY_BYTES: Final = 200_000
MEMORY_PER_OCTET: Final = 200
SECONDS: Final = 0.02
SECONDS_PER_OCTET: Final = 50e-6
"""For every input; generous, because the machine has other things to do."""

_HOME: Final = inspector.__path__[0]


def steps(setup: Setup, given: Input) -> int:
    """How many bytecodes the inspector executes for the input's messages."""
    return _steps(setup, given) - _steps(setup, given._replace(sent=()))


def _steps(setup: Setup, given: Input) -> int:
    """The same, with those that bring the inspector to where the input starts."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if event == "opcode":
            count += 1
        elif event == "call":
            if not frame.f_code.co_filename.startswith(_HOME):
                return None
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run(setup, given)
    finally:
        sys.settrace(before)
    return count


def memory(setup: Setup, given: Input) -> int:
    """The octets of memory in use at the peak, over those before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        run(setup, given)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


def seconds(setup: Setup, given: Input) -> float:
    """Processor time, the least of several runs."""
    runs = []
    for _ in range(4):
        start = time.process_time()
        run(setup, given)
        runs.append(time.process_time() - start)
    return min(runs)


def steps_max(given: Input) -> int:
    """The budget of `steps`."""
    feeds = sum(1 for _ in given.feeds())
    return STEPS_PER_MESSAGE * len(given.sent) + STEPS_PER_FEED * feeds + STEPS_PER_OCTET * given.octets


def memory_max(given: Input) -> int:
    """The budget of `memory`."""
    return MEMORY_BYTES + MEMORY_PER_OCTET * given.octets


def seconds_max(given: Input) -> float:
    """The budget of `seconds`."""
    return SECONDS + SECONDS_PER_OCTET * given.octets
