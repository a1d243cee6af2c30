"""`tandem learn`: a policy that allows what was seen, and nothing else."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.failures import EXIT_NODE, EXIT_USAGE, CliError
from node.cli.inspect import Ports, SignatureFiles, maker_of, reading, tell
from node.cli.options import ConfigOption, SocketOption, examples, single
from node.cli.progress import EVERY_S, Progress, ProgressOption

if TYPE_CHECKING:
    from inspector.learning import Learner

Captures = Annotated[list[Path] | None, typer.Argument(metavar="CAPTURE...", help="pcap or pcapng files.")]
Live = Annotated[bool, typer.Option("--live", help="Learn from a running node's traffic instead.")]
Seconds = Annotated[
    int | None,
    typer.Option(
        "--seconds",
        min=1,
        max=7 * 86_400,
        metavar="N",
        help="With --live: learn from now on, for so long, Ctrl-C ends it sooner; else what it has learned already.",
    ),
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

program = single()


@program.command(
    epilog=examples("tandem learn good.pcap -o policy.yaml", "tandem learn --live --seconds 3600 -o policy.yaml")
)
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
    progress: ProgressOption = None,
) -> None:
    """Write a policy that allows what was seen, and nothing else. From captures, or from a running node (--live)."""
    from inspector.learning import Learner  # noqa: PLC0415 - only this command needs it
    from node.captures.drafting import draft  # noqa: PLC0415

    if live == bool(captures):
        what = "captures and --live exclude each other" if live else "name a capture, or --live"
        raise CliError(f"{what}\n    see `tandem learn --help`", EXIT_USAGE)
    if output is not None and output.exists() and not force:
        raise CliError(f"{output} exists already\n    choose another name, or replace it with --force", EXIT_USAGE)
    learner, told = Learner(), Progress(progress)
    if live:
        source = _listen(learner, config, socket, seconds, service, told)
        sources = [source]
    else:
        with told.cleared():
            _read(learner, captures or [], signatures, frozenset(port or ()), told)
        sources = [path.name for path in captures or []]
    facts = learner.facts()
    if not any(entry["accesses"] or entry["identities"] for entry in facts):
        remedy = "let it learn for a while: --seconds N" if live else "see what there is with `tandem inspect CAPTURE`"
        raise CliError(f"nothing to learn from: no ICCP in {', '.join(sources)}\n    {remedy}", EXIT_USAGE)
    _put(draft(facts, sources, name=name, number=policy_id), output, len(facts))


def _read(
    learner: Learner, captures: list[Path], signatures: list[Path] | None, ports: frozenset[int], told: Progress
) -> None:
    from node.captures.errors import CaptureError  # noqa: PLC0415
    from node.captures.files import Capture  # noqa: PLC0415
    from node.captures.inspection import NS_PER_MS, Inspection  # noqa: PLC0415
    from node.captures.notes import Notes  # noqa: PLC0415
    from node.captures.reassembly import DEFAULT_PORTS  # noqa: PLC0415

    notes = Notes()
    maker = maker_of(None, None, signatures, details=True)
    inspection = Inspection(notes, maker, ports or DEFAULT_PORTS, reading(told))
    for path in captures:
        try:
            with Capture(path, notes) as capture:
                for _, time_ns, connection, pdu in inspection.run(capture):
                    if connection.stack is not None:
                        state = connection.stack.state
                        learner.see(pdu, connection.client[0], state.facts, time_ns // NS_PER_MS, state.known)
        except CaptureError as error:
            raise CliError(f"{error.what}\n    {error.remedy}", EXIT_USAGE) from None
    tell(notes)


def _listen(
    learner: Learner,
    config: Path | None,
    socket: Path | None,
    seconds: int | None,
    service: str | None,
    told: Progress,
) -> str:
    """Add what a node has seen, or sees from now on; answers where that was."""
    from node.cli.admin import AdminClient  # noqa: PLC0415
    from node.cli.target import find_socket  # noqa: PLC0415

    client = AdminClient(find_socket(config, socket))
    if seconds is not None:
        client.post(f"learned?seconds={seconds}")
        typer.echo(f"tandem: learning for {seconds} s; Ctrl-C ends it sooner", err=True)
        with suppress(KeyboardInterrupt), told.cleared():
            _wait(seconds, told)
    services = client.get("learned").data
    try:
        for name, facts in services["services"].items():
            if service in (None, name):
                learner.merge(facts)
    except (ValueError, LookupError, TypeError, AttributeError):
        raise CliError(f"{client.path} did not answer as a tandem node does", EXIT_NODE) from None
    return f"the node at {client.path}"


def _wait(seconds: int, told: Progress) -> None:
    started_s = time.monotonic()
    while (passed_s := time.monotonic() - started_s) < seconds:
        told.tell("learning", passed_s, seconds)
        time.sleep(min(EVERY_S, seconds - passed_s))


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
