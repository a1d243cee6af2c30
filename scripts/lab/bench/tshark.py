"""tshark on a capture: the ways to have it take MMS apart, the quickest of which it is measured by.

Both make it dissect every PDU up to its MMS service. `statistics` counts the reports and prints the count alone;
`fields` prints each PDU's service on a line of its own, which is nearer to what the inspector's caller gets.
"""

import re
import shutil
from pathlib import Path
from typing import Final

from scripts.lab.bench import timed
from scripts.lab.namespaces import LabError

_PROGRAM: Final = "tshark"
_REPORTS: Final = "mms.unconfirmedService == 0"  # informationReport
_FIELDS: Final = (
    *("-Y", "mms", "-T", "fields"),
    *("-e", "mms.confirmedServiceRequest", "-e", "mms.confirmedServiceResponse", "-e", "mms.unconfirmedService"),
)
WAYS: Final = {
    "statistics": ("-q", "-z", f"io,stat,0,{_REPORTS}"),
    "fields": _FIELDS,
}


def version() -> str:
    """What it calls itself. Raises LabError when it is not installed."""
    if shutil.which(_PROGRAM) is None:
        raise LabError("tshark is not installed: scripts/setup.sh --bench does it")
    return f"tshark {timed.output(_PROGRAM, '--version').split()[2]}"


def command(way: str, path: Path) -> tuple[str, ...]:
    """The command line; names are not resolved, since that only costs time."""
    return (_PROGRAM, "-n", "-r", str(path), *WAYS[way])


def reports(path: Path) -> int:
    """How many reports tshark sees."""
    table = timed.output(*command("statistics", path))
    found = re.search(r"<>[^|]*\|\s*(\d+)\s*\|", table)
    return int(found[1]) if found else 0
