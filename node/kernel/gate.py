"""The gate on this host: loaded by the guard, worked by the worker. gate.bpf.c says what it does."""

from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from node.kernel import interfaces as nic
from node.kernel import layout, libbpf
from node.kernel.errors import KernelError
from node.kernel.flow import Flow
from node.kernel.layout import MappedArray, State, flow_key, mapped

__all__ = ["Flow", "Gate", "flow_key"]

OBJECT = Path(__file__).with_name("gate.bpf.o")

# Under these the filters stand on an interface: first of all, and told from other people's by the handle.
TC_HANDLE, TC_PRIORITY = 0x7A6D, 1
_PROGRAMS = ((libbpf.INGRESS, "gate_ingress"), (libbpf.EGRESS, "gate_egress"))

_INHERITED = ("virtual", "flows", "loose", "node_words", "flow_states", "control", "stats")
_LOOSE_MIN = 1024  # entries; half-open connections and closing ones, the oldest give way
_LOOSE_PER_SLOT = 4


class Gate:
    """One gate per host. The guard has load() and the fence; the worker adopt(), the lease, the flows."""

    def __init__(self, fds: dict[str, int], slots: int, loaded: libbpf.BpfObject | None = None) -> None:
        self._fds = fds
        self._slots = slots
        self._object = loaded
        self._attached: list[tuple[str, int, int]] = []  # interface, attach point, program id
        self._words = MappedArray(fds["node_words"], slots * layout.NODE_WORD.size)
        self._states = MappedArray(fds["flow_states"], slots * layout.FLOW_STATE.size)
        self._control = MappedArray(fds["control"], layout.CONTROL.size)
        self._stats = MappedArray(fds["stats"], len(layout.STATISTICS) * layout.COUNTER.size)
        self._fence = MappedArray(fds["fence"], layout.FENCE.size) if "fence" in fds else None
        self._flows: dict[bytes, Flow] = {}
        self._free = deque(range(slots))  # the longest free comes first: a late packet's write then meets nobody

    @classmethod
    def load(
        cls,
        interfaces: Iterable[str],
        slots: int,
        virtual: Iterable[str] = (),
        *,
        loose: int | None = None,
        path: Path = OBJECT,
    ) -> "Gate":
        """Load the programs and attach them to `interfaces`, in place of what an earlier guard left there.

        The fence is closed and the lease is over, so that nothing leaves from a `virtual` address. `slots`
        bounds the guarded flows (two a session), `loose` those not yet accepted or closing. The programs
        stay when this process ends. Raises KernelError.
        """
        names = tuple(interfaces)
        for name in names:
            nic.hardware_address(name)  # an interface that does not exist, or is no Ethernet, is told of before
        loaded = libbpf.BpfObject(path)
        for table in ("flows", "node_words", "flow_states"):
            loaded.resize(table, slots)
        loaded.resize("loose", loose or max(_LOOSE_MIN, _LOOSE_PER_SLOT * slots))
        loaded.load()
        gate = cls({name: loaded.map_fd(name) for name in (*_INHERITED, "fence")}, slots, loaded)
        gate.set_virtual(virtual)
        for name in names:
            gate._attach(name)
        return gate

    @classmethod
    def adopt(cls, fds: dict[str, int], slots: int) -> "Gate":
        """The gate of a guard, in its worker: `fds` as fds() gave them, and the same `slots`.

        What an earlier worker left is forgotten: its flows, its lease. Raises KernelError.
        """
        gate = cls(fds, slots)
        gate.lease = 0
        gate.reset_after = 0
        for table in ("flows", "loose"):
            libbpf.clear(fds[table], layout.KEY.size)
        return gate

    def fds(self) -> dict[str, int]:
        """The descriptors that a worker inherits (subprocess's pass_fds). The fence stays with the guard."""
        return {name: self._fds[name] for name in _INHERITED}

    def detach(self) -> None:
        """Take this gate's programs off their interfaces; a later guard's stay. Raises KernelError."""
        where = {"handle": TC_HANDLE, "priority": TC_PRIORITY}
        while self._attached:
            name, point, program_id = self._attached.pop()
            try:
                ifindex = nic.index(name)
            except KernelError:
                continue  # the interface is gone, and the filter with it
            if libbpf.attached(ifindex, point, **where) == program_id:
                libbpf.detach(ifindex, point, **where)

    def close(self) -> None:
        """Let go of memory and descriptors. What is attached stays attached."""
        for array in (self._words, self._states, self._control, self._stats, self._fence):
            if array is not None:
                array.close()
        if self._object is not None:
            self._object.close()

    def set_virtual(self, addresses: Iterable[str]) -> None:
        """From now on exactly these addresses are guarded. Raises KernelError for IPv6."""
        wanted = {mapped(str(address)) for address in addresses}
        for address in wanted:
            libbpf.update(self._fds["virtual"], address, b"\1")
        for address in list(libbpf.keys(self._fds["virtual"], layout.ADDRESS_OCTETS)):
            if address not in wanted:
                libbpf.delete(self._fds["virtual"], address)

    def open_fence(self) -> None:
        """The guard: let the worker speak, as long as its lease holds."""
        self._guards_fence().u64[0] = 1

    def close_fence(self) -> None:
        """The guard: silence at once, whatever the lease says."""
        self._guards_fence().u64[0] = 0

    @property
    def lease(self) -> int:
        """Until when packets may leave from a virtual address: CLOCK_BOOTTIME, ns; 0 is never."""
        return self._control.u64[0]

    @lease.setter
    def lease(self, deadline_ns: int) -> None:
        self._control.u64[0] = deadline_ns

    @property
    def reset_after(self) -> int:
        """From when the kernel may reset connections that nobody knows: CLOCK_BOOTTIME, ns; 0 is never."""
        return self._control.u64[1]

    @reset_after.setter
    def reset_after(self, instant_ns: int) -> None:
        self._control.u64[1] = instant_ns

    def register(self, key: bytes) -> Flow | None:
        """Give a connection that has just been opened a slot, acks committed up to nothing.

        None when the gate never saw it open, or saw too many others since, or all slots are taken: refuse()
        it then.
        """
        embryo = self._embryo(key)
        if embryo is None or not self._free:
            return None
        commit = (embryo.peer_isn + 1) & 0xFFFFFFFF
        flow = self._publish(key, commit, embryo.our_isn, embryo.snd_end)
        # Until it was published the gate worked on the embryo: what it held there meanwhile is still to be
        # released.
        flow.inherit(self._embryo(key) or embryo)
        return flow

    def reserve(self, key: bytes) -> Flow:
        """A slot for a connection that may go on here; Flow.begin() says where, before its socket can speak.

        Raises KernelError when all slots are taken.
        """
        if not self._free:
            raise KernelError(f"all {self._slots} slots of the gate are taken", "raise limits.sessions")
        return self._publish(key, 0, 0, 0)

    def restore(self, key: bytes, commit: int, snd_end: int) -> Flow:
        """Guard a connection that is about to go on here: reserve() and Flow.begin(). Raises KernelError."""
        flow = self.reserve(key)
        flow.begin(commit, snd_end)
        return flow

    def refuse(self, key: bytes) -> None:
        """A connection that is not to be served: let the kernel close or reset it."""
        libbpf.update(self._fds["loose"], key, layout.LOOSE.pack(layout.CLOSING, 0, b""))

    def statistics(self) -> dict[str, int]:
        """The gate's counters since it was loaded, by name."""
        return dict(zip(layout.STATISTICS, self._stats.u64, strict=False))

    @property
    def flows(self) -> Sequence[Flow]:
        """The flows that hold a slot."""
        return tuple(self._flows.values())

    def _attach(self, name: str) -> None:
        assert self._object is not None
        for point, program in _PROGRAMS:
            fd = self._object.program_fd(program)
            program_id = libbpf.attach(nic.index(name), point, fd, handle=TC_HANDLE, priority=TC_PRIORITY)
            self._attached.append((name, point, program_id))

    def _guards_fence(self) -> MappedArray:
        assert self._fence is not None, "the fence belongs to the guard"
        return self._fence

    def _embryo(self, key: bytes) -> State | None:
        found = libbpf.lookup(self._fds["loose"], key, layout.LOOSE.size)
        if found is None:
            return None
        kind, peer_known, state = layout.LOOSE.unpack(found)
        return State.unpack(state) if kind == layout.EMBRYO and peer_known else None

    def _publish(self, key: bytes, commit: int, our_isn: int, snd_end: int) -> Flow:
        known = self._flows.get(key)
        if known is not None:
            known.release()
        flow = Flow(key, self._free.popleft(), self._words, self._states, self._release)
        flow.initialise(commit, our_isn, snd_end)
        libbpf.update(self._fds["flows"], key, layout.SLOT.pack(flow.slot))
        self._flows[key] = flow
        return flow

    def _release(self, flow: Flow) -> None:
        if self._flows.get(flow.key) is not flow:
            return
        self.refuse(flow.key)  # first: between the two the gate still knows the flow
        libbpf.delete(self._fds["flows"], flow.key)
        del self._flows[flow.key]
        self._free.append(flow.slot)
