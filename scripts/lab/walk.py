"""The walk through FortiOS's document, "Resume IPS scanning of ICCP traffic after HA failover", on this pair.

Step by step as there: the configuration; the cache on the secondary; the session list and the system session on the
primary, and its log; failover; the same on the new primary. COUNTERPARTS says where each of its fields is found.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from node.config import load
from scripts.lab import faults
from scripts.lab.faults import FAILURES
from scripts.lab.lab import Lab
from scripts.lab.nodes import Node
from scripts.lab.programs import Program

CONFIGURATION: Final = "configuration"
CACHE: Final = "diagnose ips share list"
IPS: Final = "diagnose ips session list"
SYS: Final = "diagnose sys session list"
LOG: Final = "execute log display --app ICCP_Transfer.Reporting --count 1"
_REPORTS: Final = "ICCP_Transfer.Reporting"
_ACKNOWLEDGED: Final = re.compile(r'(last:|app=|last_app=|app": ")ICCP_Transfer\.Report\.ACK')
_LOOKS_MAX: Final = 20
_REPORTS_FIRST: Final = 30  # enough for every application of the conversation to have been seen
_REPORTS_AFTER: Final = 10

COUNTERPARTS: Final[dict[str, dict[str, str]]] = {
    CONFIGURATION: {
        "group-name": r"^cluster\.group: ",
        "mode a-p": r"^mode: active-passive",
        "password": r"^cluster\.key_file: ",
        "hbdev": r"^link hb0: priority ",
        "session-pickup": r"^cluster\.session_pickup: true",
        "override": r"^cluster\.override: ",
    },
    CACHE: {
        "client": r" client=\S+:\d+",
        "server": r" server=\S+:102",
        "service": r" service=\w+",
        "ignore_app_after": r" ignore_app_after=\d+",
        "last_app": r" last_app=ICCP_\S+",
        "buffer_len": r" buffer_len=\d+/\d+",
        "stock tags: nr, hash": r"stock tags: nr=\d+, hash=[0-9a-f]+",
        "custom tags: nr, hash": r"custom tags: nr=\d+, hash=[0-9a-f]+",
        "tags [count], tags": r"tags \[count=\d+\]: ",
    },
    IPS: {
        "id": r"^SESSION id:\d+",
        "serial": r" serial:\w+",
        "proto": r" proto:6",
        "group": r" policy:\d+",
        "age, idle": r" age:\d+ idle:\d+",
        "flag": r" resumed:\d+ uninspected:\d+ denied:\d+ guarded:\d",
        "ignore": r" ignore:\d",
        "C-, S-": r"^  C-\S+:\d+, S-\S+:102",
        "state": r"^  state: C-ESTABLISHED/\d+/\d+, S-ESTABLISHED/\d+/\d+",
        "expire": r"^  expire: \d+",
        "app, last": r"^  app: .* last:ICCP_\S+",
        "cnfm": r"^  cnfm: iccp",
        "set": r"^  set: tpkt cotp ",
        "asm": r"^  asm: \d+/\d+",
    },
    SYS: {
        "proto, proto_state": r"^session info: proto=6 proto_state=11 ",
        "duration, expire, timeout": r" duration=\d+ expire=\d+ timeout=\d+",
        "state": r"^state=\w+",
        "statistic, tuples": r"^statistic\(bytes/packets\): org=\d+/\d+ reply=\d+/\d+ tuples=\d",
        "tx speed, rx speed": r"^tx speed\(Bps/kbps\): \d+/\d+ rx speed\(Bps/kbps\): \d+/\d+",
        "hook=post dir=org act=snat": r"^hook=post dir=org act=snat (\S+)->\S+:102\(172\.16\.200\.4:\d+\)",
        "hook=pre dir=reply act=dnat": r"^hook=pre dir=reply act=dnat \S+:102->172\.16\.200\.4:\d+\(\S+\)",
        "policy_id": r"^policy_id=\d+",
        "serial": r" serial=\w+",
        "app": r" app=ICCP_\S+",
        "total session": r"^total session \d+",
    },
    LOG: {
        "logs found, logs returned": r"\A\d+ logs found\.\n\d+ logs returned\.\n",
        "date, time, eventtime, tz": r' date=\S+ time=\S+ .*eventtime=\d+ tz="[+-]\d{4}"',
        "logid, type, subtype, eventtype": r' logid="\d{10}" type="utm" subtype="app-ctrl" eventtype="signature"',
        "level, vd": r' level="information" vd="root"',
        "appid": r" appid=44684",
        "srcip, srcport, dstip, dstport": r" srcip=\S+ srcport=\d+ .*dstip=\S+ dstport=102",
        "srcintf, dstintf, their roles": r' srcintf="\S+" srcintfrole="undefined" .*dstintf="\S+" dstintfrole=',
        "proto, service": r' proto=6 service="tcp/102"',
        "direction": r' direction="\w+"',
        "policyid, sessionid": r" policyid=\d+ sessionid=\d+",
        "applist, action": r' applist="\S+" action="pass"',
        "appcat, app": r' appcat="ICCP" app="ICCP_Transfer\.Reporting"',
        "incidentserialno": r" incidentserialno=\d+",
        "msg": r' msg="ICCP: ICCP_Transfer\.Reporting',
        "apprisk": r' apprisk="\w+"',
    },
}
"""By command: the vendor's field, and the pattern of what stands for it here."""

WITHOUT: Final[dict[str, str]] = {
    "feature, encap, tunnel, children, pause, paws, unknown-size": "states of FortiOS's engine that this one has not",
    "ignore_after": "in the share list, as ignore_app_after",
    "flags, socktype, sockport, av_idx, use, class_id, ha_id, policy_dir, tunnel, vlan_cos": "no such parts here",
    "origin-shaper, reply-shaper, per_ip_shaper, shaping_policy_id": "nothing is shaped",
    "orgin->sink": "org and reply, each with its hooks",
    "allow_err": "TCP is the kernel's: what it drops is in /proc/net/snmp",
    "dev, gwy, pos, src_mac, misc, auth_info, chk_client_info, vd, tos, rpdb_link_id": "a router's",
    "ngfwid, dd_type, dd_mode": "no such parts here",
    "user, auth_server": "nobody logs in to it",
    "app_list, url_cat": "the service's name; there are no web categories",
    "npu_state, npu info, no_ofld_reason": "there is no network processor",
}
"""Fields that have no counterpart, and why."""

_VOLATILE: Final = (
    (r"(10\.1\.100\.10|172\.16\.200\.4):\d+", r"\1:PORT"),
    (r"\b(srcport|transport)=\d+", r"\1=PORT"),
    (r"\b(nr)=\d+, hash=[0-9a-f]+", r"\1=N, hash=H"),
    (r"\b(age|idle|duration|expire|state_bytes|resumed)([=:] ?)\d+", r"\1\2N"),
    (r"\b(ESTABLISHED|org=|reply=|buffer_len=|asm: |kbps\): )(/?)\d+/\d+", r"\1\2N/N"),
    (r"date=\S+ time=\S+", "date=DATE time=TIME"),
    (r"\b(eventtime|incidentserialno)=\d+", r"\1=N"),
    (r'tz="\S+"', 'tz="ZONE"'),
    (r'direction="\w+"', 'direction="WAY"'),
    (r"/run/\S*lab/", "/"),
)


@dataclass(frozen=True)
class Step:
    """One look at a node: the command's output for people, and its data."""

    title: str
    node: str
    command: str
    text: str
    data: Any = None

    @property
    def lacking(self) -> list[str]:
        """The vendor's fields that are not found in the output."""
        patterns = COUNTERPARTS[self.command].items()
        return [field for field, pattern in patterns if not re.search(pattern, self.text, re.MULTILINE)]


def walk(lab: Lab) -> Iterator[Step]:
    """Start the pair and one association, and go through the document."""
    lab.pair.start()
    primary, secondary = lab.pair.wait_ready()
    lab.start_tase2_server()
    client = lab.start_clients(1)
    _let_report(client, _REPORTS_FIRST)
    yield Step("Configuration", primary.name, CONFIGURATION, _configuration(lab, primary))
    yield _look(lab, "The HA session cache on the secondary", secondary, CACHE)
    for title, command in (("IPS session", IPS), ("system session", SYS), ("log", LOG)):
        yield _look(lab, f"The {title} on the primary", primary, command)
    failure = FAILURES["node"]
    faults.strike(failure, lab.topology, primary)
    lab.pair.wait_active(secondary)
    _let_report(client, _REPORTS_AFTER)
    for title, command in (("IPS session", IPS), ("system session", SYS), ("log", LOG)):
        yield _look(lab, f"After failover: the {title} on the new primary", secondary, command)
    failure.mend(lab.topology, primary)
    lab.pair.wait_ready()
    yield _look(lab, "The cache on the new secondary, come back", primary, CACHE)
    seen = client.stop()
    words = f"{seen['survived']} of {seen['associations']} associations unbroken, {seen['missed']} reports missed"
    yield Step("The client", "client", "", words, seen)


def _let_report(client: Program, count: int) -> None:
    """Wait until so many reports more have come."""
    client.wait_for_progress(30.0)
    wanted = client.latest["reports"] + count
    client.wait_until(lambda latest: latest.get("reports", 0) >= wanted)


def _look(lab: Lab, title: str, node: Node, command: str) -> Step:
    words = command.split()
    for _ in range(_LOOKS_MAX):
        text, data = lab.tandem(node, *words).rstrip("\n"), lab.tandem(node, *words, "--json")
        if _REPORTS in text and _REPORTS in data and not _ACKNOWLEDGED.search(text + data):
            break  # and not the moment between an acknowledgement of reports and the next report
    return Step(title, node.name, command, text, json.loads(data))


def _configuration(lab: Lab, node: Node) -> str:
    config = load(lab.layout.config(node.name))
    cluster = config.cluster
    lines = [
        f"cluster.group: {cluster.group}",
        "mode: active-passive, always",
        f"cluster.key_file: {cluster.key_file}",
        *(f"link {link.name}: priority {link.priority}" for link in config.links_by_priority),
        f"cluster.session_pickup: {str(cluster.session_pickup).lower()}",
        f"cluster.override: {str(cluster.override).lower()}",
    ]
    return "\n".join(lines)


def told(steps: list[Step]) -> str:
    """The steps as a transcript, without what differs between two runs."""
    parts = []
    for number, step in enumerate(steps, 1):
        prompt = f"{step.node}$ tandem {step.command}\n" if step.command not in ("", CONFIGURATION) else ""
        parts.append(f"== {number}. {step.title}\n{prompt}{_settled(step.text)}\n")
    parts.append("== FortiOS's fields, and what stands for each here\n" + "\n".join(_fields(steps)) + "\n")
    return "\n".join(parts)


def _settled(text: str) -> str:
    for pattern, replacement in _VOLATILE:
        text = re.sub(pattern, replacement, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def _fields(steps: list[Step]) -> Iterator[str]:
    first = {step.command: step.text for step in reversed(steps)}
    for command, fields in COUNTERPARTS.items():
        yield command
        for field, pattern in fields.items():
            found = re.search(pattern, first[command], re.MULTILINE)
            yield f"  {field:<34} {'-' if found is None else ' '.join(_settled(found[0]).split())}"
    yield "without counterpart"
    for names, reason in WITHOUT.items():
        yield f"  {names}: {reason}"
