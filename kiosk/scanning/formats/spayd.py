"""Czech SPAYD: keys and values between asterisks (sheet 9)."""

import re
import zlib
from collections.abc import Mapping
from datetime import date
from urllib.parse import unquote

from kiosk.scanning import dates
from kiosk.scanning.formats.text import expect, iban, minor
from kiosk.scanning.outcome import Fields, Misfit

_AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?", re.ASCII)
_KEY = re.compile(r"[A-Z0-9-]+")
_NAMES = {"CC": "currency", "RN": "name", "MSG": "message", "X-VS": "variable", "X-SS": "specific", "X-KS": "constant"}


def parse(payload: str, _options: Mapping[str, str], today: date) -> Fields:
    """Return iban, bic, amount_minor, currency, name, due, message and the variable, specific, constant symbols."""
    head, _, body = payload.partition("*")
    version, _, body = body.partition("*")
    expect(head == "SPD", "unknown", "no SPAYD")
    expect(version == "1.0", "unknown", "version")
    pairs = _pairs(body)
    expect("ACC" in pairs, "short", "no account")
    _verify_crc(pairs)
    account, _, bic = pairs["ACC"].partition("+")
    fields: Fields = {"iban": iban(account), "bic": bic}
    if "AM" in pairs:
        fields["amount_minor"] = minor(pairs["AM"], _AMOUNT)
    if "DT" in pairs:
        fields["due"] = _date(pairs["DT"], today)
    return fields | {name: unquote(pairs[key]) for key, name in _NAMES.items() if key in pairs}


def _pairs(body: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in body.removesuffix("*").split("*"):
        key, colon, value = part.partition(":")
        expect(bool(colon) and bool(_KEY.fullmatch(key)), "unknown", "not of the form KEY:value")
        expect(key not in pairs, "unknown", f"{key} appears twice")
        pairs[key] = value
    return pairs


def _verify_crc(pairs: Mapping[str, str]) -> None:
    """The optional CRC32 is over the text without it, its keys in alphabetical order."""
    given = pairs.get("CRC32")
    if given is None:
        return
    text = "*".join(["SPD", "1.0", *(f"{key}:{pairs[key]}" for key in sorted(pairs) if key != "CRC32")])
    expect(given.upper() == f"{zlib.crc32(text.encode()):08X}", "check", "crc32")


def _date(text: str, today: date) -> str:
    expect(len(text) == 8 and text.isascii() and text.isdigit(), "check", "due date")
    try:
        return dates.parse(text, "YYYYMMDD", today)
    except ValueError as error:
        raise Misfit("check", "due date") from error
