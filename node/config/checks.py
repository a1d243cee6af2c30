"""The rules between sections.

Each is one function over what of the file is sound by itself, so that a mistake in one section does not hide
those of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from node.config.models import (
    KIB,
    Admin,
    Cluster,
    Events,
    Gateway,
    Limits,
    Link,
    Log,
    Node,
    Service,
    VirtualAddress,
    Witness,
)
from node.documents.explain import Finding
from protocol.limits import FRAME_BYTES_MAX

RECORD_KIB = 64  # of a session's record, whatever its buffers hold: the decoder's state, its names
SOCKET_PATH_LENGTH_MAX = 107  # sun_path less the terminating zero: unix(7)

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Draft:
    """The sound parts of a file. List entries keep their number; `None` and gaps are parts with problems."""

    node: Node | None
    cluster: Cluster | None
    limits: Limits | None
    admin: Admin | None
    log: Log | None
    events: Events | None
    witness: Witness | None
    links: dict[int, Link]
    virtual_addresses: dict[int, VirtualAddress]
    gateways: dict[int, Gateway]
    services: dict[int, Service]
    virtual_addresses_complete: bool


def draft(data: Mapping[str, Any]) -> Draft:
    """What of `data` can be judged."""
    addresses = data.get("virtual_addresses")
    sound = _entries(VirtualAddress, addresses)
    return Draft(
        node=_sound(Node, data.get("node")),
        cluster=_sound(Cluster, data.get("cluster")),
        limits=_sound(Limits, data.get("limits", {})),
        admin=_sound(Admin, data.get("admin")),
        log=_sound(Log, data.get("log", {})),
        events=_sound(Events, data.get("events", {})),
        witness=_sound(Witness, data.get("witness")),
        links=_entries(Link, data.get("links")),
        virtual_addresses=sound,
        gateways=_entries(Gateway, data.get("gateways")),
        services=_entries(Service, data.get("services")),
        virtual_addresses_complete=isinstance(addresses, tuple) and 0 < len(addresses) == len(sound),
    )


def check(parts: Draft) -> list[Finding]:
    """Every rule that is broken."""
    return [finding for rule in RULES for finding in rule(parts)]


def _sound(model: type[Model], data: Any) -> Model | None:
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def _entries(model: type[Model], data: Any) -> dict[int, Model]:
    entries = data if isinstance(data, tuple) else ()
    found = ((nr, _sound(model, entry)) for nr, entry in enumerate(entries))
    return {nr: entry for nr, entry in found if entry is not None}


def _repeated(
    section: str, entries: Mapping[int, Model], key: str, of: Callable[[Model], Hashable] | None = None
) -> Iterator[Finding]:
    """Entries of a list whose `key` an earlier entry has too."""
    first: dict[Hashable, int] = {}
    for nr, entry in entries.items():
        value = of(entry) if of else getattr(entry, key)
        if (earlier := first.setdefault(value, nr)) != nr:
            yield (section, nr, key), f"{value} is {section}[{earlier}]'s {key} already", f"each {key} once"


def links_differ(parts: Draft) -> Iterator[Finding]:
    """The stream's choice among links, and the sockets, must be unambiguous."""
    for key in ("name", "priority", "local", "peer"):
        yield from _repeated("links", parts.links, key)


def virtual_addresses_differ(parts: Draft) -> Iterator[Finding]:
    yield from _repeated("virtual_addresses", parts.virtual_addresses, "address", lambda each: each.host)


def services_differ(parts: Draft) -> Iterator[Finding]:
    for key in ("name", "listen"):
        yield from _repeated("services", parts.services, key)


def links_avoid_virtual_addresses(parts: Draft) -> Iterator[Finding]:
    """A virtual address moves; a link's end must not."""
    hosts = {each.host for each in parts.virtual_addresses.values()}
    for nr, link in parts.links.items():
        for key, end in (("local", link.local), ("peer", link.peer)):
            if end.host in hosts:
                message = f"{end.host} is a virtual address and moves between the nodes"
                yield ("links", nr, key), message, "give the node's own fixed address"


def gateways_are_on_data_networks(parts: Draft) -> Iterator[Finding]:
    """A gateway is watched where virtual addresses are, and is none of them."""
    yield from _repeated("gateways", parts.gateways, "address")
    hosts = {each.host for each in parts.virtual_addresses.values()}
    interfaces = dict.fromkeys(each.interface for each in parts.virtual_addresses.values())
    for nr, gateway in parts.gateways.items():
        if gateway.address in hosts:
            message = f"{gateway.address} is a virtual address: the node would ask for itself"
            yield ("gateways", nr, "address"), message, "give the address of the network's router"
        if parts.virtual_addresses_complete and gateway.interface not in interfaces:
            message = f"{gateway.interface} carries no virtual address"
            yield ("gateways", nr, "interface"), message, f"those that do are {', '.join(interfaces)}"


def services_use_virtual_addresses(parts: Draft) -> Iterator[Finding]:
    """Both of a session's legs must be able to move: each ends at a virtual address."""
    if not parts.virtual_addresses_complete:
        return
    hosts = dict.fromkeys(each.host for each in parts.virtual_addresses.values())
    hint = "virtual addresses are " + ", ".join(str(host) for host in hosts)
    for nr, service in parts.services.items():
        for key, host in (("listen", service.listen.host), ("source", service.source)):
            if host not in hosts:
                yield ("services", nr, key), f"{host} is not one of the virtual addresses", hint


def servers_are_elsewhere(parts: Draft) -> Iterator[Finding]:
    """A service that connects to a virtual address connects to the pair itself."""
    hosts = {each.host for each in parts.virtual_addresses.values()}
    for nr, service in parts.services.items():
        if service.server.host in hosts:
            message = f"{service.server.host} is a virtual address: the pair would connect to itself"
            yield ("services", nr, "server"), message, "give the address of the ICCP server"


def admin_socket_fits(parts: Draft) -> Iterator[Finding]:
    if parts.node is None:
        return
    path = str(parts.node.admin_socket)
    if (length := len(path.encode())) > SOCKET_PATH_LENGTH_MAX:
        message = f"the admin socket's path would be {length} bytes, and {SOCKET_PATH_LENGTH_MAX} are allowed"
        yield ("node", "run_dir"), message, "choose a shorter run_dir"


def admin_listens_at_a_fixed_address(parts: Draft) -> Iterator[Finding]:
    """What a virtual address receives besides the services is dropped, and it moves."""
    hosts = {each.host for each in parts.virtual_addresses.values()}
    if parts.admin is not None and parts.admin.listen.host in hosts:
        message = f"{parts.admin.listen.host} is a virtual address and moves between the nodes"
        yield ("admin", "listen"), message, "give the node's own fixed address, or 127.0.0.1"


def lag_holds_a_buffer(parts: Draft) -> Iterator[Finding]:
    """Else a single busy session would put the standby out of sync."""
    if parts.cluster is None or parts.limits is None:
        return
    need_kib = 2 * parts.limits.buffer_kib
    if parts.cluster.max_lag_kib < need_kib:
        message = f"{parts.cluster.max_lag_kib} is less than both buffers of one session ({need_kib} KiB)"
        yield (
            ("cluster", "max_lag_kib"),
            message,
            f"raise it to {need_kib} or more, or lower limits.buffer_kib",
        )


def written_files_differ(parts: Draft) -> Iterator[Finding]:
    """Each file has one writer."""
    if parts.events is None:
        return
    first = {} if parts.log is None or parts.log.file is None else {parts.log.file: "log.file"}
    for key in ("eve", "fortios"):
        path = getattr(parts.events, key).file
        if path is not None and (earlier := first.setdefault(path, f"events.{key}.file")) != f"events.{key}.file":
            yield ("events", key, "file"), f"{path} is {earlier} already", "write each kind to a file of its own"


def syslog_names_differ(parts: Draft) -> Iterator[Finding]:
    if parts.events is not None:
        for place, message, hint in _repeated("syslog", dict(enumerate(parts.events.syslog)), "name"):
            yield ("events", *place), message, hint


def session_fits_a_frame(parts: Draft) -> Iterator[Finding]:
    """A session is told to the passive whole. Of each leg that is what waits in user space and in the kernel, whose
    send buffer holds twice its size at most, and what is not decided."""
    if parts.limits is None:
        return
    buffer_kib, held_kib = parts.limits.buffer_kib, parts.limits.held_kib
    most_kib = FRAME_BYTES_MAX // KIB - RECORD_KIB
    need_kib = 2 * (3 * buffer_kib + held_kib)
    if need_kib > most_kib:
        message = f"a session whose peers do not read could take {need_kib} KiB, and {most_kib} can be told at once"
        yield ("limits",), message, "lower limits.buffer_kib, limits.held_kib or both: 6 and 2 of them must fit"


def witness_outlasts_heartbeats(parts: Draft) -> Iterator[Finding]:
    """Else the pair would be silent between two answers of a witness in good health."""
    if parts.cluster is None or parts.witness is None:
        return
    need_ms = 2 * parts.cluster.heartbeat.lease_ms
    if parts.witness.lease_ms < need_ms:
        message = f"{parts.witness.lease_ms} is less than twice cluster.heartbeat.lease_ms ({need_ms})"
        yield ("witness", "lease_ms"), message, f"raise it to {need_ms} or more"


RULES: tuple[Callable[[Draft], Iterator[Finding]], ...] = (
    links_differ,
    virtual_addresses_differ,
    services_differ,
    links_avoid_virtual_addresses,
    gateways_are_on_data_networks,
    services_use_virtual_addresses,
    servers_are_elsewhere,
    admin_socket_fits,
    admin_listens_at_a_fixed_address,
    lag_holds_a_buffer,
    session_fits_a_frame,
    written_files_differ,
    syslog_names_differ,
    witness_outlasts_heartbeats,
)
