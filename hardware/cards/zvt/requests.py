"""The messages of the kiosk (sheet sections 5, 6 and 10). None asks for card data, ever."""

from hardware.cards.contract import Refund, Sale, Void
from hardware.cards.zvt.fields import bcd
from hardware.cards.zvt.frames import Message
from hardware.cards.zvt.profile import Profile
from hardware.cards.zvt.status import CURRENCIES, receipt_of

REGISTRATION, SALE, TOTALS, REPEAT, REVERSAL, REFUND = 0x0600, 0x0601, 0x0610, 0x0620, 0x0630, 0x0631
END_OF_DAY, DIAGNOSIS, INITIALISATION, ABORT, ENQUIRY = 0x0650, 0x0670, 0x0693, 0x06B0, 0x0501
INFORMATION, PROGRESS, COMPLETED, ABORTED = 0x040F, 0x04FF, 0x060F, 0x061E
PRINT_LINE, PRINT_BLOCK, CLOCK = 0x06D1, 0x06D3, 0x0401
ACCEPTED = frozenset({PROGRESS, COMPLETED, ABORTED, PRINT_LINE, PRINT_BLOCK, CLOCK})  # whenever they come

POSITIVE = Message(0x8000)
PLEASE_WAIT = Message(0x849C)
NOT_ISSUED = Message(0x8466)
UNKNOWN_COMMAND = Message(0x8483)
CANCEL = Message(ABORT)

# The kiosk prints from its own data, wants to hear what goes on, and alone enters amounts and administers.
OWN_RECEIPT = 0x3E
STATUS_ONLY = bytes([0x03, 0x03])  # of a repeated receipt: send the data, print nothing
NO_PARTIAL, ANY_TAGS = bytes.fromhex("06 04 1F 70 01 00"), bytes.fromhex("06 00")


def registration(profile: Profile) -> Message:
    return Message(REGISTRATION, _password(profile) + bytes([OWN_RECEIPT]) + _currency(profile)[1:] + ANY_TAGS)


def enquiry(profile: Profile) -> Message:
    return Message(ENQUIRY, _password(profile))


def repeat(profile: Profile) -> Message:
    return Message(REPEAT, _password(profile) + STATUS_ONLY)


def sale(profile: Profile, amount_minor: int) -> Message:
    """Without the two limits a terminal may use up its repeats within milliseconds (sheet section 5)."""
    limits = bytes([0x01, profile.goods_s, 0x02, profile.waits])
    return Message(SALE, _amount(amount_minor) + _currency(profile) + limits + NO_PARTIAL)


def reversal(profile: Profile, receipt: str, amount_minor: int) -> Message:
    number = bytes([0x87]) + bytes.fromhex(receipt)
    return Message(REVERSAL, _password(profile) + number + _amount(amount_minor) + _currency(profile))


def refund(profile: Profile, amount_minor: int) -> Message:
    return Message(REFUND, _password(profile) + _amount(amount_minor) + _currency(profile))


def payment(profile: Profile, work: Sale | Void | Refund) -> Message:
    match work:
        case Sale(amount_minor=amount_minor):
            return sale(profile, amount_minor)
        case Void(amount_minor=amount_minor, terminal_ref=mark):
            return reversal(profile, receipt_of(mark), amount_minor)
        case Refund(amount_minor=amount_minor):
            return refund(profile, amount_minor)


def end_of_day(profile: Profile) -> Message:
    return Message(END_OF_DAY, _password(profile))


def _password(profile: Profile) -> bytes:
    return bytes.fromhex(profile.password)


def _amount(amount_minor: int) -> bytes:
    return bytes([0x04]) + bcd(amount_minor, 6)


def _currency(profile: Profile) -> bytes:
    return bytes([0x49]) + bytes.fromhex(CURRENCIES[profile.currency])
