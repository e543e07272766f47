"""Reading a processor's list of transactions from CSV. Pure. One bad line refuses the whole file: all or nothing."""

import csv
import io
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

ROWS_MAX = 50_000
ERRORS_SHOWN = 20
_NAMES = {  # what processors call a column, in lower case with underscores
    "reference": ("reference", "ref", "merchant_reference", "reference_number", "ecr_reference", "order_id", "invoice"),
    "amount": ("amount", "gross", "gross_amount", "transaction_amount", "total"),
    "amount_minor": ("amount_minor", "amount_cents", "cents"),
    "currency": ("currency", "currency_code"),
    "kind": ("type", "kind", "transaction_type"),
    "date": ("date", "transaction_date", "processed_on", "batch_date", "created", "created_utc"),
    "processor_id": ("id", "processor_id", "transaction_id", "payment_intent", "host_reference"),
}
_BACK = ("void", "voided", "refund", "refunded", "reversal", "reversed", "return", "credit")
_IN = ("sale", "charge", "purchase", "payment", "capture", "debit", "")
_DATES = ("%m/%d/%Y", "%d.%m.%Y", "%Y%m%d")
_MOST_MINOR = 10**12


@dataclass(frozen=True)
class Line:
    """`amount_minor` is below 0 for what went back to a card."""

    reference: str
    amount_minor: int
    currency: str
    processed_on: date
    processor_id: str


class BadList(ValueError):
    """The file cannot be taken; `errors` say why, line by line."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


def parse(content: bytes, currency: str) -> list[Line]:
    """Return the lines of a CSV file with a header; `currency` is that of files without such a column."""
    rows = _rows(content)
    columns = _columns(rows[0] if rows else [])
    found, errors = [], []
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {name: row[at].strip() if at < len(row) else "" for name, at in columns.items()}
        try:
            found.append(_line(cells, currency))
        except ValueError as error:
            errors.append(f"line {number}: {error}")
    if not found and not errors:
        errors.append("there is no line in it")
    if errors:
        more = len(errors) - ERRORS_SHOWN
        raise BadList(errors[:ERRORS_SHOWN] + ([f"and {more} more"] if more > 0 else []))
    return found


def _rows(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadList(["this is not a text file in UTF-8"]) from None
    if "\x00" in text:
        raise BadList(["this is not a text file"])
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BadList([f"this is no CSV: {error}"]) from None
    if len(rows) > ROWS_MAX:
        raise BadList([f"more than {ROWS_MAX} lines: split it by day"])
    return rows


def _columns(header: list[str]) -> dict[str, int]:
    named = [re.sub(r"[^a-z0-9]+", "_", cell.strip().lower()).strip("_") for cell in header]
    places = {}
    for name, others in _NAMES.items():
        at = next((named.index(other) for other in others if other in named), None)
        if at is not None:
            places[name] = at
    missing = [name for name in ("reference", "date") if name not in places]
    if "amount" not in places and "amount_minor" not in places:
        missing.append("amount")
    if missing:
        raise BadList([f"the first line names no column {' and no column '.join(missing)}"])
    return places


def _line(cells: dict[str, str], currency: str) -> Line:
    reference = cells["reference"].upper()
    if not re.fullmatch(r"[A-Z0-9._-]{1,40}", reference):
        raise ValueError(f"{cells['reference'][:40]!r} is no reference")
    kind = cells.get("kind", "").lower()
    if kind not in (*_BACK, *_IN):
        raise ValueError(f"{kind[:40]!r} is no type known here")
    amount = _minor(cells)
    of = cells.get("currency", "").upper() or currency
    if not re.fullmatch(r"[A-Z]{3}", of):
        raise ValueError(f"{of[:40]!r} is no currency")
    signed = -abs(amount) if kind in _BACK else amount
    return Line(reference, signed, of, _date(cells["date"]), cells.get("processor_id", "")[:60])


def _minor(cells: dict[str, str]) -> int:
    whole = cells.get("amount_minor", "")
    if whole:
        if not re.fullmatch(r"-?[0-9]{1,12}", whole):
            raise ValueError(f"{whole[:40]!r} is no amount in cents")
        return _moving(int(whole))
    text = cells.get("amount", "")
    plain = text.replace("$", "").replace(" ", "")
    if re.fullmatch(r"\(.*\)", plain):  # bookkeepers' minus
        plain = "-" + plain[1:-1]
    if not re.fullmatch(r"-?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]{1,2})?", plain):
        raise ValueError(f"{text[:40]!r} is no amount such as 12.34")
    try:
        return _moving(int(Decimal(plain.replace(",", "")) * 100))
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is no amount") from None


def _moving(amount_minor: int) -> int:
    if not amount_minor or abs(amount_minor) > _MOST_MINOR:
        raise ValueError("an amount of nothing, or too large")
    return amount_minor


def _date(text: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        pass
    for form in _DATES:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise ValueError(f"{text[:40]!r} is no date such as 2026-11-23")
