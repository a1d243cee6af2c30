"""The types of fields: each takes YAML's plain value and says plainly what it wanted.

Values are never coerced between types: a port in quotes or a number where text belongs is a mistake that the
operator should see, not one that happens to work.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

INTERFACE_NAME_LENGTH_MAX = 15  # IFNAMSIZ less the terminating zero
PORT_MAX = 65_535

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_INTERFACE = re.compile(rf"[^\s/:]{{1,{INTERFACE_NAME_LENGTH_MAX}}}")
_URL = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]{0,200})?")
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_BROADCAST = IPv4Address("255.255.255.255")


class Section(BaseModel):
    """Frozen, nothing coerced, unknown keys refused. Its validator is made when it is needed: not all of them are."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class Endpoint(NamedTuple):
    """An IPv4 address and a port."""

    host: IPv4Address
    port: int

    @property
    def sockaddr(self) -> tuple[str, int]:
        """As the socket calls want it."""
        return (str(self.host), self.port)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def wrong(message: str, hint: str = "", at: str = "") -> PydanticCustomError:
    """An error of ours for the validator to carry: `at` names the field of a model that is to be shown."""
    return PydanticCustomError("tandem", "{message}", {"message": message, "hint": hint, "at": at})


def shown(value: object) -> str:
    """A value as the operator wrote it, cut short, for a message."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f'"{text}"' if isinstance(value, str) else text


def _text(value: object, wanted: str, example: str) -> str:
    if not isinstance(value, str):
        raise wrong(f"must be {wanted}, not {shown(value)}", f"for example {example}")
    return value


def _host(text: str, example: str) -> IPv4Address:
    if ":" in text:
        raise wrong(f"{shown(text)} looks like IPv6: only IPv4 is supported", f"for example {example}")
    try:
        host = IPv4Address(text)
    except ValueError:
        raise wrong(f"{shown(text)} is not an IPv4 address", f"for example {example}") from None
    if host.is_unspecified or host.is_multicast or host == _BROADCAST:
        raise wrong(f"{host} is not the address of one host", f"for example {example}")
    return host


def _endpoint(value: object) -> Endpoint:
    if isinstance(value, Endpoint):
        return value
    example = "10.1.100.1:102"
    text = _text(value, "an address and a port", example)
    host, separator, port = text.rpartition(":")
    if not separator:
        raise wrong(f"{shown(text)} has no port", f"write address:port, for example {example}")
    address = _host(host, example)
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= PORT_MAX):
        raise wrong(f'"{port}" is not a port', f"a port is a number from 1 to {PORT_MAX}")
    return Endpoint(address, int(port))


def _address(value: object) -> IPv4Address:
    if isinstance(value, IPv4Address):
        return value
    example = "172.16.200.4"
    text = _text(value, "an IPv4 address", example)
    if "/" in text:
        raise wrong(f"{shown(text)} has a prefix length: only the address belongs here", f"for example {example}")
    return _host(text, example)


def _interface_address(value: object) -> IPv4Interface:
    if isinstance(value, IPv4Interface):
        return value
    example = "10.1.100.1/24"
    text = _text(value, "an IPv4 address with its prefix length", example)
    host, separator, prefix = text.partition("/")
    address = _host(host, example)
    if not separator:
        raise wrong(f"{shown(text)} has no prefix length", f"write the network's, for example {address}/24")
    if not (prefix.isascii() and prefix.isdigit() and 1 <= int(prefix) <= 32):
        raise wrong(f'"{prefix}" is not a prefix length', "a prefix length is a number from 1 to 32")
    found = IPv4Interface(f"{address}/{prefix}")
    network = found.network
    if network.prefixlen < 31 and address in (network.network_address, network.broadcast_address):
        kind = "network's own" if address == network.network_address else "broadcast"
        raise wrong(f"{address} is the {kind} address of {network}", "choose a host's address in it")
    return found


def _name(value: object) -> str:
    if isinstance(value, (int, float)):
        raise wrong(f"must be a name, not {shown(value)}", f'put it in quotes: "{value}"')
    text = _text(value, "a name", "a")
    if _NAME.fullmatch(text) is None:
        raise wrong(f"{shown(text)} cannot be a name", "1 to 32 of: letters, digits, _ . - (first a letter or digit)")
    return text


def _interface_name(value: object) -> str:
    text = _text(value, "the name of a network interface", "eth0")
    if _INTERFACE.fullmatch(text) is None or text in (".", ".."):
        raise wrong(
            f"{shown(text)} cannot be a network interface",
            f"1 to {INTERFACE_NAME_LENGTH_MAX} characters, no space, no / and no : (see `ip link`)",
        )
    return text


def _path(value: object) -> Path:
    if isinstance(value, Path):
        return value
    text = _text(value, "a path", "/etc/tandem/cluster.key")
    if "\0" in text or not text.startswith("/"):
        raise wrong(
            f"{shown(text)} is not an absolute path",
            "a path begins with /: the node may start in any directory",
        )
    return Path(text)


def _url(value: object) -> str:
    example = "https://node-b.example:7420/"
    text = _text(value, "a URL", example)
    if _URL.fullmatch(text) is None:
        raise wrong(f"{shown(text)} is not a URL", f"for example {example}")
    return text


def _host_name(value: object) -> str:
    text = _text(value, "a host name", "node-a.example")
    if _HOST_NAME.fullmatch(text) is None:
        raise wrong(f"{shown(text)} cannot be a host name", "letters, digits, - and . as in node-a.example, no port")
    return text.lower()


def _field(parse: Callable[[object], Any]) -> BeforeValidator:
    return BeforeValidator(parse)


_AS_TEXT = PlainSerializer(str, return_type=str)

EndpointField = Annotated[Endpoint, _field(_endpoint), _AS_TEXT]
AddressField = Annotated[IPv4Address, _field(_address), _AS_TEXT]
InterfaceAddressField = Annotated[IPv4Interface, _field(_interface_address), _AS_TEXT]
NameField = Annotated[str, _field(_name)]
InterfaceNameField = Annotated[str, _field(_interface_name)]
UrlField = Annotated[str, _field(_url)]
HostNameField = Annotated[str, _field(_host_name)]
PathField = Annotated[Path, _field(_path), _AS_TEXT]


def ranged(low: int, high: int) -> Any:
    """A whole number within limits, both included."""
    return Field(ge=low, le=high)
