"""The twin of a payment terminal that speaks ZVT: what it does with cards, not how bytes travel.

Driven by `step(dt_ms)`; it owns no clock and no thread. Written from the protocol sheet alone (sections 3 to 9 and 12)
and from nothing of the kiosk's code. Messages are pairs of code and data; `outgoing` is what it wants to say.
"""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hardware.sim.control import Refused
from hardware.sim.zvt_fields import amount_field, brand_fields, fields_of, tlv
from hardware.sim.zvt_parts import PLANS, Entry, Memory, Settings

Words = tuple[int, bytes]

FIRST_DAY = datetime(2026, 10, 6, 22, 39, 53)
READY = 0x00
FORBIDDEN = frozenset({0x22, 0x23, 0x24, 0x2D, 0x0E, 0x3A})
NO_READING = (0x06C0, 0x06C6)
NOBODY = "nobody"
GLANCE_MS = 100


@dataclass(frozen=True)
class Wait:
    """Let time pass; the answer is True if the kiosk has asked to end it."""

    ms: int
    abortable: bool = False


@dataclass(frozen=True)
class Tell:
    """Say something and wait for 80 or 84; the answer is None if none comes in time."""

    code: int
    data: bytes
    patience_ms: int


Course = Generator[Wait | Tell, Words | bool | None, None]


class Terminal:
    """`refusals` are commands to refuse as busy. `status` is what an enquiry says."""

    def __init__(self, settings: Settings | None = None, memory: Memory | None = None) -> None:
        self.settings = settings or Settings()
        self.memory = memory or Memory()
        self.powered = False
        self.registered = False
        self.status = READY
        self.refusals = 0
        self.plans: deque[tuple[str, int]] = deque()
        self.everybody = "approve"  # what those do of whom nothing is ordered
        self.slow_ms = 0  # added to the next host's answer
        self.outgoing: deque[Words] = deque()
        self.commands: list[int] = []  # codes heard, for people and tests
        self._silence()

    def _silence(self) -> None:
        self._course: Course | None = None
        self._state = "idle" if self.powered else "off"
        self._left_ms = 0
        self._waiting: Wait | Tell | None = None
        self._abort = False
        self.outgoing.clear()

    # What a person beside it can do

    def power_on(self) -> None:
        if self.powered:
            raise Refused("it is on already")
        self.powered = True
        self.registered = False
        self._silence()
        for entry in [entry for entry in self.memory.entries if entry.state == "pending"]:
            self._reverse(entry)

    def power_cut(self) -> None:
        self.powered = False
        self._silence()

    def plan(self, name: str, number: int = 0) -> None:
        """Order what becomes of the next sale; `number` is a code or an amount in cents."""
        if name not in PLANS:
            raise Refused(f"no such plan: {name}; there are {', '.join(PLANS)}")
        self.plans.append((name, number))

    def all_do(self, name: str) -> None:
        """Say what becomes of every sale for which nothing is ordered; "nobody": nobody comes."""
        if name not in (*PLANS, NOBODY):
            raise Refused(f"no such plan: {name}; there are {', '.join(PLANS)}, {NOBODY}")
        self.everybody = name

    def state(self) -> str:
        return self._state

    # The line

    def line_lost(self) -> None:
        """The kiosk hung up, or does not acknowledge: whatever was under way has ended (sheet section 1)."""
        self._course, self._waiting = None, None
        self.outgoing.clear()
        for entry in [entry for entry in self.memory.entries if entry.state == "pending"]:
            self._reverse(entry)
        self._state = "idle" if self.powered else "off"

    def take(self, code: int, data: bytes) -> None:
        """Hear one message of the kiosk."""
        if not self.powered:
            return
        if code >> 8 in (0x80, 0x84):
            if isinstance(self._waiting, Tell):
                self._resume((code, data))
            return
        self.commands.append(code)
        if code == 0x06B0:
            self._asked_to_end()
        elif self._course is not None or self.refusals:
            self.refusals = max(0, self.refusals - 1) if self._course is None else self.refusals
            self._say(0x8400 | self.settings.busy_code)
        else:
            self._begin(code, data)

    def _asked_to_end(self) -> None:
        waits = isinstance(self._waiting, Wait) and self._waiting.abortable
        self._say(0x8000 if self.settings.aborts and waits else 0x8483)
        self._abort = self._abort or (self.settings.aborts and waits)

    def _begin(self, code: int, data: bytes) -> None:
        if code == 0x0602:
            self.registered = False
            self._say(0x8000)
            return
        courses = {
            0x0600: self._register,
            0x0601: self._sale,
            0x0620: self._repeat,
            0x0630: self._reversal,
            0x0631: self._refund,
            0x0650: self._end_of_day,
            0x0501: self._enquiry,
            0x0670: self._plain,
            0x0693: self._plain,
        }
        make = courses.get(code)
        if make is None or code in NO_READING:
            self._say(0x8483)
        elif code not in (0x0600, 0x0501) and not self.registered:
            self._say(0x846B)
        elif code == 0x0600 and data[4:6].hex() not in ("", self.settings.currency):
            self._say(0x841E, b"\x6f")
        elif code == 0x0601 and FORBIDDEN & fields_of(data).keys():
            self._say(0x849A)
        else:
            self._say(0x8000)
            self._abort = False
            self._course = make(data)
            self._resume(None)

    def _say(self, code: int, data: bytes = b"") -> None:
        self.outgoing.append((code, data))

    # Time

    def step(self, dt_ms: int, told: bool = True) -> None:
        """Let time pass. Until what it said has arrived (`told`) it does not wait for the answer to that."""
        self.memory.clock_ms += dt_ms
        if not told and isinstance(self._waiting, Tell):
            return
        while self.powered and self._waiting is not None and dt_ms >= 0:
            aborted = self._abort and isinstance(self._waiting, Wait) and self._waiting.abortable
            if not aborted and dt_ms < self._left_ms:
                self._left_ms -= dt_ms
                return
            dt_ms -= 0 if aborted else self._left_ms
            self._resume(aborted if isinstance(self._waiting, Wait) else None)

    def due_ms(self, told: bool = True) -> int | None:
        """Return how long nothing happens by itself, None for ever. `told` as in `step`."""
        if self._waiting is None or (not told and isinstance(self._waiting, Tell)):
            return None
        return self._left_ms

    def _resume(self, answer: Words | bool | None) -> None:
        course = self._course
        if course is None:
            return
        self._waiting = None
        try:
            asked = course.send(answer)
        except StopIteration:
            if self._course is course:
                self._course, self._state = None, "idle"
            return
        if not self.powered:  # the course cut its own power
            self._silence()
            return
        self._waiting = asked
        self._left_ms = asked.patience_ms if isinstance(asked, Tell) else asked.ms
        if isinstance(asked, Tell):
            self._say(asked.code, asked.data)

    # Courses

    def _tell(self, code: int, data: bytes = b"", patience_ms: int | None = None) -> Tell:
        return Tell(code, data, self.settings.answer_ms if patience_ms is None else patience_ms)

    def _register(self, data: bytes) -> Course:
        self._state = "registering"
        yield Wait(self.settings.work_ms)
        if data[:3].hex() != self.settings.password:
            yield self._tell(0x061E, b"\x9a")
            return
        self.registered = True
        mode = 0x10 if self.settings.vending else 0
        said = bytes([0x19, mode, 0x29]) + bytes.fromhex(self.settings.terminal_id)
        yield self._tell(0x060F, said + bytes([0x49]) + bytes.fromhex(self.settings.currency))

    def _enquiry(self, data: bytes) -> Course:
        self._state = "enquiry"
        yield Wait(self.settings.work_ms)
        plain = len(data) >= 5 and data[3] == 0x03 and data[4] & 0x02
        version = self.settings.version.encode()
        length = bytes(0xF0 | int(digit) for digit in f"{len(version):03d}")
        yield self._tell(0x060F, (b"" if plain else length + version) + bytes([self.status]))

    def _plain(self, data: bytes) -> Course:
        self._state = "service"
        yield Wait(self.settings.host_ms)
        self.status = READY
        yield self._tell(0x060F)

    def _repeat(self, data: bytes) -> Course:
        self._state = "repeating"
        yield Wait(self.settings.work_ms)
        last = self.memory.by_trace(self.memory.last)
        if data[:3].hex() != self.settings.password:
            yield self._tell(0x061E, b"\x9a")
        elif last is None:
            yield self._tell(0x061E, bytes([self.settings.nothing_stored]))
        else:
            yield self._tell(0x040F, self._information(last))
            yield self._tell(0x060F)

    def _sale(self, data: bytes) -> Course:
        asked = fields_of(data)
        amount_minor = int(asked.get(0x04, b"\0").hex())
        if 0x49 in asked and asked[0x49].hex() != self.settings.currency:
            yield from self._ended(0x6F)
            return
        self._state = "waiting for card"
        yield from self._progress(0x0A, "Present card")
        waited_ms = 0
        while not self.plans and self.everybody == NOBODY and waited_ms < self.settings.card_wait_ms:
            if (yield Wait(GLANCE_MS, abortable=True)):
                yield from self._ended(0x6C)
                return
            waited_ms += GLANCE_MS
        name, number = self.plans.popleft() if self.plans else (self.everybody, 0)
        late = name == "walks_away"
        hesitation_ms = self.settings.card_wait_ms if late else self.settings.present_ms
        aborted = name != NOBODY and (yield Wait(hesitation_ms, abortable=True))
        if aborted or name in ("walks_away", "customer_cancels", NOBODY):
            yield from self._ended(0x6C)
            return
        if name == "dies_before":
            self.power_cut()
            yield Wait(0)
        yield from self._authorise(asked, amount_minor, name, number)

    def _authorise(self, asked: dict[int, bytes], amount_minor: int, name: str, number: int) -> Course:
        self._state = "authorising"
        yield from self._progress(0x04, "Please wait")
        slow_ms, self.slow_ms = self.slow_ms, 0
        yield Wait(self.settings.host_ms + slow_ms)
        if name in ("decline", "offline"):
            yield from self._ended(number or (0xA3 if name == "offline" else 0x05))
            return
        approved_minor = number if name in ("partial", "too_much") and number else amount_minor
        if name == "partial":
            approved_minor = min(approved_minor, amount_minor)
        entry = self._enter("sale", approved_minor)
        if name == "dies_after":
            self.power_cut()
            yield Wait(0)
        if name == "stays_silent":
            self._settle(entry)
            yield Wait(10**9)
        yield from self._goods(asked, entry)

    def _goods(self, asked: dict[int, bytes], entry: Entry) -> Course:
        """The handshake (section 6): the payment is stored when the kiosk says that it knows."""
        settings = self.settings
        goods_ms = int.from_bytes(asked[0x01], "big") * 1_000 if 0x01 in asked else settings.goods_s * 1_000
        most = asked[0x02][0] if 0x02 in asked else settings.waits
        self._state = "waiting for kiosk"
        waited = 0
        while True:
            patience_ms = goods_ms if settings.vending else settings.answer_ms
            answer = yield self._tell(0x040F, self._information(entry), patience_ms)
            code = answer[0] if isinstance(answer, tuple) else None
            if code == 0x849C and settings.vending:
                waited += 1
                if most is None or waited <= most:
                    yield Wait(settings.pause_ms)
                    continue
                code = None
            break
        refused = code is None or (code >> 8 == 0x84 and code not in (0x8400, 0x849D))
        if code is not None and refused and not (settings.vending or settings.not_issued_reverses):
            refused = False
        if refused:
            yield from self._undo(entry, 0x6C if code is None else code & 0xFF)
            return
        yield from self._print(entry)
        if entry.state != "pending":
            return
        self._settle(entry)
        yield self._tell(0x060F)

    def _print(self, entry: Entry) -> Course:
        """A print command without an answer reverses the payment as well (storage rule)."""
        for line in range(self.settings.prints):
            last = line == self.settings.prints - 1
            answer = yield self._tell(0x06D1, b"\x81" if last else b"\x00Receipt line")
            if answer is None:
                yield from self._undo(entry, 0x6C)
                return

    def _undo(self, entry: Entry, code: int) -> Course:
        self._state = "reversing"
        self._reverse(entry)
        yield from self._progress(0x05, "Reversal")
        if code == 0x6C:
            yield self._tell(0x040F, b"\x27\x6c")
        yield self._tell(0x061E, bytes([code]))

    def _reversal(self, data: bytes) -> Course:
        self._state = "voiding"
        yield Wait(self.settings.host_ms)
        asked = fields_of(data[3:])
        receipt = int(asked.get(0x87, b"\0").hex())
        code, entry = self._reversible(data, receipt)
        if entry is None:
            yield from self._ended(code, said=False)
            return
        void = self._enter("void", entry.amount_minor, entry.trace)
        if (yield self._tell(0x040F, self._information(void))) is None:
            self._reverse(void)
            yield self._tell(0x061E, b"\x6c")
            return
        entry.state = "voided"
        self._settle(void)
        yield self._tell(0x060F)

    def _reversible(self, data: bytes, receipt: int) -> tuple[int, Entry | None]:
        if data[:3].hex() != self.settings.password:
            return 0x9A, None
        found = [entry for entry in self.memory.entries if entry.receipt == receipt and entry.kind == "sale"]
        entry = found[-1] if found else None
        if entry is not None and entry.state == "voided":
            return 0xB4, None
        if entry is None or entry.state != "stored" or not entry.open:
            return 0xB5, None
        if self.settings.last_only and self.memory.last != entry.trace:
            return 0xB5, None
        return 0, entry

    def _refund(self, data: bytes) -> Course:
        self._state = "refunding"
        asked = fields_of(data[3:])
        if data[:3].hex() != self.settings.password:
            yield from self._ended(0x9A, said=False)
            return
        yield from self._progress(0x0A, "Present card")
        does, slow_ms, self.slow_ms = self.settings.returns, self.slow_ms, 0
        present_ms = self.settings.card_wait_ms if does == "walks_away" else self.settings.present_ms
        if (yield Wait(present_ms, abortable=True)) or does in ("walks_away", "customer_cancels"):
            yield from self._ended(0x6C)
            return
        yield Wait(self.settings.host_ms + slow_ms)
        if does == "decline":
            yield from self._ended(0x05)
            return
        entry = self._enter("refund", int(asked.get(0x04, b"\0").hex()))
        if does == "stays_silent":
            self._settle(entry)
            yield Wait(10**9)
        if (yield self._tell(0x040F, self._information(entry))) is None:
            yield from self._undo(entry, 0x6C)
            return
        self._settle(entry)
        yield self._tell(0x060F)

    def _end_of_day(self, data: bytes) -> Course:
        self._state = "end of day"
        yield Wait(self.settings.host_ms)
        if data[:3].hex() != self.settings.password:
            yield self._tell(0x061E, b"\x9a")
            return
        batch = [entry for entry in self.memory.standing() if entry.open]
        total = sum(entry.amount_minor for entry in batch)
        receipts = [entry.receipt for entry in batch] or [0]
        kinds = b"".join(
            bytes([len(batch)]) + amount_field(total)[1:] if kind == 4 else bytes(7)  # the card is a Visa
            for kind in range(7)
        )
        totals = bytes.fromhex(f"{receipts[0]:04d}{receipts[-1]:04d}") + kinds
        moment = bytes.fromhex(self._moment())
        said = b"\x27\x00" + amount_field(total) + b"\x0c" + moment[2:] + b"\x0d" + moment[:2]
        yield self._tell(0x040F, said + b"\x60\xf0\xf5\xf3" + totals)
        for entry in self.memory.entries:
            entry.open = False
        self.memory.closed += 1
        if self.settings.close_forgets:
            self.memory.last = 0
        yield self._tell(0x060F)

    def _progress(self, code: int, text: str) -> Course:
        if self.settings.progress:
            minutes = b"\x03" if self.settings.minutes else b""
            yield self._tell(0x04FF, bytes([code]) + minutes + tlv(0x06, tlv(0x24, tlv(0x07, text.encode()))))

    def _ended(self, code: int, said: bool = True) -> Course:
        """No payment: 04 0F with the code, and 06 1E."""
        if said:
            yield self._tell(0x040F, bytes([0x27, code, 0x29]) + bytes.fromhex(self.settings.terminal_id))
        if said and not self.settings.ends_declined:
            return
        yield self._tell(0x061E, bytes([code]))

    # The batch

    def _moment(self) -> str:
        return f"{FIRST_DAY + timedelta(milliseconds=self.memory.clock_ms):%m%d%H%M%S}"

    def _enter(self, kind: str, amount_minor: int, original: int = 0) -> Entry:
        memory = self.memory
        memory.receipts = memory.receipts % 9999 + 1
        memory.traces = memory.traces % 999_999 + 1
        entry = Entry(kind, memory.receipts, memory.traces, amount_minor, self._moment(), original=original)
        memory.entries.append(entry)
        return entry

    def _settle(self, entry: Entry) -> None:
        entry.state = "stored"
        self.memory.last = entry.trace

    def _reverse(self, entry: Entry) -> None:
        entry.state = "reversed"
        if self.settings.reversals_stored and entry.kind == "sale":
            undoing = self._enter("void", entry.amount_minor, entry.trace)
            self._settle(undoing)

    def _information(self, entry: Entry) -> bytes:
        said = b"\x27\x00" + (amount_field(entry.amount_minor) if self.settings.says_amount else b"")
        said += b"\x0b" + bytes.fromhex(f"{entry.trace:06d}")
        said += b"\x0c" + bytes.fromhex(entry.moment[4:]) + b"\x0d" + bytes.fromhex(entry.moment[:4])
        said += b"\x87" + bytes.fromhex(f"{entry.receipt:04d}")
        if entry.original:
            said += b"\x37" + bytes.fromhex(f"{entry.original:06d}")
        said += b"\x29" + bytes.fromhex(self.settings.terminal_id) + b"\x49" + bytes.fromhex(self.settings.currency)
        return said + brand_fields(self.settings.leaks)
