"""Hosts in network namespaces on one bridge, driven from this process: a socket belongs where it was made."""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

PREFIX = "tk-"
CLIENT, NODE_A, NODE_B, VIRTUAL = "10.90.0.10", "10.90.0.2", "10.90.0.3", "10.90.0.1"
PREFIX_LENGTH = 24
INTERFACE = "eth0"

_CLONE_NEWNET = 0x40000000
_SIOCETHTOOL, _ETHTOOL_STXCSUM = 0x8946, 0x17
_libc = ctypes.CDLL(None, use_errno=True)


def ip(*arguments: str) -> str:
    """Run ip(8)."""
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


class Host:
    """A network namespace with one interface."""

    def __init__(self, name: str, address: str | None = None) -> None:
        self.name, self.address = PREFIX + name, address
        self.gone()
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")
        self._namespace = os.open(f"/run/netns/{self.name}", os.O_RDONLY)

    def plug_into(self, switch: "Host") -> None:
        """Connect to the bridge of `switch`."""
        port = "p" + self.name.removeprefix(PREFIX)
        link = ("link", "add", port, "type", "veth", "peer", "name", INTERFACE, "netns", self.name)
        ip("-n", switch.name, *link)
        ip("-n", switch.name, "link", "set", port, "master", "bridge", "up")
        ip("-n", self.name, "address", "add", f"{self.address}/{PREFIX_LENGTH}", "dev", INTERFACE)
        ip("-n", self.name, "link", "set", INTERFACE, "up")

    def enter(self) -> None:
        """Move the calling thread here for good."""
        _setns(self._namespace)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Move the calling thread here for a while."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            self.enter()
            yield
        finally:
            _setns(home)
            os.close(home)

    def sysctl(self, name: str, value: str) -> None:
        """Write a setting of this namespace."""
        with self.inside():
            Path("/proc/sys", *name.split(".")).write_text(value)

    def checksum_offload(self, wanted: bool) -> None:
        """Whether the interface is trusted with checksums and segmentation; without, this host's kernel does both."""
        command = ctypes.create_string_buffer(struct.pack("=II", _ETHTOOL_STXCSUM, wanted))
        request = struct.pack("@16sP", INTERFACE.encode(), ctypes.addressof(command))
        with self.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request.ljust(40, b"\0"))

    def counter(self, name: str) -> int:
        """One of nstat(8)'s counters of this namespace."""
        with self.inside():
            for path in ("/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat"):
                lines = Path(path).read_text().splitlines()
                for names, values in zip(lines[::2], lines[1::2], strict=True):
                    group = names.split(":")[0]
                    pairs = zip(names.split()[1:], values.split()[1:], strict=True)
                    table = {group.removesuffix("Ext") + key: int(value) for key, value in pairs}
                    if name in table:
                        return table[name]
        raise KeyError(name)

    def close(self) -> None:
        """Delete the namespace."""
        os.close(self._namespace)
        self.gone()

    def gone(self) -> None:
        """Delete what an aborted run may have left."""
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """A client and two nodes on one bridge."""

    def __init__(self) -> None:
        tag = f"{os.getpid()}-"
        self.switch = Host(tag + "s")
        ip("-n", self.switch.name, "link", "add", "bridge", "type", "bridge", "forward_delay", "0")
        ip("-n", self.switch.name, "link", "set", "bridge", "up")
        self.client = Host(tag + "c", CLIENT)
        self.a = Host(tag + "a", NODE_A)
        self.b = Host(tag + "b", NODE_B)
        for host in (self.client, self.a, self.b):
            host.plug_into(self.switch)

    def close(self) -> None:
        """Delete the namespaces."""
        for host in (self.client, self.a, self.b, self.switch):
            host.close()
