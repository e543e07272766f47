"""The configuration file as frozen dataclasses. Defaults are for a lobby; a demo or a test gives its own.

Sums are cents, times seconds, lengths millimetres. Ports are stable names (udev links), never ttyUSB numbers.
"""

import re
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationInfo
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")
ACCEPTORS = ("ebds", "id003", "ccnet", "ssp")  # hardware.acceptors.families speaks these
ACCEPTOR_BAUDS = {"id003": (9600, 19200), "ccnet": (9600, 19200)}  # the others have one speed
ACCEPTOR_PROFILES = {"ebds": ("mei-sc", "mei-s2k", "pyramid"), "ssp": ("nv", "nv-encrypted", "smart-payout")}
CAMERAS = ("v4l2", "picamera2", "folder")  # hardware.scanner.camera opens these
PROFILES = Path(__file__).parents[2] / "assets" / "profiles"


def _lasting(port: str) -> str:
    """Refuse names that the kernel gives anew at every start."""
    if re.search(r"/tty(USB|ACM)\d+$", port):
        raise ValueError("ttyUSB and ttyACM numbers change: name the port by a udev link (docs/devices.md)")
    return port


def _camera(address: str) -> str:
    """Refuse what no camera can be opened by; "" is none."""
    scheme, colon, place = address.partition(":")
    if address and not (scheme in CAMERAS and colon and bool(place) == (scheme != "picamera2")):
        raise ValueError(f'a camera is "v4l2:/dev/...", "picamera2:" or "folder:DIR", not "{address}"')
    return address


def _acceptor(protocol: str) -> str:
    if protocol not in ACCEPTORS:
        raise ValueError(f"an acceptor's protocol is one of {', '.join(ACCEPTORS)}, not {protocol}")
    return protocol


def _acceptor_profile(name: str, info: ValidationInfo) -> str:
    """Refuse a device that does not speak the protocol; "" is the protocol's usual one."""
    protocol = info.data.get("protocol", "")
    known = ACCEPTOR_PROFILES.get(protocol, ())
    if name and name not in known:
        raise ValueError(f"{protocol} has {' or '.join(known) or 'no profiles'}, not {name}")
    return name


def _acceptor_baud(baud: int, info: ValidationInfo) -> int:
    """Refuse a speed that no device of the protocol has; 0 is the usual one."""
    protocol = info.data.get("protocol", "")
    known = ACCEPTOR_BAUDS.get(protocol, (9600,))
    if baud and baud not in known:
        raise ValueError(f"{protocol} runs at {' or '.join(map(str, known))}, not {baud}")
    return baud


def _profile(name: str) -> str:
    if not (PROFILES / f"{name}.toml").is_file():
        raise ValueError(f"there is no profile {name} in assets/profiles")
    return name


def _in_production(fits: Callable[[Any], bool], otherwise: str) -> AfterValidator:
    """Require of a lobby's kiosk what a test may do without. What is loaded without a word about it is a lobby's."""

    def check(value: Any, info: ValidationInfo) -> Any:
        if (info.context or {}).get("production", True) and not fits(value):
            raise ValueError(otherwise)
        return value

    return AfterValidator(check)


Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Port = Annotated[str, StringConstraints(min_length=1), AfterValidator(_lasting)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Cents = Annotated[int, Field(ge=0, le=100_000_000)]

USD_CHANNELS = {1: 100, 2: 200, 3: 500, 4: 1000, 5: 2000, 6: 5000, 7: 10000}


@dataclass(frozen=True, config=_STRICT)
class Kiosk:
    """`place` is what the receipt says about where it stands; `time_zone` is used until enrolment gives one."""

    name: Name
    place: Name
    language: Literal["en", "es"] = "en"
    time_zone: str = "America/Chicago"
    trust_clock: bool = False  # for machines whose clock is kept by other means than timesyncd or chrony


@dataclass(frozen=True, config=_STRICT)
class Office:
    name: Name
    address: tuple[str, ...]
    phone: str
    claim_phone: str
    claim_address: str = ""
    verify_url: str = ""


@dataclass(frozen=True, config=_STRICT)
class Server:
    url: Annotated[
        str,
        StringConstraints(pattern=r"^https?://"),
        _in_production(lambda url: url.startswith("https://"), "https is required"),
    ]
    ca_file: Path | None = None
    heartbeat_s: Seconds = 60


@dataclass(frozen=True, config=_STRICT)
class Acceptor:
    """`channels` gives each note type its value in cents; the device's own table must agree.

    `profile` is for EBDS and SSP. Of SSP alone: `key` is the fixed key as the maker writes it, 16 hexadecimal digits,
    "" for the factory's; `stored` are the channels that a recycler keeps to give change. `baud` is the line's speed
    where a unit is not set to the usual one.
    """

    port: Port
    protocol: Annotated[str, AfterValidator(_acceptor)] = "ebds"
    profile: Annotated[str, AfterValidator(_acceptor_profile)] = ""
    channels: dict[int, Cents] = field(default_factory=lambda: dict(USD_CHANNELS))
    key: Annotated[str, StringConstraints(pattern=r"^([0-9A-Fa-f]{16})?$")] = field(default="", repr=False)
    stored: tuple[int, ...] = ()
    baud: Annotated[int, AfterValidator(_acceptor_baud)] = 0


@dataclass(frozen=True, config=_STRICT)
class Card:
    """The card terminal. `address` is a port, host:port, or the address of a service, by `protocol`.

    `terminal` is the terminal id that must answer (the reader's id at Stripe), `serial` what must be printed on it, ""
    for any. `secret_file` holds the merchant's password or the restricted key, readable by the kiosk alone. `fees` is a
    table of dated rules, `category` and `department` whose bills the terminal's contract is for, as rules name them.
    `close_batch_at` is the local time of the day end ("23:30"), "" where the processor closes the batch by itself.
    `refund_days`: how old a payment may be that staff refund at the kiosk, 0 for none.
    """

    protocol: Literal["zvt", "pax", "stripe"]
    address: Annotated[str, AfterValidator(_lasting)] = ""
    baud: int = 0  # of a serial line; 0 is what the protocol usually has
    terminal: str = ""
    serial: str = ""
    secret_file: Path | None = None
    ca_file: Path | None = None
    test_mode: Annotated[bool, _in_production(lambda test: not test, "test cards are no money")] = False
    minimum_minor: Cents = 100
    maximum_minor: Cents = 1_000_000
    fees: Path | None = None
    category: Annotated[str, StringConstraints(pattern=r"^([0-9]{4})?$")] = ""
    department: str = ""
    close_batch_at: Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$")] = ""

    refund_days: Annotated[int, Field(ge=0, le=365)] = 30
    refund_two_people: bool = True

    def __post_init__(self) -> None:
        if self.protocol == "stripe" and (self.secret_file is None or not self.terminal):
            raise ValueError("stripe needs secret_file with its restricted key, and the reader's id as terminal")
        if self.protocol != "stripe" and not self.address:
            raise ValueError("the terminal needs an address")
        if self.protocol == "stripe" and self.close_batch_at:
            raise ValueError("stripe closes its batch by itself: leave close_batch_at out")


@dataclass(frozen=True, config=_STRICT)
class CheckReader:
    """A serial reader of MagTek's kind. `maximum_minor` is the most that the checks of one payment may be."""

    port: Port
    baud: Literal[1200, 2400, 4800, 9600, 19200] = 9600
    maximum_minor: Cents = 500_000


@dataclass(frozen=True, config=_STRICT)
class Printer:
    """`address` is a port, a device file, host:port or a file, by `kind`. `slip`: it prints on checks, too."""

    kind: Literal["serial", "usb", "network", "file"]
    address: Port
    baud: int = 38_400
    columns: Literal[32, 42, 48] = 42
    large_print: bool = False
    slip: bool = False


@dataclass(frozen=True, config=_STRICT)
class Reader:
    """What reads bills; "" for none. `camera`: "v4l2:/dev/...", "picamera2:", or "folder:DIR" for pictures."""

    camera: Annotated[str, AfterValidator(_camera)] = ""
    imager: str = ""
    wedge: str = ""
    profiles: Annotated[tuple[Annotated[str, AfterValidator(_profile)], ...], Field(min_length=1)] = ("riverbend",)


@dataclass(frozen=True, config=_STRICT)
class Screen:
    """`pixels_per_mm` of the panel decides how large things are drawn; `rotation` in degrees."""

    width: int = 1080
    height: int = 1920
    fullscreen: bool = True
    rotation: Literal[0, 90, 180, 270] = 0
    pixels_per_mm: Annotated[float, Field(gt=1, lt=30)] = 5.58
    left: int = -1  # the window's place when it is not full screen; -1 leaves it to the window system
    top: int = -1
    touch_panel: bool = True  # False takes a mouse or the window system's pointer


@dataclass(frozen=True, config=_STRICT)
class Limits:
    minimum_minor: Cents = 100
    maximum_minor: Cents = 1_000_000
    credit_minor: Cents = 20_000
    offline_minor: Cents = 0  # of cash and card each, on a bill that the server could not show; 0: no own limit


@dataclass(frozen=True, config=_STRICT)
class Storage:
    """What `state_dir` must give: megabytes (a million bytes) of room, milliseconds for a commit.

    A note costs 11 kB of room until the next checkpoint, and a full cassette of 1,000 notes 11 MB: below 20 MB
    somebody's payment might find no room for its end. Above 500 ms a note waits in sight of the person; a card that
    needs so long for 4 kB is worn out or overheated.
    """

    warn_free_mb: Annotated[int, Field(ge=1, le=100_000)] = 50
    refuse_free_mb: Annotated[
        int, Field(ge=1, le=100_000), _in_production(lambda room: room >= 20, "a payment may need 20 MB")
    ] = 20
    look_again_s: Seconds = 30  # how often a start that was refused by its medium looks whether it is mended
    slow_ms: Annotated[
        int, Field(ge=1, le=60_000), _in_production(lambda ms: ms <= 2000, "a note waits for the commit: at most 2000")
    ] = 500


@dataclass(frozen=True, config=_STRICT)
class Times:
    idle_s: Annotated[
        Seconds, _in_production(lambda seconds: seconds >= 60, "at least 60 seconds (accessibility T1)")
    ] = 120
    idle_answer_s: Annotated[
        Seconds,
        _in_production(
            lambda seconds: seconds >= 20, "a person needs at least 20 seconds to answer (accessibility T2)"
        ),
    ] = 45
    done_s: Annotated[float, Field(gt=0, le=30)] = 30
    staff_idle_s: Seconds = 120


@dataclass(frozen=True, config=_STRICT)
class Keeping:
    """`retention_days`: how long a record stays in the journal before it goes to the archive; 0 is for ever."""

    retention_days: Annotated[
        int,
        Field(ge=0, le=3650),
        _in_production(
            lambda days: days == 0 or days >= 90, "at least 90 days: a city's back-up may be so old, or 0 for ever"
        ),
    ] = 400


@dataclass(frozen=True, config=_STRICT)
class Staff:
    """One person; `pin` is what `./run kiosk pin` prints, never the PIN itself."""

    name: Name
    pin: Annotated[str, StringConstraints(pattern=r"^scrypt\$\d+\$\d+\$\d+\$[0-9a-f]+\$[0-9a-f]+$")]


@dataclass(frozen=True, config=_STRICT)
class Config:
    """The whole file. `state_dir` holds journal, key and enrolment; `run_dir` sockets and what a reboot may lose."""

    state_dir: Path
    run_dir: Path
    kiosk: Kiosk
    office: Office
    server: Server
    acceptor: Acceptor
    printer: Printer
    reader: Annotated[
        Reader,
        Field(validate_default=True),
        _in_production(lambda of: of.camera or of.imager or of.wedge, "name a camera, an imager or a wedge"),
    ] = Reader()
    card: Card | None = None
    check_reader: CheckReader | None = None
    screen: Screen = Screen()
    limits: Limits = Limits()
    times: Times = Times()
    journal: Keeping = Keeping()
    storage: Storage = Storage()
    staff: tuple[Staff, ...] = ()
    production: bool = True
    allow_volatile_state: Annotated[
        bool, _in_production(lambda allowed: not allowed, "the journal of a real kiosk must be on a lasting medium")
    ] = False

    # Screen and reader have a directory each, so that each can be closed to the other (tmpfiles.d).

    @property
    def screen_socket(self) -> Path:
        return self.run_dir / "screen" / "screen.sock"

    @property
    def reader_socket(self) -> Path:
        return self.run_dir / "reader" / "reader.sock"

    @property
    def control_socket(self) -> Path:
        return self.run_dir / "control.sock"
