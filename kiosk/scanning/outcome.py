"""What came of a payload or a typed number: a bill's reference, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass

from kiosk.domain.invoice import InvoiceReference

Fields = dict[str, str | int]

# Every code of Refused; the screen's notices are these with "scan_" in front.
CODES = ("unknown", "short", "check", "postal", "ambiguous")


@dataclass(frozen=True)
class Match:
    """The payload fits exactly one profile. `fields`: text as printed, `*_minor` in cents, dates as YYYY-MM-DD."""

    profile: str
    fields: Mapping[str, str | int]
    reference: InvoiceReference


@dataclass(frozen=True)
class Refused:
    """`code` is one of CODES; `detail` is for staff and never holds the payload."""

    code: str
    detail: str = ""


class Misfit(Exception):
    """A payload is not of this layout: `code` is unknown (another layout), short or check (one of its checks fails).

    `sure` is False for a short payload that only its length ties to the layout.
    """

    def __init__(self, code: str, detail: str, sure: bool = True) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.sure = sure
