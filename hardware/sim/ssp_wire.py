"""The SSP twin's side of the line: frames in, frames out, and everything that can go wrong between (sheet 3 to 6, 18).

Shares nothing with the host's codec but the sheet; golden frames in the tests hold the two together.
"""

import random
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from hardware.sim.ssp_commands import PAYS, Commands
from hardware.sim.ssp_device import Acceptor
from hardware.sim.ssp_parts import Event

FLAGS = ("stacked", "escrowed", "returned", "stacking")  # what a reply that is to be dropped may have to tell
SYNC, POLLS, KEYS = 0x11, (0x07, 0x56), (0x4A, 0x4B, 0x4C)


@dataclass
class Trouble:
    """Faults of the line, each counting down. `when` limits dropped replies to those that tell such a thing."""

    drop: int = 0
    when: str = ""
    corrupt: int = 0
    echo: int = 0
    other_toggle: int = 0
    twice: int = 0
    deaf: int = 0  # frames of the host that do not arrive
    noise: bytes = b""  # sent before every reply
    fragment: bool = False  # one byte a write

    def lose(self, flags: set[str]) -> bool:
        if not self.drop or (self.when and self.when not in flags):
            return False
        self.drop -= 1
        return True

    def spoil(self, frame: bytes) -> bytes:
        if self.other_toggle:
            self.other_toggle -= 1
            plain = unstuff(frame)
            frame = seal(plain[0] ^ 0x80, plain[2:-2])
        if self.corrupt:
            # The byte damaged moves on with the count, so that each part of a frame gets its turn.
            at = self.corrupt % len(frame)
            frame = frame[:at] + bytes([frame[at] ^ 0x10]) + frame[at + 1 :]
            self.corrupt -= 1
        if self.twice:
            self.twice -= 1
            frame += frame
        return frame


def crc(data: bytes) -> int:
    """CRC-16, polynomial 8005, start FFFF, most significant bit first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x8005 if value & 0x8000 else value << 1) & 0xFFFF
    return value


def seal(sequence: int, data: bytes) -> bytes:
    """Return the frame around DATA, stuffed."""
    body = bytes([sequence, len(data)]) + data
    body += crc(body).to_bytes(2, "little")
    return b"\x7f" + body.replace(b"\x7f", b"\x7f\x7f")


def unstuff(frame: bytes) -> bytes:
    """Return what is inside a frame of our own."""
    return frame[1:].replace(b"\x7f\x7f", b"\x7f")


@dataclass
class Wire:
    """Bytes from the host to `device`, and back. `seed` is where its random numbers come from."""

    device: Acceptor
    trouble: Trouble = field(default_factory=Trouble)
    address: int = 0
    seed: int = 0
    polls: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._restarts = self.device.restarts
        self._body: bytearray | None = None
        self._escape = False
        self._start()

    def _start(self) -> None:
        """What does not outlive the device's power."""
        self._commands = Commands(self.device)
        self._sequence: int | None = None  # flag of the last frame executed
        self._reply = b""
        self._flags: set[str] = set()
        self._key = b""
        self._count = 0
        self._numbers = dict.fromkeys(KEYS, 0)

    def step(self, dt_ms: int) -> None:
        """Let time pass, for the device too."""
        self.device.step(dt_ms)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; return what is written back, one item a write."""
        writes: list[bytes] = []
        for byte in data:
            frame = self._byte(byte)
            if frame is not None:
                writes += self._frame(frame)
        return writes

    def _byte(self, byte: int) -> bytes | None:
        if byte == 0x7F and not self._escape:
            self._escape = True
            return None
        if self._escape and byte != 0x7F:
            self._body = bytearray()
        self._escape = False
        if self._body is None:
            return None
        self._body.append(byte)
        if len(self._body) < 2 or len(self._body) < self._body[1] + 4:
            return None
        frame, self._body = bytes(self._body), None
        return frame if frame[1] and crc(frame[:-2]) == int.from_bytes(frame[-2:], "little") else None

    def _frame(self, frame: bytes) -> list[bytes]:
        if not self.device.powered or self.device.silent or frame[0] & 0x7F != self.address:
            return []
        if self.device.restarts != self._restarts:
            self._restarts = self.device.restarts
            self._start()
        if self.trouble.deaf:
            self.trouble.deaf -= 1
            return []
        if self.trouble.echo:
            self.trouble.echo -= 1
            return [seal(frame[0], frame[2:-2])]
        data, flag = frame[2:-2], frame[0] >> 7
        if flag != self._sequence or data[0] == SYNC:
            reply = self._execute(data)
            if reply is None:
                return []
            self._sequence = 1 if data[0] == SYNC else flag
            self._reply = reply
        return self._write(seal(frame[0], self._reply))

    def _write(self, reply: bytes) -> list[bytes]:
        if self.trouble.lose(self._flags):
            return []
        data = self.trouble.noise + self.trouble.spoil(reply)
        return [bytes([byte]) for byte in data] if self.trouble.fragment else [data]

    # Secrecy

    def _execute(self, data: bytes) -> bytes | None:
        """Return the reply's DATA, None for silence."""
        if data[0] != 0x7E:
            return self._plain(data)
        if not self._key:
            return b"\xfa"
        block = self._cipher().decryptor().update(data[1:]) if len(data) % 16 == 1 else b""
        if not block or crc(block[:-2]) != int.from_bytes(block[-2:], "little") or block[0] > len(block) - 7:
            return None
        if int.from_bytes(block[1:5], "little") != self._count or not block[0]:
            return None
        self._count += 1
        reply = self._command(block[5 : 5 + block[0]])
        plain = bytes([len(reply)]) + self._count.to_bytes(4, "little") + reply
        plain += self._chance.randbytes(-(len(plain) + 2) % 16)
        plain += crc(plain).to_bytes(2, "little")
        return b"\x7e" + self._cipher().encryptor().update(plain)

    def _cipher(self) -> Cipher[modes.ECB]:
        return Cipher(algorithms.AES(self._key), modes.ECB())

    def _plain(self, data: bytes) -> bytes:
        settings = self.device.settings
        if data[0] in KEYS:
            self.device.new_command()
            return self._key_command(data)
        wanted = settings.require_key
        secret = wanted == "everything" or (wanted == "payout_commands" and data[0] in PAYS and settings.encryption)
        if secret and data[0] != SYNC:
            return b"\xfa"
        return self._command(data)

    def _key_command(self, data: bytes) -> bytes:
        if not self.device.settings.encryption:
            return b"\xf2"
        if len(data) != 9:
            return b"\xf3"
        number = int.from_bytes(data[1:], "little")
        if data[0] != 0x4C:
            if not _prime(number):
                return b"\xf4"
            self._numbers[data[0]] = number
            return b"\xf0"
        generator, modulus = self._numbers[0x4A], self._numbers[0x4B]
        if not generator or not modulus:
            return b"\xf8"
        secret = self._chance.randrange(2, modulus - 1)
        shared = pow(number, secret, modulus)
        self._key = self.device.settings.fixed_key.to_bytes(8, "little") + shared.to_bytes(8, "little")
        self._count = 0
        return b"\xf0" + pow(generator, secret, modulus).to_bytes(8, "little")

    # Commands

    def _command(self, command: bytes) -> bytes:
        self.device.new_command()
        if command[0] == 0x01:
            self.device.reset()
            return b"\xf0"
        self.polls += command[0] in POLLS
        reply = self._commands.answer(command)
        self._flags = set(_flags(self._commands.told))
        return reply


def _flags(told: list[Event]) -> list[str]:
    named = {"credit": "stacked", "cleared_into_cashbox": "stacked", "rejected": "returned", "stacking": "stacking"}
    flags = [named[event.name] for event in told if event.name in named]
    return flags + ["escrowed" for event in told if event.name == "read" and event.channel]


def _prime(number: int) -> bool:
    """Tried with every odd number up to the root: 31 bits take a few milliseconds."""
    if number < 2 or (number % 2 == 0 and number != 2):
        return False
    return all(number % divisor for divisor in range(3, int(number**0.5) + 1, 2))
