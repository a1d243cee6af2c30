"""The configuration reference, docs/configuration.md, from the models and the words of the example configs/node-a.yaml.

    python -m scripts.reference            write it
    python -m scripts.reference --check    exit code 1 if it is not current

Types, ranges and defaults come from node/config/models.py, so that they cannot be wrong; what a key means comes from
the example's comment beside it.
"""

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from node.config.models import Config

ROOT: Final = Path(__file__).resolve().parents[1]
REFERENCE: Final = ROOT / "docs" / "configuration.md"
EXAMPLE: Final = ROOT / "configs" / "node-a.yaml"
_HEAD: Final = """\
# Configuration reference
Made by `python -m scripts.reference` from the models that check the file; do not edit. `configs/node-a.yaml` and
`configs/node-b.yaml` are whole examples, `tandem check FILE` says every mistake at its place.

Unknown keys are refused, values are never converted, paths are absolute, addresses are IPv4.
"""
_KEY: Final = re.compile(r"^(?P<indent>\s*(?:- )?)(?P<key>\w+):(?P<value>[^#]*?)(?:\s+# (?P<words>.*))?$")
_MORE: Final = re.compile(r"^\s{20,}# (?P<words>.*)$")
_COMMENTED: Final = re.compile(r"^# ( *(?:- )?\w+:.*| {10,}#.*)$")
_KINDS: Final = {
    "_endpoint": "address:port",
    "_address": "address",
    "_interface_address": "address/prefix",
    "_name": "name",
    "_interface_name": "interface",
    "_path": "path",
    "_url": "URL",
    "_host_name": "host name",
}
_BESIDES: Final = {
    "links.name": "in status, events and metrics",
    "links.priority": "the live link of the highest carries the replication stream",
    "links.local": "this node's end, UDP and TCP",
    "links.peer": "the other node's end",
    "virtual_addresses.address": "with its network's prefix length",
    "virtual_addresses.interface": "the interface on that network",
    "gateways.interface": "where it is asked",
    "gateways.address": "the router's",
    "gateways.interval_ms": "between two questions",
    "gateways.lost_threshold": "so many unanswered in a row and it is lost",
    "services.name": "lists, events and metrics show it",
    "events.fortios.file": "as eve.file, lines in the look of FortiOS",
    "events.fortios.rotate_mib": "as eve.rotate_mib",
    "events.fortios.keep": "as eve.keep",
    "events.syslog.name": "events of loss and metrics name it",
    "events.syslog.server": "the server's address and port",
    "admin.tls.certificate": "PEM, with the chain",
    "admin.tls.key": "PEM, without a password",
}
"""Keys that the example writes several to a line, where no comment fits."""
_PLAIN: Final[dict[Any, str]] = {bool: "true, false", int: "number", str: "text"}


def words() -> dict[str, str]:
    """What the example says of each key, by its path (`cluster.heartbeat.lease_ms`)."""
    found = dict(_BESIDES)
    path: list[tuple[int, str]] = []
    for raw in EXAMPLE.read_text().splitlines():
        commented = _COMMENTED.match(raw)
        line = commented[1] if commented else raw
        if (more := _MORE.match(line)) and path:
            name = ".".join(key for _, key in path)
            found[name] = f"{found.get(name, '')} {more['words']}".strip()
        elif match := _KEY.match(line):
            indent = len(match["indent"])
            above = [(depth, key) for depth, key in path if depth < indent]
            if not above and match["key"] not in Config.model_fields:
                above = path[:1]  # a part of the section before, shown apart from it
            path = [*above, (indent, match["key"])]
            if match["words"]:
                found[".".join(key for _, key in path)] = match["words"]
    return found


def text() -> str:
    """The whole reference."""
    said = words()
    parts = [_HEAD, *_section("", "The file", Config, said)]
    return "\n".join(parts).rstrip("\n") + "\n"


def _section(path: str, title: str, model: type[BaseModel], said: dict[str, str]) -> Iterator[str]:
    yield f"## {title}\n{(model.__doc__ or '').strip()}\n"
    yield "| key | value | default | meaning |\n|---|---|---|---|"
    inner: list[tuple[str, type[BaseModel], bool]] = []
    for key, field in model.model_fields.items():
        name = f"{path}.{key}".lstrip(".")
        below, many = _model_of(field.annotation)
        if below is not None:
            inner.append((name, below, many))
        what = f"[section{'s, a list' if many else ''}](#{_anchor(name)})" if below else _value(field)
        yield f"| `{key}` | {what} | {_default(field, below)} | {_cell(said.get(name, ''))} |"
    yield ""
    for name, below, many in inner:
        yield from _section(name, f"{name}{'[]' if many else ''}", below, said)


def _anchor(name: str) -> str:
    return re.sub(r"[^\w-]", "", name.lower())


def _model_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The section that a field holds, if it does, and whether it holds many."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    many = get_origin(annotation) is tuple
    for each in get_args(annotation):
        found, _ = _model_of(each)
        if found is not None:
            return found, many
    return None, False


def _value(field: FieldInfo) -> str:
    return _cell(_type(field.annotation, field.metadata))


def _type(annotation: Any, metadata: Any = ()) -> str:
    kinds = (_KINDS.get(getattr(getattr(each, "func", None), "__name__", "")) for each in metadata)
    return next(filter(None, kinds), None) or _composed(annotation) or _scalar(annotation, metadata)


def _composed(annotation: Any) -> str:
    """A type that is made of others; empty for one that is not."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(map(str, arguments))
    if origin in (Union, types.UnionType):
        return " or ".join("null" if each is type(None) else _type(each) for each in arguments)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    return _type(arguments[0], annotation.__metadata__) if hasattr(annotation, "__metadata__") else ""


def _scalar(annotation: Any, metadata: Any) -> str:
    limits = {name: getattr(each, name) for each in metadata for name in ("ge", "le") if hasattr(each, name)}
    if annotation is int and len(limits) == 2:
        return f"{limits['ge']} to {limits['le']}"
    return _PLAIN.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo, below: type[BaseModel] | None) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if below is not None and value not in (None, ()):
        return ""
    shown = {None: "null", True: "true", False: "false", (): "[]"}
    return f"`{shown.get(value, value) if isinstance(value, (bool, tuple, type(None))) else value}`"


def _cell(value: str) -> str:
    return value.replace("|", "\\|")


def main() -> int:
    made = text()
    if "--check" in sys.argv[1:]:
        current = REFERENCE.exists() and REFERENCE.read_text() == made
        if not current:
            print(f"{REFERENCE} is not current: python -m scripts.reference", file=sys.stderr)
        return int(not current)
    REFERENCE.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
