"""Services that the peers did not agree on, and services that change a device beyond its data."""

from collections.abc import Sequence

from inspector import initiate, services
from inspector.checks.base import NONE, SIDES
from inspector.limits import Limits
from inspector.results import Event
from inspector.seen import Seen
from inspector.state import Association

_DANGERS = {
    "changes what objects are called": ("rename",),
    "takes a resource away from others": ("takeControl",),
    "loads a program or data into the device": (
        *("initiateDownloadSequence", "downloadSegment", "terminateDownloadSequence"),
        *("requestDomainDownload", "loadDomainContent"),
    ),
    "reads a program or data out of the device": (
        *("initiateUploadSequence", "uploadSegment", "terminateUploadSequence"),
        *("requestDomainUpload", "storeDomainContent"),
    ),
    "deletes a program or domain": ("deleteDomain", "deleteProgramInvocation"),
    "controls a program": ("createProgramInvocation", "start", "stop", "resume", "reset", "kill"),
    "reads or changes files": ("obtainFile", "fileOpen", "fileRead", "fileRename", "fileDelete", "fileDirectory"),
    "removes what was recorded": ("initializeJournal", "deleteJournal"),
}
DANGEROUS = {services.CONFIRMED_SERVICES.index(name): why for why, names in _DANGERS.items() for name in names}
"""Service numbers, and what such a service does."""


def not_negotiated(seen: Seen, association: Association, _limits: Limits) -> Sequence[Event]:
    """A request for a service that its responder did not say it supports."""
    if seen.part is None or seen.part.mms is None:
        return NONE
    service = seen.part.mms.service or 0
    side = SIDES[1 - seen.direction]
    offered = association.facts.get(f"services.{side}")
    if not isinstance(offered, str) or not offered or initiate.supports(bytes.fromhex(offered), service):
        return NONE
    name = services.CONFIRMED_SERVICES[service]
    return (Event("service-not-negotiated", f"{name}, which the {side} does not support", name),)


def dangerous(seen: Seen, _association: Association, _limits: Limits) -> Sequence[Event]:
    """A request for a service of `DANGEROUS`."""
    if seen.part is None or seen.part.mms is None:
        return NONE
    service = seen.part.mms.service or 0
    name = services.CONFIRMED_SERVICES[service]
    objects = seen.part.access.objects
    what = f"{name} of {objects[0]}" if objects else name
    return (Event("dangerous-service", f"{what}: it {DANGEROUS[service]}", name),)
