"""Payloads out of pictures: zbar first, zxing-cpp for what zbar cannot read (PDF417, Data Matrix, damaged codes).

A picture climbs a ladder of stages from cheap to dear. A still picture climbs until something is found; a live
camera takes one step a frame, since the next frame is often better than more work on this one.
"""

import time
from collections.abc import Callable, Iterator
from functools import cache

import zxingcpp
from PIL import Image, ImageFilter, ImageOps

from hardware.scanner import zbar
from hardware.scanner.reading import Reading

# What payment codes come in. EAN and the like are on every parcel: they are read only on request.
PAYMENT = frozenset({"code128", "gs1_128", "itf", "code39", "qr", "gs1_qr", "pdf417", "datamatrix", "gs1_datamatrix"})

# Working size, longest side: a 16 MP frame costs 1.8 s on a Pi 4 in full (issues of peers, 73).
_WORKING_PX = 1600
_SMALL_PX = 900  # below this modules may be under two pixels wide: enlarge

# A scan line must cross all bars. Lines run along rows and columns, and long codes forgive 6 degrees.
_ANGLES_DEG = (22.5, -22.5, 45, 11.25, -11.25, 33.75, -33.75)

_Format = zxingcpp.BarcodeFormat
_ZXING = {
    "code39": _Format.Code39,
    "itf": _Format.ITF,
    "codabar": _Format.Codabar,
    "code128": _Format.Code128,
    "code93": _Format.Code93,
    "ean8": _Format.EAN8,
    "ean13": _Format.EAN13,
    "upca": _Format.UPCA,
    "upce": _Format.UPCE,
    "databar": _Format.DataBar,
    "databar_expanded": _Format.DataBarExp,
    "pdf417": _Format.PDF417,
    "micro_pdf417": _Format.MicroPDF417,
    "datamatrix": _Format.DataMatrix,
    "aztec": _Format.Aztec,
    "maxicode": _Format.MaxiCode,
    "qr": _Format.QRCode,
    "micro_qr": _Format.MicroQRCode,
}
ALL = frozenset(_ZXING) | frozenset(zbar.SYMBOLOGIES)
# With modifier: the AIM identifier says that FNC1 stood first.
_GS1_IDENTIFIERS = {"]C1": "gs1_128", "]d2": "gs1_datamatrix", "]Q3": "gs1_qr"}


def decode_image(
    image: Image.Image, any_symbology: bool = False, fits: Callable[[Reading], bool] = lambda _: False
) -> list[Reading]:
    """Return the codes in `image` (any mode, any size), none twice; an empty list if there is none.

    Only the symbologies of payment codes are looked for unless `any_symbology`. The first stage of the ladder that
    finds something ends it. `fits` is that of `stages`.
    """
    started = time.perf_counter()
    for found in stages(grey(image), ALL if any_symbology else PAYMENT, fits):
        if found:
            ms = round((time.perf_counter() - started) * 1000)
            return [Reading(reading.payload, reading.symbology, ms) for reading in found]
    return []


def stages(
    image: Image.Image, symbologies: frozenset[str] = PAYMENT, fits: Callable[[Reading], bool] = lambda _: False
) -> Iterator[list[Reading]]:
    """Yield what each stage of the ladder finds in the grey `image`; the work is done when the next is asked for.

    Interleaved 2 of 5 can be read in part (sheet 1, rule 2), on a slant even by both engines alike. Such a reading is
    taken at once only if the caller knows it as whole (`fits`); otherwise the longest of all angles is.
    """
    partial: list[Reading] = []
    for prepared, was_last_angle in _prepared(image):
        found = _both(prepared, symbologies)
        partial += [reading for reading in found if reading.symbology == "itf" and not fits(reading)]
        sure = [reading for reading in found if reading not in partial]
        yield sure + _longest(partial) if sure or was_last_angle else []
    yield _longest(partial)


def _longest(readings: list[Reading]) -> list[Reading]:
    return sorted(readings, key=lambda reading: len(reading.payload))[-1:]


def _prepared(image: Image.Image) -> Iterator[tuple[Image.Image, bool]]:
    """Yield the pictures of the ladder, and whether each is the last turned one."""
    working = _shrunk(image)
    yield working, False
    if working is not image:
        yield _centre(image), False
        yield image, False
    for angle in _ANGLES_DEG:
        turned = working.rotate(angle, Image.Resampling.BILINEAR, expand=True, fillcolor=255)
        yield turned, angle == _ANGLES_DEG[-1]
    contrasted = ImageOps.autocontrast(working, cutoff=2)
    yield contrasted, False
    yield contrasted.filter(ImageFilter.UnsharpMask(radius=3, percent=250, threshold=2)), False
    if max(image.size) <= _SMALL_PX:
        yield contrasted.resize((working.width * 2, working.height * 2), Image.Resampling.BICUBIC), False


def grey(image: Image.Image) -> Image.Image:
    """Return `image` as mode L on white ground; `image` itself if it is that already."""
    if image.mode == "L":
        return image
    if image.mode.startswith("I") and image.mode != "I":
        return image.point(lambda value: value / 256).convert("L")  # 16 bits; a plain convert would clip to white
    if "A" in image.getbands() or "transparency" in image.info:
        seen = image.convert("RGBA")
        ground = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(ground, seen).convert("L")
    return image.convert("L")


def read_zbar(image: Image.Image, symbologies: frozenset[str]) -> list[Reading]:
    """Return what zbar reads in the grey `image`; cheap enough for every frame."""
    return [Reading(_text(data), symbology) for data, symbology in zbar.scan(image, symbologies)]


def read_zxing(image: Image.Image, symbologies: frozenset[str]) -> list[Reading]:
    """Return what zxing-cpp reads in the grey `image`."""
    found = zxingcpp.read_barcodes(image, formats=_formats(symbologies), text_mode=zxingcpp.TextMode.Plain)
    return [Reading(barcode.text, _symbology(barcode)) for barcode in found if barcode.valid and barcode.text]


def _both(image: Image.Image, symbologies: frozenset[str]) -> list[Reading]:
    """Return both engines' readings, none twice; beyond ASCII zbar guesses a QR's character set, zxing knows it."""
    first = read_zbar(image, symbologies)
    second = read_zxing(image, symbologies)
    if any(reading.symbology in ("qr", "gs1_qr") for reading in second):
        first = [reading for reading in first if reading.payload.isascii()]
    unique: dict[str, Reading] = {}
    for reading in (*first, *second):
        unique.setdefault(reading.payload, reading)
    return list(unique.values())


@cache
def _formats(symbologies: frozenset[str]) -> zxingcpp.BarcodeFormats:
    return zxingcpp.BarcodeFormats([_ZXING[name] for name in sorted(symbologies & _ZXING.keys())])


def _symbology(barcode: zxingcpp.Barcode) -> str:
    marked = _GS1_IDENTIFIERS.get(barcode.symbology_identifier)
    if marked:
        return marked
    for name, form in _ZXING.items():
        if form in (barcode.format, barcode.symbology):
            return name
    return ""


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _shrunk(image: Image.Image) -> Image.Image:
    longest = max(image.size)
    if longest <= _WORKING_PX:
        return image
    scale = _WORKING_PX / longest
    return image.resize((round(image.width * scale) or 1, round(image.height * scale) or 1), Image.Resampling.BOX)


def _centre(image: Image.Image) -> Image.Image:
    """The middle half in full resolution: where people hold things."""
    width, height = image.size
    return image.crop((width // 4, height // 4, width - width // 4, height - height // 4))
