"""The node's log: one line an event, JSON or for people, to standard error or a file.

    log.configure(config.log, node=config.node.name)
    log.get("guard").info("worker started", pid=4711)

Every line has `ts` (UTC), `level`, `node`, `event` and `part`. Writing never blocks the caller: lines go
through a bounded queue to a thread, since the caller may be the loop that renews the lease, and a full disk
or a stopped journal must not silence the node. Lines that find the queue full are dropped and counted, and
the log says so. Values of fields that are named like secrets, and octets of any field, are never written.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

from node.config.models import Log

QUEUE_LINES_MAX = 8192
FLUSH_S = 2.0
GATHER_S = 0.05
"""Left after a line or an event for more to come: a thread that wakes up for each takes the interpreter from the event
loop, and the busiest moment of a node, a takeover, is full of them."""
SECRET_WORDS: Final = ("key", "secret", "token", "password", "private")

Event = MutableMapping[str, Any]


def configure(settings: Log, *, node: str) -> None:
    """Set the process's log up, once, after any fork. Raises OSError when the log file cannot be opened."""
    stream = _open(settings.file)
    _state.replace(Writer(stream, node=node))
    level = getattr(logging, settings.level.upper())
    structlog.configure(
        processors=_processors(node, settings.format, colours=stream.isatty()),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_LineLogger,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(level, logging.INFO), handlers=[_Bridge()], force=True)


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of one part of the node. Usable before `configure`, which then applies to it as well."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return logger


def flush(timeout_s: float = FLUSH_S) -> None:
    """Wait for the queued lines to be written, at most `timeout_s`: call before os._exit or exec."""
    _state.writer.flush(timeout_s)


def dropped() -> int:
    """Lines lost because the queue was full."""
    return _state.writer.dropped


class Writer:
    """Lines to a stream from a thread of its own, through a bounded queue."""

    def __init__(self, stream: TextIO, *, node: str = "", lines_max: int = QUEUE_LINES_MAX) -> None:
        self.dropped = 0
        self._node = node
        self._stream = stream
        self._lines: queue.Queue[str | threading.Event] = queue.Queue(lines_max)
        self._told = 0
        self._thread: threading.Thread | None = None
        self._hurry = threading.Event()

    def write(self, line: str) -> None:
        """Queue a line, or count it as dropped."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def flush(self, timeout_s: float) -> None:
        """Wait until what is queued now has been written."""
        if self._thread is None:
            return
        written = threading.Event()
        self._hurry.set()
        try:
            self._lines.put(written, timeout=timeout_s)
        except queue.Full:
            return
        written.wait(timeout_s)

    def _run(self) -> None:
        while True:
            idle = self._lines.empty()
            item = self._lines.get()
            if isinstance(item, threading.Event):
                self._hurry.clear()
                item.set()
                continue
            if idle:
                self._hurry.wait(GATHER_S)
            try:
                self._stream.write(item + "\n")
                self._tell_of_dropped()
                self._stream.flush()
            except (OSError, ValueError):
                self.dropped += 1  # disk full, or the reader is gone: the node must go on

    def _tell_of_dropped(self) -> None:
        if (lost := self.dropped - self._told) > 0:
            now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            event = {
                "ts": now,
                "level": "warning",
                "node": self._node,
                "event": "log lines dropped",
                "count": lost,
            }
            self._stream.write(json.dumps(event) + "\n")
            self._told += lost


class _State:
    """The process's one writer."""

    def __init__(self) -> None:
        self.writer = Writer(sys.stderr)

    def replace(self, writer: Writer) -> None:
        self.writer.flush(FLUSH_S)
        self.writer = writer


_state = _State()
atexit.register(flush)


class _LineLogger:
    """What structlog calls with the finished line; one method a level."""

    def __init__(self, *_: object) -> None:
        pass

    def msg(self, line: str) -> None:
        _state.writer.write(line)

    debug = info = warning = error = critical = exception = fatal = failure = err = log = msg


class _Bridge(logging.Handler):
    """The log of libraries (asyncio, aiohttp) into ours."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = get(record.name)
        logger.log(max(record.levelno, logging.DEBUG), record.getMessage(), exc_info=record.exc_info or None)


def _open(file: Path | None) -> TextIO:
    if file is None:
        return sys.stderr
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def _processors(node: str, form: str, *, colours: bool) -> list[Processor]:
    def in_order(_logger: Any, _method: str, event: Event) -> Event:
        head = {"ts": event.pop("ts"), "level": event.pop("level"), "node": node, "event": event.pop("event")}
        return {**head, **event}

    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="ts")
    )
    trace: list[Processor] = [structlog.processors.format_exc_info] if form == "json" else []
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        *trace,
        _without_secrets,
        in_order,
        renderer,
    ]


def _without_secrets(_logger: Any, _method: str, event: Event) -> Event:
    for name, value in event.items():
        if isinstance(value, (bytes, bytearray, memoryview)):
            event[name] = f"<{len(value)} octets>"
        elif any(word in name.lower().split("_") for word in SECRET_WORDS):
            event[name] = "<secret>"
    return event
