"""One guarded connection: its committed position, the ack that the gate holds for it, its counters."""

from collections.abc import Callable

from node.kernel import layout
from node.kernel.acks import pure_ack
from node.kernel.layout import MappedArray, State

_READ_TRIES = 8  # the gate rewrites a header in well under a microsecond; a try here takes several
_MODULUS = 0xFFFFFFFF


def after(a: int, b: int) -> bool:
    """Whether sequence number `a` lies after `b` (RFC 9293, 3.4)."""
    return 0 < (a - b) & _MODULUS < 0x80000000


class Flow:
    """A slot of the gate, as Gate.register(), Gate.reserve() and Gate.restore() give it.

    `receive_base` and `send_base` are the sequence numbers of the first octet in each direction; of a
    restored flow, those at which this node went on.
    """

    __slots__ = (
        "_acked",
        "_allowed_at",
        "_commit_at",
        "_counters_at",
        "_early",
        "_early_traffic",
        "_held_at",
        "_on_release",
        "_released",
        "_state_at",
        "_states",
        "_words",
        "key",
        "receive_base",
        "send_base",
        "slot",
    )

    def __init__(
        self,
        key: bytes,
        slot: int,
        words: MappedArray,
        states: MappedArray,
        on_release: Callable[["Flow"], None],
    ) -> None:
        self.key = key
        self.slot = slot
        self._words = words.u32
        self._states = states
        self._commit_at = slot * layout.NODE_WORD.size // 4
        self._allowed_at = self._commit_at + 1
        self._state_at = slot * layout.FLOW_STATE.size // 4
        self._held_at = self._state_at + layout.HELD_END
        self._counters_at = slot * layout.FLOW_STATE.size // 8 + layout.PACKETS_IN
        self._on_release = on_release
        self._early: State | None = None  # what was held before the slot was published
        self._early_traffic = (0, 0, 0, 0)
        self._released = 0  # the gate's count of held segments when everything held was last released
        self._acked = 0  # the highest ack that a commit released
        self.receive_base = 0
        self.send_base = 0

    def begin(self, commit: int, snd_end: int) -> None:
        """Go on with a connection of another host. `commit` is the next sequence number to receive, `snd_end` the next
        to send."""
        self.initialise(commit, (snd_end - 1) & _MODULUS, snd_end)

    def initialise(self, commit: int, our_isn: int, snd_end: int) -> None:
        """Zero the slot and write where the flow begins; while no packet of it moves."""
        numbers = (our_isn, (commit - 1) & _MODULUS, snd_end, 0, 0, 0, 0, snd_end)
        self._states.octets[self._slice()] = layout.FLOW_STATE.pack(*numbers, 0, 0, 0, 0, b"")
        self._words[self._commit_at] = commit
        self._words[self._allowed_at] = 0
        self.receive_base = self._acked = commit
        self.send_base = (our_isn + 1) & _MODULUS

    def inherit(self, embryo: State) -> None:
        """Take over what the gate held and counted before the slot was published."""
        if embryo.held_end:
            self._early = embryo._replace(held_begin=0, held_end=0)
        self._early_traffic = (embryo.packets_in, embryo.bytes_in, embryo.packets_out, embryo.bytes_out)

    def commit(self, sequence: int) -> bytes | None:
        """Let acks up to `sequence` leave; the pure ACK to send now, if one was held that this covers.

        The ACK is a whole IPv4 packet, for AckSender. When the commit covers only a part of what was held,
        the ACK is for that part, and a later commit gives the rest.
        """
        sequence &= _MODULUS
        self._words[self._commit_at] = sequence
        # That store comes before this load, and the gate does the opposite: of a segment being held at this
        # very moment either the gate sees the new commit or we see the segment. On x86 the store has left
        # the processor's buffer long before the interpreter gets to the load.
        if self._states.u32[self._held_at] == self._released and self._early is None:
            return None
        return self._release_held(sequence)

    def _release_held(self, sequence: int) -> bytes | None:
        held = self._held()
        if held is None or not held.header_length:
            return None
        ack = sequence if after(held.held_ack, sequence) else held.held_ack
        if ack == held.held_ack:
            self._released = held.held_end
            self._early = None
        if not after(ack, self._acked):
            return None
        self._acked = ack
        return pure_ack(self.key, held.header[: held.header_length], self.send_end, ack)

    def _held(self) -> State | None:
        """The last segment that the gate held, whole; None while it is being rewritten again and again."""
        words = self._states.u32
        for _ in range(_READ_TRIES):
            ended = words[self._held_at]
            if not ended:
                return self._early
            state = State.unpack(bytes(self._states.octets[self._slice()]))
            if words[self._state_at + layout.HELD_BEGIN] == ended:
                return state
        return None

    @property
    def send_end(self) -> int:
        """One past the highest sequence number that ever left."""
        return self._states.u32[self._state_at + layout.SND_END]

    @property
    def peer_ack(self) -> int | None:
        """What the peer has acknowledged beyond all that this node sent: the dead node had sent it. None if nothing."""
        seen = self._states.u32[self._state_at + layout.PEER_ACK]
        return seen if after(seen, self.send_end) else None

    def leap(self, send_end: int) -> None:
        """The connection goes on at `send_end`; while it has no socket, so that the gate writes nothing itself."""
        self._states.u32[self._state_at + layout.SND_END] = send_end

    @property
    def ack_held(self) -> bool:
        """Whether the gate holds an ack that no commit has covered yet."""
        return self._states.u32[self._held_at] != self._released or self._early is not None

    def allow_fin(self) -> None:
        """From now on this flow's FIN may leave: the node closes it on purpose."""
        self._words[self._allowed_at] |= layout.ALLOW_FIN

    def allow_reset(self) -> None:
        """From now on this flow's RST may leave."""
        self._words[self._allowed_at] |= layout.ALLOW_RESET

    def traffic(self) -> tuple[int, int, int, int]:
        """Packets in, payload octets in, packets out, payload octets out, since it opened on this node."""
        now = self._states.u64[self._counters_at : self._counters_at + 4]
        packets_in, bytes_in, packets_out, bytes_out = (a + b for a, b in zip(now, self._early_traffic, strict=True))
        return packets_in, bytes_in, packets_out, bytes_out

    def release(self) -> None:
        """Guard this flow no longer: whatever the kernel still says for it passes. The slot is free again."""
        self._on_release(self)

    def _slice(self) -> slice:
        return slice(self._state_at * 4, self._state_at * 4 + layout.FLOW_STATE.size)
