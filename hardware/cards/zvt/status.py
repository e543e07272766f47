"""What the terminal says of a transaction (04 0F) and how two such transactions are told apart (sheet 5, 6 and 8).

ZVT keeps no reference of ours. A transaction is named by the terminal's own numbers: receipt, trace and time, written
as `R0470T000470D1006223953`; a part that the terminal does not give is left out.
"""

import re
from dataclasses import dataclass, field
from enum import Enum

from hardware.cards.contract import Slip
from hardware.cards.masking import without_card_numbers
from hardware.cards.zvt.fields import Fields, digits_of, number_of, read_fields, text_of

GOOD = 0x00
NOT_SAID = 0xFF  # of a status enquiry: system error, which is as much as no answer
CURRENCIES = {"USD": "0840", "EUR": "0978"}

BRANDS = {
    0x05: "girocard",
    0x06: "Mastercard",
    0x08: "American Express",
    0x0A: "Visa",
    0x0B: "Visa Electron",
    0x0C: "Diners Club",
    0x0D: "V PAY",
    0x0E: "JCB",
    0x2E: "Maestro",
    0xE8: "Discover",
}
ENTRIES = {b"\x00": "swipe", b"\x01": "chip", b"\x02": "contactless"}
PIN, SIGNATURE, NONE = "pin", "signature", "none"
VERIFIED = {0: NONE, 1: SIGNATURE, 2: PIN, 3: PIN, 4: PIN, 5: PIN, 6: PIN, 7: PIN}  # 5 to 7 with a signature as well
OFFLINE = b"\x00"

TOTAL_KINDS, TOTAL_BYTES, TOTALS_AT = 7, 7, 4  # after the first and the last receipt number

_MARK = re.compile(r"(?:R(\d{4}))?(?:T(\d{6,}))?(?:D(\d{6,10}))?")


@dataclass(frozen=True)
class Information:
    """One 04 0F. `mark` names the transaction, "" if the terminal gives no number.

    `amount_minor` and `currency` are None where the terminal does not say. `original` is the trace of the transaction
    that this one reverses, "" if it is none. `count` is the number of payments in the totals of an end of day.
    """

    result: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    mark: str = ""
    original: str = ""
    count: int = 0
    offline: bool = False
    tracks: tuple[str, ...] = ()
    slip: Slip = field(default_factory=Slip)

    @property
    def good(self) -> bool:
        return self.result == GOOD

    @property
    def receipt(self) -> str:
        return receipt_of(self.mark)


def read_information(data: bytes) -> Information:
    fields = read_fields(data)
    bmps = fields.bmps
    return Information(
        result=bmps[0x27][0] if 0x27 in bmps else None,
        amount_minor=number_of(bmps.get(0x04)),
        currency=digits_of(bmps[0x49]) if 0x49 in bmps else None,
        mark=_mark(fields),
        original=digits_of(bmps.get(0x37, b"")),
        count=_count(bmps.get(0x60, b"")),
        offline=fields.tag(0x1F11) == OFFLINE,
        tracks=tuple(sorted(fields.tracks)),
        slip=_slip(fields),
    )


def _mark(fields: Fields) -> str:
    receipt = digits_of(fields.bmps.get(0x87, b""))
    moment = digits_of(fields.bmps.get(0x0D, b"") + fields.bmps.get(0x0C, b""))
    parts = (("R", receipt), ("T", _trace(fields)), ("D", moment if receipt or _trace(fields) else ""))
    return "".join(letter + number for letter, number in parts if number)


def _trace(fields: Fields) -> str:
    """The long trace number, where there is one, is told apart."""
    return digits_of(fields.tag(0x1F2B)).zfill(6) if fields.tag(0x1F2B) else digits_of(fields.bmps.get(0x0B, b""))


def _count(totals: bytes) -> int:
    """Seven times a count and an amount, one pair a kind of card."""
    kinds = totals[TOTALS_AT : TOTALS_AT + TOTAL_KINDS * TOTAL_BYTES]
    return sum(kinds[::TOTAL_BYTES])


def _slip(fields: Fields) -> Slip:
    bmps = fields.bmps
    name = text_of(bmps.get(0x8B, b"").split(b"\0")[0])
    kind = bmps.get(0x8A, b"")
    verified = fields.tag(0x1F10)
    return Slip(
        brand=BRANDS.get(kind[0], name) if kind else name,
        last4=fields.last4,
        entry=ENTRIES.get(fields.tag(0x1F12), ""),
        approval=text_of(bmps.get(0x3B, b"").strip(b"\0 ")),
        application=text_of(fields.tag(0x44) or fields.tag(0x42)),
        aid=without_card_numbers(fields.tag(0x43).hex().upper()),
        response_code=bmps[0x27].hex().upper() if 0x27 in bmps else "",
        verified=VERIFIED.get(verified[0], "") if verified else "",
        terminal_id=digits_of(bmps.get(0x29, b"")),
        merchant_id=text_of(bmps.get(0x2A, b"")),
        trace=without_card_numbers(_trace(fields)),
        host_reference=digits_of(bmps.get(0x88, b"")),
    )


# Two transactions


class Likeness(Enum):
    SAME = "the same transaction"
    OTHER = "another one"
    DOUBTFUL = "it cannot be said"


def compare(one: str, other: str) -> Likeness:
    """Tell whether two marks name one transaction. "" is the mark of none at all.

    Receipt and trace numbers start again some day: equal numbers at another time are in doubt.
    """
    if not one or not other:
        return Likeness.SAME if one == other else Likeness.OTHER
    first, second = _parts(one), _parts(other)
    both = [(a, b) for a, b in zip(first[:2], second[:2], strict=True) if a and b]
    if any(a != b for a, b in both):
        return Likeness.OTHER
    times_differ = bool(first[2] and second[2] and first[2] != second[2])
    return Likeness.SAME if both and not times_differ else Likeness.DOUBTFUL


def is_older(one: str, other: str) -> bool:
    """Return whether `one` may be from before `other`: a smaller number, and no later moment.

    Numbers start again some day, and moments each new year, but not both in one go.
    """
    first, second = _parts(one), _parts(other)
    smaller = any(a and b and a < b for a, b in zip(first[:2], second[:2], strict=True))
    return smaller and not (first[2] and second[2] and first[2] > second[2])


def receipt_of(mark: str) -> str:
    return _parts(mark)[0]


def trace_of(mark: str) -> str:
    return _parts(mark)[1]


def _parts(mark: str) -> tuple[str, str, str]:
    match = _MARK.fullmatch(mark)
    return (match[1] or "", match[2] or "", match[3] or "") if match else ("", "", "")


# The end of a status enquiry


def read_status(data: bytes) -> tuple[int, str]:
    """Return the terminal's status and its version, from a completion that has no field numbers for either."""
    version = ""
    if len(data) > 3 and all(digit & 0xF0 == 0xF0 and digit & 0x0F <= 9 for digit in data[:3]):
        size = int("".join(str(digit & 0x0F) for digit in data[:3]))
        version, data = text_of(data[3 : 3 + size]), data[3 + size :]
    return (data[0] if data else NOT_SAID), version
