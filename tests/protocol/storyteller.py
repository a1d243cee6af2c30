"""Runs a role scenario: a text of inputs and effects that reads like a story.

Inputs stand at the start of a line, effects are indented. Time passes between inputs, and the machine gets its
ticks exactly when it asks for them; only `freeze` withholds them.

    node b priority=100 epoch=6         the machine under test (first line)
    peer a priority=200 incarnation=50  what the other's heartbeats say unless told otherwise
    at 0.010 hear active epoch=7        one heartbeat, bound to this machine unless `to=` says otherwise
    from 0.010 to 1.000 hear active     one every interval
    at 1.100 died                       a death notice about the peer as heard last
    at 1.100 stream up                  any other event (EVENTS below)
    wait 2.000                          time passes until then
    freeze 2.000                        the process does not run until then
    at 0.000 witness node=a epoch=7     what the witness keeps from then on; it answers by itself
    at 1.000 witness down               it answers no more, until `witness up`
        1.000 -> activate ...           what the machine wanted done, and when

Heartbeats are shown when what they say changes. render() gives the same text with the effects that came.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from protocol import events
from protocol.events import Effect, Event, Settings
from protocol.heartbeat import DeathNotice, Heartbeat, Role, Sync
from protocol.roles import RoleMachine
from tests.protocol.kept import Kept

Record = TypeVar("Record", Settings, Heartbeat, DeathNotice)

EVENTS: dict[str, Callable[[dict[str, str]], Event]] = {
    "stream up": lambda words: events.StreamUp(),
    "stream down": lambda words: events.StreamDown(),
    "cache synced": lambda words: events.Synced(),
    "cache desynced": lambda words: events.Desynced(),
    "data-links down": lambda words: events.DataLinksChanged(False),
    "data-links up": lambda words: events.DataLinksChanged(True),
    "lease lost": lambda words: events.LeaseLost(),
    "activation done": lambda words: events.ActivationDone(),
    "activation failed": lambda words: events.ActivationFailed(words["reason"]),
    "handover received": lambda words: events.HandoverReceived(int(words["epoch"])),
    "handover done": lambda words: events.HandoverDone(),
    "solo wanted": lambda words: events.SoloWanted(),
    "handover failed": lambda words: events.HandoverFailed(words["reason"]),
    "switchover requested": lambda words: events.SwitchoverRequested(words["reason"]),
}

BASE = Settings("b", 100, 70, 0, interval_s=0.05, lost_threshold=4, lease_s=0.15, hold_down_s=10.0)
SPOKEN = Heartbeat(
    node="a",
    priority=200,
    role=Role.ACTIVE,
    sync=Sync.IN_SYNC,
    epoch=0,
    incarnation=50,
    to=BASE.incarnation,
    data_ok=True,
    stream=True,
    solo=False,
    stale=False,
    doubt=False,
    override=False,
    sessions=0,
    clock_ms=0,
)
CONVERT: dict[type, Callable[[str], object]] = {
    bool: lambda word: {"yes": True, "no": False}[word],
    int: int,
    float: float,
    str: str,
    Role: Role,
    Sync: Sync,
    type(None): lambda word: {"yes": True, "no": False}.get(word) if word in ("yes", "no") else float(word),
}


def _words(tokens: list[str]) -> dict[str, str]:
    return dict(token.split("=", 1) for token in tokens)


def _with(record: Record, words: dict[str, str]) -> Record:
    """The same but for these fields, converted to the types they have."""
    changes: dict[str, Any] = {name: CONVERT[type(getattr(record, name))](word) for name, word in words.items()}
    return replace(record, **changes)


class Story:
    """One run of one scenario."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.settings = BASE
        self.spoken = SPOKEN
        self.machine: RoleMachine | None = None
        self.now = 0.0
        self.said = ""
        self.witness = Kept()

    def run(self, text: str) -> str:
        for line in text.splitlines():
            if line.startswith(" "):
                continue  # effects of an earlier run
            self.lines.append(line)
            verb, *tokens = line.split() or ["#"]
            if not verb.startswith("#"):
                getattr(self, f"_{verb}")(*tokens)
        return "\n".join(self.lines) + "\n"

    def _node(self, name: str, *tokens: str) -> None:
        settings = _with(replace(BASE, node=name), _words(list(tokens)))
        self.settings = settings
        self.machine = RoleMachine(settings, 0.0)

    def _peer(self, name: str, *tokens: str) -> None:
        self.spoken = self._heartbeat({"node": name, **_words(list(tokens))})

    def _wait(self, until: str) -> None:
        self._pass_time(float(until))

    def _freeze(self, until: str) -> None:
        self.now = float(until)

    def _at(self, when: str, *tokens: str) -> None:
        self._pass_time(float(when))
        if tokens[0] == "witness":
            self._change_witness(list(tokens[1:]))
        else:
            self._give(self._event(list(tokens)))

    def _change_witness(self, tokens: list[str]) -> None:
        if tokens[0] in ("up", "down"):
            self.witness.up = tokens[0] == "up"
        else:
            self.witness.change(_words(tokens))

    def _from(self, start: str, to: str, end: str, *tokens: str) -> None:
        assert to == "to"
        when = float(start)
        while when <= float(end) + 1e-9:
            self._pass_time(when)
            self._give(self._event(list(tokens)))
            when = round(when + self.settings.interval_s, 6)

    def _event(self, tokens: list[str]) -> Event:
        if tokens[0] == "hear":
            self.spoken = self._heartbeat({"role": tokens[1], **_words(tokens[2:])})
            return events.PeerHeard(self.spoken, "hb0")
        if tokens[0] == "died":
            spoken = self.spoken
            notice = _with(DeathNotice(spoken.node, spoken.epoch, spoken.incarnation, spoken.to), _words(tokens[1:]))
            return events.PeerDied(notice)
        return EVENTS[" ".join(tokens[:2])](_words(tokens[2:]))

    def _heartbeat(self, words: dict[str, str]) -> Heartbeat:
        """What the peer says now. It says the same until told otherwise, but for doubt."""
        clock = {"clock_ms": str(1000 + round(self.now * 1000)), "to": str(self.settings.incarnation), "doubt": "no"}
        return _with(self.spoken, {**clock, **words})

    def _pass_time(self, until: float) -> None:
        assert self.machine is not None
        while (due := self.machine.next_deadline()) is not None:
            answer = self.witness.pending
            if max(self.now, min(due, answer[0] if answer else due)) > until:
                break
            if answer is not None and answer[0] <= due:
                self.witness.pending = None
                self.now = max(answer[0], self.now)
                self._give(answer[1])
            else:
                self.now = max(due, self.now)
                self._give(events.Tick())
        self.now = max(until, self.now)

    def _give(self, event: Event) -> None:
        assert self.machine is not None
        for effect in self.machine.step(event, self.now):
            self.lines.extend(f"    {self.now:.3f} -> {line}" for line in self._tell(effect))

    def _tell(self, effect: Effect) -> Iterator[str]:
        match effect:
            case events.Activate(epoch, reason, use_cache):
                yield f"activate epoch {epoch}, {reason}, {'with' if use_cache else 'without'} cache"
            case events.StandDown(reason):
                yield f"stand down, {reason}"
            case events.ReclaimLease():
                yield "reclaim lease"
            case events.Announce():
                yield "announce the addresses"
            case events.BeginHandover(reason, epoch):
                yield f"begin handover of epoch {epoch}, {reason}"
            case events.Report(what, fields):
                yield " ".join(["report", what, *(f"{name}={value}" for name, value in fields.items())])
            case events.SendHeartbeat():
                yield from self._say()
            case events.AskWitness():
                written = self.witness.ask(effect, self.now)
                yield from [] if written is None else [written]

    def _say(self) -> Iterator[str]:
        assert self.machine is not None
        said = self.machine.heartbeat(
            sync=Sync.IN_SYNC, stream=True, solo=False, stale=False, sessions=0, clock_ms=round(self.now * 1000)
        )
        line = f"say {said.role} epoch {said.epoch} to {said.to}"
        line += " without data links" if not said.data_ok else ""
        line += " in doubt" if said.doubt else ""
        if line != self.said:
            self.said = line
            yield line


def render(text: str) -> str:
    """The scenario as it really goes."""
    return Story().run(text)
