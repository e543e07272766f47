"""The program around the twin of any bill acceptor: its thread on the pseudo-terminal, and its control requests.

Every acceptor's twin takes these requests, each a JSON line with "do":

  insert {"value_minor"}; state; wait_enabled {"value_minor"?, "timeout_ms"}; wait_state {any fields of state,
  "timeout_ms"}; power_cut; power_on; power_cut_at {"when"}; jam {"when"?}; clear {"by": "hand" or "device"}; cheat;
  reject {"when"}; cassette_out; cassette_in; empty; full {"when"?}; cable_out; cable_in; hold {"on"};
  disarm (forget every "when" that has not come yet)

`when` is one of notes.MOMENTS: accepting, escrow, stacking, before_stacked or returning. Money in cents, times in
milliseconds. What a protocol can do to its own line is said by its module.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from hardware.sim.control import Answer, Refused, Request, text, whole
from hardware.sim.lines import PtyLine
from hardware.sim.notes import Body, Place
from hardware.sim.twin import Act, Twin, doing

BUSY_S, REST_S = 0.01, 0.25  # how often time is passed on while a note moves, and while nothing does


class Device(Protocol):
    """What a twin does with notes, not how it says so. Driven by `step` of its wire; it owns no clock and no thread."""

    body: Body
    held: bool  # frozen in its present state
    armed: dict[str, str]  # moment to what happens then

    @property
    def powered(self) -> bool: ...

    @property
    def busy(self) -> bool: ...

    @property
    def enabled(self) -> list[int]:
        """Return the values in cents that would be accepted now."""

    def power_on(self) -> None: ...

    def power_cut(self) -> None: ...

    def insert(self, value_minor: int) -> None:
        """A customer offers a note; 0 or a value outside the table is one that cannot be read. Refused if not taken."""

    def arm(self, act: str, when: str) -> None:
        """Let `act` (power_cut, jam, full or reject) happen by itself at the moment `when`."""

    def jam(self) -> None: ...

    def clear(self, by_hand: bool = True) -> None: ...

    def cheat(self) -> None: ...

    def fill(self) -> None: ...

    def cassette_out(self) -> None: ...

    def cassette_in(self) -> None: ...

    def empty(self) -> Counter[int]: ...

    def state(self) -> str:
        """Return one word for what it is doing."""


class Wire(Protocol):
    def step(self, dt_ms: int) -> None:
        """Let time pass, for the device too."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; return what is written back, one item a write."""


class AcceptorTwin(Twin):
    """A running twin. One thread owns device and line; `handle` may be called from any other.

    `link` becomes a symbolic link to the pseudo-terminal. With `store` the position of notes and the cassette survive
    the process: a twin that is started again comes up as after a power cut. A protocol's own twin adds what it can do
    to its line (`line_acts`) and what it tells of itself (`own_state`).
    """

    def __init__(self, link: str | Path, device: Device, wire: Wire, store: Path | None = None, baud: int = 0) -> None:
        super().__init__(store)
        self.device: Device = device
        self.wire: Wire = wire
        self._line = PtyLine(link, baud)
        self._line.plug_in()
        self.device.power_on()
        self.start("acceptor twin")

    # The thread

    def ends(self) -> list[Any]:
        return [self._line.fileno()] if self._line.plugged else []

    def patience_s(self) -> float:
        return BUSY_S if self.device.powered and self.device.busy else REST_S

    def step(self, dt_ms: int) -> None:
        self.wire.step(dt_ms)
        self.save()

    def answer(self, ready: list[Any]) -> None:
        del ready
        data = self._line.read()
        if data:
            writes = self.wire.feed(data)
            self.save()  # what the host is about to read must already be true after a restart
            for write in writes:
                self._line.write(write)

    def unplug(self) -> None:
        self._line.unplug()

    def kept(self) -> dict[str, Any]:
        return self.device.body.to_json()

    # Control

    def awaited(self, request: Request) -> Callable[[], bool] | None:
        return self._enabled(request) if request["do"] == "wait_enabled" else super().awaited(request)

    def _enabled(self, request: Request) -> Callable[[], bool]:
        value_minor = whole(request, "value_minor", 0)
        return lambda: value_minor in self.device.enabled if value_minor else bool(self.device.enabled)

    def state(self) -> Answer:
        """Return what a person beside the device could see, and what the host has enabled."""
        device, body = self.device, self.device.body
        inside = body.place in (Place.ACCEPTING, Place.ESCROW, Place.STACKING, Place.RETURNING)
        return {
            "state": device.state(),
            "enabled": device.enabled,
            "cassette": _notes(body.notes),
            "cassette_minor": sum(value * count for value, count in body.notes.items()),
            "cassette_notes": body.notes.total(),
            "escrow_minor": body.value_minor if body.place is Place.ESCROW else 0,
            "path_minor": body.value_minor if inside else 0,
            "returned": body.returned,
            "powered": device.powered,
            "plugged_in": self._line.plugged,
            "cassette_in_place": body.cassette,
            "full": body.full,
            "jammed": body.jammed,
            "held": device.held,
        } | self.own_state()

    def own_state(self) -> Answer:
        """Return what this protocol's twin tells besides."""
        return {}

    def line_acts(self, do: str, request: Request) -> Act | None:
        """Return what a request does to this protocol's line, None if it is no such request."""
        del do, request
        return None

    def act(self, do: str, request: Request) -> Act:
        """Return what to do on the twin's thread; fields are checked here, on the client's."""
        for acts in (self._note_acts, self._staff_acts, self.line_acts):
            act = acts(do, request)
            if act is not None:
                return act
        raise Refused(f"this acceptor cannot {do!r}")

    def _note_acts(self, do: str, request: Request) -> Act | None:
        device = self.device
        match do:
            case "state":
                return self.state
            case "insert":
                value_minor = whole(request, "value_minor")
                return doing(lambda: device.insert(value_minor))
            case "power_cut_at" | "reject":
                moment = text(request, "when")
                return doing(lambda: device.arm("power_cut" if do == "power_cut_at" else do, moment))
            case "jam" | "full" if "when" in request:
                moment = text(request, "when")
                return doing(lambda: device.arm(do, moment))
            case "clear":
                by = text(request, "by", "hand")
                return doing(lambda: device.clear(by_hand=by == "hand"))
        return None

    def _staff_acts(self, do: str, request: Request) -> Act | None:
        device = self.device
        plain: dict[str, Callable[[], None]] = {
            "power_cut": device.power_cut,
            "power_on": device.power_on,
            "disarm": device.armed.clear,
            "jam": device.jam,
            "full": device.fill,
            "cheat": device.cheat,
            "cassette_out": device.cassette_out,
            "cassette_in": device.cassette_in,
            "cable_out": self._line.unplug,
            "cable_in": self._line.plug_in,
        }
        if do in plain:
            return doing(plain[do])
        if do == "hold":
            return doing(lambda: setattr(device, "held", bool(request.get("on", True))))
        return self._empty if do == "empty" else None

    def _empty(self) -> Answer:
        notes = self.device.empty()
        return {"cassette": _notes(notes), "cassette_minor": sum(value * count for value, count in notes.items())}


def _notes(notes: Counter[int]) -> list[dict[str, int]]:
    return [{"value_minor": value, "count": count} for value, count in sorted(notes.items()) if count]
