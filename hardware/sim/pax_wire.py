"""The twin's side of a connection: frames in, frames out, and everything that can go wrong between (sheet 3, 4, 14).

Shares nothing with the host's codec but the sheet; golden frames in the tests hold the two together. A terminal may
have several connections at a time; an answer goes to the one that asked.
"""

from dataclasses import dataclass, field

from hardware.sim.pax_device import Groups, Terminal

QUIET_MS = 200  # half a frame that stands still this long never completes


@dataclass
class Trouble:
    """Faults of the line, each counting down."""

    lose_ack: int = 0  # a request is taken, and not acknowledged
    nak: int = 0  # a request is refused as damaged
    lose_answer: int = 0  # an answer never leaves, and is not repeated
    corrupt: int = 0  # an answer has a wrong checksum
    twice: int = 0  # an answer is sent again although it was acknowledged
    lose_eot: int = 0
    hang_up: int = 0  # the connection is closed in place of an answer
    split: bool = False  # one byte a write
    glue: bool = False  # acknowledgement and answer, or answers and EOT, in one write where they meet
    packets: bool = False  # long answers come in two


def seal(body: bytes) -> bytes:
    """Return the frame around a body."""
    check = 0x03
    for byte in body:
        check ^= byte
    return b"\x02" + body + b"\x03" + bytes([check])


@dataclass
class Wire:
    """One connection to `terminal`. `handshake` False: HTTP, where a request is a frame and an answer is a frame."""

    terminal: Terminal
    trouble: Trouble = field(default_factory=Trouble)
    handshake: bool = True
    wants_close: bool = False  # the terminal hangs up when what is left has been written

    def __post_init__(self) -> None:
        self._held = b""
        self._quiet_ms = 0
        self._now_ms = 0
        self._writes: list[tuple[int, bytes]] = []
        self._answer: list[bytes] = []  # packets, the first of them sent and not acknowledged
        self._repeat_ms = 0
        self._repeats = 0
        self._open = True
        self._restarts = self.terminal.restarts

    # Time

    def step(self, dt_ms: int) -> None:
        """Let time pass; for the terminal too is the business of whoever owns it."""
        self._now_ms += dt_ms
        self._quiet_ms += dt_ms
        self._forget_if_restarted()
        if self._answer and self._now_ms >= self._repeat_ms and self.terminal.ready:
            self._repeat()

    def take(self) -> list[bytes]:
        """Return what is written by now, one item a write."""
        due = [data for at_ms, data in self._writes if at_ms <= self._now_ms]
        self._writes = self._writes[len(due) :]
        if not self.terminal.powered:
            return []
        if self.trouble.glue:
            due = [b"".join(due)] if due else []
        return [bytes([byte]) for data in due for byte in data] if self.trouble.split else due

    def hung_up(self) -> None:
        """The connection is gone; what was begun goes on without it."""
        self._open = False
        self._held, self._answer = b"", []
        self._writes.clear()

    @property
    def stirs(self) -> bool:
        """Whether something is to be written, now or soon."""
        return bool(self._writes or self._answer)

    @property
    def approval_waits(self) -> bool:
        """Whether the host has not acknowledged yet that a transaction was approved."""
        return bool(self._answer) and self._answer[0][2:5] == b"T01" and self._answer[0][11:16] == b"00000"

    @property
    def done(self) -> bool:
        """Whether the terminal closes this connection now."""
        return self.wants_close and not self._writes

    def _forget_if_restarted(self) -> None:
        if self._restarts != self.terminal.restarts or not self.terminal.powered:
            self._restarts = self.terminal.restarts
            self._held, self._answer = b"", []
            self._writes.clear()

    def _write(self, data: bytes) -> None:
        last_ms = self._writes[-1][0] if self._writes else self._now_ms
        self._writes.append((last_ms + self.terminal.settings.gap_ms, data))

    # What the host sends

    def feed(self, data: bytes) -> None:
        if not self.terminal.ready:
            return
        self._forget_if_restarted()
        if self._quiet_ms > QUIET_MS:
            self._held = b""
        self._quiet_ms = 0
        self._held += data
        while self._held and self._next():
            pass

    def _next(self) -> bool:
        """Take one control byte or one frame from what is held; False if more is needed."""
        if self._held[0] != 0x02:
            byte, self._held = self._held[0], self._held[1:]
            self._control(byte)
            return True
        end = self._held.find(b"\x03")
        if end < 0 or len(self._held) < end + 2:
            return False
        frame, self._held = self._held[: end + 2], self._held[end + 2 :]
        inner = frame.rfind(b"\x02", 0, end)  # what came before a second STX was noise
        self._frame(frame[inner:])
        return True

    def _control(self, byte: int) -> None:
        if not self._answer:
            return
        if byte == 0x06:
            self._acknowledged()
        elif byte == 0x15:
            self._send_answer()
        elif byte == 0x04:
            self._answer = []

    def _acknowledged(self) -> None:
        if self.trouble.twice:
            self.trouble.twice -= 1
            self._send_answer()
            return
        del self._answer[0]
        if self._answer:
            self._send_answer()
            return
        if self.trouble.lose_eot:
            self.trouble.lose_eot -= 1
        elif self.terminal.settings.says_eot:
            self._write(b"\x04")
        self.wants_close = self.terminal.settings.hangs_up

    def _frame(self, frame: bytes) -> None:
        body = frame[1:-2]
        damaged = seal(body) != frame
        if damaged or self.trouble.nak:
            self.trouble.nak -= 0 if damaged else 1
            self._reply(b"\x15")
            return
        groups = [group.decode("latin-1").split("\x1f") for group in body.split(b"\x1c")]
        command = groups[0][0]
        if command == "A14":
            self._cancel()
        elif not self.terminal.takes(command):
            if self.terminal.settings.busy != "silent":
                self._reply(b"\x04")
        else:
            self._answer = []  # a host that asks anew has given the last answer up
            self._acknowledge_request()
            self.terminal.request(groups, self.answer)

    def _cancel(self) -> None:
        how = self.terminal.settings.cancel
        if how == "a15" and not self.terminal.busy:
            self._acknowledge_request()
            self.answer([["0"], ["A15"], [self.terminal.settings.version], ["000000"], ["OK"]])
        elif how == "eot":
            self._reply(b"\x06")
            self._reply(b"\x04")
            self.wants_close = self.terminal.settings.hangs_up
        self.terminal.cancel()

    def _acknowledge_request(self) -> None:
        if self.trouble.lose_ack:
            self.trouble.lose_ack -= 1
        else:
            self._reply(b"\x06")

    def _reply(self, data: bytes) -> None:
        if self.handshake:
            self._write(data)

    # What the terminal says

    def answer(self, groups: Groups) -> None:
        """Send an answer, and again until it is acknowledged."""
        trouble = self.trouble
        if not self._open:
            return
        if trouble.hang_up:
            trouble.hang_up -= 1
            self.wants_close = True
            return
        if trouble.lose_answer:
            trouble.lose_answer -= 1
            return
        body = b"\x1c".join("\x1f".join(group).encode("latin-1") for group in groups)
        self._answer = self._packets(body)
        self._repeats = 0
        self._send_answer()
        if not self.handshake:
            self._answer = []

    def _repeat(self) -> None:
        self._repeats += 1
        if self._repeats > self.terminal.settings.repeats:
            self._answer = []
            self._reply(b"\x04")
        else:
            self._send_answer()

    def _send_answer(self) -> None:
        frame = seal(self._answer[0])
        if self.trouble.corrupt:
            self.trouble.corrupt -= 1
            frame = frame[:-1] + bytes([frame[-1] ^ 0x10])
        self._write(frame)
        self._repeat_ms = self._now_ms + self.terminal.settings.repeat_ms

    def _packets(self, body: bytes) -> list[bytes]:
        """In packets the first says that another follows, and the second goes on where it broke off."""
        half = len(body) // 2
        if not (self.trouble.packets and self.handshake) or body[2:5] != b"R03" or half < 40:
            return [body]
        return [b"1" + body[1:half], b"0\x1c" + body[half:]]
