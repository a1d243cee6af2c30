"""Who the two ends of a session are, as far as they have said, and what a policy wants them to be."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from inspector.patterns import Patterns

TEXT = "text:"
"""How a transport selector begins that is given as text and not in hex."""
_HEX = re.compile(r"[0-9A-Fa-f*?]+")
_ANY_OCTETS = "(?:..)*"


class Identity(NamedTuple):
    """Who is there. None: not seen (yet), and not compared."""

    address: str | None = None
    """The client's address."""
    client_tsap: str | None = None
    """Hex."""
    server_tsap: str | None = None
    client_ap_title: str | None = None
    """Dotted."""
    client_ae_qualifier: int | str | None = None
    """Text for one that is no number of 31 bits; no policy names such a one."""
    server_ap_title: str | None = None
    server_ae_qualifier: int | str | None = None

    @classmethod
    def of(cls, address: str, facts: Mapping[str, int | str]) -> "Identity":
        """From the client's address (empty if unknown) and what an association remembers (inspector.memory)."""
        return cls(
            address or None,
            _text(facts.get("client.tsap")),
            _text(facts.get("server.tsap")),
            _text(facts.get("client.ap_title")),
            facts.get("client.ae_qualifier"),
            _text(facts.get("server.ap_title")),
            facts.get("server.ae_qualifier"),
        )

    def __str__(self) -> str:
        """The client's side in words."""
        said = [self.address or "a client"]
        if self.client_tsap is not None:
            said.append(f"TSAP {selector(self.client_tsap)}")
        if self.client_ap_title is not None:
            said.append(f"AP-title {self.client_ap_title}")
        if self.client_ae_qualifier is not None:
            said.append(f"AE-qualifier {self.client_ae_qualifier}")
        return said[0] if len(said) == 1 else f"{said[0]} ({', '.join(said[1:])})"


@dataclass(frozen=True, slots=True)
class Side:
    """What one end of a session must be; what is empty may be anything."""

    tsap: tuple[str, ...] = ()
    """Patterns: hex digits, or `text:` and text; `*` any octets, `?` one digit or one character."""
    ap_title: tuple[str, ...] = ()
    """Patterns for dotted object identifiers."""
    ae_qualifier: tuple[int, ...] = ()
    _tsap: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _ap_title: Patterns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tsap", re.compile("|".join(map(selector_expression, self.tsap))))
        object.__setattr__(self, "_ap_title", Patterns(self.ap_title))

    def mismatch(self, tsap: str | None, ap_title: str | None, ae_qualifier: int | str | None) -> str | None:
        """What is not as wanted, in words; None if all that was seen is."""
        if self.tsap and tsap is not None and not self._tsap.fullmatch(tsap.lower()):
            return f"TSAP {selector(tsap)} is not {_either(self.tsap)}"
        if self.ap_title and ap_title is not None and not self._ap_title.match(ap_title):
            return f"AP-title {ap_title} is not {_either(self.ap_title)}"
        if self.ae_qualifier and ae_qualifier is not None and ae_qualifier not in self.ae_qualifier:
            return f"AE-qualifier {ae_qualifier} is not {_either(map(str, self.ae_qualifier))}"
        return None


def selector_expression(pattern: str) -> str:
    """The regular expression, over lower-case hex, of a pattern for transport selectors. Raises ValueError."""
    if pattern.startswith(TEXT):
        return "".join(_text_step(character) for character in pattern.removeprefix(TEXT))
    if not _HEX.fullmatch(pattern) or len(pattern.replace("*", "")) % 2:
        raise ValueError(f"not whole octets in hex: {pattern}")
    return pattern.lower().replace("?", ".").replace("*", _ANY_OCTETS)


def selector(tsap: str) -> str:
    """A transport selector for people: its hex, and its text if it is text."""
    octets = bytes.fromhex(tsap)
    text = octets.decode("ascii", "replace")
    return f'{tsap} ("{text}")' if octets and text.isascii() and text.isprintable() else tsap


def _text_step(character: str) -> str:
    if character == "*":
        return _ANY_OCTETS
    return ".." if character == "?" else character.encode("latin-1").hex()


def _either(wanted: Iterable[str]) -> str:
    return " or ".join(wanted)


def _text(value: int | str | None) -> str | None:
    return value if isinstance(value, str) else None
