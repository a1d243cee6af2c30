"""What an association's memory learns from a PDU that passes.

Who the peers are and what they offer is noted when they say it (`introduce`), because the policy judges them by it;
all else is learned only from what is let through (`remember`).

The facts: "client.tsap", "server.tsap" (hex); "client.ap_title" and "server.ap_title" (dotted); "client.ae_qualifier"
and "server.ae_qualifier"; "tpdu" (octets); "pdu.client" and "pdu.server" (the largest MMS PDU that side takes, octets);
"outstanding.client" and "outstanding.server" (requests that side may have open at once); "services.client" and
"services.server" (the services that side supports, as a bit string in hex); "nesting"; "edition" of TASE.2; "octets",
what has passed of traffic that may not be ICCP (only with ignore_after).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from inspector import answers, apps, initiate, services, tase2
from inspector.acse import Apdu
from inspector.errors import DecodeError
from inspector.limits import Limits
from inspector.seen import Seen
from inspector.state import INITIATED, UNPERMITTED, Association, Call, Device
from inspector.tase2 import Kind

SIDES = ("client", "server")

_OBJECT_MATTERS = frozenset(
    naming.number
    for naming in (
        *(apps.SELECT, apps.OPERATE, apps.SET_VALUE, apps.SET_TAG, apps.SET_DATA_SET_VALUES),
        *(apps.CREATE_DATA_SET, apps.GET_DATA_SET_ELEMENTS, apps.START_TRANSFER, apps.STOP_TRANSFER),
        *(apps.GET_VERSION, apps.DELETE_DATA_SET),
    )
)
"""Requests whose answer is understood only with the object they named."""


def introduce(seen: Seen, state: Association) -> None:
    """Note what a PDU says about its sender: transport selectors, application titles, what it can take."""
    connection, part = seen.connection, seen.part
    if connection is not None:
        _note_selectors(seen, state)
    elif part is not None:
        if part.acse is not None:
            _note_titles(seen, state)
        if part.mms is not None and part.mms.kind in _INITIATES:
            _note_offer(seen, state)


def remember(
    seen: Seen, state: Association, limits: Limits, *, unpermitted: bool = False, with_object: bool = False
) -> None:
    """Learn from a PDU that passes.

    `unpermitted`: the policy does not allow it, but only tells of it. `with_object`: of a request, the object matters
    whatever the operation is.
    """
    pdu = None if seen.part is None else seen.part.mms
    if pdu is None:
        return
    if pdu.kind == services.CONFIRMED_REQUEST and seen.naming is not None:
        _request(seen, state, limits, unpermitted=unpermitted, with_object=with_object)
    elif pdu.kind in services.ANSWERS and seen.call is not None:
        _answer(seen, seen.call, state, limits)
    elif pdu.kind == "initiate-response":
        state.raise_flag(INITIATED)


# --- introductions

_CALLED = {"CR": ("client.tsap", "server.tsap"), "CC": ("client.tsap", "server.tsap")}


def _note_selectors(seen: Seen, state: Association) -> None:
    connection = seen.connection
    if connection is None or connection.name not in _CALLED:
        return
    for key, selector in zip(_CALLED[connection.name], (connection.calling_tsap, connection.called_tsap), strict=True):
        if selector is not None and key not in state.facts:
            state.note(key, selector.hex())
    if connection.tpdu_octets is not None:
        state.note("tpdu", connection.tpdu_octets)


def _note_titles(seen: Seen, state: Association) -> None:
    """AARQ names the caller and the called, AARE who answered. What was said first stays."""
    apdu = seen.part.acse if seen.part is not None else None
    if apdu is None:
        return
    for side, title, qualifier in _titles(apdu):
        if title is not None and f"{side}.ap_title" not in state.facts:
            state.note(f"{side}.ap_title", title)
        if qualifier is not None and f"{side}.ae_qualifier" not in state.facts:
            state.note(f"{side}.ae_qualifier", qualifier)


def _titles(apdu: Apdu) -> list[tuple[str, str | None, int | str | None]]:
    """Whom an APDU names on which side."""
    if apdu.name == "AARQ":
        return [
            ("client", apdu.calling_ap_title, apdu.calling_ae_qualifier),
            ("server", apdu.called_ap_title, apdu.called_ae_qualifier),
        ]
    return [("server", apdu.responding_ap_title, apdu.responding_ae_qualifier)]


_INITIATES = ("initiate-request", "initiate-response")


def _note_offer(seen: Seen, state: Association) -> None:
    pdu = seen.part.mms if seen.part is not None else None
    if pdu is None:
        return
    offer = initiate.decode(seen.octets, pdu.start, pdu.stop)
    side = SIDES[seen.direction]
    if offer.local_detail is not None:
        state.note(f"pdu.{side}", offer.local_detail)
    state.note(f"services.{side}", offer.services.hex())
    if pdu.kind == "initiate-response":  # the answer is what holds
        calling = SIDES[1 - seen.direction]
        state.note(f"outstanding.{calling}", offer.max_calling)
        state.note(f"outstanding.{side}", offer.max_called)
        if offer.nesting is not None:
            state.note("nesting", offer.nesting)


# --- requests


def _request(seen: Seen, state: Association, limits: Limits, *, unpermitted: bool, with_object: bool) -> None:
    assert seen.part is not None and seen.part.mms is not None and seen.naming is not None
    objects = seen.part.access.objects
    learn = _BY_REQUEST.get(seen.naming.number)
    if learn is not None and objects:
        with suppress(DecodeError):  # what names what no name can be teaches nothing
            learn(seen, state, limits)
    with_object = with_object or unpermitted or seen.naming.number in _OBJECT_MATTERS
    name = objects[0] if objects and with_object else ""
    call = Call(seen.naming.number, name, UNPERMITTED if unpermitted else 0)
    state.open_call(int(seen.direction), seen.part.mms.invoke_id or 0, call, limits.calls)


def _device(seen: Seen, state: Association, limits: Limits) -> None:
    """Devices are known by the names beside them; a select begins with the read of one."""
    assert seen.part is not None
    selecting = seen.naming is apps.SELECT
    for name in seen.part.access.objects:
        device = tase2.device_of(name)
        if device is None:
            continue
        if selecting:
            state.learn(device, Kind.DEVICE, [Device.ASKED, int(seen.direction), seen.now_ms], limits.names)
        elif device not in state.known:
            state.learn(device, Kind.DEVICE, [Device.KNOWN, 0, 0], limits.names)


def _operate(seen: Seen, state: Association, limits: Limits) -> None:
    """An operate uses the select up, however the device is named: by itself, among others, in a data set."""
    assert seen.part is not None
    access = seen.part.access
    devices: Sequence[str] = access.objects
    if access.by_list:
        known = state.known.get(access.objects[0])
        devices = known.value if known is not None and known.kind is Kind.DATA_SET else ()
    for device in devices:
        if seen.naming is apps.OPERATE or device in state.known:
            _use_up(device, state, limits)


def _use_up(device: str, state: Association, limits: Limits) -> None:
    known = state.known.get(device)
    if known is None or known.kind is Kind.DEVICE:
        state.learn(device, Kind.DEVICE, [Device.KNOWN, 0, 0], limits.names)


def _transfer(seen: Seen, state: Association, limits: Limits) -> None:
    assert seen.part is not None
    access = seen.part.access
    running = seen.naming is apps.START_TRANSFER
    data_set = tase2.data_set_of(seen.octets, access, limits.name_bytes)
    reporter = 1 - int(seen.direction)
    state.learn(access.objects[0], Kind.TRANSFER_SET, [data_set, reporter, int(running)], limits.names)
    edition = tase2.edition_of(seen.octets, access)
    if edition is not None:
        state.note("edition", edition)


def _create(seen: Seen, state: Association, limits: Limits) -> None:
    """What is asked for is believed when it is granted: there may be another data set of that name."""
    assert seen.part is not None and seen.part.mms is not None
    members = list(seen.part.access.objects[1:])
    _learn_members(_pending(int(seen.direction), seen.part.mms.invoke_id), members, state, limits)


def _pending(direction: int, invoke_id: int | None) -> str:
    """Under which name the members of a data set wait for its creation to be granted; no object has such a name."""
    return f"\0{direction}:{invoke_id}"


def _learn_members(name: str, members: list[str], state: Association, limits: Limits) -> None:
    kept = sum(len(it.value) for other, it in state.known.items() if it.kind is Kind.DATA_SET and other != name)
    if kept + len(members) > limits.members:
        members = []
    state.learn(name, Kind.DATA_SET, members, limits.names)


def _delete(seen: Seen, state: Association, _limits: Limits) -> None:
    assert seen.part is not None
    for name in seen.part.access.objects:
        state.forget(name)


_BY_REQUEST: dict[int, Callable[[Seen, Association, Limits], None]] = {
    apps.SELECT.number: _device,
    apps.GET_TAG.number: _device,
    apps.SET_TAG.number: _device,
    apps.OPERATE.number: _operate,
    apps.SET_VALUE.number: _operate,
    apps.SET_DATA_SET_VALUES.number: _operate,
    apps.START_TRANSFER.number: _transfer,
    apps.STOP_TRANSFER.number: _transfer,
    apps.CREATE_DATA_SET.number: _create,
    apps.DELETE_DATA_SET.number: _delete,
}


# --- answers


def _answer(seen: Seen, call: Call, state: Association, limits: Limits) -> None:
    assert seen.part is not None and seen.part.mms is not None and seen.part.mms.invoke_id is not None
    state.close_call(1 - seen.direction, seen.part.mms.invoke_id)
    positive = seen.part.mms.kind == services.CONFIRMED_RESPONSE
    learn = _BY_ANSWER.get(call.number)
    if learn is not None:
        with suppress(DecodeError):  # likewise
            learn(seen, call, state, limits, positive)


def _selected(seen: Seen, call: Call, state: Association, limits: Limits, positive: bool) -> None:
    device = tase2.device_of(call.object)
    if device is not None:
        ready = positive and granted(seen)
        value = [Device.SELECTED, 1 - int(seen.direction), seen.now_ms] if ready else [Device.KNOWN, 0, 0]
        state.learn(device, Kind.DEVICE, value, limits.names)


def granted(seen: Seen) -> bool:
    """Whether an answer is positive in every result; one whose results cannot be read grants nothing."""
    pdu = None if seen.part is None else seen.part.mms
    if pdu is None or pdu.kind != services.CONFIRMED_RESPONSE:
        return False
    try:
        return answers.all_succeeded(seen.octets, pdu)
    except DecodeError:
        return False


def _offered(seen: Seen, _call: Call, state: Association, limits: Limits, positive: bool) -> None:
    assert seen.part is not None and seen.part.mms is not None
    if positive:
        for name in tase2.transfer_sets_offered(seen.octets, seen.part.mms, limits.name_bytes):
            state.learn(name, Kind.TRANSFER_SET, ["", int(seen.direction), 0], limits.names)


def _created(seen: Seen, call: Call, state: Association, limits: Limits, positive: bool) -> None:
    assert seen.part is not None and seen.part.mms is not None
    pending = _pending(1 - int(seen.direction), seen.part.mms.invoke_id)
    asked = state.known.get(pending)
    state.forget(pending)
    if positive and asked is not None:
        state.learn(call.object, Kind.DATA_SET, asked.value, limits.names)


def _elements(seen: Seen, call: Call, state: Association, limits: Limits, positive: bool) -> None:
    assert seen.part is not None and seen.part.mms is not None
    if positive:
        _learn_members(call.object, answers.members(seen.octets, seen.part.mms, limits), state, limits)


def _version(seen: Seen, _call: Call, state: Association, _limits: Limits, positive: bool) -> None:
    assert seen.part is not None and seen.part.mms is not None
    version = answers.version(seen.octets, seen.part.mms) if positive else None
    if version is not None:
        state.note("edition", "{}-{:02}".format(*version))


_BY_ANSWER: dict[int, Callable[[Seen, Call, Association, Limits, bool], None]] = {
    apps.SELECT.number: _selected,
    apps.GET_NEXT_DS.number: _offered,
    apps.CREATE_DATA_SET.number: _created,
    apps.GET_DATA_SET_ELEMENTS.number: _elements,
    apps.GET_VERSION.number: _version,
}
