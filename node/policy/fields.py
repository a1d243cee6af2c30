"""Field types of policy files: who a peer is."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from inspector.policy.identity import TEXT, selector_expression
from node.documents.fields import shown, wrong

SELECTOR_OCTETS_MAX = 32
STARS_MAX = 3
"""In one pattern: each multiplies the time to match what a stranger sends."""
_TITLE = re.compile(r"[0-9*?]+(\.[0-9*?]+)*")


def _network(value: object) -> IPv4Network:
    if isinstance(value, IPv4Network):
        return value
    example = "10.1.100.0/24"
    if not isinstance(value, str):
        raise wrong(f"must be an address or a network, not {shown(value)}", f"for example {example}")
    if ":" in value:
        raise wrong(f"{shown(value)} looks like IPv6: only IPv4 is supported", f"for example {example}")
    try:
        return IPv4Network(value)
    except (AddressValueError, NetmaskValueError):
        raise wrong(f"{shown(value)} is not an address or a network", f"for example {example} or 10.1.100.7") from None
    except ValueError:
        network = IPv4Network(value, strict=False)
        raise wrong(
            f"{shown(value)} is a host with its network's prefix length", f"write {network} or the host alone"
        ) from None


def _selector(value: object) -> str:
    """A pattern for transport selectors."""
    example = '"0001" for the octets 00 01, "text:EAST" for text'
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise wrong(
            f"must be a transport selector, not {shown(value)}", f"put it in quotes, all digits of it: {example}"
        )
    if not isinstance(value, str):
        raise wrong(f"must be a transport selector, not {shown(value)}", f"for example {example}")
    text = value.removeprefix(TEXT)
    if not text or len(text) > 2 * SELECTOR_OCTETS_MAX:
        raise wrong(
            f"{shown(value)} is no transport selector", f"1 to {SELECTOR_OCTETS_MAX} octets, for example {example}"
        )
    if text.count("*") > STARS_MAX:
        raise wrong(f"{shown(value)} has more than {STARS_MAX} *", "one is enough for all octets that follow")
    try:
        selector_expression(value)
    except ValueError:
        hint = f'for text write "{TEXT}{value}"' if not value.startswith(TEXT) else f"for example {example}"
        raise wrong(f"{shown(value)} is not whole octets in hex", hint) from None
    return value


def _title(value: object) -> str:
    example = "1.1.999.1"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise wrong(f"must be an AP-title, not {shown(value)}", f'put it in quotes: "{value}"')
    if not isinstance(value, str) or _TITLE.fullmatch(value) is None:
        raise wrong(f"{shown(value)} is not an AP-title", f"numbers with dots, for example {example} or 1.1.999.*")
    return value


NetworkField = Annotated[IPv4Network, BeforeValidator(_network), PlainSerializer(str, return_type=str)]
SelectorField = Annotated[str, BeforeValidator(_selector)]
ApTitleField = Annotated[str, BeforeValidator(_title)]
