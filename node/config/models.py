"""The configuration's models. Attribute names are the YAML's keys; derived values carry their unit last."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from node.documents.fields import (
    AddressField,
    EndpointField,
    HostNameField,
    InterfaceAddressField,
    InterfaceNameField,
    NameField,
    PathField,
    Section,
    UrlField,
    ranged,
    wrong,
)

Facility = Literal[
    "user", "daemon", "auth", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"
]
NS_PER_MS = 1_000_000
KIB = 1024


class Node(Section):
    """This node, as against its partner."""

    name: NameField = Field(examples=["a"])
    priority: Annotated[int, ranged(0, 255)] = 100
    state_dir: PathField = Path("/var/lib/tandem")
    run_dir: PathField = Path("/run/tandem")

    @property
    def admin_socket(self) -> Path:
        """Where the admin API listens."""
        return self.run_dir / f"{self.name}.sock"


class Heartbeat(Section):
    """The pair's clockwork. The lease must end before the other node may take over."""

    interval_ms: Annotated[int, ranged(10, 10_000)] = 50
    lost_threshold: Annotated[int, ranged(3, 100)] = 4
    lease_ms: Annotated[int, ranged(20, 600_000)] = 150

    @property
    def interval_s(self) -> float:
        return self.interval_ms / 1000

    @property
    def lost_ms(self) -> int:
        """A peer unheard for this long is dead."""
        return self.lost_threshold * self.interval_ms

    @property
    def lost_s(self) -> float:
        return self.lost_ms / 1000

    @property
    def gone_s(self) -> float:
        """A passive that has not been heard for so long is gone, and not only stopped for a moment."""
        return 2 * self.lost_s

    @property
    def lease_s(self) -> float:
        return self.lease_ms / 1000

    @property
    def lease_ns(self) -> int:
        return self.lease_ms * NS_PER_MS

    @model_validator(mode="after")
    def _lease_between_renewal_and_takeover(self) -> Heartbeat:
        low, high = 2 * self.interval_ms, self.lost_ms
        if self.lease_ms >= high:
            raise wrong(
                f"lease_ms ({self.lease_ms}) must be less than lost_threshold x interval_ms"
                f" ({self.lost_threshold} x {self.interval_ms} = {high}):"
                " both nodes could speak from a virtual address at once",
                f"lower lease_ms to {(low + high) // 2}, or raise lost_threshold"
                f" to {self.lease_ms // self.interval_ms + 1}",
                at="lease_ms",
            )
        if self.lease_ms <= low:
            raise wrong(
                f"lease_ms ({self.lease_ms}) must be more than 2 x interval_ms"
                f" (2 x {self.interval_ms} = {low}): one late renewal would silence the node",
                f"raise lease_ms to {(low + high) // 2}, or lower interval_ms",
                at="lease_ms",
            )
        return self


class StandbyLoss(Section):
    """What the active node does when its standby lags or is gone."""

    policy: Literal["degrade", "hold"] = "degrade"
    after_ms: Annotated[int, ranged(10, 600_000)] = 1000

    @property
    def after_s(self) -> float:
        return self.after_ms / 1000


class Cluster(Section):
    """What both nodes must agree on, save override."""

    group: NameField = Field(examples=["grid-east"])
    key_file: PathField = Field(examples=["/etc/tandem/cluster.key"])
    session_pickup: bool = True
    override: bool = False
    takeover: Literal["hitless", "reconnect", "auto"] = "auto"
    heartbeat: Heartbeat = Heartbeat()
    hold_down_ms: Annotated[int, ranged(0, 3_600_000)] = 10_000
    standby_loss: StandbyLoss = StandbyLoss()
    max_lag_kib: Annotated[int, ranged(64, 4_194_304)] = 65_536

    @property
    def hold_down_s(self) -> float:
        return self.hold_down_ms / 1000

    @property
    def max_lag_bytes(self) -> int:
        return self.max_lag_kib * KIB


class Link(Section):
    """One path between the nodes: heartbeats by UDP, the replication stream by TCP on the same ports."""

    name: NameField = Field(examples=["hb0"])
    priority: Annotated[int, ranged(0, 255)] = 100
    local: EndpointField = Field(examples=["10.78.0.1:7410"])
    peer: EndpointField = Field(examples=["10.78.0.2:7410"])

    @model_validator(mode="after")
    def _two_ends(self) -> Link:
        if self.local == self.peer:
            raise wrong(
                f"local and peer are both {self.local}",
                "local is this node's end, peer the other node's",
                at="peer",
            )
        return self


class VirtualAddress(Section):
    """An address that the active node holds."""

    address: InterfaceAddressField = Field(examples=["10.1.100.1/24"])
    interface: InterfaceNameField = Field(examples=["eth-client"])

    @property
    def host(self) -> IPv4Address:
        return self.address.ip

    @property
    def prefix_length(self) -> int:
        return self.address.network.prefixlen


class Gateway(Section):
    """A router of a data network that is asked by ARP whether it is there."""

    interface: InterfaceNameField = Field(examples=["eth-client"])
    address: AddressField = Field(examples=["10.1.100.254"])
    interval_ms: Annotated[int, ranged(100, 60_000)] = 1000
    lost_threshold: Annotated[int, ranged(2, 100)] = 3

    @property
    def interval_s(self) -> float:
        return self.interval_ms / 1000


class Service(Section):
    """What clients connect to, and the server that stands behind it."""

    name: NameField = Field(examples=["iccp"])
    listen: EndpointField = Field(examples=["10.1.100.1:102"])
    server: EndpointField = Field(examples=["172.16.200.177:102"])
    source: AddressField = Field(examples=["172.16.200.4"])
    policy: Annotated[int, ranged(1, 2_147_483_647)] = 1
    on_undecodable: Literal["reset", "pass"] = "reset"
    connect_timeout_ms: Annotated[int, ranged(100, 120_000)] = 5000
    idle_timeout_s: Annotated[int, ranged(10, 2_592_000)] = 7200

    @model_validator(mode="after")
    def _does_not_serve_itself(self) -> Service:
        if self.server == self.listen:
            raise wrong(
                f"listen and server are both {self.listen}",
                "server is the real one behind the pair",
                at="server",
            )
        return self


class Limits(Section):
    """Bounds: sessions, user-space buffer a leg, and bytes held of one undecided PDU."""

    sessions: Annotated[int, ranged(1, 65_536)] = 4096
    buffer_kib: Annotated[int, ranged(16, 65_536)] = 256
    held_kib: Annotated[int, ranged(8, 65_536)] = 256

    @property
    def buffer_bytes(self) -> int:
        return self.buffer_kib * KIB

    @property
    def held_bytes(self) -> int:
        return self.held_kib * KIB


class Tls(Section):
    """The certificate that the page is served under, and its private key; both PEM."""

    certificate: PathField = Field(examples=["/etc/tandem/page.crt"])
    key: PathField = Field(examples=["/etc/tandem/page.key"])


class Admin(Section):
    """The page and the admin API over TCP. The Unix socket is always there."""

    listen: EndpointField = Field(examples=["127.0.0.1:7420"])
    token_file: PathField = Field(examples=["/etc/tandem/page.token"])
    tls: Tls | None = None
    names: tuple[HostNameField, ...] = Field(default=(), max_length=16)
    peer_url: UrlField | None = None

    @model_validator(mode="after")
    def _in_clear_on_loopback_only(self) -> Admin:
        if self.tls is None and not self.listen.host.is_loopback:
            raise wrong(
                f"{self.listen} is for other hosts too: without tls the token would cross the network in clear",
                "add tls: {certificate: FILE, key: FILE}, or listen on 127.0.0.1 and come by an SSH tunnel",
                at="listen",
            )
        return self


class Notify(Section):
    """Who is told what the node has become, in keepalived's format."""

    script: PathField | None = None
    fifo: PathField | None = None
    timeout_ms: Annotated[int, ranged(100, 600_000)] = 10_000

    @property
    def timeout_s(self) -> float:
        return self.timeout_ms / 1000


class Witness(Section):
    """An etcd cluster without whose word neither node may be active. Both nodes need the same, or none."""

    endpoints: tuple[UrlField, ...] = Field(min_length=1, max_length=9, examples=[["http://10.79.0.5:2379"]])
    lease_ms: Annotated[int, ranged(100, 60_000)] = 1000
    ca_file: PathField | None = None
    cert_file: PathField | None = None
    key_file: PathField | None = None
    user: NameField | None = None
    password_file: PathField | None = None

    @property
    def lease_s(self) -> float:
        return self.lease_ms / 1000

    @property
    def ask_s(self) -> float:
        """How long one question may take: so that a second one fits into the lease."""
        return self.lease_s / 2

    @property
    def try_s(self) -> float:
        """How long one endpoint may take to answer."""
        return self.lease_s / 4

    @model_validator(mode="after")
    def _what_belongs_together(self) -> Witness:
        for one, other in (("cert_file", "key_file"), ("user", "password_file")):
            for given, lacking in ((one, other), (other, one)):
                if getattr(self, given) is not None and getattr(self, lacking) is None:
                    raise wrong(f"{given} without {lacking}", f"add {lacking}, or leave {given} away", at=given)
        return self

    @model_validator(mode="after")
    def _nothing_secret_in_clear(self) -> Witness:
        clear = next((url for url in self.endpoints if not url.startswith("https:")), None)
        if clear is not None and self.user is not None:
            raise wrong(
                f"the password of {self.user} would go to {clear} in clear",
                "give etcd a certificate and write https://, or let it know the node by cert_file",
                at="user",
            )
        return self


class Log(Section):
    """Where the log goes; no file means standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"
    file: PathField | None = None


class EventFile(Section):
    """A file of events that the node rotates itself; without a name it is not written."""

    file: PathField | None = None
    rotate_mib: Annotated[int, ranged(1, 4096)] = 64
    keep: Annotated[int, ranged(1, 100)] = 4

    @property
    def rotate_bytes(self) -> int:
        return self.rotate_mib * KIB * KIB


class Syslog(Section):
    """A syslog server that is told of events."""

    name: NameField = Field(examples=["siem"])
    server: EndpointField = Field(examples=["10.20.0.9:6514"])
    transport: Literal["udp", "tcp", "tls"] = "tcp"
    format: Literal["cef", "fortios", "eve"] = "cef"
    severity: Literal["info", "low", "medium", "high"] = "info"
    facility: Facility = "local4"
    ca_file: PathField | None = None
    cert_file: PathField | None = None
    key_file: PathField | None = None
    server_name: HostNameField | None = None

    @property
    def expected_name(self) -> str:
        """The name that the server's certificate must bear."""
        return self.server_name or str(self.server.host)

    @model_validator(mode="after")
    def _certificates_belong_to_tls(self) -> Syslog:
        if self.transport != "tls":
            for key in ("ca_file", "cert_file", "key_file", "server_name"):
                if getattr(self, key) is not None:
                    raise wrong(f"{key} is given, but the transport is {self.transport}", "transport: tls", at=key)
        if (self.cert_file is None) != (self.key_file is None):
            missing, given = ("key_file", "cert_file") if self.key_file is None else ("cert_file", "key_file")
            raise wrong(f"{given} is given without {missing}", "give both, or neither", at=given)
        return self


class Events(Section):
    """Where events go besides the node's own store."""

    keep: Annotated[int, ranged(100, 50_000)] = 5000
    stats_interval_s: Annotated[int, ranged(0, 86_400)] = 60
    eve: EventFile = EventFile()
    fortios: EventFile = EventFile()
    syslog: tuple[Syslog, ...] = Field(default=(), max_length=8)


class Config(Section):
    """One node's whole configuration."""

    node: Node
    cluster: Cluster
    links: tuple[Link, ...] = Field(min_length=1, max_length=16)
    virtual_addresses: tuple[VirtualAddress, ...] = Field(min_length=1, max_length=64)
    gateways: tuple[Gateway, ...] = Field(default=(), max_length=64)
    services: tuple[Service, ...] = Field(min_length=1, max_length=64)
    policy_file: PathField | None = None
    signature_files: tuple[PathField, ...] = Field(default=(), max_length=16)
    limits: Limits = Limits()
    admin: Admin | None = None
    notify: Notify = Notify()
    witness: Witness | None = None
    log: Log = Log()
    events: Events = Events()

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The interfaces that carry virtual addresses, each once, in the order of the file."""
        return tuple(dict.fromkeys(each.interface for each in self.virtual_addresses))

    @property
    def virtual_hosts(self) -> frozenset[IPv4Address]:
        """The virtual addresses without their prefixes."""
        return frozenset(each.host for each in self.virtual_addresses)

    @property
    def links_by_priority(self) -> tuple[Link, ...]:
        """The links, first the one that should carry the replication stream."""
        return tuple(sorted(self.links, key=lambda link: (-link.priority, link.name)))
