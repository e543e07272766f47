"""Finland's virtual barcode: 54 digits, version 4 with a national reference, version 5 with RF (sheet 8)."""

from collections.abc import Mapping
from datetime import date

from kiosk.scanning import dates
from kiosk.scanning.checks import finnish_reference
from kiosk.scanning.formats.text import creditor_reference, digits, expect, iban
from kiosk.scanning.outcome import Fields, Misfit

_LENGTH = 54


def parse(payload: str, options: Mapping[str, str], today: date) -> Fields:
    """Return iban, amount_minor (0: open), reference, due. Option `version` is "4" or "5"."""
    version = options["version"]
    expect(digits(payload) and payload.startswith(version), "unknown", f"no virtual barcode of version {version}")
    if len(payload) != _LENGTH:
        # One leading digit is weak evidence: only a length near enough speaks of a partial read.
        expect(len(payload) < _LENGTH <= 2 * len(payload), "unknown", f"{len(payload)} digits for {_LENGTH}")
        raise Misfit("short", f"{len(payload)} digits of {_LENGTH}", sure=False)
    reference = _national(payload[25:48]) if version == "4" else _international(payload[25:48])
    try:
        due = dates.parse(payload[48:], "YYMMDD", today)
    except ValueError as error:
        raise Misfit("check", "due date") from error
    return {
        "iban": iban("FI" + payload[1:17]),
        "amount_minor": int(payload[17:25]),
        "reference": reference,
        "due": due,
    }


def _national(text: str) -> str:
    expect(text.startswith("000"), "unknown", "the reserved digits are zeros")
    reference = text.lstrip("0")
    expect(finnish_reference(reference), "check", "national reference")
    return reference


def _international(text: str) -> str:
    return creditor_reference("RF" + text[:2] + text[2:].lstrip("0"))
