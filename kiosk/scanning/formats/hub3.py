"""Croatian HUB3 slip in PDF417: 14 lines (sheet 9)."""

from collections.abc import Mapping
from datetime import date

from kiosk.scanning.formats.text import digits, expect, iban
from kiosk.scanning.outcome import Fields

# The longest each line may be, after the header: payer in lines 4 to 6, payee in 7 to 9.
_LINES = (
    ("currency", 3),
    ("amount", 15),
    ("payer", 30),
    ("payer_street", 27),
    ("payer_town", 27),
    ("payee", 25),
    ("payee_street", 25),
    ("payee_town", 27),
    ("iban", 21),
    ("model", 4),
    ("reference", 22),
    ("purpose", 4),
    ("text", 35),
)


def parse(payload: str, _options: Mapping[str, str], _today: date) -> Fields:
    """Return amount_minor and every line by its name in _LINES."""
    lines = payload.replace("\r\n", "\n").split("\n")
    expect(lines[0] == "HRVHUB30", "unknown", "no HUB3 slip")
    if len(lines) == 15 and not lines[-1]:
        lines.pop()
    expect(len(lines) >= 14, "short", f"{len(lines)} lines of 14")
    expect(len(lines) == 14, "unknown", f"{len(lines)} lines for 14")
    values = {name: text for (name, _), text in zip(_LINES, lines[1:], strict=True)}
    for name, longest in _LINES:
        expect(len(values[name]) <= longest, "unknown", f"{name} is too long")
    expect(len(values["currency"]) == 3 and values["model"].startswith("HR"), "unknown", "currency or model")
    amount = values.pop("amount")
    expect(len(amount) == 15 and digits(amount), "check", "amount")
    iban(values["iban"])
    return {"amount_minor": int(amount), **values}
