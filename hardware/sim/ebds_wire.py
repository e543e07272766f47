"""The twin's side of the line: frames in, frames out, and everything that can go wrong between (sheet 3 to 8, 14).

Shares nothing with the host's codec but the sheet; golden frames in the tests hold the two together.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hardware.sim.ebds_device import Acceptor
from hardware.sim.ebds_parts import Report

SILENCE_MS = 20  # longer than between two bytes of a frame: what is incomplete then never completes

# (byte, bit) of each flag in the six status bytes
BITS = {
    "idling": (0, 0),
    "accepting": (0, 1),
    "escrowed": (0, 2),
    "stacking": (0, 3),
    "stacked": (0, 4),
    "returning": (0, 5),
    "returned": (0, 6),
    "cheated": (1, 0),
    "rejected": (1, 1),
    "jammed": (1, 2),
    "full": (1, 3),
    "cassette": (1, 4),
    "paused": (1, 5),
    "power_up": (2, 0),
    "invalid_command": (2, 1),
    "failure": (2, 2),
}


@dataclass(frozen=True)
class Nameplate:
    """What the device says it is. `model` and `revision` are the status bytes d4 and d5."""

    type: str
    serial: str
    variant: str
    application: str
    model: int
    revision: int
    currency: str = "USD"


NAMEPLATES = {
    "mei-sc": Nameplate("SC83", "83100004417", "SC USA_USD", "286001123", 0x54, 0x2A),
    "mei-s2k": Nameplate("S2000", "20100000815", "USD", "280000123", 0x4A, 0x21),
    "pyramid": Nameplate("", "700012345", "", "", 0x01, 0x11),
}


@dataclass
class Trouble:
    """Faults of the line, each counting down. `when` limits dropped replies to those with that flag set."""

    drop: int = 0
    when: str = ""
    corrupt: int = 0
    echo: int = 0
    other_toggle: int = 0
    noise: bytes = b""  # sent before every reply
    fragment: bool = False  # one byte a write

    def lose(self, report: Report | None) -> bool:
        fits = not self.when or (report is not None and self.when in report.flags)
        if not (self.drop and fits):
            return False
        self.drop -= 1
        return True

    def spoil(self, frame: bytes) -> bytes:
        if self.other_toggle:
            self.other_toggle -= 1
            frame = seal(frame[2] ^ 1, frame[3:-2])
        if self.corrupt:
            # The byte damaged moves on with the count, so that start, length, data and checksum all get their turn.
            at = self.corrupt % len(frame)
            frame = frame[:at] + bytes([frame[at] ^ 0x10]) + frame[at + 1 :]
            self.corrupt -= 1
        return frame


def seal(control: int, data: bytes) -> bytes:
    """Return the frame around DATA."""
    check = 0
    for byte in (len(data) + 5, control, *data):
        check ^= byte
    return bytes([0x02, len(data) + 5, control]) + data + bytes([0x03, check])


@dataclass
class Wire:
    """Bytes from the host to `device`, and back. `unknown_query` is how a query that does not exist is answered:
    omnibus, crc or silent (section 7)."""

    device: Acceptor
    trouble: Trouble = field(default_factory=Trouble)
    unknown_query: str = "omnibus"
    polls: int = 0  # omnibus commands taken

    def __post_init__(self) -> None:
        self._held = b""
        self._quiet_ms = 0
        self._toggle: int | None = None
        self._reply: tuple[bytes, Report | None] | None = None
        self._restarts = self.device.restarts
        self._plate = NAMEPLATES[self.device.settings.profile]

    def step(self, dt_ms: int) -> None:
        """Let time pass, for the device too."""
        self._quiet_ms += dt_ms
        self.device.step(dt_ms)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; return what is written back, one item a write."""
        if self._quiet_ms > SILENCE_MS:
            self._held = b""
        self._quiet_ms = 0
        self._held += bytes(byte & 0x7F for byte in data)
        writes: list[bytes] = []
        while (frame := self._next_frame()) is not None:
            writes += self._answer(frame)
        return writes

    def _next_frame(self) -> bytes | None:
        while (start := self._held.find(b"\x02")) >= 0:
            self._held = self._held[start:]
            if len(self._held) < 2:
                return None
            length = self._held[1]
            if length >= 5 and len(self._held) < length:
                return None
            frame = self._held[:length]
            if length >= 5 and frame == seal(frame[2], frame[3:-2]):
                self._held = self._held[length:]
                return frame
            self._held = self._held[1:]
        self._held = b""
        return None

    def _answer(self, frame: bytes) -> list[bytes]:
        if not self.device.powered:
            return []
        if self.device.restarts != self._restarts:  # it does not remember the toggle over a power cut
            self._restarts, self._toggle = self.device.restarts, None
        if self.trouble.echo:
            self.trouble.echo -= 1
            return [frame]
        toggle = frame[2] & 1
        if toggle != self._toggle or self._reply is None:
            self._toggle = toggle
            self.device.acknowledge()
            self._reply = self._react(frame[2] >> 4, frame[3:-2], toggle)
        return self._write(*self._reply) if self._reply else []

    def _write(self, reply: bytes, report: Report | None) -> list[bytes]:
        if self.trouble.lose(report):
            return []
        data = self.trouble.noise + self.trouble.spoil(reply)
        return [bytes([byte]) for byte in data] if self.trouble.fragment else [data]

    # Meaning

    def _react(self, kind: int, data: bytes, toggle: int) -> tuple[bytes, Report | None] | None:
        if kind == 1 and len(data) == 3:
            self._poll(data)
            return self._status(toggle)
        if kind == 6:
            if data == b"\x7f\x7f\x7f":
                self.device.reset()
                return None
            return self._auxiliary(data, toggle)
        if kind == 7 and len(data) >= 4:
            self._poll(data[1:4])
            return self._extended(data, toggle)
        self.device.invalid_command()
        return self._status(toggle)

    def _poll(self, data: bytes) -> None:
        self.polls += 1
        self.device.poll(data[0], bool(data[1] & 0x20), bool(data[1] & 0x40))

    def _status(self, toggle: int) -> tuple[bytes, Report | None]:
        report = self.device.report()
        return seal(0x20 | toggle, self._status_bytes(report)), report

    def _status_bytes(self, report: Report) -> bytes:
        status = bytearray(6)
        for name in report.flags:
            byte, bit = BITS[name]
            status[byte] |= 1 << bit
        status[2] |= report.channel << 3
        status[4], status[5] = self._plate.model, self._plate.revision
        return bytes(status)

    def _auxiliary(self, data: bytes, toggle: int) -> tuple[bytes, Report | None] | None:
        text = self._telemetry(data) if self.device.settings.profile == "pyramid" else self._query(data)
        if text is not None:
            return seal(0x60 | toggle, text), None
        if self.unknown_query == "silent":
            return None
        if self.unknown_query == "crc":
            return seal(0x60 | toggle, bytes([1, 2, 3, 4, 0, 0])), None
        return self._status(toggle)

    def _query(self, data: bytes) -> bytes | None:
        answers: dict[int, Callable[[], bytes]] = {
            0x00: lambda: bytes([1, 2, 3, 4, 0, 0]),
            0x04: lambda: self._plate.type.encode().ljust(20, b"\0"),
            0x05: lambda: self._plate.serial.encode().ljust(20, b"\0"),
            0x07: self._plate.application.encode,
            0x08: lambda: self._plate.variant.encode().ljust(32, b"\0"),
        }
        if len(data) != 3 or data[:2] != b"\0\0" or data[2] not in answers:
            return None
        return answers[data[2]]()

    def _telemetry(self, data: bytes) -> bytes | None:
        """Pyramid: the command is the first byte; 00 is a ping, 01 the serial number."""
        if len(data) != 1 or data[0] > 1:
            return None
        return self._plate.serial.encode() if data[0] else b""

    def _extended(self, data: bytes, toggle: int) -> tuple[bytes, Report | None]:
        known = self.device.settings.profile == "mei-sc"
        if known and data[0] == 0x04 and len(data) == 6:
            self.device.escrow_timeout_ms = data[4] * 1_000
            return self._extended_reply(0x04, b"", toggle)
        if known and data[0] == 0x06:
            rows = b"".join(self._row(channel, value) for channel, value in sorted(self.device.settings.table.items()))
            return self._extended_reply(0x06, rows.ljust(70, b"\0"), toggle)
        self.device.invalid_command()
        return self._status(toggle)

    def _extended_reply(self, sub: int, extension: bytes, toggle: int) -> tuple[bytes, Report | None]:
        report = self.device.report()
        return seal(0x70 | toggle, bytes([sub]) + self._status_bytes(report) + extension), report

    def _row(self, channel: int, value_minor: int) -> bytes:
        """Index, ISO code, base, sign, exponent: $20 is 002 +01."""
        base, exponent = value_minor // 100, 0
        while base % 10 == 0:
            base, exponent = base // 10, exponent + 1
        return bytes([channel]) + f"{self._plate.currency}{base:03d}+{exponent:02d}".encode()
