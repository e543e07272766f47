"""Codes that are printed for the post and that residents present by mistake (sheet 1, rule 7).

The Intelligent Mail barcode has 65 bars, each ascending, descending, full or a tracker, and holds 20 digits plus a
ZIP of 0, 5, 9 or 11 digits (USPS-B-3200). Readers hand over either the digits or one letter a bar.
"""

import re

_BARS = re.compile(r"[ADFT]{65}")
# Barcode identifier (its second digit is 0 to 4), service type, mailer and serial, routing ZIP.
_TRACKING = re.compile(r"[0-9][0-4][0-9]{18}([0-9]{5}|[0-9]{9}|[0-9]{11})?", re.ASCII)
# Parcel label: AI 420 with a ZIP, then a tracking number that starts with 9.
_PARCEL = re.compile(r"420([0-9]{5}|[0-9]{9})\x1d?9[0-9]{19,33}", re.ASCII)

_POSTAL = frozenset({"imb", "postnet", "planet", "royal_mail", "kix", "postal"})
# Symbologies in which the post's own 2D codes come, or that the scanner does not tell.
_POSSIBLY_POSTAL = frozenset({"", "datamatrix", "gs1_datamatrix", "pdf417"})


def looks_postal(payload: str, symbology: str, datamatrix_is_used: bool) -> bool:
    """Whether a payload that fits no profile is a code for the mail.

    On a bill a Data Matrix that no enabled profile uses (`datamatrix_is_used` False) is the mail inserter's.
    """
    if symbology in _POSTAL or _BARS.fullmatch(payload):
        return True
    if symbology == "datamatrix" and not datamatrix_is_used:
        return True
    if symbology in _POSSIBLY_POSTAL and _TRACKING.fullmatch(payload):
        return True
    return symbology in ("", "gs1_128") and bool(_PARCEL.fullmatch(payload))
