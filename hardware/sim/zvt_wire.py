"""The ZVT twin's side of the line: messages over TCP, frames on a serial line, and what can go wrong there.

Shares nothing with the kiosk's code but the sheet (sections 1 to 3); golden frames in the tests hold the two together.
"""

from collections import deque
from dataclasses import dataclass

from hardware.sim.zvt_device import Terminal

ACK, NAK = b"\x06", b"\x15"
GAP_MS = 200
ACKNOWLEDGE_MS = 5_000
SENDS = 3
SALE_RESULT = 0x040F


@dataclass
class Trouble:
    """Faults of the line, each counting down. `deaf` answers of the kiosk to a result never arrive."""

    drop: int = 0  # of what we send
    corrupt: int = 0
    no_ack: int = 0
    deaf: int = 0
    noise: bytes = b""  # before everything we send
    fragment: bool = False

    def spoil(self, data: bytes) -> list[bytes]:
        """Return what really leaves, one item a write."""
        if self.drop:
            self.drop -= 1
            return []
        if self.corrupt:
            at = self.corrupt % len(data)
            data = data[:at] + bytes([data[at] ^ 0x21]) + data[at + 1 :]
            self.corrupt -= 1
        data = self.noise + data
        return [data[at : at + 1] for at in range(len(data))] if self.fragment else [data]

    def unheard(self, code: int) -> bool:
        """Whether this answer of the kiosk gets lost."""
        if not self.deaf or code >> 8 not in (0x80, 0x84):
            return False
        self.deaf -= 1
        return True


def message(code: int, data: bytes) -> bytes:
    """Return CLASS INSTR LEN DATA."""
    size = len(data)
    head = code.to_bytes(2, "big")
    if size >= 0xFF:
        return head + bytes([0xFF]) + size.to_bytes(2, "little") + data
    return head + bytes([size]) + data


def split(data: bytes) -> tuple[tuple[int, bytes] | None, bytes]:
    """Return the first whole message of `data`, None if there is none yet, and what follows it."""
    if len(data) < 3 or (data[2] == 0xFF and len(data) < 5):
        return None, data
    size, head = (int.from_bytes(data[3:5], "little"), 5) if data[2] == 0xFF else (data[2], 3)
    if len(data) < head + size:
        return None, data
    return (int.from_bytes(data[:2], "big"), data[head : head + size]), data[head + size :]


def checksum(data: bytes) -> bytes:
    """x16 + x12 + x5 + 1, bits mirrored, from 0000; low byte first (sheet section 2)."""
    value = 0
    for bit in (byte >> place & 1 for byte in data for place in range(8)):
        value = value >> 1 ^ (0x8408 if (value ^ bit) & 1 else 0)
    return value.to_bytes(2, "little")


def seal(plain: bytes) -> bytes:
    """Return the serial frame around a message."""
    inside = b"".join(b"\x10\x10" if byte == 0x10 else bytes([byte]) for byte in plain)
    return b"\x10\x02" + inside + b"\x10\x03" + checksum(plain + b"\x03")


class TcpWire:
    """Messages as they are. `feed` and `step` return what is written, one item a write."""

    def __init__(self, device: Terminal, trouble: Trouble | None = None) -> None:
        self.device = device
        self.trouble = trouble or Trouble()
        self._held = b""

    def opened(self) -> None:
        """A kiosk has connected: what an earlier connection began has ended."""
        self._held = b""
        self.device.line_lost()

    def closed(self) -> None:
        self.opened()

    def feed(self, data: bytes) -> list[bytes]:
        self._held += data
        while True:
            heard, self._held = split(self._held)
            if heard is None:
                return self._out()
            if not self.trouble.unheard(heard[0]):
                self.device.take(*heard)

    def step(self, dt_ms: int) -> list[bytes]:
        self.device.step(dt_ms)
        return self._out()

    def due_ms(self) -> int | None:
        return self.device.due_ms()

    def _out(self) -> list[bytes]:
        said = []
        while self.device.outgoing:
            said += self.trouble.spoil(message(*self.device.outgoing.popleft()))
        return said


class SerialWire:
    """Frames, each acknowledged by one byte and sent three times at most."""

    def __init__(self, device: Terminal, trouble: Trouble | None = None) -> None:
        self.device = device
        self.trouble = trouble or Trouble()
        self._restart()

    def _restart(self) -> None:
        self._held = b""
        self._quiet_ms = 0
        self._queue: deque[bytes] = deque()
        self._frame = b""  # sent and not acknowledged
        self._sends = 0
        self._waited_ms = 0
        self._last = b""
        self._heard_back = True

    def opened(self) -> None:
        """A cable that comes and goes is not noticed."""

    def closed(self) -> None:
        pass

    def feed(self, data: bytes) -> list[bytes]:
        if not self.device.powered:
            return []
        said: list[bytes] = []
        self._held += data
        self._quiet_ms = 0
        while self._held:
            if self._held[:1] in (ACK, NAK):
                byte, self._held = self._held[:1], self._held[1:]
                said += self._acknowledged() if byte == ACK else self._again()
                continue
            begin = self._held.find(b"\x10")
            if begin != 0:
                self._held = self._held[1:] if begin < 0 or self._held[0] != 0x10 else self._held
                continue
            taken = self._frame_in()
            if taken is None:
                break
            said += taken
        return said + self._out()

    def step(self, dt_ms: int) -> list[bytes]:
        said: list[bytes] = []
        if not self.device.powered:
            self._restart()
        self._quiet_ms += dt_ms
        if self._held and self._quiet_ms >= GAP_MS:
            self._held = b""
            said.append(NAK)
        self.device.step(dt_ms, self._told)
        if self._frame:
            self._waited_ms += dt_ms
            if self._waited_ms >= ACKNOWLEDGE_MS:
                said += self._again()
        return said + self._out()

    def due_ms(self) -> int | None:
        due = [self.device.due_ms(self._told), ACKNOWLEDGE_MS - self._waited_ms if self._frame else None]
        due.append(GAP_MS - self._quiet_ms if self._held else None)
        return min((max(0, at) for at in due if at is not None), default=None)

    @property
    def _told(self) -> bool:
        """All that was said has arrived."""
        return not self._frame and not self._queue

    # Hearing

    def _frame_in(self) -> list[bytes] | None:
        """Take the frame at the start of what is held; None while it is not whole."""
        if len(self._held) < 2:
            return None
        if self._held[1] != 0x02:
            self._held = self._held[1:]
            return []
        plain, at = bytearray(), 2
        while at + 1 < len(self._held):
            byte, after = self._held[at], self._held[at + 1]
            if byte != 0x10:
                plain.append(byte)
                at += 1
            elif after == 0x10:
                plain.append(byte)
                at += 2
            elif after == 0x03:
                return self._checked(bytes(plain), at + 2)
            else:
                self._held = self._held[at:]
                return [NAK]
        return None

    def _checked(self, plain: bytes, at: int) -> list[bytes] | None:
        if len(self._held) < at + 2:
            return None
        check, self._held = self._held[at : at + 2], self._held[at + 2 :]
        heard, rest = split(plain)
        if check != checksum(plain + b"\x03") or heard is None or rest:
            return [NAK]
        said = [] if self.trouble.no_ack else [ACK]
        self.trouble.no_ack = max(0, self.trouble.no_ack - 1)
        if plain == self._last and not self._heard_back:
            return said
        self._last, self._heard_back = plain, False
        if heard[0] >> 8 in (0x80, 0x84):
            self._frame = b""  # it answers what we sent, so that has arrived
        if not self.trouble.unheard(heard[0]):
            self.device.take(*heard)
        return said

    # Saying

    def _out(self) -> list[bytes]:
        while self.device.outgoing:
            self._queue.append(seal(message(*self.device.outgoing.popleft())))
        if self._frame or not self._queue:
            return []
        self._frame = self._queue.popleft()
        self._sends = 0
        return self._again()

    def _again(self) -> list[bytes]:
        if not self._frame:
            return []
        if self._sends == SENDS:
            self._frame = b""
            self._queue.clear()
            self.device.line_lost()
            return []
        self._sends += 1
        self._waited_ms = 0
        return self.trouble.spoil(self._frame)

    def _acknowledged(self) -> list[bytes]:
        if self._frame:
            self._frame = b""
            self._heard_back = True
        return self._out()
