"""What a stock pipeline makes of it: rsyslog's imfile and mmjsonparse read the EVE file, and CEF comes by syslog."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.config import Syslog
from node.events import Event, Severity, cef, eve, syslog
from node.events.files import RotatingFile
from node.events.outbox import Loss, Outbox
from tests.events.rsyslog import NAME, Rsyslog, rsyslog, running, until
from tests.events.samples import samples
from tests.requirements import needs_tool

pytestmark = [needs_tool("rsyslogd"), needs_tool("openssl")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rsyslog]:
    with rsyslog(tmp_path_factory.mktemp("rsyslog")) as running_one:
        yield running_one


def settings(server: Rsyslog, transport: str, **more: Any) -> Syslog:
    port = server.tls_port if transport == "tls" else server.port
    if transport == "tls":
        more = {"ca_file": str(server.certificate), "server_name": NAME, **more}
    return Syslog(name=transport, server=f"127.0.0.1:{port}", transport=transport, **more)


def message(event: Event) -> bytes:
    return syslog.message(event, cef.line(event, "0.2.0"), "local4")


def test_rsyslog_reads_every_eve_line(server: Rsyslog) -> None:
    file = RotatingFile(server.eve, 1 << 20, keep=1)
    told = list(samples().values())
    for each in told:
        file.write(eve.line(each).encode() + b"\n")
    file.close()
    until("all lines", lambda: len(server.parsed()) == len(told))
    assert server.parsed() == [json.loads(eve.line(each)) for each in told]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_cef_arrives_as_rfc_5424_has_it(server: Rsyslog, transport: str) -> None:
    place = syslog.place(settings(server, transport))
    before, told = len(server.messages()), list(samples().values())
    for each in told:
        place.write(message(each))
    until("all messages", lambda: len(server.messages()) == before + len(told))
    place.close()
    for each, got in zip(told, server.messages()[before:], strict=True):
        level = {Severity.INFO: 6, Severity.LOW: 5, Severity.MEDIUM: 4, Severity.HIGH: 1}[each.severity]
        assert got["pri"] == str(20 * 8 + level)
        assert (got["hostname"], got["app-name"], got["msgid"]) == ("a", "tandem", str(each.kind))
        assert got["timereported"].startswith("2022-09-27T20:23:41.320981")
        assert (got["protocol-version"], got["msg"]) == ("1", cef.line(each, "0.2.0"))


@pytest.mark.parametrize("wrong", [{"server_name": "other.test"}, {"ca_file": None}])
def test_a_server_with_a_wrong_certificate_gets_nothing(server: Rsyslog, wrong: dict[str, Any]) -> None:
    before = len(server.messages())
    place = syslog.place(settings(server, "tls", **wrong))
    with pytest.raises(OSError, match="certificate verify failed"):
        place.write(message(samples()["role"]))
    place.close()
    assert len(server.messages()) == before


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_server_that_was_dead_gets_what_waited_and_the_loss_is_told(tmp_path: Path, transport: str) -> None:
    losses: list[Loss] = []
    with rsyslog(tmp_path) as server:
        place = syslog.place(settings(server, transport))
        outbox = Outbox("siem", place, message, lambda _event: True, losses.append, events_max=4)
        outbox.start()
        outbox.take(samples()["role"])
        until("the first", lambda: len(server.messages()) == 1)
    for each in [*samples().values()][:10]:
        outbox.take(each)  # none of these waits
    until("a failure", lambda: outbox.error)
    lost = outbox.lost
    assert lost in (5, 6), "four in the queue, one in hand; one more if it was taken out before the tenth came"
    with running(server):
        until("what waited", lambda: outbox.written == 11 - lost)
        until("all messages", lambda: len(server.messages()) == 11 - lost)
        until("the loss told", lambda: losses)
        outbox.close(5)
    assert [(loss.place, loss.count, loss.reason) for loss in losses] == [("siem", lost, losses[0].reason)]
    assert "refused" in losses[0].reason
