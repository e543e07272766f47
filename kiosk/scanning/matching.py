"""Which profile a payload fits: exactly one with all its checks, or a reason to tell the resident."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol, TypeVar

from kiosk.scanning import postal
from kiosk.scanning.formats import FORMATS
from kiosk.scanning.outcome import Fields, Match, Misfit, Refused
from kiosk.scanning.profile import Profile


def match(payload: str, symbology: str, profiles: Sequence[Profile], today: date | None = None) -> Match | Refused:
    """Return the one profile of `profiles` that `payload` fits with its fields, or why it is refused.

    `symbology` "" means that the scanner does not say; "typed" a printed line keyed in. Two-digit years and
    Brazilian due factors mean the date nearest `today` (the system's date if None).
    """
    day = today or date.today()
    fits: list[Match] = []
    misfits: list[Misfit] = []
    for profile in profiles:
        try:
            fits.append(_fit(profile, payload, symbology, day))
        except Misfit as misfit:
            misfits.append(misfit)
    if len(fits) == 1:
        return fits[0]
    if fits:
        return Refused("ambiguous", "fits " + " and ".join(fit.profile for fit in fits))
    return _refusal(payload, symbology, profiles, misfits)


def _fit(profile: Profile, payload: str, symbology: str, today: date) -> Match:
    if symbology and symbology not in profile.symbologies:
        raise Misfit("unknown", f"{symbology} is no symbology of {profile.name}")
    if profile.format:
        values = FORMATS[profile.format](payload, profile.options, today)
    else:
        raw = profile.split(payload, symbology)
        profile.verify(raw)
        values = profile.values(raw, today)
    fields: Fields = {"currency": profile.currency, **values}
    return Match(profile.name, fields, profile.refer(payload, fields))


def _refusal(payload: str, symbology: str, profiles: Sequence[Profile], misfits: Sequence[Misfit]) -> Refused:
    """Choose the most telling reason: a failed check, then a sure partial read, then the postal code."""
    for code in ("check", "short"):
        for misfit in misfits:
            if misfit.code == code and misfit.sure:
                return Refused(code, misfit.detail)
    if postal.looks_postal(payload, symbology, any("datamatrix" in profile.symbologies for profile in profiles)):
        return Refused("postal", "a code for the mail")
    for misfit in misfits:
        if misfit.code == "short":
            return Refused("short", misfit.detail)
    return Refused("unknown", "fits no enabled profile")


class Payload(Protocol):
    """Anything with a payload and its symbology, as hardware.scanner's Reading."""

    @property
    def payload(self) -> str: ...
    @property
    def symbology(self) -> str: ...


def fits(reading: Payload, profiles: Sequence[Profile]) -> bool:
    """Whether the code matches one of `profiles` today."""
    return isinstance(match(reading.payload, reading.symbology, profiles), Match)


Read = TypeVar("Read", bound=Payload)


def prefer(
    readings: Iterable[Read], profiles: Sequence[Profile], today: date | None = None
) -> list[tuple[Read, Match | Refused]]:
    """Return the codes of one picture with their outcomes, the most useful first: matches, then by reason."""
    order = ("check", "short", "ambiguous", "unknown", "postal")
    judged = [(reading, match(reading.payload, reading.symbology, profiles, today)) for reading in readings]
    return sorted(judged, key=lambda one: -1 if isinstance(one[1], Match) else order.index(one[1].code))
