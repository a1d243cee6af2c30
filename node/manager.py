"""What the service manager is told (sd_notify): ready, at work, reloading, stopping, and that the watchdog may rest.

The protocol is systemd's: one datagram of KEY=VALUE lines to the socket that NOTIFY_SOCKET names. The watchdog is fed
with the worker's own beats and with nothing else: a guard that lives beside a worker that does not is no service.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

from node.tether import Beat

US_PER_S = 1e6
NS_PER_US = 1000
FEEDS = 4
"""How often the watchdog is fed within the time that it waits."""


class Manager:
    """The service manager, if there is one. Whatever it does, nothing here blocks or fails."""

    def __init__(self, path: str = "", watchdog_s: float = 0.0) -> None:
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._feed_every_s = watchdog_s / FEEDS
        self._fed_s = float("-inf")
        self._ready = False
        self._reloading = False
        self._status = ""
        self._socket: socket.socket | None = None
        if path:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    @classmethod
    def of(cls, environment: MutableMapping[str, str]) -> Manager:
        """The one that the environment names. Its variables are taken out: they are meant for this process alone."""
        path = environment.pop("NOTIFY_SOCKET", "")
        watchdog_us = environment.pop("WATCHDOG_USEC", "")
        meant = environment.pop("WATCHDOG_PID", "") in ("", str(os.getpid()))
        return cls(path, int(watchdog_us) / US_PER_S if meant and watchdog_us.isdigit() else 0.0)

    def beaten(self, beat: Beat, beat_s: float, *, reloaded: bool = False) -> None:
        """The worker's latest beat, when it came, and whether the reload that was asked for is over."""
        lines = []
        if reloaded and self._reloading:
            self._reloading = self._ready = False
        if not self._ready:
            self._ready = True
            lines.append("READY=1")
        if self._feed_every_s and beat_s >= self._fed_s + self._feed_every_s:
            self._fed_s = beat_s
            lines.append("WATCHDOG=1")
        self._say(*lines, status=in_words(beat))

    def reloading(self, now_ns: int) -> None:
        """A reload begins; `now_ns` is CLOCK_MONOTONIC. What it takes up is told by the node's events."""
        self._reloading = True
        self._say("RELOADING=1", f"MONOTONIC_USEC={now_ns // NS_PER_US}", status="reloading")

    def ended(self, *, died: bool) -> None:
        """A worker is gone, and with it a reload that was under way; another one follows."""
        self._ready = self._ready and not self._reloading
        self._reloading = False
        self._say(status="the worker died: starting another" if died else "the worker stood down: starting another")

    def stopping(self) -> None:
        """The node leaves."""
        self._say("STOPPING=1", status="leaving")

    def _say(self, *lines: str, status: str) -> None:
        if status != self._status:
            self._status = status
            lines = (*lines, f"STATUS={status}")
        if self._socket is None or not lines:
            return
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            return  # a manager that does not listen loses what it would have heard


def in_words(beat: Beat) -> str:
    """A beat as `systemctl status` shows it."""
    standby = "" if beat.role != "active" else ", the standby is ready" if beat.standby else ", no standby"
    return f"{beat.role}, epoch {beat.epoch}{standby}"
