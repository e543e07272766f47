"""Tables for a spreadsheet, as CSV to be saved."""

import csv
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse


def answer(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """Return the table as a file called `name`."""
    found = HttpResponse(content_type="text/csv; charset=utf-8")
    found["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(found)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return found


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is made plain text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
