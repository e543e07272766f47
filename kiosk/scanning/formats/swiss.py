"""Swiss QR-bill, version 2: 31 to 34 lines whose position is their meaning (sheet 5)."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from kiosk.scanning.checks import RULES
from kiosk.scanning.formats.text import creditor_reference, digits, expect, iban, minor
from kiosk.scanning.outcome import Fields

_AMOUNT = re.compile(r"[0-9]{1,9}\.[0-9]{2}", re.ASCII)
_BYTES_MAX = 997
_TEXT_MAX = 140  # lines 30 and 32 together
_QR_IBANS = range(30000, 32000)


def parse(payload: str, _options: Mapping[str, str], _today: date) -> Fields:
    """Return iban, creditor, amount_minor, currency, debtor, reference_type, reference, message, information."""
    lines = payload.rstrip("\r\n").replace("\r\n", "\n").split("\n")
    expect(lines[:1] == ["SPC"], "unknown", "no Swiss QR-bill")
    expect(len(lines) >= 31, "short", f"{len(lines)} lines of at least 31")
    expect(len(lines) <= 34 and len(payload.encode()) <= _BYTES_MAX, "unknown", "too long for a Swiss QR-bill")
    _expect_frame(lines)
    fields: Fields = {
        "iban": iban(lines[3]),
        "creditor": lines[5],
        "currency": lines[19],
        "debtor": lines[21],
        "reference_type": lines[27],
        "reference": _reference(lines[3], lines[27], lines[28]),
        "message": lines[29],
        "information": lines[31] if len(lines) > 31 else "",
    }
    if lines[18]:
        fields["amount_minor"] = minor(lines[18], _AMOUNT)
    return fields


def _expect_frame(lines: Sequence[str]) -> None:
    expect(lines[1][:2] == "02" and lines[2] == "1", "unknown", "version or coding")
    expect(lines[3][:2] in ("CH", "LI") and len(lines[3]) == 21, "check", "a Swiss IBAN has 21 characters")
    expect(lines[4] in ("S", "K") and lines[5] != "", "unknown", "creditor")
    expect(not any(lines[11:18]), "unknown", "the ultimate creditor is reserved")
    expect(lines[19] in ("CHF", "EUR"), "unknown", "currency")
    expect(lines[20] in ("S", "K", ""), "unknown", "debtor")
    expect(lines[30] == "EPD", "unknown", "trailer")
    information = lines[31] if len(lines) > 31 else ""
    expect(information == "" or information.startswith("//"), "unknown", "bill information")
    expect(len(lines[29]) + len(information) <= _TEXT_MAX, "unknown", "message and information are too long")


def _reference(account: str, kind: str, text: str) -> str:
    """QRR goes with a QR-IBAN and 27 digits, SCOR with an ISO 11649 reference, NON with none."""
    expect(kind in ("QRR", "SCOR", "NON"), "unknown", "reference type")
    is_qr_iban = digits(account[4:9]) and int(account[4:9]) in _QR_IBANS
    expect(is_qr_iban == (kind == "QRR"), "check", f"{kind} does not go with this kind of IBAN")
    if kind == "QRR":
        expect(len(text) == 27 and digits(text) and RULES["esr"](text), "check", "esr")
    elif kind == "SCOR":
        creditor_reference(text)
    else:
        expect(text == "", "check", "NON has no reference")
    return text
