"""Whether the links that matter have a carrier, told when it changes."""

import errno
import socket
from collections.abc import Iterable

from node.kernel import interfaces as nic
from node.kernel.errors import KernelError

_RTMGRP_LINK = 1
_RECEIVE_OCTETS = 65536


class LinkWatcher:
    """Tells when one of a few links goes up or down. `fileno()` is for an event loop's add_reader()."""

    def __init__(self, interfaces: Iterable[str]) -> None:
        """Start watching. Raises KernelError."""
        try:
            self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            self._netlink.bind((0, _RTMGRP_LINK))
        except OSError as error:
            raise KernelError(f"cannot watch links: {error}", "the node needs netlink sockets") from error
        self._netlink.setblocking(False)
        self.up = {name: nic.is_up(name) for name in interfaces}

    def fileno(self) -> int:
        """Readable when some link has changed."""
        return self._netlink.fileno()

    def changes(self) -> dict[str, bool]:
        """The watched links that have gone up (True) or down since last asked.

        The kernel's messages serve as a bell only: each link is then looked at, so that a lost message loses
        nothing.
        """
        self._drain()
        now = {name: nic.is_up(name) for name in self.up}
        changed = {name: up for name, up in now.items() if up != self.up[name]}
        self.up = now
        return changed

    def close(self) -> None:
        """Stop watching."""
        self._netlink.close()

    def _drain(self) -> None:
        while True:
            try:
                self._netlink.recv(_RECEIVE_OCTETS)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
