"""The names of MMS (ISO 9506-2): PDUs by tag, services by number, errors by class and code.

Spelt as tshark prints them, but for its slips. Services are those of the edition that TASE.2 is built on: the numbers
from 80 on, which ISO 9506-2:2003 added, do not exist here.
"""

CONFIRMED_REQUEST = "confirmed-request"
CONFIRMED_RESPONSE = "confirmed-response"
CONFIRMED_ERROR = "confirmed-error"
UNCONFIRMED = "unconfirmed"
REJECT = "reject"
ANSWERS = frozenset((CONFIRMED_RESPONSE, CONFIRMED_ERROR, REJECT))

PDUS = {
    0xA0: CONFIRMED_REQUEST,
    0xA1: CONFIRMED_RESPONSE,
    0xA2: CONFIRMED_ERROR,
    0xA3: UNCONFIRMED,
    0xA4: REJECT,
    0x85: "cancel-request",
    0x86: "cancel-response",
    0xA7: "cancel-error",
    0xA8: "initiate-request",
    0xA9: "initiate-response",
    0xAA: "initiate-error",
    0x8B: "conclude-request",
    0x8C: "conclude-response",
    0xAD: "conclude-error",
}

CONFIRMED_SERVICES = (
    *("status", "getNameList", "identify", "rename", "read", "write", "getVariableAccessAttributes"),
    *("defineNamedVariable", "defineScatteredAccess", "getScatteredAccessAttributes", "deleteVariableAccess"),
    *("defineNamedVariableList", "getNamedVariableListAttributes", "deleteNamedVariableList"),
    *("defineNamedType", "getNamedTypeAttributes", "deleteNamedType", "input", "output", "takeControl"),
    *("relinquishControl", "defineSemaphore", "deleteSemaphore", "reportSemaphoreStatus"),
    *("reportPoolSemaphoreStatus", "reportSemaphoreEntryStatus", "initiateDownloadSequence"),
    *("downloadSegment", "terminateDownloadSequence", "initiateUploadSequence", "uploadSegment"),
    *("terminateUploadSequence", "requestDomainDownload", "requestDomainUpload", "loadDomainContent"),
    *("storeDomainContent", "deleteDomain", "getDomainAttributes", "createProgramInvocation"),
    *("deleteProgramInvocation", "start", "stop", "resume", "reset", "kill"),
    *("getProgramInvocationAttributes", "obtainFile", "defineEventCondition", "deleteEventCondition"),
    *("getEventConditionAttributes", "reportEventConditionStatus", "alterEventConditionMonitoring"),
    *("triggerEvent", "defineEventAction", "deleteEventAction", "getEventActionAttributes"),
    *("reportEventActionStatus", "defineEventEnrollment", "deleteEventEnrollment", "alterEventEnrollment"),
    *("reportEventEnrollmentStatus", "getEventEnrollmentAttributes", "acknowledgeEventNotification"),
    *("getAlarmSummary", "getAlarmEnrollmentSummary", "readJournal", "writeJournal", "initializeJournal"),
    *("reportJournalStatus", "createJournal", "deleteJournal", "getCapabilityList", "fileOpen", "fileRead"),
    *("fileClose", "fileRename", "fileDelete", "fileDirectory", "additionalService"),
)
UNCONFIRMED_SERVICES = ("informationReport", "unsolicitedStatus", "eventNotification")

GET_NAME_LIST = 1
READ = 4
WRITE = 5
GET_VARIABLE_ACCESS_ATTRIBUTES = 6
DEFINE_NAMED_VARIABLE_LIST = 11
GET_NAMED_VARIABLE_LIST_ATTRIBUTES = 12
DELETE_NAMED_VARIABLE_LIST = 13
START = 40
KILL = 44

INFORMATION_REPORT = 0
EVENT_NOTIFICATION = 2

IDENTIFY = 2
STATUS = 0
DELETE_VARIABLE_ACCESS = 10
DELETE_NAMED_TYPE = 16
FILE_OPEN = 72
FILE_DIRECTORY = 77
ADDITIONAL_SERVICE = 78

ADDITIONAL_SERVICES = (
    *("vMDStop", "vMDReset", "select", "alterPI", "initiateUCLoad", "uCLoad", "uCUpload", "startUC", "stopUC"),
    *("createUC", "addToUC", "removeFromUC", "getUCAttributes", "loadUCFromFile", "storeUCToFile", "deleteUC"),
    *("defineECL", "deleteECL", "addECLReference", "removeECLReference", "getECLAttributes", "reportECLStatus"),
    "alterECLMonitoring",
)
"""What additionalService is, by its tag's number."""

OBJECT_CLASSES = (
    *("namedVariable", "scatteredAccess", "namedVariableList", "namedType", "semaphore", "eventCondition"),
    *("eventAction", "eventEnrollment", "journal", "domain", "programInvocation", "operatorStation"),
)

DATA_ACCESS_ERRORS = (
    *("object-invalidated", "hardware-fault", "temporarily-unavailable", "object-access-denied", "object-undefined"),
    *("invalid-address", "type-unsupported", "type-inconsistent", "object-attribute-inconsistent"),
    *("object-access-unsupported", "object-non-existent", "object-value-invalid"),
)

ERRORS: dict[int, tuple[str, tuple[str, ...]]] = {
    0: (
        "vmd-state",
        (
            *("other", "vmd-state-conflict", "vmd-operational-problem", "domain-transfer-problem"),
            "state-machine-id-invalid",
        ),
    ),
    1: (
        "application-reference",
        (
            *("other", "application-unreachable", "connection-lost", "application-reference-invalid"),
            "context-unsupported",
        ),
    ),
    2: (
        "definition",
        (
            *("other", "object-undefined", "invalid-address", "type-unsupported", "type-inconsistent"),
            *("object-exists", "object-attribute-inconsistent"),
        ),
    ),
    3: (
        "resource",
        (
            *("other", "memory-unavailable", "processor-resource-unavailable", "mass-storage-unavailable"),
            *("capability-unavailable", "capability-unknown"),
        ),
    ),
    4: (
        "service",
        (
            *("other", "primitives-out-of-sequence", "object-state-conflict", "pdu-size", "continuation-invalid"),
            "object-constraint-conflict",
        ),
    ),
    5: ("service-preempt", ("other", "timeout", "deadlock", "cancel")),
    6: ("time-resolution", ("other", "unsupportable-time-resolution")),
    7: (
        "access",
        (
            *("other", "object-access-unsupported", "object-non-existent", "object-access-denied"),
            "object-invalidated",
        ),
    ),
    8: (
        "initiate",
        (
            *("other", "version-incompatible", "max-segment-insufficient"),
            *("max-services-outstanding-calling-insufficient", "max-services-outstanding-called-insufficient"),
            *("service-CBB-insufficient", "parameter-CBB-insufficient", "nesting-level-insufficient"),
        ),
    ),
    9: ("conclude", ("other", "further-communication-required")),
    10: ("cancel", ("other", "invoke-id-unknown", "cancel-not-possible")),
    11: (
        "file",
        (
            *("other", "filename-ambiguous", "file-busy", "filename-syntax-error", "content-type-invalid"),
            *("position-invalid", "file-access-denied", "file-non-existent", "duplicate-filename"),
            "insufficient-space-in-filestore",
        ),
    ),
    12: ("others", ()),
}
"""ServiceError: the class by its tag's number, and its codes."""

REJECTS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: (
        "confirmed-requestPDU",
        (
            *("other", "unrecognized-service", "unrecognized-modifier", "invalid-invokeID", "invalid-argument"),
            *("invalid-modifier", "max-serv-outstanding-exceeded", "", "max-recursion-exceeded"),
            "value-out-of-range",
        ),
    ),
    2: (
        "confirmed-responsePDU",
        (
            *("other", "unrecognized-service", "invalid-invokeID", "invalid-result", ""),
            *("max-recursion-exceeded", "value-out-of-range"),
        ),
    ),
    3: (
        "confirmed-errorPDU",
        ("other", "unrecognized-service", "invalid-invokeID", "invalid-serviceError", "value-out-of-range"),
    ),
    4: (
        "unconfirmedPDU",
        ("other", "unrecognized-service", "invalid-argument", "max-recursion-exceeded", "value-out-of-range"),
    ),
    5: ("pdu-error", ("unknown-pdu-type", "invalid-pdu", "illegal-acse-mapping")),
    6: ("cancel-requestPDU", ("other", "invalid-invokeID")),
    7: ("cancel-responsePDU", ("other", "invalid-invokeID")),
    8: ("cancel-errorPDU", ("other", "invalid-invokeID", "invalid-serviceError", "value-out-of-range")),
    9: ("conclude-requestPDU", ("other", "invalid-argument")),
    10: ("conclude-responsePDU", ("other", "invalid-result")),
    11: ("conclude-errorPDU", ("other", "invalid-serviceError", "value-out-of-range")),
}
"""What a reject is of, by its tag's number, and why."""

LOGICAL_STATES = (
    *("state-changes-allowed", "no-state-changes-allowed", "limited-services-allowed"),
    "support-services-allowed",
)
PHYSICAL_STATES = ("operational", "partially-operational", "inoperable", "needs-commissioning")


def named(names: tuple[str, ...], number: int) -> str:
    """The name of a code; the number itself if it has none."""
    return (names[number] if 0 <= number < len(names) else "") or str(number)
