"""What can be done to each twin from the dock, and how its state reads. Data and pure functions; no window here.

Requests and state fields are those of the twins' control sockets. A field that a twin does not report is left out of
the panel, so that a new twin works here before the dock knows all of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]
Test = Callable[[State], bool]

NOTES_MINOR = (100, 500, 1000, 2000, 5000, 10000)


@dataclass(frozen=True)
class Act:
    """A button: `request` goes to the control socket. It is drawn pressed while `is_on` holds for the twin's state.

    `tone`: plain, note (money) or fault.
    """

    label: str
    request: dict[str, Any]
    tone: str = "plain"
    is_on: Test | None = None


@dataclass(frozen=True)
class Row:
    title: str
    acts: tuple[Act, ...]


@dataclass(frozen=True)
class Reading:
    """One line of the panel: what, and how it stands. `tone`: plain, good, caution or error."""

    label: str
    text: str
    tone: str = "plain"


@dataclass(frozen=True)
class Device:
    """A card of the dock. `name` is the word on the command line; `readings` turn a state into the card's lines.

    `bill` says how a bill is held to it: as an "image", as the "payload" of its barcode, or "" for not at all.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    readings: tuple[Callable[[State], Reading | None], ...]
    bill: str = ""


def dollars(amount_minor: int) -> str:
    """Return cents as "$20", or "$20.50" where cents are left."""
    whole, cents = divmod(amount_minor, 100)
    return f"${whole:,}.{cents:02d}" if cents else f"${whole:,}"


def is_connected(state: State) -> bool:
    """Return whether the device could answer its host now: powered, plugged in and, for the network, up."""
    return all(state.get(name, True) is not False for name in ("powered", "plugged_in", "up"))


def standing(state: State | None) -> Reading:
    """Return the word at the top of a card. None means that the twin itself does not answer."""
    if state is None:
        return Reading("", "No twin", "plain")
    if state.get("powered") is False:
        return Reading("", "No power", "error")
    if state.get("plugged_in") is False:
        return Reading("", "Cable out", "error")
    if state.get("up") is False:
        return Reading("", "Unplugged", "error")
    return Reading("", "Connected", "good")


def readings(device: Device, state: State) -> tuple[Reading, ...]:
    """Return the lines that `state` gives for the card of `device`."""
    return tuple(line for read in device.readings if (line := read(state)) is not None)


def _is(name: str, value: object) -> Test:
    return lambda state: state.get(name) == value


def _pair(title: str, name: str, good: Act, bad: Act, *more: Act) -> Row:
    """Two opposite acts over one boolean field that is True while all is well, and what else belongs there."""
    return Row(title, (_while(good, name, True), _while(Act(bad.label, bad.request, "fault"), name, False), *more))


def _while(act: Act, name: str, value: object) -> Act:
    return Act(act.label, act.request, act.tone, _is(name, value))


def _act(label: str, do: str, tone: str = "plain", **fields: Any) -> Act:
    return Act(label, {"do": do} | fields, tone)


def _cable() -> Row:
    return _pair("Cable", "plugged_in", _act("In", "cable_in"), _act("Out", "cable_out"))


def _power() -> Row:
    return _pair("Power", "powered", _act("On", "power_on"), _act("Cut", "power_cut"))


def _text(label: str, name: str, empty: str = "none") -> Callable[[State], Reading | None]:
    def read(state: State) -> Reading | None:
        if name not in state:
            return None
        value = state[name]
        return Reading(label, str(value).replace("_", " ") if value not in (None, "", [], {}) else empty)

    return read


def _cassette(state: State) -> Reading | None:
    """Notes in the cassette and what they are worth."""
    if "cassette_minor" not in state:
        return None
    notes = f" in {state['cassette_notes']} notes" if "cassette_notes" in state else ""
    return Reading("In the cassette", dollars(state["cassette_minor"]) + notes)


def _enabled(state: State) -> Reading | None:
    """Which notes the kiosk lets it take."""
    if "enabled" not in state:
        return None
    values = " ".join(dollars(value) for value in state["enabled"])
    return Reading("Takes now", values, "good") if values else Reading("Takes now", "nothing")


def _escrow(state: State) -> Reading | None:
    if "escrow_minor" not in state:
        return None
    held = state["escrow_minor"]
    return Reading("In escrow", dollars(held), "caution") if held else Reading("In escrow", "empty")


def _paper(state: State) -> Reading | None:
    words = {"ok": ("in place", "good"), "low": ("low", "caution"), "out": ("out", "error")}
    if "paper" not in state:
        return None
    text, tone = words.get(state["paper"], (str(state["paper"]), "plain"))
    return Reading("Paper", text, tone)


def _cover(state: State) -> Reading | None:
    if "cover_open" not in state:
        return None
    return Reading("Cover", "open", "error") if state["cover_open"] else Reading("Cover", "closed", "good")


def held(state: State) -> str:
    """Return the name of the picture that is under the camera, or ""."""
    return str(state.get("showing") or "").rsplit("/", 1)[-1]


def _picture(state: State) -> Reading | None:
    return Reading("Under the camera", held(state) or "nothing") if "showing" in state else None


def _delay(state: State) -> Reading | None:
    slow_ms = state.get("slow_ms")
    if slow_ms is None:
        return None
    return Reading("Delay", f"{slow_ms} ms", "caution") if slow_ms else Reading("Delay", "none", "good")


def _to_lose(state: State) -> Reading | None:
    if "losing" not in state:
        return None
    return Reading("Answers still to lose", str(state["losing"]), "caution" if state["losing"] else "plain")


_ACCEPTOR = Device(
    "acceptor",
    "Bill acceptor",
    (
        Row("Insert", tuple(_act(dollars(value), "insert", "note", value_minor=value) for value in NOTES_MINOR)),
        _cable(),
        _power(),
        Row(
            "Note path",
            (
                _while(_act("Clear", "clear"), "jammed", False),
                _while(_act("Jammed", "jam", "fault"), "jammed", True),
            ),
        ),
        _pair(
            "Cassette",
            "cassette_in_place",
            _act("In", "cassette_in"),
            _act("Out", "cassette_out"),
            _act("Empty it", "empty"),
        ),
        Row(
            "Mischief",
            (
                _act("Cheat", "cheat", "fault"),
                _act("Drop reply", "drop_reply", "fault"),
                _act("Garble", "corrupt", "fault"),
            ),
        ),
    ),
    (_text("Doing", "state"), _enabled, _escrow, _cassette),
)

_PRINTER = Device(
    "printer",
    "Receipt printer",
    (
        Row(
            "Paper",
            (
                _while(_act("In place", "paper_ok"), "paper", "ok"),
                _while(_act("Low", "paper_low", "fault"), "paper", "low"),
                _while(_act("Out", "paper_out", "fault"), "paper", "out"),
            ),
        ),
        Row(
            "Cover",
            (
                _while(_act("Closed", "cover_close"), "cover_open", False),
                _while(_act("Open", "cover_open", "fault"), "cover_open", True),
            ),
        ),
        _cable(),
    ),
    (_paper, _cover, _text("Receipts printed", "receipts", "0")),
)

_CAMERA = Device("camera", "Camera", (Row("Bill", (_act("Take it away", "clear"),)), _cable()), (_picture,), "image")

_IMAGER = Device("imager", "Serial imager", (_cable(),), (_text("Scans", "scans", "0"),), "payload")

_NETWORK = Device(
    "network",
    "Network",
    (
        _pair("Line", "up", _act("Up", "up"), _act("Unplugged", "down")),
        Row(
            "Delay",
            (
                _while(_act("None", "slow", ms=0), "slow_ms", 0),
                _while(_act("1 s", "slow", "fault", ms=1000), "slow_ms", 1000),
                _while(_act("10 s", "slow", "fault", ms=10000), "slow_ms", 10000),
            ),
        ),
        Row("Answers", (_act("Lose the next", "lose_answers", "fault", count=1),)),
    ),
    (_delay, _to_lose, _text("Connections", "open", "0")),
)

_BANK, _ACCOUNT = "T111000025T", "123456789U"
_CHECKS = Device(
    "checks",
    "Check reader",
    (
        Row(
            "Put through",
            (
                _act("Check 1045", "check", "note", line=f"{_BANK} {_ACCOUNT} 1045"),
                _act("Check 1046", "check", "note", line=f"{_BANK} {_ACCOUNT} 1046"),
                _act("Business", "check", "note", line=f"U002210U {_BANK} 9876543210U"),
                _act("Smudged", "check", "fault", line=f"{_BANK} 12?456789U 1047"),
            ),
        ),
        _cable(),
    ),
    (_text("Checks read", "reads", "0"),),
)

DEVICES: dict[str, Device] = {
    device.name: device for device in (_ACCEPTOR, _PRINTER, _CAMERA, _IMAGER, _NETWORK, _CHECKS)
}
