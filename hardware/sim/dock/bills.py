"""The folder of bill pictures that can be held to the camera or the imager."""

from pathlib import Path
from typing import Any

from PIL import Image

# How zbar and the imager's twin name the same symbology.
_SYMBOLOGIES = {"QRCODE": "qr", "CODE128": "code128", "CODE39": "code39", "I25": "itf", "PDF417": "pdf417"}


def bill_pictures(folder: Path) -> list[Path]:
    """Return the pictures in `folder` by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))


def thumbnail(path: Path) -> Image.Image:
    """Return the picture as RGB, at most 240 x 320 pixels."""
    with Image.open(path) as picture:
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

    with Image.open(path) as picture:
        for code in decode(picture.convert("L")):
            if code.type in _SYMBOLOGIES:
                return {"do": "scan", "payload": code.data.decode(), "symbology": _SYMBOLOGIES[code.type]}
    raise ValueError(f"no barcode found on {path.name}")
