"""`tandem keygen`: the cluster's key, a step of its change, or a token for the page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from node.cli.failures import EXIT_USAGE, CliError
from node.cli.options import examples, single

program = single()


@program.command(
    epilog=examples(
        "tandem keygen /etc/tandem/cluster.key",
        "tandem keygen /etc/tandem/cluster.key --rotate add",
        "tandem keygen --token /etc/tandem/page.token",
    )
)
def keygen(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Where to write the key file.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    token: Annotated[bool, typer.Option("--token", help="Make a token for the page instead.")] = False,
    rotate: Annotated[
        str | None, typer.Option("--rotate", metavar="add|use|drop", help="A step from the key there is to a new one.")
    ] = None,
) -> None:
    """Make a new cluster key, or a token for the page. Readable by its owner alone; both nodes need the same key."""
    from node.keys import KeyFileError, new_key, write_keys  # noqa: PLC0415
    from node.tokens import write_token  # noqa: PLC0415

    if rotate is not None:
        _rotate(path, rotate)
        return
    try:
        if token:
            write_token(path, replace=force)
        else:
            write_keys(path, (new_key(),), replace=force)
    except KeyFileError as error:
        raise CliError(f"{error.what}\n    {error.remedy}", EXIT_USAGE) from None
    what_next = "name it as admin.token_file" if token else "copy it to the other node, over a safe way, with mode 0600"
    typer.echo(f"{path}: written; {what_next}")


def _rotate(path: Path, word: str) -> None:
    from node.keys import KeyFileError, Rotation, fingerprint, rotate  # noqa: PLC0415

    if word not in set(Rotation):
        raise CliError(f"--rotate {word}: the steps are {', '.join(Rotation)}", EXIT_USAGE)
    try:
        keys = rotate(path, Rotation(word))
    except KeyFileError as error:
        raise CliError(f"{error.what}\n    {error.remedy}", EXIT_USAGE) from None
    accepted = f", {fingerprint(keys[1])} is accepted too" if len(keys) > 1 else ""
    typer.echo(f"{path}: {fingerprint(keys[0])} seals{accepted}; copy it to the other node, then `tandem reload` both")
