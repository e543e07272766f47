"""The twin's side of the line: frames in, frames out, and everything that can go wrong between (sheet 3 to 8, 16).

Shares nothing with the host's codec but the sheet; golden frames in the tests hold the two together.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hardware.sim.ccnet_device import Validator
from hardware.sim.ccnet_parts import MODELS, Report

SILENCE_MS = 20  # longer than between two bytes of a frame: what is incomplete then never completes

ACK, NAK, ILLEGAL = b"\x00", b"\xff", b"\x30"
ASSET = bytes.fromhex("75ED8DC8033F7B")
RECORDS = 24


@dataclass
class Trouble:
    """Faults of the line, each counting down. `when` limits dropped replies to those with that state."""

    drop: int = 0
    when: str = ""
    corrupt: int = 0
    echo: int = 0
    double: int = 0  # the reply comes twice
    late: int = 0  # the reply comes with the next one
    noise: bytes = b""  # sent before every reply
    fragment: bool = False  # one byte a write

    def lose(self, report: Report | None) -> bool:
        fits = not self.when or (report is not None and report.name == self.when)
        if not (self.drop and fits):
            return False
        self.drop -= 1
        return True

    def spoil(self, frame: bytes) -> bytes:
        if self.double:
            self.double -= 1
            frame += frame
        if self.corrupt:
            # The byte damaged moves on with the count, so that SYNC, length, data and CRC all get their turn.
            at = self.corrupt % len(frame)
            frame = frame[:at] + bytes([frame[at] ^ 0x10]) + frame[at + 1 :]
            self.corrupt -= 1
        return frame


def crc(data: bytes) -> int:
    """Return the sheet's CRC (section 3.1)."""
    register = 0
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ 0x8408 if register & 1 else register >> 1
    return register


def seal(data: bytes) -> bytes:
    """Return the frame around command or data."""
    body = bytes([0x02, 0x03, len(data) + 5]) + data
    check = crc(body)
    return body + bytes([check & 0xFF, check >> 8])


@dataclass
class Wire:
    """Bytes from the host to `device`, and back."""

    device: Validator
    trouble: Trouble = field(default_factory=Trouble)
    polls: int = 0

    def __post_init__(self) -> None:
        self._held = b""
        self._quiet_ms = 0
        self._last: tuple[bytes, Report | None] | None = None  # the reply that waits for ACK or NAK
        self._late = b""

    def step(self, dt_ms: int) -> None:
        """Let time pass, for the device too."""
        self._quiet_ms += dt_ms
        self.device.step(dt_ms)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; return what is written back, one item a write."""
        if not self.device.powered:
            self._held, self._last = b"", None
            return []
        if self._quiet_ms > SILENCE_MS:
            self._held = b""
        self._quiet_ms = 0
        self._held += data
        writes: list[bytes] = []
        while (frame := self._next_frame()) is not None:
            writes += self._answer(frame) if frame else self._refuse()
        return writes

    def _next_frame(self) -> bytes | None:
        """Return the next frame, b"" for a broken one, None if there is none yet."""
        start = self._held.find(b"\x02\x03")
        if start < 0:
            self._held = self._held[-1:] if self._held.endswith(b"\x02") else b""
            return None
        self._held = self._held[start:]
        if len(self._held) < 3 or len(self._held) < self._held[2]:
            return None
        length = self._held[2]
        if length < 6:
            self._held = self._held[1:]
            return self._next_frame()
        frame = self._held[:length]
        if crc(frame):
            self._held = self._held[1:]
            return b""
        self._held = self._held[length:]
        return frame

    def _refuse(self) -> list[bytes]:
        return self._write(seal(NAK), None) if self.device.settings.nak_broken else []

    def _answer(self, frame: bytes) -> list[bytes]:
        if self.trouble.echo:
            self.trouble.echo -= 1
            return [frame]
        data = frame[3:-2]
        if data == ACK:
            self._last = None
            self.device.acknowledge()
            return []
        if data == NAK:
            return self._write(*self._last) if self._last else []
        reply, report = self._react(data)
        sealed = seal(reply)
        self._last = None if reply in (ACK, NAK) else (sealed, report)
        return self._write(sealed, report)

    def _write(self, reply: bytes, report: Report | None) -> list[bytes]:
        if self.trouble.lose(report):
            return []
        data = self.trouble.noise + self.trouble.spoil(reply)
        if self.trouble.late:
            self.trouble.late -= 1
            late, self._late = self._late, data
            data = late
        elif self._late:
            data, self._late = self._late + data, b""
        if not data:
            return []
        return [bytes([byte]) for byte in data] if self.trouble.fragment else [data]

    # Meaning

    def _react(self, data: bytes) -> tuple[bytes, Report | None]:
        if data == b"\x33":
            self.polls += 1
            report = self.device.poll()
            return report.encode(), report
        acts: dict[int, Callable[[bytes], bytes]] = {
            0x30: self._reset,
            0x31: self._status,
            0x32: self._security,
            0x34: self._enable,
            0x35: lambda _: self._about_escrow(self.device.stack),
            0x36: lambda _: self._about_escrow(self.device.give_back),
            0x37: self._identification,
            0x38: lambda _: self._about_escrow(self.device.hold),
            0x39: lambda parameters: ACK if len(parameters) == 2 else ILLEGAL,
            0x41: self._table,
        }
        act = acts.get(data[0])
        return (act(data[1:]) if act else ILLEGAL), None

    def _reset(self, parameters: bytes) -> bytes:
        if parameters:
            return ILLEGAL
        self.device.reset()
        return ACK

    def _status(self, parameters: bytes) -> bytes:
        del parameters
        device = self.device
        return device.enabled_types.to_bytes(3, "big") + device.security_types.to_bytes(3, "big")

    def _security(self, parameters: bytes) -> bytes:
        if len(parameters) != 3:
            return ILLEGAL
        self.device.security_types = int.from_bytes(parameters, "big")
        return ACK

    def _enable(self, parameters: bytes) -> bytes:
        if len(parameters) != 6:
            return ILLEGAL
        types, escrow = (int.from_bytes(parameters[at : at + 3], "big") for at in (0, 3))
        return ACK if self.device.enable(types, escrow) else NAK

    def _about_escrow(self, act: Callable[[], None]) -> bytes:
        if not self.device.in_escrow:
            return ILLEGAL
        act()
        return ACK

    def _identification(self, parameters: bytes) -> bytes:
        del parameters
        if not self.device.answers_questions:
            return ILLEGAL
        settings = self.device.settings
        return MODELS[settings.model].encode().ljust(15) + settings.serial.encode()[:12].ljust(12) + ASSET

    def _table(self, parameters: bytes) -> bytes:
        del parameters
        if not self.device.answers_questions:
            return ILLEGAL
        table = self.device.settings.table
        return b"".join(self._record(table.get(place, 0)) for place in range(1, RECORDS + 1))

    def _record(self, value_minor: int) -> bytes:
        """Digits, letters, exponent: $20 is 2, USA, 1; fifty cents are 5, USA, divided by ten."""
        if not value_minor:
            return bytes(5)
        digits, exponent = value_minor, -2
        while digits % 10 == 0 and (digits > 9 or exponent < 0):
            digits, exponent = digits // 10, exponent + 1
        sign = exponent if exponent >= 0 else 0x80 | -exponent
        return bytes([digits]) + self.device.settings.letters.encode()[:3].ljust(3) + bytes([sign])
