"""The configuration file as frozen dataclasses. Defaults are for a lobby; a demo or a test gives its own.

Sums are cents, times seconds, lengths millimetres. Ports are stable names (udev links), never ttyUSB numbers.
"""

import re
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")


def _lasting(port: str) -> str:
    """Refuse names that the kernel gives anew at every start."""
    if re.search(r"/tty(USB|ACM)\d+$", port):
        raise ValueError("ttyUSB and ttyACM numbers change: name the port by a udev link (docs/devices.md)")
    return port


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
    url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    ca_file: Path | None = None
    heartbeat_s: Seconds = 60


@dataclass(frozen=True, config=_STRICT)
class Acceptor:
    """`channels` gives each note type its value in cents; the device's own table must agree."""

    port: Port
    protocol: Literal["ebds"] = "ebds"
    profile: Literal["mei-sc", "mei-s2k", "pyramid"] = "mei-sc"
    channels: dict[int, Cents] = field(default_factory=lambda: dict(USD_CHANNELS))


@dataclass(frozen=True, config=_STRICT)
class Printer:
    """`address` is a port, a device file, host:port or a file, by `kind`."""

    kind: Literal["serial", "usb", "network", "file"]
    address: Port
    baud: int = 38_400
    columns: Literal[32, 42, 48] = 42
    large_print: bool = False


@dataclass(frozen=True, config=_STRICT)
class Reader:
    """What reads bills. `camera`: a V4L2 device file, "picamera2", or "folder:PATH" for pictures."""

    camera: str = ""
    imager: str = ""
    wedge: str = ""
    profiles: tuple[str, ...] = ("riverbend",)


@dataclass(frozen=True, config=_STRICT)
class Screen:
    """`pixels_per_mm` of the panel decides how large things are drawn; `rotation` in degrees."""

    width: int = 1080
    height: int = 1920
    fullscreen: bool = True
    rotation: Literal[0, 90, 180, 270] = 0
    pixels_per_mm: Annotated[float, Field(gt=1, lt=30)] = 5.58
    touch_panel: bool = True  # False takes a mouse or the window system's pointer


@dataclass(frozen=True, config=_STRICT)
class Limits:
    minimum_minor: Cents = 100
    maximum_minor: Cents = 1_000_000
    credit_minor: Cents = 20_000


@dataclass(frozen=True, config=_STRICT)
class Times:
    idle_s: Seconds = 120
    idle_answer_s: Seconds = 45
    done_s: Annotated[float, Field(gt=0, le=30)] = 30
    staff_idle_s: Seconds = 120


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
    reader: Reader = Reader()
    screen: Screen = Screen()
    limits: Limits = Limits()
    times: Times = Times()
    staff: tuple[Staff, ...] = ()
    production: bool = True
    allow_volatile_state: bool = False

    @model_validator(mode="after")
    def _fit_for_production(self) -> "Config":
        if not self.production:
            return self
        wrong = []
        if self.times.idle_answer_s < 20:
            wrong.append("times.idle_answer_s: a person needs at least 20 seconds to answer (accessibility T2)")
        if self.times.idle_s < 60:
            wrong.append("times.idle_s: at least 60 seconds (accessibility T1)")
        if self.allow_volatile_state:
            wrong.append("allow_volatile_state: the journal of a real kiosk must be on a lasting medium")
        if not self.server.url.startswith("https://"):
            wrong.append("server.url: https is required")
        if not (self.reader.camera or self.reader.imager or self.reader.wedge):
            wrong.append("reader: name a camera, an imager or a wedge")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self
