"""The outboxes that a configuration asks for, and what each is told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from node.config import Config, EventFile, Syslog
from node.events import cef, eve, fortios, syslog
from node.events.event import Event, Kind, Severity
from node.events.files import RotatingFile
from node.events.kept import FILE_BYTES_MAX, kept_file, kept_line
from node.events.outbox import Loss, Outbox
from node.release import VERSION

FORMATS: Mapping[str, Callable[[Event], str]] = {
    "eve": eve.line,
    "fortios": fortios.line,
    "cef": lambda event: cef.line(event, VERSION),
}

OnLoss = Callable[[Loss], None]


def outboxes(config: Config, on_loss: OnLoss) -> Iterator[Outbox]:
    """The node's own store first."""
    settings = config.events
    yield Outbox("store", RotatingFile(kept_file(config.node), FILE_BYTES_MAX, keep=1), kept_line, happened, on_loss)
    yield from _file("eve", settings.eve, lambda _event: True, on_loss)
    yield from _file("fortios", settings.fortios, happened, on_loss)
    for server in settings.syslog:
        yield _server(server, on_loss)


def happened(event: Event) -> bool:
    """Whether something happened, statistics apart."""
    return event.kind is not Kind.STATS


def _file(form: str, settings: EventFile, wants: Callable[[Event], bool], on_loss: OnLoss) -> Iterator[Outbox]:
    if settings.file is not None:
        line = FORMATS[form]
        place = RotatingFile(settings.file, settings.rotate_bytes, settings.keep)
        yield Outbox(form, place, lambda event: line(event).encode() + b"\n", wants, on_loss)


def _server(settings: Syslog, on_loss: OnLoss) -> Outbox:
    line = FORMATS[settings.format]
    least = Severity(settings.severity).rank

    def wants(event: Event) -> bool:
        return event.severity.rank >= least and happened(event)

    def message(event: Event) -> bytes:
        return syslog.message(event, line(event), settings.facility)

    return Outbox(settings.name, syslog.place(settings), message, wants, on_loss)
