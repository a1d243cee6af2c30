"""`tandem learn`: a policy that allows what was seen, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.failures import EXIT_NODE, EXIT_USAGE, CliError
from node.cli.inspect import Ports, SignatureFiles, maker_of, progress, tell
from node.cli.options import ConfigOption, SocketOption

if TYPE_CHECKING:
    from inspector.learning import Learner

Facts = list[dict[str, Any]]

Captures = Annotated[list[Path] | None, typer.Argument(metavar="CAPTURE...", help="pcap or pcapng files.")]
Live = Annotated[bool, typer.Option("--live", help="Learn from a running node's traffic instead.")]
Seconds = Annotated[
    float | None,
    typer.Option("--seconds", min=0, metavar="N", help="With --live: from now on, for so long; else all it has seen."),
]
ServiceName = Annotated[
    str | None, typer.Option("--service", metavar="NAME", help="With --live: of this service alone.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; else it is printed.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an output file that is there.")]
PolicyName = Annotated[str, typer.Option("--name", metavar="NAME", help="The policy's name.")]
PolicyNumber = Annotated[
    int, typer.Option("--policy-id", min=1, metavar="N", help="The number that services name it by.")
]


def learn(
    captures: Captures = None,
    live: Live = False,
    seconds: Seconds = None,
    service: ServiceName = None,
    output: Output = None,
    force: Force = False,
    name: PolicyName = "learned",
    policy_id: PolicyNumber = 1,
    signatures: SignatureFiles = None,
    port: Ports = None,
    config: ConfigOption = None,
    socket: SocketOption = None,
) -> None:
    """Write a policy that allows what was seen, and nothing else. From captures, or from a running node (--live)."""
    from inspector.learning import Learner  # noqa: PLC0415 - only this command needs it
    from node.captures.drafting import draft  # noqa: PLC0415

    if live == bool(captures):
        what = "captures and --live exclude each other" if live else "name a capture, or --live"
        raise CliError(f"{what}\n    see `tandem learn --help`", EXIT_USAGE)
    if output is not None and output.exists() and not force:
        raise CliError(f"{output} exists already\n    choose another name, or replace it with --force", EXIT_USAGE)
    learner = Learner()
    if live:
        source = _listen(learner, config, socket, seconds, service)
        sources = [source]
    else:
        _read(learner, captures or [], signatures, frozenset(port or ()))
        sources = [path.name for path in captures or []]
    facts = learner.facts()
    if not any(entry["accesses"] or entry["identities"] for entry in facts):
        remedy = "see what there is with `tandem status`" if live else "see what there is with `tandem inspect CAPTURE`"
        raise CliError(f"nothing to learn from: no ICCP in {', '.join(sources)}\n    {remedy}", EXIT_USAGE)
    _put(draft(facts, sources, name=name, number=policy_id), output, len(facts))


def _read(learner: Learner, captures: list[Path], signatures: list[Path] | None, ports: frozenset[int]) -> None:
    from node.captures.errors import CaptureError  # noqa: PLC0415
    from node.captures.files import Capture  # noqa: PLC0415
    from node.captures.inspection import NS_PER_MS, Inspection  # noqa: PLC0415
    from node.captures.notes import Notes  # noqa: PLC0415
    from node.captures.reassembly import DEFAULT_PORTS  # noqa: PLC0415

    notes = Notes()
    inspection = Inspection(notes, maker_of(None, None, signatures, details=True), ports or DEFAULT_PORTS, progress())
    for path in captures:
        try:
            with Capture(path, notes) as capture:
                for _, time_ns, connection, pdu in inspection.run(capture):
                    if connection.stack is not None:
                        learner.see(pdu, connection.client[0], connection.stack.state.facts, time_ns // NS_PER_MS)
        except CaptureError as error:
            raise CliError(f"{error.what}\n    {error.remedy}", EXIT_USAGE) from None
    tell(notes)


def _listen(
    learner: Learner, config: Path | None, socket: Path | None, seconds: float | None, service: str | None
) -> str:
    """Add what a node has seen, or sees from now on; answers where that was."""
    from node.cli.admin import AdminClient  # noqa: PLC0415
    from node.cli.target import find_socket  # noqa: PLC0415

    client = AdminClient(find_socket(config, socket))
    before: Facts = []
    if seconds is not None:
        before = _facts(client.get("learned").data, client.path, service)
        time.sleep(seconds)
    after = _facts(client.get("learned").data, client.path, service)
    try:
        learner.merge(_since(before, after))
    except ValueError:
        raise CliError(f"{client.path} did not answer as a tandem node does", EXIT_NODE) from None
    return f"the node at {client.path}"


def _facts(data: object, path: Path, service: str | None) -> Facts:
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise CliError(f"{path} did not answer as a tandem node does", EXIT_NODE)
    return [entry for entry in data if service is None or entry.get("service") == service]


def _since(before: Facts, after: Facts) -> Iterator[dict[str, Any]]:
    """What came to be known between two answers of a node; who its peers are it may have known before."""
    known = {(entry.get("service"), entry.get("address")): entry for entry in before}
    for entry in after:
        earlier = known.get((entry.get("service"), entry.get("address")))
        if earlier is None:
            yield entry
        elif entry["pdus"] > earlier["pdus"]:
            counts = {tuple(access[:4]): access[4] for access in earlier["accesses"]}
            accesses = [
                [*access[:4], access[4] - counts.get(tuple(access[:4]), 0), *access[5:]]
                for access in entry["accesses"]
                if access[4] > counts.get(tuple(access[:4]), 0)
            ]
            findings = {
                code: count - earlier["findings"].get(code, 0)
                for code, count in entry["findings"].items()
                if count > earlier["findings"].get(code, 0)
            }
            pdus = entry["pdus"] - earlier["pdus"]
            left_off = entry["left_off"] - earlier["left_off"]
            yield {**entry, "pdus": pdus, "findings": findings, "accesses": accesses, "left_off": left_off}


def _put(text: str, output: Path | None, peers: int) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CliError(f"{output}: {error.strerror}\n    see whether it can be written there", EXIT_USAGE) from None
    from node.cli.views.inspected import counted  # noqa: PLC0415

    rows = sum(line.lstrip().startswith("- {domain:") for line in text.splitlines())
    what = f"{counted(peers, 'peer')} and {counted(rows, 'row')}"
    typer.echo(f"{output}: written, {what}; read it before a node enforces it (policy_file)")
