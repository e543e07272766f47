"""A payload as a scanner hands it over, and what the AIM prefix in front of it says (sheet 2)."""

import re
from dataclasses import dataclass

GS = "\x1d"  # ends a variable field in GS1 data; the only control character that a payload keeps besides line ends

# Symbologies by the code character of the AIM identifier `]cm` (ISO/IEC 15424).
AIM_SYMBOLOGIES = {
    "A": "code39",
    "C": "code128",
    "d": "datamatrix",
    "e": "databar",
    "E": "ean",
    "F": "codabar",
    "G": "code93",
    "I": "itf",
    "L": "pdf417",
    "M": "msi",
    "Q": "qr",
    "U": "maxicode",
    "z": "aztec",
}

# Prefixes that say FNC1 stood first: the data are GS1 element strings.
_GS1 = {"]C1": "gs1_128", "]d2": "gs1_datamatrix", "]Q3": "gs1_qr", "]e0": "gs1_databar"}
# ISO/IEC 15424 gives the post no letter of its own: imagers report Intelligent Mail under "other", modifier by maker.
_POSTAL = "X"

_PREFIX = re.compile(r"\][A-Za-z][0-9A-Za-z]")


@dataclass(frozen=True)
class Reading:
    """`symbology` is "" if the scanner does not say; `ms` what it took from picture or first byte to payload."""

    payload: str
    symbology: str
    ms: int = 0


def from_aim(text: str, ms: int = 0) -> Reading | None:
    """Return the reading of `text`, which must start with an AIM prefix of a known symbology; else None."""
    prefix = text[:3]
    if not _PREFIX.fullmatch(prefix) or len(text) == 3:
        return None
    symbology = _GS1.get(prefix) or AIM_SYMBOLOGIES.get(prefix[1])
    if prefix[1] == _POSTAL:
        symbology = "postal"
    return Reading(text[3:], symbology, ms) if symbology else None
