"""ISO 9506-2 as hat-drivers has it, in ASN.1: whatever that grammar allows is decoded here, and means the same.

PDUs are made up at random along the grammar, encoded by hat's BER encoder, and read by the inspector: an opinion on
every service that no capture at hand shows.
"""

import json
import random
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from inspector import Limits, Stack, answers, initiate, mms, objects, services
from inspector.mms import MmsPdu
from tests.inspector.vectors import data, osi

asn1 = pytest.importorskip("hat.asn1")

LIMITS = Limits()
ROUNDS = 40

REPOSITORY = asn1.repository_from_json(
    json.loads(resources.files("hat.drivers.mms").joinpath("asn1_repo.json").read_text())
)
ENCODER = asn1.ber.BerEncoder(REPOSITORY)


def ref(name: str) -> Any:
    (found,) = (it for it in REPOSITORY if it.name == name and it.module.startswith("ISO-9506"))
    return found


class TooDeep(Exception):
    """A value that would not end."""


class Maker:
    """Makes values of a type at random, and notes the ObjectNames and Identifiers among them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.names: set[str] = set()

    def make(self, kind: Any, depth: int = 0) -> Any:
        if depth > 14:
            raise TooDeep
        if isinstance(kind, asn1.TypeRef):
            return self._named(kind, depth)
        if isinstance(kind, asn1.PrefixedType):
            return self.make(kind.type, depth)
        if isinstance(kind, asn1.ChoiceType):
            return self._choice(kind, depth)
        if isinstance(kind, asn1.SequenceType | asn1.SetType):
            return self._sequence(kind, depth)
        if isinstance(kind, asn1.SequenceOfType):
            return [
                self.make(kind.element_type, depth + 1) for _ in range(self._random.randint(0, 2 if depth < 6 else 0))
            ]
        return self._primitive(kind)

    def _named(self, kind: Any, depth: int) -> Any:
        if kind not in REPOSITORY:
            raise TooDeep
        if kind.name == "Identifier":
            return self._identifier()
        if kind.name == "ObjectName":
            return self._object_name()
        if kind.name == "TimeOfDay":
            return bytes(6)
        value = self.make(REPOSITORY[kind], depth + 1)
        if kind.name == "FileName":
            self.names.add("file:" + "/".join(value))
        return value

    def _identifier(self) -> str:
        name = "".join(self._random.choices("ABCXYZ_019$", k=self._random.randint(1, 32)))
        self.names |= {name, f"{name}/"}
        return name

    def _object_name(self) -> Any:
        scope = self._random.choice(("vmd-specific", "domain-specific", "aa-specific"))
        item = self._identifier()
        if scope == "domain-specific":
            domain = self._identifier()
            self.names.add(f"{domain}/{item}")
            return scope, {"domainID": domain, "itemID": item}
        self.names.add(item if scope == "vmd-specific" else f"@/{item}")
        return scope, item

    def _choice(self, kind: Any, depth: int) -> Any:
        alternatives = list(kind.choices.items())
        self._random.shuffle(alternatives)
        for name, alternative in alternatives:
            try:
                return name, self.make(alternative, depth + 1)
            except TooDeep:
                continue
        raise TooDeep

    def _sequence(self, kind: Any, depth: int) -> dict[str, Any]:
        made = {}
        for element in kind.elements:
            if element.optional and (depth > 6 or self._random.random() < 0.5):
                continue
            try:
                made[element.name] = self.make(element.type, depth + 1)
            except TooDeep:
                if not element.optional:
                    raise
        return made

    def _primitive(self, kind: Any) -> Any:
        if isinstance(kind, asn1.StringType):
            return "text"[: self._random.randint(0, 4)]
        makers: dict[Any, Callable[[], Any]] = {
            asn1.BooleanType: lambda: self._random.random() < 0.5,
            asn1.IntegerType: lambda: self._random.choice((0, 1, 3, 127, 128, 40000)),
            asn1.EnumeratedType: lambda: self._random.randint(0, 2),
            asn1.NullType: lambda: None,
            asn1.BitStringType: lambda: [True] * self._random.randint(0, 20),
            asn1.OctetStringType: lambda: self._random.randbytes(self._random.randint(0, 9)),
            asn1.ObjectIdentifierType: lambda: (1, 0, 9506, 2, 1),
        }
        maker = makers.get(type(kind))
        if maker is None:  # EXTERNAL and the like
            raise TooDeep
        return maker()


def encode(pdu: Any) -> bytes:
    return bytes(ENCODER.encode(ref("MMSpdu"), pdu))


REQUESTS = REPOSITORY[ref("ConfirmedServiceRequest")].choices
RESPONSES = REPOSITORY[ref("ConfirmedServiceResponse")].choices


def describable(wire: bytes) -> bool:
    """Whether all that the PDU says can be told, in JSON."""
    (pdu,) = Stack(details=True).feed(0, data(osi(wire))).pdus
    json.dumps(dict(pdu.details), allow_nan=False)
    return "undecodable" not in repr(pdu.details)


EDITION = [name for name, it in REQUESTS.items() if it.tag_number < 79]
"""The services of the edition that TASE.2 is built on."""
SLIPS = {"defineScatteredAcce": "defineScatteredAccess"}


def test_services_have_the_numbers_of_the_grammar() -> None:
    for choices in (REQUESTS, RESPONSES):
        numbers = {SLIPS.get(name, name): it.tag_number for name, it in choices.items() if it.tag_number < 79}
        assert numbers == {name: number for number, name in enumerate(services.CONFIRMED_SERVICES)}
    unconfirmed = REPOSITORY[ref("UnconfirmedService")].choices
    assert {name: it.tag_number for name, it in unconfirmed.items()} == {
        name: number for number, name in enumerate(services.UNCONFIRMED_SERVICES)
    }
    additional = REPOSITORY[ref("AdditionalService-Request")].choices
    assert [*additional] == [*services.ADDITIONAL_SERVICES]


def test_errors_and_rejects_have_the_numbers_of_the_grammar() -> None:
    fields = {it.name: it.type for it in REPOSITORY[ref("ServiceError")].elements}
    classes = fields["errorClass"].type.choices
    assert {it.tag_number: name for name, it in classes.items()} == {
        number: name for number, (name, _) in services.ERRORS.items()
    }
    fields = {it.name: it.type for it in REPOSITORY[ref("RejectPDU")].elements}
    assert {it.tag_number: name for name, it in fields["rejectReason"].choices.items()} == {
        number: name for number, (name, _) in services.REJECTS.items()
    }


NO_OBJECTS = {
    *("status", "identify", "uploadSegment", "terminateUploadSequence", "getCapabilityList", "fileRead", "fileClose"),
    *("getAlarmSummary", "getAlarmEnrollmentSummary", "additionalService"),
}
MAYBE_NO_OBJECTS = {
    *("getNameList", "read", "write", "deleteVariableAccess", "deleteNamedVariableList", "deleteNamedType"),
    *("deleteEventCondition", "deleteEventAction", "deleteEventEnrollment", "getEventEnrollmentAttributes"),
    *("fileDirectory",),
}


@pytest.mark.parametrize("service", EDITION)
def test_requests(service: str) -> None:
    spelt = SLIPS.get(service, service)
    for seed in range(ROUNDS):
        maker = Maker(seed)
        value = maker.make(REQUESTS[service])
        wire = encode(("confirmed-RequestPDU", {"invokeID": 4431, "service": (service, value)}))
        pdu = mms.decode(wire, 0, len(wire))
        assert (pdu.kind, pdu.service_name, pdu.invoke_id) == ("confirmed-request", spelt, 4431)
        assert describable(wire)
        touched = objects.access(wire, pdu, LIMITS).objects
        if spelt == "rename":  # the new name stands in the old one's scope
            touched = touched[:1]
        assert set(touched) <= maker.names | {objects.UNNAMED}
        assert touched or spelt in NO_OBJECTS | MAYBE_NO_OBJECTS
        assert not touched or spelt not in NO_OBJECTS


@pytest.mark.parametrize("service", services.UNCONFIRMED_SERVICES)
def test_unconfirmed(service: str) -> None:
    for seed in range(ROUNDS):
        maker = Maker(seed)
        value = maker.make(REPOSITORY[ref("UnconfirmedService")].choices[service])
        wire = encode(("unconfirmed-PDU", {"service": (service, value)}))
        pdu = mms.decode(wire, 0, len(wire))
        assert (pdu.kind, pdu.service_name) == ("unconfirmed", service)
        assert describable(wire)
        assert set(objects.access(wire, pdu, LIMITS).objects) <= maker.names | {objects.UNNAMED}


READERS: dict[str, tuple[Callable[[bytes, MmsPdu], Any], ...]] = {
    "status": (answers.status,),
    "getNameList": (answers.names,),
    "identify": (answers.identity,),
    "read": (answers.results, answers.version, answers.features),
    "write": (answers.results,),
    "getVariableAccessAttributes": (answers.type_of, answers.deletable),
    "getNamedVariableListAttributes": (lambda wire, pdu: answers.members(wire, pdu, LIMITS), answers.deletable),
    "deleteVariableAccess": (answers.counts,),
    "deleteNamedVariableList": (answers.counts,),
    "deleteNamedType": (answers.counts,),
    "fileOpen": (answers.opened,),
    "fileDirectory": (answers.files,),
}


@pytest.mark.parametrize("service", EDITION)
def test_responses(service: str) -> None:
    spelt = SLIPS.get(service, service)
    name = service if service in RESPONSES else spelt
    for seed in range(ROUNDS):
        value = Maker(seed).make(RESPONSES[name])
        wire = encode(("confirmed-ResponsePDU", {"invokeID": 1, "service": (name, value)}))
        pdu = mms.decode(wire, 0, len(wire))
        assert (pdu.kind, pdu.service_name, pdu.invoke_id) == ("confirmed-response", spelt, 1)
        assert describable(wire)
        said = [reader(wire, pdu) for reader in READERS.get(spelt, ())]
        agrees = MEANINGS.get(spelt)
        if agrees is not None:
            agrees(value, *said)


def _names(value: Any, said: answers.Names) -> None:
    assert list(said.identifiers) == value["listOfIdentifier"]
    assert said.more_follows == value.get("moreFollows", True)


def _results(value: Any, said: answers.Results, *_: Any) -> None:
    results = value["listOfAccessResult"] if isinstance(value, dict) else value
    assert (said.total, said.failed) == (len(results), sum(kind == "failure" for kind, _ in results))


def _identity(value: Any, said: answers.Identity) -> None:
    assert tuple(said) == (value["vendorName"], value["modelName"], value["revision"])


def _counts(value: Any, said: answers.Counts) -> None:
    assert tuple(said) == (value["numberMatched"], value["numberDeleted"])


def _members(value: Any, said: list[str], deletable: bool) -> None:
    assert (len(said), deletable) == (len(value["listOfVariable"]), value["mmsDeletable"])


def _files(value: Any, said: answers.Files) -> None:
    listed = value["listOfDirectoryEntry"]
    assert [it.name for it in said.files] == ["/".join(it["fileName"]) for it in listed]
    assert [it.size for it in said.files] == [it["fileAttributes"]["sizeOfFile"] for it in listed]
    assert said.more_follows == value.get("moreFollows", False)


MEANINGS: dict[str, Callable[..., None]] = {
    "getNameList": _names,
    "read": _results,
    "write": _results,
    "identify": _identity,
    "deleteNamedVariableList": _counts,
    "deleteVariableAccess": _counts,
    "getNamedVariableListAttributes": _members,
    "fileDirectory": _files,
}


def test_errors() -> None:
    for seed in range(ROUNDS * 5):
        error = Maker(seed).make(ref("ServiceError"))
        wire = encode(("confirmed-ErrorPDU", {"invokeID": 7, "serviceError": error}))
        pdu = mms.decode(wire, 0, len(wire))
        said = answers.error(wire, pdu)
        assert describable(wire)
        assert (pdu.kind, pdu.invoke_id) == ("confirmed-error", 7)
        assert said is not None and said.error_class == error["errorClass"][0]
        assert said.additional_code == error.get("additionalCode")
        assert said.description == error.get("additionalDescription")


@pytest.mark.parametrize("kind", ["Request", "Response"])
def test_initiate(kind: str) -> None:
    for seed in range(ROUNDS):
        value = Maker(seed).make(ref(f"Initiate-{kind}PDU"))
        wire = encode((f"initiate-{kind}PDU", value))
        pdu = mms.decode(wire, 0, len(wire))
        said = initiate.decode(wire, pdu.start, pdu.stop)
        assert pdu.kind == f"initiate-{kind.lower()}"
        assert said.local_detail == value.get("localDetailCalling", value.get("localDetailCalled"))
        numbers = [it for key, it in value.items() if "Outstanding" in key]
        assert [said.max_calling, said.max_called] == numbers
