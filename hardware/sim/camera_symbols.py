"""Printed codes for the camera's twin: payload and symbology to a clean picture, black on white."""

import io
from collections.abc import Callable
from typing import Any

import segno
import zxingcpp
from PIL import Image
from reportlab.graphics.barcode import code39, code93, code128, common, usps4s

_FNC1 = "\xf1"  # how reportlab's Code 128 writes it
_QUIET = 12  # modules of white around
_BAR_HEIGHT = 60  # modules
_WIDE = 2.5  # wide bars of the two-width codes, in modules

# Extents of the four kinds of bar of the postal code, in eighths of its height: top, bottom.
_POSTAL_BARS = {"T": (3, 5), "A": (0, 5), "D": (3, 8), "F": (0, 8)}


def draw(payload: str, symbology: str, module_px: int = 4) -> Image.Image:
    """Return the code as a grey picture, a module `module_px` wide; ValueError if the symbology cannot hold it.

    GS1 symbologies take an element string with GS (0x1D); "imb" 20 to 31 digits.
    """
    maker = _MAKERS.get(symbology)
    if maker is None:
        raise ValueError(f"{symbology!r} is not drawn here")
    return maker(payload, module_px)


def _bars(make: Callable[[str], object]) -> Callable[[str, int], Image.Image]:
    def drawn(payload: str, module_px: int) -> Image.Image:
        code = make(payload)
        code.validate()  # type: ignore[attr-defined]
        if not code.valid:  # type: ignore[attr-defined]
            raise ValueError(f"{payload!r} cannot be drawn in this symbology")
        code.encode()  # type: ignore[attr-defined]
        code.decompose()  # type: ignore[attr-defined]
        return _stripes(code.decomposed, module_px)  # type: ignore[attr-defined]

    return drawn


def _stripes(decomposed: str, module_px: int) -> Image.Image:
    """Draw what reportlab wrote: one letter for each bar and space in turn, see `_spans`."""
    spans = [(dark, round(modules * module_px)) for dark, modules in _spans(decomposed)]
    width = sum(span for _, span in spans) + 2 * _QUIET * module_px
    picture = Image.new("L", (width, (_BAR_HEIGHT + _QUIET) * module_px), 255)
    top, left = _QUIET * module_px // 2, _QUIET * module_px
    for dark, span in spans:
        if dark:
            picture.paste(0, (left, top, left + span, top + _BAR_HEIGHT * module_px))
        left += span
    return picture


def _spans(decomposed: str) -> list[tuple[bool, float]]:
    """Return (dark, modules) of each letter.

    Codes of two widths are written with b and s, capital for wide, and i between characters; codes of four widths
    with a to d, capital for bars.
    """
    if set(decomposed) <= set("bBsSi"):
        return [(letter in "bB", _WIDE if letter.isupper() else 1) for letter in decomposed]
    return [(letter.isupper(), "ABCD".index(letter.upper()) + 1) for letter in decomposed]


def _qr(payload: str, module_px: int) -> Image.Image:
    out = io.BytesIO()
    segno.make(payload, error="m", micro=False, boost_error=False).save(out, kind="png", scale=module_px, border=4)
    return Image.open(out).convert("L")


def _matrix(form: zxingcpp.BarcodeFormat) -> Callable[[str, int], Image.Image]:
    def drawn(payload: str, module_px: int) -> Image.Image:
        made: Any = zxingcpp.create_barcode(payload, form).to_image(scale=module_px, add_quiet_zones=True)
        height, width = made.shape
        return Image.frombytes("L", (width, height), memoryview(made).tobytes())

    return drawn


def _intelligent_mail(payload: str, module_px: int) -> Image.Image:
    if not payload.isdigit() or len(payload) not in (20, 25, 29, 31):
        raise ValueError("the postal code holds 20, 25, 29 or 31 digits")
    bars = usps4s.USPS_4State(payload[:20], payload[20:]).barcodes
    height = 8 * module_px
    picture = Image.new("L", ((2 * len(bars) + 2 * _QUIET) * module_px, height + 2 * _QUIET * module_px), 255)
    for place, bar in enumerate(bars):
        top, bottom = _POSTAL_BARS[bar]
        left = (_QUIET + 2 * place) * module_px
        edge = _QUIET * module_px
        picture.paste(0, (left, edge + top * height // 8, left + module_px, edge + bottom * height // 8))
    return picture


_MAKERS: dict[str, Callable[[str, int], Image.Image]] = {
    "code128": _bars(code128.Code128),
    "gs1_128": _bars(lambda payload: code128.Code128(_FNC1 + payload.replace("\x1d", _FNC1))),
    "code39": _bars(lambda payload: code39.Standard39(payload, checksum=0, stop=1)),
    "code93": _bars(code93.Standard93),
    "itf": _bars(lambda payload: common.I2of5(payload, checksum=0, bearers=0)),
    "codabar": _bars(lambda payload: common.Codabar(payload, checksum=0)),
    "qr": _qr,
    "pdf417": _matrix(zxingcpp.BarcodeFormat.PDF417),
    "datamatrix": _matrix(zxingcpp.BarcodeFormat.DataMatrix),
    "aztec": _matrix(zxingcpp.BarcodeFormat.Aztec),
    "ean13": _matrix(zxingcpp.BarcodeFormat.EAN13),
    "imb": _intelligent_mail,
}
SYMBOLOGIES = tuple(_MAKERS)
