"""EPC069-12 QR: a SEPA credit transfer in up to 12 lines (sheet 6)."""

import re
from collections.abc import Mapping
from datetime import date

from kiosk.scanning.formats.text import creditor_reference, expect, iban, minor
from kiosk.scanning.outcome import Fields

_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")
_BYTES_MAX = 331
# Longest text of lines 6 and 9 to 12: name, purpose, structured reference, text, information.
_LONGEST = {5: 70, 8: 4, 9: 35, 10: 140, 11: 70}


def parse(payload: str, _options: Mapping[str, str], _today: date) -> Fields:
    """Return iban, bic, name, amount_minor, purpose, reference, text, information."""
    lines = payload.replace("\r\n", "\n").rstrip("\n").split("\n")
    expect(lines[:1] == ["BCD"], "unknown", "no EPC QR")
    expect(len(lines) >= 7, "short", f"{len(lines)} lines of at least 7")
    expect(len(lines) <= 12 and len(payload.encode()) <= _BYTES_MAX, "unknown", "too long for an EPC QR")
    lines += [""] * (12 - len(lines))
    _, version, charset, kind, bic, name, account, amount, purpose, reference, text, information = lines
    expect(version in ("001", "002") and charset in tuple("12345678") and kind == "SCT", "unknown", "version")
    expect(bool(_BIC.fullmatch(bic)) or (version == "002" and not bic), "check", "bic")
    expect(bool(name), "unknown", "no name")
    expect(all(len(lines[at]) <= longest for at, longest in _LONGEST.items()), "unknown", "a line is too long")
    expect(not (reference and text), "unknown", "structured reference and text exclude each other")
    fields: Fields = {"iban": iban(account), "bic": bic, "name": name, "purpose": purpose, "reference": reference}
    if reference.startswith("RF"):
        creditor_reference(reference)
    if amount:
        expect(amount.startswith("EUR"), "unknown", "currency")
        fields["amount_minor"] = minor(amount.removeprefix("EUR"), _AMOUNT)
        expect(fields["amount_minor"] != 0, "check", "an amount is at least 0.01")
    return fields | {"text": text, "information": information}
