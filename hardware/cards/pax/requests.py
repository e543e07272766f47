"""The requests that a kiosk may send, and none of the others (sheet sections 1, 5 to 8)."""

import re

from hardware.cards.masking import holds_card_number
from hardware.cards.pax.frames import FS, US, seal

# Nothing here brings card data to the kiosk, throws transactions away or lets the terminal approve offline.
ALLOWED = frozenset({"A00", "A10", "A14", "A16", "A78", "B00", "R02", "T00"})

SALE, RETURN, VOID, VOID_SALE = "01", "02", "16", "17"
ALL_CARDS = "00"
ACCOUNT = 2  # the group of a T00 that a kiosk leaves empty
AMOUNT_DIGITS_MAX = 8

_REFERENCE = re.compile("[A-Z0-9]{1,16}")
_FIELD = re.compile(r"[\x20-\x7e\x1f]*")


def build(command: str, version: str, *groups: str) -> bytes:
    """Return the frame. ValueError for a command or an account that a kiosk never sends."""
    if command not in ALLOWED:
        raise ValueError(f"{command} is not for a kiosk")
    if command == "T00" and groups[ACCOUNT]:
        raise ValueError("a kiosk knows no account")
    if not all(_FIELD.fullmatch(group) for group in groups):
        raise ValueError(f"a field of {command} holds what no field may hold")
    return seal(FS.join([command, version, *(group.rstrip(US) for group in groups)]))


def plain(command: str, version: str) -> bytes:
    """A request without fields keeps the separator after the version."""
    return build(command, version, "")


def sale(version: str, reference: str, amount_minor: int, report_status: bool) -> bytes:
    extended = "REPORTSTATUS=1" if report_status else ""
    return _credit(version, SALE, _cents(amount_minor), _checked(reference), extended)


def void(version: str, kind: str, reference: str, number: str, host_reference: str) -> bytes:
    """Undo by the terminal's own number, or by the host's reference: one of them is given."""
    trace = US.join([_checked(reference), "", "", number])
    return _credit(version, kind, "", trace, f"HREF={host_reference}" if host_reference else "")


def refund(version: str, reference: str, amount_minor: int, host_reference: str) -> bytes:
    extended = f"HREF={host_reference}" if host_reference else ""
    return _credit(version, RETURN, _cents(amount_minor), _checked(reference), extended)


def _credit(version: str, kind: str, amounts: str, trace: str, extended: str) -> bytes:
    return build("T00", version, kind, amounts, "", trace, "", "", "", "", extended)


def by_reference(version: str, reference: str) -> bytes:
    return build("R02", version, ALL_CARDS, "", "", "", "", "", _checked(reference), "")


def void_of(version: str, number: str) -> bytes:
    """Ask for a void of the terminal's transaction `number`."""
    return build("R02", version, ALL_CARDS, VOID, "", "", number, "", "", "")


def close_batch(version: str, timestamp: str) -> bytes:
    return build("B00", version, timestamp)


def show(version: str, lines: tuple[str, ...]) -> bytes:
    """Two lines at most; what is no ASCII is left out."""
    first, second = (*(_printable(line) for line in lines), "", "")[:2]
    return build("A10", version, first, "", second, *[""] * 7)


def _cents(amount_minor: int) -> str:
    if not 0 < amount_minor < 10**AMOUNT_DIGITS_MAX:
        raise ValueError(f"an amount of {amount_minor}")
    return str(amount_minor)


def _checked(reference: str) -> str:
    if not _REFERENCE.fullmatch(reference) or holds_card_number(reference):  # its echo would be left out
        raise ValueError(f"no reference: {reference!r}")
    return reference


def _printable(line: str) -> str:
    return "".join(character for character in line if " " <= character <= "~")
