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
FEEDS = 4
"""How often the watchdog is fed within the time that it waits."""


class Manager:
    """The service manager, if there is one. Whatever it does, nothing here blocks or fails."""

    def __init__(self, path: str = "", watchdog_s: float = 0.0) -> None:
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._feed_every_s = watchdog_s / FEEDS
        self._fed_s = float("-inf")
        self._ready = False
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

    def beaten(self, beat: Beat, beat_s: float) -> None:
        """The worker's latest beat, and when it came."""
        lines = []
        if not self._ready:
            self._ready = True
            lines.append("READY=1")
        if self._feed_every_s and beat_s >= self._fed_s + self._feed_every_s:
            self._fed_s = beat_s
            lines.append("WATCHDOG=1")
        self._say(*lines, status=in_words(beat))

    def dead(self) -> None:
        """The worker died."""
        self._say(status="the worker died: starting another")

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
