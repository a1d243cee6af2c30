"""Whether a gateway of a data network is there: asked by ARP (RFC 826), so that nothing need be set up on it."""

import errno
import ipaddress
import socket

from node.kernel import interfaces as nic
from node.kernel.arp import ETH_P_ARP, replier, request
from node.kernel.errors import KernelError

_FRAME_OCTETS = 128
_FRAMES_MAX = 256
_GONE = (errno.ENETDOWN, errno.ENXIO, errno.ENODEV, errno.ENOBUFS)


class GatewayProbe:
    """Asks for one address on one interface. `fileno()` is for an event loop's add_reader()."""

    def __init__(self, address: str, interface: str) -> None:
        """Open the socket. Raises KernelError."""
        self._wanted = ipaddress.IPv4Address(address).packed
        self._interface = interface
        try:
            self._packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
            self._packet.bind((interface, ETH_P_ARP))
        except OSError as error:
            raise KernelError(
                f"cannot ask for the gateway {address} on {interface}: {error}", "the node needs CAP_NET_RAW, or root"
            ) from error
        self._packet.setblocking(False)

    def fileno(self) -> int:
        """Readable when there may be an answer."""
        return self._packet.fileno()

    def ask(self, own: str) -> None:
        """Send a question in the name of the host's `own` address; an interface that is down swallows it."""
        try:
            mac = nic.hardware_address(self._interface)
            self._packet.send(request(mac, ipaddress.IPv4Address(own).packed, self._wanted))
        except KernelError:
            return  # the interface is gone
        except OSError as error:
            if error.errno not in _GONE:
                raise

    def answered(self) -> bool:
        """Whether what came since is an answer."""
        found = False
        for _ in range(_FRAMES_MAX):
            try:
                frame = self._packet.recv(_FRAME_OCTETS)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                break
            found = found or replier(frame) == self._wanted
        return found

    def close(self) -> None:
        """Ask no more."""
        self._packet.close()
