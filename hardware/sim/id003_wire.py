"""The twin's side of an ID-003 line: frames in and out, and everything that can go wrong between (sheet 3 to 6, 11).

Shares nothing with the host's codec but the sheet; golden frames in the tests hold the two together.
"""

from dataclasses import dataclass, field

from hardware.sim import id003_parts as code
from hardware.sim.id003_device import Acceptor

SILENCE_MS = 20  # longer than between two bytes of a frame: what is incomplete then never completes
SETTINGS = {0xC0: 2, 0xC1: 2, 0xC2: 1, 0xC3: 1, 0xC4: 1, 0xC5: 2, 0xC6: 2, 0xC7: 1}  # bytes of data
DEFAULTS = {setting: bytes(length) for setting, length in SETTINGS.items()} | {0xC3: b"\x01"}
STARTING = (0x83, 0x88, 0x8A, 0x91)  # answered in power-up too


@dataclass
class Trouble:
    """Faults of the line, each counting down. `when` limits dropped replies to those of that status, in words."""

    drop: int = 0
    when: str = ""
    corrupt: int = 0
    echo: int = 0
    noise: bytes = b""  # sent before every reply
    fragment: bool = False  # one byte a write

    def lose(self, word: str) -> bool:
        if not self.drop or (self.when and self.when != word):
            return False
        self.drop -= 1
        return True

    def spoil(self, frame: bytes) -> bytes:
        if self.corrupt:
            # The byte damaged moves on with the count, so that start, length, data and CRC all get their turn.
            at = self.corrupt % len(frame)
            frame = frame[:at] + bytes([frame[at] ^ 0x10]) + frame[at + 1 :]
            self.corrupt -= 1
        return frame


def seal(command: int, data: bytes = b"") -> bytes:
    """Return the frame around DATA."""
    body = bytes([0xFC, len(data) + 5, command]) + data
    crc = 0
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
    return body + bytes([crc & 0xFF, crc >> 8])


@dataclass
class Wire:
    """Bytes from the host to `device`, and back. `echoes`: the line gives back everything it is told."""

    device: Acceptor
    trouble: Trouble = field(default_factory=Trouble)
    echoes: bool = False
    polls: int = 0  # status requests taken

    def __post_init__(self) -> None:
        self._held = b""
        self._quiet_ms = 0
        self._settings = dict(DEFAULTS)

    def step(self, dt_ms: int) -> None:
        """Let time pass, for the device too."""
        self._quiet_ms += dt_ms
        self.device.step(dt_ms)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; return what is written back, one item a write."""
        if self._quiet_ms > SILENCE_MS:
            self._held = b""
        self._quiet_ms = 0
        self._held += data
        writes: list[bytes] = [data] if self.echoes else []
        while (frame := self._next_frame()) is not None:
            writes += self._answer(frame)
        return writes

    def _next_frame(self) -> bytes | None:
        while (start := self._held.find(b"\xfc")) >= 0:
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
            if length >= 5 and self.device.settings.answers_damage and self.device.powered:
                self._held = b""
                return b""
        self._held = b""
        return None

    def _answer(self, frame: bytes) -> list[bytes]:
        if not self.device.powered:
            return []
        if not frame:
            return self._write(code.COMMUNICATION_ERROR, b"")
        if self.trouble.echo:
            self.trouble.echo -= 1
            return [frame]
        awake = self.device.heard()
        if not awake and frame[2] != 0x40:
            return []
        reply = self._react(frame[2], frame[3:-2])
        return self._write(*reply) if reply else []

    def _write(self, answer: int, data: bytes) -> list[bytes]:
        if self.trouble.lose(code.WORDS.get(answer, "")):
            return []
        raw = self.trouble.noise + self.trouble.spoil(seal(answer, data))
        return [bytes([byte]) for byte in raw] if self.trouble.fragment else [raw]

    # Meaning

    def _react(self, command: int, data: bytes) -> tuple[int, bytes] | None:
        if command == 0x11:
            self.polls += 1
            return self.device.poll()
        if command == 0x50:
            self.device.acknowledge()
            return None
        if command == 0x40:
            self.device.reset()
            self._settings = dict(DEFAULTS)
            return code.ACK, b""
        if not self.device.settable and command not in STARTING:
            return code.INVALID_COMMAND, b""
        if command in (0x41, 0x42, 0x43, 0x44):
            return (code.ACK if self.device.decide(command) else code.INVALID_COMMAND), b""
        if command in SETTINGS and len(data) == SETTINGS[command]:
            return self._set(command, data)
        answer = self._query(command)
        return (code.INVALID_COMMAND, b"") if answer is None else (command, answer)

    def _set(self, command: int, data: bytes) -> tuple[int, bytes]:
        self._settings[command] = data
        if command == 0xC3:
            self.device.inhibit(bool(data[0] & 1))
        elif command == 0xC0:
            self.device.disable(int.from_bytes(data, "little"))
        return command, data

    def _query(self, command: int) -> bytes | None:
        if command == 0x83:
            return bytes([self.device.inhibited])
        if 0x80 <= command <= 0x87:
            return self._settings[command + 0x40]
        plate = code.NAMEPLATES[self.device.settings.profile]
        match command:
            case 0x88:
                return plate.version.encode()
            case 0x89:
                return b"B001"
            case 0x8A:
                return b"".join(self._row(channel, plate.country) for channel in range(1, code.ROWS + 1))
            case 0x91:
                return plate.serial.encode()
        return None

    def _row(self, channel: int, country: int) -> bytes:
        """Code, country, base and exponent; 200 is 20 x 10^1."""
        value_minor = self.device.settings.notes.get(channel, 0)
        base, exponent = value_minor // 100, 0
        while base >= 100:
            base, exponent = base // 10, exponent + 1
        return bytes([0x60 + channel, country if base else 0, base, exponent])
