"""The names of MMS (ISO 9506-2): PDUs by tag, services by number. Spelt as tshark prints them."""

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
DEFINE_EVENT_ENROLLMENT = 57
GET_EVENT_ENROLLMENT_ATTRIBUTES = 61

INFORMATION_REPORT = 0
EVENT_NOTIFICATION = 2
