"""What the device is asked once at start: who it is, and the escrow time-out (sheet sections 7, 8 and 13).

A missing answer is not fatal: a query is sent at most twice. Units that do not know a query may answer with the
reply to another one or with their status, so every answer is checked by length before it is believed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hardware.acceptors.contract import Identity
from hardware.acceptors.ebds.frames import STATUS_BYTES, Frame, MessageType, Status
from hardware.acceptors.ebds.profiles import Profile, revision_text

TRIES_MAX = 2
ESCROW_TIMEOUT_S = 30  # a dead host must not keep a customer's note (section 9)

SUB_ESCROW_TIMEOUT, SUB_VALUE_TABLE = 0x04, 0x06
TELEMETRY_SERIAL = 0x01
TEXT_BYTES_MAX = 20
VARIANT_BYTES = 32
PART_NUMBER_BYTES = SERIAL_DIGITS = 9
TABLE_ROWS, ROW_BYTES = 7, 10

Answer = str | dict[int, tuple[str, int]]


@dataclass(frozen=True)
class Query:
    """`build(command_data)` gives the DATA of the question; `read(frame)` the answer, None if the frame is none."""

    type: MessageType
    build: Callable[[bytes], bytes]
    read: Callable[[Frame], Answer | None]


def _auxiliary(number: int, read: Callable[[bytes], Answer | None]) -> Query:
    def read_frame(frame: Frame) -> Answer | None:
        return read(frame.data) if frame.type == MessageType.AUXILIARY else None

    return Query(MessageType.AUXILIARY, lambda _command: bytes([0, 0, number]), read_frame)


def read_text(data: bytes) -> str | None:
    """Return up to 20 ASCII characters, ended by the first control byte or 7F; None if there are none."""
    end = next((at for at, byte in enumerate(data) if byte < 0x20 or byte == 0x7F), len(data))
    return data[: min(end, TEXT_BYTES_MAX)].decode("ascii", "replace").strip() or None


def read_variant(data: bytes) -> str | None:
    if len(data) != VARIANT_BYTES:
        return None
    return data.split(b"\0")[0].decode("ascii", "replace").strip() or None


def read_part_number(data: bytes) -> str | None:
    """Return project and version of nine digits: "280000123" is "28000 V1.23" (its sixth digit is a check digit)."""
    if len(data) != PART_NUMBER_BYTES or not data.isdigit():
        return None
    digits = data.decode("ascii")
    project = digits[:6] if 286000 <= int(digits[:6]) <= 289999 else digits[:5]
    return f"{project} V{digits[6]}.{digits[7:]}"


def _telemetry_serial(frame: Frame) -> Answer | None:
    data = frame.data
    fits = frame.type == MessageType.AUXILIARY and len(data) == SERIAL_DIGITS and data.isdigit()
    return data.decode("ascii") if fits else None


def read_value_table(frame: Frame) -> Answer | None:
    """Return channel to (ISO currency, cents) of the extended 06 reply; None if it is another frame or unreadable."""
    head = 1 + STATUS_BYTES
    if frame.type != MessageType.EXTENDED or frame.data[:1] != bytes([SUB_VALUE_TABLE]):
        return None
    if len(frame.data) != head + TABLE_ROWS * ROW_BYTES:
        return None
    rows = [frame.data[at : at + ROW_BYTES] for at in range(head, len(frame.data), ROW_BYTES)]
    read = [read_row(row) for row in rows]
    return {channel: value for row in read if row for channel, value in [row]} or None


def read_row(row: bytes) -> tuple[int, tuple[str, int]] | None:
    """Return channel and (ISO currency, cents) of a ten-byte row: index, ISO code, base, sign, exponent.

    The value is base x 10^exponent. None if it is unreadable, nothing, or no whole number of cents.
    """
    currency, base, sign, exponent = row[1:4], row[4:7], row[7:8], row[8:10]
    if not (currency.isalpha() and base.isdigit() and exponent.isdigit() and sign in (b"+", b"-")):
        return None
    scale = 10 ** int(exponent)
    cents, rest = (int(base) * 100 * scale, 0) if sign == b"+" else divmod(int(base) * 100, scale)
    return None if rest or not cents else (row[0], (currency.decode("ascii"), cents))


def _escrow_timeout(frame: Frame) -> Answer | None:
    acknowledged = frame.type == MessageType.EXTENDED and frame.data[:1] == bytes([SUB_ESCROW_TIMEOUT])
    return str(ESCROW_TIMEOUT_S) if acknowledged else None


QUERIES = {
    "type": _auxiliary(0x04, read_text),
    "serial": _auxiliary(0x05, read_text),
    "variant": _auxiliary(0x08, read_variant),
    "application": _auxiliary(0x07, read_part_number),
    "telemetry_serial": Query(MessageType.AUXILIARY, lambda _command: bytes([TELEMETRY_SERIAL]), _telemetry_serial),
    # An extended message carries the omnibus bytes too, so that the device is not disabled meanwhile (section 8).
    "table": Query(MessageType.EXTENDED, lambda command: bytes([SUB_VALUE_TABLE]) + command, read_value_table),
    "escrow_timeout": Query(
        MessageType.EXTENDED,
        lambda command: bytes([SUB_ESCROW_TIMEOUT]) + command + bytes([ESCROW_TIMEOUT_S, 0]),
        _escrow_timeout,
    ),
}


class Interrogation:
    """The profile's queries in their order, each until it is answered or was tried twice."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.restart()

    def restart(self) -> None:
        self._left = list(self._profile.queries)
        self._tries = 0
        self._answers: dict[str, Answer] = {}

    @property
    def done(self) -> bool:
        return not self._left

    def ask(self, command: bytes) -> tuple[MessageType, bytes]:
        """Return type and DATA of the next question; `command` is the current D0 D1 D2."""
        query = QUERIES[self._left[0]]
        return query.type, query.build(command)

    def take(self, frame: Frame) -> None:
        """Take the reply to the question asked: its answer, or one try less."""
        answer = QUERIES[self._left[0]].read(frame)
        if answer is None:
            self.missed()
        else:
            self._answers[self._left[0]] = answer
            self._next()

    def missed(self) -> bool:
        """The question brought no answer; return True if it is given up."""
        self._tries += 1
        given_up = self._tries >= TRIES_MAX
        if given_up:
            self._next()
        return given_up

    def _next(self) -> None:
        del self._left[0]
        self._tries = 0

    def identity(self, status: Status) -> Identity:
        """Return what was learnt; where the device did not say, model and firmware come from `status`."""
        table = self._answers.get("table", {})
        return Identity(
            protocol="ebds",
            model=self._text("type") or f"model {status.model:02X}",
            serial=self._text("serial") or self._text("telemetry_serial"),
            firmware=self._text("application") or revision_text(self._profile, status.revision),
            variant=self._text("variant"),
            table=table if isinstance(table, dict) else {},
        )

    def _text(self, name: str) -> str:
        return str(self._answers.get(name, ""))


def contradiction(identity: Identity, table: dict[int, tuple[str, int]]) -> str:
    """Return how the device's own words contradict the configured `table`, "" if they do not (section 6, note types).

    A device without a value table is judged by the currency in its variant's name.
    """
    for channel, value in sorted(table.items()):
        own = identity.table.get(channel)
        if identity.table and own != value:
            return f"note type {channel}: configured {_show(value)}, the device says {_show(own)}"
    currencies = {currency for currency, _ in table.values()}
    if identity.variant and not currencies & set(identity.variant.upper().split("_")):
        return f"the variant {identity.variant} is not for {', '.join(sorted(currencies))}"
    return ""


def _show(value: tuple[str, int] | None) -> str:
    return f"{value[0]} {value[1] // 100}.{value[1] % 100:02d}" if value else "nothing"
