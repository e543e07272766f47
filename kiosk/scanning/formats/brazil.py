"""Brazil: bank boleto and the collection slip of utilities and city taxes (sheet 7).

The bars hold 44 digits; the line that people type repeats them in blocks with a check digit each.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from kiosk.scanning.checks import Weighted, boleto_mod11, slip_mod11
from kiosk.scanning.formats.text import digits, expect
from kiosk.scanning.outcome import Fields

_BARS = 44
_MOD10 = Weighted((2, 1), start="right")
# Factors count from the first day; on 22 February 2025 they restarted at 1000.
_FIRST_EPOCH = date(1997, 10, 7)
_SECOND_EPOCH = date(2025, 2, 22) - timedelta(days=1000)
SEGMENTS = {
    "1": "city",
    "2": "sanitation",
    "3": "power and gas",
    "4": "telecom",
    "5": "government",
    "6": "payment books",
    "7": "traffic fines",
    "9": "bank",
}


def boleto(payload: str, _options: Mapping[str, str], today: date) -> Fields:
    """Return bank, factor, due, amount_minor (0: the payer chooses), free and check of bars or a typed line (47)."""
    bars = _bars(payload, 47, _boleto_bars)
    expect(not bars.startswith("8"), "unknown", "a collection slip")
    expect(bars[3] == "9", "unknown", "currency")
    expect(boleto_mod11(bars[:4] + bars[5:]) == bars[4], "check", "general check of a boleto")
    return {
        "bank": bars[:3],
        "factor": bars[5:9],
        "due": _due(int(bars[5:9]), today),
        "amount_minor": int(bars[9:19]),
        "free": bars[19:],
        "check": bars[4],
    }


def slip(payload: str, _options: Mapping[str, str], _today: date) -> Fields:
    """Return segment, value_kind, amount_minor (not for a quantity), company, free of bars or a typed line (48)."""
    bars = _bars(payload, 48, _slip_bars)
    expect(bars.startswith("8"), "unknown", "no collection slip")
    expect(bars[1] in SEGMENTS and bars[2] in "6789", "unknown", "segment or kind of value")
    expect(_slip_check(bars[2])(bars[:3] + bars[4:]) == bars[3], "check", "general check of a collection slip")
    # Payment books are identified by the payee's tax number, all others by a company code.
    company = 8 if bars[1] == "6" else 4
    fields: Fields = {
        "segment": SEGMENTS[bars[1]],
        "value_kind": bars[2],
        "company": bars[15 : 15 + company],
        "free": bars[15 + company :],
        "check": bars[3],
    }
    return fields | ({"amount_minor": int(bars[4:15])} if bars[2] in "68" else {"quantity": bars[4:15]})


def _bars(payload: str, line_length: int, from_line: Callable[[str], str]) -> str:
    expect(digits(payload), "unknown", "digits only")
    if len(payload) == line_length:
        return from_line(payload)
    if len(payload) != _BARS:
        # Interleaved 2 of 5 may be left early by a slanted beam (sheet 1, rule 2).
        partial = len(payload) < _BARS <= 2 * len(payload)
        expect(not partial, "short", f"{len(payload)} digits of {_BARS}")
    expect(len(payload) == _BARS, "unknown", f"{len(payload)} digits for {_BARS}")
    return payload


def _boleto_bars(line: str) -> str:
    blocks = (line[:10], line[10:21], line[21:32])
    for block in blocks:
        expect(_MOD10.digit(block[:-1]) == block[-1], "check", "block check of a boleto line")
    return line[:4] + line[32] + line[33:] + line[4:9] + blocks[1][:-1] + blocks[2][:-1]


def _slip_bars(line: str) -> str:
    expect(line[2] in "6789", "unknown", "kind of value")
    blocks = [line[at : at + 12] for at in range(0, 48, 12)]
    for block in blocks:
        expect(_slip_check(line[2])(block[:-1]) == block[-1], "check", "block check of a slip line")
    return "".join(block[:-1] for block in blocks)


def _slip_check(value_kind: str) -> Callable[[str], str]:
    return _MOD10.digit if value_kind in "67" else slip_mod11


def _due(factor: int, today: date) -> str:
    """Return the date that `factor` means: of the two possible ones the nearer to `today`; "" for 0."""
    if factor == 0:
        return ""
    meanings = [_FIRST_EPOCH + timedelta(days=factor)]
    if factor >= 1000:
        meanings.append(_SECOND_EPOCH + timedelta(days=factor))
    return min(meanings, key=lambda meaning: abs(meaning - today)).isoformat()
