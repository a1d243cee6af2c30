"""`tandem inspect`: what the inspector sees in a capture."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.failures import EXIT_NODE, EXIT_USAGE, CliError
from node.cli.options import examples, single
from node.cli.progress import Progress, ProgressOption

if TYPE_CHECKING:
    from node.captures.files import Capture
    from node.captures.inspection import Inspection
    from node.captures.notes import Notes
    from node.captures.policing import Maker
    from node.cli.views.inspected import JsonLines, TextLines

LINES_AT_ONCE = 256
EXIT_FINDINGS = EXIT_NODE
"""With --fail-on: there are findings that severe."""


class Severity(StrEnum):
    """Of findings, rising."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


SEVERITIES = tuple(Severity)

CaptureFile = Annotated[Path, typer.Argument(metavar="CAPTURE", help="A pcap or pcapng file.")]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="Judge by the policies of this file.")
]
PolicyId = Annotated[
    int | None, typer.Option("--policy-id", metavar="N", help="Which of them; if there is but one, it.")
]
SignatureFiles = Annotated[
    list[Path] | None,
    typer.Option("--signatures", metavar="FILE", help="Signatures beside the stock ones; repeatable."),
]
Ports = Annotated[
    list[int] | None, typer.Option("--port", min=1, max=65535, help="The servers' port, in place of 102; repeatable.")
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="One JSON object a line and PDU, last the summary; the client is who opened the connection."
    ),
]
Details = Annotated[
    bool,
    typer.Option(
        "--details", help="With --json: all that each PDU says, values included; takes several times as long."
    ),
]
FailOn = Annotated[
    Severity | None,
    typer.Option("--fail-on", help="Exit code 1 if there is a finding of this severity or above."),
]

program = single()


@program.command(
    epilog=examples("tandem inspect capture.pcap", "tandem inspect capture.pcap --policy policy.yaml --fail-on high")
)
def inspect(
    capture: CaptureFile,
    policy: PolicyFile = None,
    policy_id: PolicyId = None,
    signatures: SignatureFiles = None,
    port: Ports = None,
    as_json: AsJson = False,
    details: Details = False,
    fail_on: FailOn = None,
    progress: ProgressOption = None,
) -> None:
    """Inspect a capture. One line a PDU with what it says, its verdict and findings; a summary at the end."""
    from node.captures.inspection import Inspection  # noqa: PLC0415 - only these commands need it
    from node.captures.notes import Notes  # noqa: PLC0415
    from node.captures.reassembly import DEFAULT_PORTS  # noqa: PLC0415
    from node.cli.views.inspected import JsonLines, TextLines  # noqa: PLC0415

    notes = Notes()
    if policy is None and policy_id is not None:
        raise CliError("--policy-id says which policy of a file\n    name the file with --policy FILE", EXIT_USAGE)
    maker = maker_of(policy, policy_id, signatures, details=as_json and details)
    told = Progress(progress)
    inspection = Inspection(notes, maker, frozenset(port) if port else DEFAULT_PORTS, reading(told))
    with told.cleared():
        severities = show(capture, inspection, notes, JsonLines() if as_json else TextLines())
    if fail_on is not None and severities & set(SEVERITIES[SEVERITIES.index(fail_on) :]):
        raise typer.Exit(EXIT_FINDINGS)


def maker_of(policy: Path | None, number: int | None, signatures: list[Path] | None, *, details: bool) -> Maker:
    """What makes the inspectors; mistakes in the files are said as `tandem check` says them."""
    from node.captures.policing import policed  # noqa: PLC0415

    if policy is None and not signatures:
        return policed(details=details)
    from node.documents import ConfigErrors  # noqa: PLC0415 - who names no file can do without

    try:
        return policed(policy, number, signatures or (), details=details)
    except ConfigErrors as errors:
        count = len(errors.problems)
        what = "1 problem" if count == 1 else f"{count} problems"
        raise CliError(f"{what} in what the capture is to be judged by\n{errors}", EXIT_USAGE) from None
    except LookupError as error:
        raise CliError(f"{error.args[0]}\n    with --policy-id N", EXIT_USAGE) from None


def show(path: Path, inspection: Inspection, notes: Notes, view: JsonLines | TextLines) -> set[str]:
    """Print every PDU of a capture and the summary; answers the severities of its findings."""
    from node.captures.errors import CaptureError  # noqa: PLC0415
    from node.captures.files import Capture  # noqa: PLC0415
    from node.captures.summary import Summary  # noqa: PLC0415

    summary = Summary()

    def lines() -> Iterable[str]:
        with Capture(path, notes) as capture:
            for sighting in inspection.run(capture):
                summary.add(sighting.pdu)
                yield from view.lines(sighting)
        yield from view.end(summary, inspection, notes)

    try:
        write(lines())
    except CaptureError as error:
        raise CliError(f"{error.what}\n    {error.remedy}", EXIT_USAGE) from None
    except BrokenPipeError:
        # whoever read has seen enough; what is left in the buffer goes nowhere, without a complaint at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    tell(notes)
    return summary.severities


def write(lines: Iterable[str]) -> None:
    """Lines to standard output, many at a time: there may be a hundred thousand of them."""
    waiting: list[str] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) == LINES_AT_ONCE:
            sys.stdout.write("\n".join(waiting) + "\n")
            waiting.clear()
    sys.stdout.write("".join(f"{line}\n" for line in waiting))
    sys.stdout.flush()


def tell(notes: Notes) -> None:
    """What there is to say about the capture itself, to standard error."""
    from node.cli.views.text import clean  # noqa: PLC0415

    for text in notes.told():
        typer.echo(f"tandem: {clean(text)}", err=True)


def reading(told: Progress) -> Callable[[Capture], None] | None:
    """What to call while a capture is read; nothing if nobody would see it."""
    if not told.shown:
        return None
    return lambda capture: told.tell(capture.path.name, capture.position, capture.size)
