"""The folder of bills, as pictures or as printable PDF, that can be held to the camera or the imager."""

import io
import subprocess
from pathlib import Path
from typing import Any

from PIL import Image

# How zbar and the imager's twin name the same symbology.
_SYMBOLOGIES = {"QRCODE": "qr", "CODE128": "code128", "CODE39": "code39", "I25": "itf", "PDF417": "pdf417"}
_KINDS = (".pdf", ".png", ".jpg", ".jpeg")
_READ_DPI, _THUMBNAIL_DPI = 200, 30


def bill_pictures(folder: Path) -> list[Path]:
    """Return the bills in `folder` by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _KINDS)


def thumbnail(path: Path) -> Image.Image:
    """Return the bill's first page as RGB, at most 240 x 320 pixels."""
    with _opened(path, _THUMBNAIL_DPI) as picture:
        picture.draft("RGB", (480, 640))  # lets a JPEG be decoded small
        picture.thumbnail((240, 320))
        small: Image.Image = picture.convert("RGB")
    return small


def as_image(path: Path) -> dict[str, Any]:
    """Return the request that holds this bill to the camera."""
    return {"do": "show", "image": str(path.resolve())}


def as_payload(path: Path) -> dict[str, Any]:
    """Return the request that lets the imager read this bill. ValueError if zbar finds no code on it."""
    from pyzbar.pyzbar import decode  # loads the system's zbar, which a dock without an imager does not need

    with _opened(path, _READ_DPI) as picture:
        for code in decode(picture.convert("L")):
            if code.type in _SYMBOLOGIES:
                return {"do": "scan", "payload": code.data.decode(), "symbology": _SYMBOLOGIES[code.type]}
    raise ValueError(f"no barcode found on {path.name}")


def _opened(path: Path, dpi: int) -> Image.Image:
    if path.suffix.lower() != ".pdf":
        return Image.open(path)
    command = ["pdftoppm", "-png", "-singlefile", "-r", str(dpi), str(path)]
    return Image.open(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout))
