"""Snapshots, checkpoints and deltas: complete, small, and strict about what they accept."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import Checkpoint, Limits, Policing, Stack, StateError, merge
from inspector.tase2 import Kind
from node import signatures
from tests.inspector import vectors as v
from tests.inspector.vectors import C2S, REPORT, S2C, data, osi, request, response, tlv, variables


def talked() -> Stack:
    stack = Stack()
    for direction, octets in v.conversation():
        stack.feed(direction, octets)
    return stack


def test_deltas_follow_the_stack_octet_for_octet() -> None:
    stack = Stack()
    kept = Checkpoint(stack.checkpoint())
    for direction, octets in v.conversation():
        stack.feed(direction, octets)
        delta = stack.take_delta()
        if delta is not None:
            kept.apply(delta)
        assert kept.pack() == Stack.resume(kept.pack(), (b"", b"")).checkpoint()
    assert kept.pack() == stack.checkpoint()


def test_merge_is_one_step_of_a_checkpoint() -> None:
    stack = Stack()
    before = stack.checkpoint()
    stack.feed(C2S, data(v.CN))
    delta = stack.take_delta()
    assert delta is not None
    assert merge(before, delta) == stack.checkpoint()


def test_a_report_in_the_steady_state_costs_three_octets() -> None:
    stack = Stack()
    stack.feed(S2C, REPORT)
    stack.take_delta()
    assert stack.take_delta() is None
    stack.feed(S2C, REPORT)
    assert stack.take_delta() == msgpack.packb([0, 1])
    for _ in range(200):
        stack.feed(S2C, REPORT)
    assert stack.take_delta() == msgpack.packb([0, 200])


def test_octets_that_decide_nothing_change_nothing() -> None:
    stack = Stack()
    before = stack.checkpoint()
    stack.feed(S2C, REPORT[:-1])
    assert stack.take_delta() is None
    assert stack.checkpoint() == before


def test_a_request_and_its_response_cost_little() -> None:
    stack = talked()
    stack.checkpoint()
    poll = [(C2S, request(v.read(variables("DOM/P1")), 1234)), (S2C, response(v.read_result(v.real()), 1234))]
    for direction, pdu in (*poll, *poll):
        stack.feed(direction, data(osi(pdu)))
        assert len(stack.take_delta() or b"") <= 16


def test_deltas_nobody_takes_do_not_pile_up() -> None:
    stack = Stack()
    kept = Checkpoint(stack.checkpoint())
    for n in range(2000):
        stack.feed(C2S, data(osi(request(tlv(0x82), n % 300))))
    delta = stack.take_delta()
    assert delta is not None
    assert len(delta) < 4000
    kept.apply(delta)
    assert kept.pack() == stack.checkpoint()


def test_tables_are_bounded_and_the_oldest_call_goes() -> None:
    stack = Stack(Limits(calls=2, names=1))
    kept = Checkpoint(stack.checkpoint())
    for n, item in enumerate(("A_SBO", "B_SBO", "Bilateral_Table_ID", "A_SBO", "B_SBO")):
        stack.feed(C2S, data(osi(request(v.read(variables(f"DOM/{item}")), n))))
        kept.apply(stack.take_delta() or b"\x92\x00\x00")
    assert list(stack.state.calls[0]) == [3, 4]
    assert {name: known.kind for name, known in stack.state.known.items()} == {"DOM/A": Kind.DEVICE}
    assert kept.pack() == stack.checkpoint()


def test_snapshot_holds_everything() -> None:
    stack = talked()
    stack.feed(C2S, REPORT[:50])
    stack.feed(S2C, REPORT[:3])
    again = Stack.restore(stack.snapshot())
    assert again.snapshot() == stack.snapshot()
    assert again.held == (REPORT[:50], REPORT[:3])
    views = ("app", "apps", "layers", "pdus", "detected", "ignored")
    assert [getattr(again, it) for it in views] == [getattr(stack, it) for it in views]


def test_views() -> None:
    stack = talked()
    assert stack.app == "MMS_Conclude.Request"
    assert stack.apps[:2] == ("MMS_Initiate.Request", "ICCP_Get.Bilateral.Table.ID")
    assert all(stack.layers.values())
    assert list(stack.layers) == ["tpkt", "cotp", "session", "presentation", "acse", "mms", "tase2"]
    assert sum(stack.pdus) == len(v.conversation())
    assert (stack.detected, stack.ignored) == (True, False)
    assert stack.state.contexts == {1: "acse", 3: "mms"}
    assert {name: known.kind for name, known in stack.state.known.items()} == {
        "DOM/TS-01": Kind.TRANSFER_SET,
        "DOM/BREAKER": Kind.DEVICE,
        "DOM/DS1": Kind.DATA_SET,
    }
    assert stack.state.calls == ({}, {})


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\xc1",
        b"\x92\x00",
        msgpack.packb([1]),
        msgpack.packb({"v": 3, "state": [], "held": [b"", b""]}),
        msgpack.packb({"v": 1}),
        msgpack.packb({"v": 1, "state": [], "held": [b"", b""]}),
        msgpack.packb({"v": 1, "state": [0, 0, [0, 0], None, [], [], [[], []], []], "held": [b""]}),
        msgpack.packb({"v": 1, "state": [0, 0, [0, 0], None, [], [], [[], []], []], "held": ["", ""]}),
        msgpack.packb({"v": 1, "state": [512, 0, [0, 0], None, [], [], [[], []], []], "held": [b"", b""]}),
        msgpack.packb({"v": 1, "state": [0, 0, [0, -1], None, [], [], [[], []], []], "held": [b"", b""]}),
        msgpack.packb({"v": 1, "state": [0, 0, [0, 0], 127, [], [], [[], []], []], "held": [b"", b""]}),
        msgpack.packb({"v": 1, "state": [0, 0, [0, 0], None, [], [], [[[1, 127]], []], []], "held": [b"", b""]}),
        msgpack.packb({"v": 1, "state": [0, 0, [0, 0], None, [], [], [[], []], [[1, 1]]], "held": [b"", b""]}),
    ],
)
def test_what_is_no_state_is_refused(wrong: bytes) -> None:
    with pytest.raises(StateError):
        Stack.restore(wrong)


@pytest.mark.parametrize(
    "wrong", [b"", b"\xc1", b"\x00", b"\x90", b"\x93\x00\x00\x00", b"\x93\x00\x00\x91\x63", b"\x80"]
)
def test_what_is_no_delta_is_refused(wrong: bytes) -> None:
    with pytest.raises(StateError):
        merge(Stack().checkpoint(), wrong)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.binary(max_size=5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(plain)
def test_any_msgpack_is_a_state_or_refused(value: object) -> None:
    for attempt in (
        lambda: Stack.restore(msgpack.packb({"v": 1, "state": value, "held": [b"", b""]})),
        lambda: merge(Stack().checkpoint(), msgpack.packb(value)),
        lambda: merge(Stack().checkpoint(), msgpack.packb([0, 0, value])),
    ):
        try:
            attempt()
        except StateError:
            continue


@given(st.binary(max_size=80))
def test_any_octets_are_a_state_or_refused(octets: bytes) -> None:
    with pytest.raises(StateError):
        Stack.resume(octets, (b"", b""))


VERSION_1 = (
    "82a17601a5737461746598097f920606cc81956ecc9302cca2cc819292010192030292909090",
    "9a020494040004cc8a9202cc8a930500049306a9444f4d2f54532d30310194040005cc849202cc84930500059202cc80",
)
"""A checkpoint and the delta after it, as the release before made them of the first part of vectors.conversation()."""


def test_the_version_before_is_still_read() -> None:
    checkpoint, delta = map(bytes.fromhex, VERSION_1)
    kept = Checkpoint(checkpoint)
    kept.apply(delta)
    stack = Stack.resume(kept.pack(), (b"", b""), policing=Policing(signatures.read()))
    assert (stack.pdus, stack.app, stack.detected) == ((8, 10), "ICCP_Transfer.Reporting", True)
    assert stack.state.known["DOM/TS-01"].kind is Kind.TRANSFER_SET
    assert stack.midstream, "what was agreed on was not kept"
    rest = [stack.feed(direction, octets) for direction, octets in v.conversation()[18:]]
    assert [finding for result in rest for finding in result.findings] == []
    assert "Stop Transfer" in [pdu.operation for result in rest for pdu in result.pdus]
