"""What a poll reply tells: a list of events, each a code and data whose length depends on code, unit and version
(sheet section 9). One wrong length loses all that follow, so reading stops at what is not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    CALIBRATION_FAILED = 0x83
    JAM_RECOVERY = 0xB0
    PAYOUT_ERROR = 0xB1
    SMART_EMPTYING = 0xB3
    SMART_EMPTIED = 0xB4
    ALL_INHIBITED = 0xB5
    INITIALISING = 0xB6
    COIN_MECH_ERROR = 0xB7
    EMPTYING = 0xC2
    EMPTIED = 0xC3
    COIN_MECH_JAMMED = 0xC4
    COIN_RETURN_PRESSED = 0xC5
    PAYOUT_OUT_OF_SERVICE = 0xC6
    FLOAT_REMOVED = 0xC7
    FLOAT_ATTACHED = 0xC8
    TRANSFERRED_TO_STACKER = 0xC9
    PAID_INTO_STACKER_AT_POWER_UP = 0xCA
    PAID_INTO_STORE_AT_POWER_UP = 0xCB
    STACKING = 0xCC
    DISPENSED_AT_POWER_UP = 0xCD
    HELD_IN_BEZEL = 0xCE
    DEVICE_FULL = 0xCF
    TICKET_ACKNOWLEDGED = 0xD1
    DISPENSED = 0xD2
    COINS_LOW = 0xD3
    HOPPER_EMPTY = 0xD4
    PAYOUT_JAMMED = 0xD5
    PAYOUT_HALTED = 0xD6
    FLOATING = 0xD7
    FLOATED = 0xD8
    PAYOUT_TIMEOUT = 0xD9
    DISPENSING = 0xDA
    STORED = 0xDB
    INCOMPLETE_PAYOUT = 0xDC
    INCOMPLETE_FLOAT = 0xDD
    CASHBOX_PAID = 0xDE
    COIN_CREDIT = 0xDF
    PATH_OPEN = 0xE0
    CLEARED_FROM_FRONT = 0xE1
    CLEARED_INTO_CASHBOX = 0xE2
    CASHBOX_REMOVED = 0xE3
    CASHBOX_REPLACED = 0xE4
    TICKET_VALIDATED = 0xE5
    FRAUD_ATTEMPT = 0xE6
    STACKER_FULL = 0xE7
    DISABLED = 0xE8
    UNSAFE_JAM = 0xE9
    SAFE_JAM = 0xEA
    STACKED = 0xEB
    REJECTED = 0xEC
    REJECTING = 0xED
    CREDIT = 0xEE
    READ = 0xEF
    SLAVE_RESET = 0xF1


# Under POLL WITH ACK these are told once (section 9.2); EVENT ACK for anything else does no harm.
NEEDS_NO_ACK = frozenset(
    {
        Code.SLAVE_RESET,
        Code.READ,
        Code.REJECTING,
        Code.REJECTED,
        Code.STACKING,
        Code.STACKED,
        Code.SAFE_JAM,
        Code.UNSAFE_JAM,
        Code.DISABLED,
        Code.STACKER_FULL,
        Code.PATH_OPEN,
        Code.ALL_INHIBITED,
        Code.INITIALISING,
    }
)

Money = tuple[str, int]  # currency, "" if not said, and cents


@dataclass(frozen=True)
class Told:
    """One event. `sums` are amounts told, `asked` the amounts that were ordered; `number` is a byte of its own."""

    code: int
    channel: int = 0
    sums: tuple[Money, ...] = ()
    asked: tuple[Money, ...] = ()
    number: int = -1

    @property
    def minor(self) -> int:
        return sum(value for _, value in self.sums)


class Unreadable(Exception):
    """An event of unknown code, or cut short."""


def read_events(data: bytes, version: int, payout: bool) -> tuple[list[Told], str]:
    """Return the events in `data`, and what is wrong with the rest, "" if nothing is.

    `payout`: SETUP named a unit that can pay out.
    """
    told: list[Told] = []
    try:
        for event in _Reading(data, version, payout).events():
            told.append(event)
    except Unreadable as problem:
        return told, f"{problem} in {data.hex(' ').upper()}"
    return told, ""


class _Reading:
    def __init__(self, data: bytes, version: int, payout: bool) -> None:
        self._data = data
        self._at = 0
        self._version = version
        self._payout = payout

    def events(self) -> Iterator[Told]:
        while self._at < len(self._data):
            yield self._event(self._byte(0))

    def _event(self, code: int) -> Told:
        if code not in _KNOWN:
            raise Unreadable(f"unknown event {code:02X}")
        if code in _CHANNEL:
            return Told(code, channel=self._byte(code))
        if code in _LISTS:
            return Told(code, sums=self._list(code))
        if code in _SINCE and self._version >= _SINCE[code]:
            return Told(code, sums=self._one_or_list(code))
        if code in (Code.STORED, Code.COINS_LOW, Code.HOPPER_EMPTY):
            return Told(code, sums=self._list(code) if self._list_follows() else ())
        if code == Code.FRAUD_ATTEMPT:
            if self._payout and self._list_follows():
                return Told(code, sums=self._list(code))
            return Told(code, channel=self._byte(code))
        if code in (Code.INCOMPLETE_PAYOUT, Code.INCOMPLETE_FLOAT):
            return self._incomplete(code)
        if code == Code.PAYOUT_ERROR:
            sums = self._list(code) if self._version >= 7 else ()
            return Told(code, sums=sums, number=self._byte(code))
        if code == Code.CALIBRATION_FAILED:
            return Told(code, number=self._byte(code))
        return Told(code)

    def _incomplete(self, code: int) -> Told:
        if self._version < 6:
            return Told(code, sums=(("", self._value(code)),), asked=(("", self._value(code)),))
        sums, asked = list[Money](), list[Money]()
        for _ in range(self._byte(code)):
            paid, ordered, currency = self._value(code), self._value(code), self._currency(code)
            sums.append((currency, paid))
            asked.append((currency, ordered))
        return Told(code, sums=tuple(sums), asked=tuple(asked))

    def _list(self, code: int) -> tuple[Money, ...]:
        if self._version < 6:
            return (("", self._value(code)),)
        return tuple(self._sum(code) for _ in range(self._byte(code)))

    def _one_or_list(self, code: int) -> tuple[Money, ...]:
        """Sources disagree whether a count comes first: letters stand where the currency is."""
        if self._letters_at(4) or not self._letters_at(5):
            return (self._sum(code),)
        return self._list(code)

    def _list_follows(self) -> bool:
        """Return whether a list comes next: no event's code is as low as a count of currencies."""
        if self._at >= len(self._data):
            return False
        return self._version >= 6 and self._data[self._at] in range(1, 0x20) and self._letters_at(5)

    def _letters_at(self, offset: int) -> bool:
        letters = self._data[self._at + offset : self._at + offset + 3]
        return len(letters) == 3 and letters.isalpha() and letters.isupper()

    def _sum(self, code: int) -> Money:
        value = self._value(code)
        return self._currency(code), value

    def _value(self, code: int) -> int:
        return int.from_bytes(self._take(code, 4), "little")

    def _currency(self, code: int) -> str:
        return self._take(code, 3).decode("ascii", "replace")

    def _byte(self, code: int) -> int:
        return self._take(code, 1)[0]

    def _take(self, code: int, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise Unreadable(f"event {code:02X} is cut short")
        self._at += count
        return taken


_KNOWN = frozenset(int(code) for code in Code)
_CHANNEL = (Code.READ, Code.CREDIT, Code.CLEARED_FROM_FRONT, Code.CLEARED_INTO_CASHBOX)
_LISTS = (
    Code.DISPENSING,
    Code.DISPENSED,
    Code.PAYOUT_JAMMED,
    Code.PAYOUT_HALTED,
    Code.FLOATING,
    Code.FLOATED,
    Code.PAYOUT_TIMEOUT,
    Code.CASHBOX_PAID,
    Code.COIN_CREDIT,
    Code.SMART_EMPTYING,
    Code.SMART_EMPTIED,
)
# One amount, from that version on.
_SINCE: dict[int, int] = {
    Code.TRANSFERRED_TO_STACKER: 6,
    Code.DISPENSED_AT_POWER_UP: 6,
    Code.HELD_IN_BEZEL: 8,
    Code.PAID_INTO_STACKER_AT_POWER_UP: 8,
    Code.PAID_INTO_STORE_AT_POWER_UP: 8,
}
