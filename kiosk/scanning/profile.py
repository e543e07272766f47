"""A payload profile: the city's description of one bill layout, read from a TOML file of assets/profiles.

A profile says where fields stand by `start` and `length` (0-based, from the left), by a `pattern` with named groups,
or names a parser of kiosk.scanning.formats for layouts that need code. Checks and the reference are data in each case.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from kiosk.domain.invoice import InvoiceReference
from kiosk.scanning import checks, dates
from kiosk.scanning.outcome import Fields, Misfit

KINDS = ("digits", "text", "cents", "decimal", "date")
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?", re.ASCII)


@dataclass(frozen=True)
class Field:
    """One part of a payload. `check` names a rule of checks.RULES that the part must pass by itself."""

    name: str
    kind: str = "digits"
    start: int = 0
    length: int = 0
    constant: str = ""
    check: str = ""
    form: str = "YYMMDD"


@dataclass(frozen=True)
class Check:
    """A check over the joined text of fields. `digit` names the field with the check digit; "" if `over` ends in it."""

    over: tuple[str, ...]
    rule: str = ""
    digit: str = ""
    weighted: checks.Weighted | None = None

    def holds(self, raw: Mapping[str, str]) -> bool:
        """Whether the check is right for the fields as printed."""
        parts = [raw[name] for name in self.over]
        if self.weighted:
            return self.weighted.digit("".join(parts)) == raw[self.digit]
        if self.rule == "norma60":
            return checks.mod97_norma60(*parts) == raw[self.digit]
        return checks.RULES[self.rule]("".join(parts))


@dataclass(frozen=True)
class ReferenceFields:
    """Which fields make the InvoiceReference; "" for none."""

    number: str = ""
    invoice: str = ""
    amount: str = ""
    due: str = ""


@dataclass(frozen=True)
class Profile:
    """One bill layout. Without `format` it is split by `pattern`, or by the positions of `fields` if that is None."""

    name: str
    title: str
    symbologies: frozenset[str]
    lengths: tuple[int, ...] = ()
    fields: tuple[Field, ...] = ()
    checks: tuple[Check, ...] = ()
    reference: ReferenceFields = ReferenceFields()
    pattern: re.Pattern[str] | None = None
    format: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    currency: str = "USD"

    def split(self, payload: str, symbology: str = "") -> dict[str, str]:
        """Return the parts as printed, checks not yet made; Misfit "unknown" or "short" for another layout."""
        if self.pattern:
            found = self.pattern.fullmatch(payload)
            if not found:
                raise Misfit("unknown", f"not of the form of {self.name}")
            return {name: text or "" for name, text in found.groupdict().items()}
        if len(payload) not in self.lengths:
            raise self._wrong_length(payload, symbology)
        raw = {part.name: payload[part.start : part.start + part.length] for part in self.fields}
        for part in self.fields:
            if not _allowed(part, raw[part.name]):
                raise Misfit("unknown", f"{part.name} of {self.name} cannot read so")
        return raw

    def verify(self, raw: Mapping[str, str]) -> None:
        """Make every check of the profile; Misfit "check" at the first that fails."""
        for part in self.fields:
            if part.check and not checks.RULES[part.check](raw[part.name]):
                raise Misfit("check", f"{part.check} of {part.name} in {self.name}")
        for check in self.checks:
            if not check.holds(raw):
                raise Misfit("check", f"{check.rule or 'weighted'} over {', '.join(check.over)} in {self.name}")

    def values(self, raw: Mapping[str, str], today: date) -> Fields:
        """Return fields as values: `*_minor` in cents, dates as YYYY-MM-DD; Misfit "check" for no such date."""
        kinds = {part.name: part for part in self.fields}
        try:
            return {name: _value(kinds.get(name, Field(name, "text")), text, today) for name, text in raw.items()}
        except ValueError as error:
            raise Misfit("check", f"{error} in {self.name}") from error

    def refer(self, payload: str, values: Fields) -> InvoiceReference:
        """Return what `values` say about the bill; an amount of 0 is one that the payer chooses: None."""
        chosen = self.reference
        amount = values.get(chosen.amount, 0)
        return InvoiceReference(
            number=str(values.get(chosen.number, "")),
            profile=self.name,
            scan=payload,
            invoice=str(values.get(chosen.invoice, "")),
            printed_minor=int(amount) or None,
            printed_due=str(values.get(chosen.due, "")),
        )

    def _wrong_length(self, payload: str, symbology: str) -> Misfit:
        """Tell a partial read of this layout from a code of another."""
        fixed = [part for part in self.fields if part.constant and len(payload) >= part.start + part.length]
        constants = all(payload[part.start :].startswith(part.constant) for part in fixed)
        shorter = len(payload) < max(self.lengths)
        # An ITF beam that leaves the symbol early may also enter it late, so its constants may be gone.
        partial = shorter and 2 * len(payload) >= max(self.lengths) and (constants or symbology == "itf")
        sure = bool(fixed) and constants
        if _DIGITS.fullmatch(payload) and (sure or partial):
            return Misfit("short", f"{len(payload)} characters for {self.name}", sure=sure)
        return Misfit("unknown", f"not the length of {self.name}")


def _allowed(part: Field, text: str) -> bool:
    if part.constant:
        return text == part.constant
    if part.kind == "decimal":
        return bool(_DECIMAL.fullmatch(text))
    return part.kind == "text" or bool(_DIGITS.fullmatch(text))


def _value(part: Field, text: str, today: date) -> str | int:
    if part.kind == "cents":
        return int(text)
    if part.kind == "decimal":
        return int(Decimal(text) * 100)
    return dates.parse(text, part.form, today) if part.kind == "date" else text
