"""One scan of a grey picture by zbar, through pyzbar's binding.

pyzbar's own `decode` drops the modifiers, and with them the fact that FNC1 stood first; so the scan is made here.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image
from pyzbar import wrapper

Symbol = wrapper.ZBarSymbol

# What zbar reads, by our names. It lists PDF417 but does not decode it (sheet 2).
SYMBOLOGIES = {
    "code39": Symbol.CODE39,
    "itf": Symbol.I25,
    "codabar": Symbol.CODABAR,
    "code128": Symbol.CODE128,
    "qr": Symbol.QRCODE,
    "code93": Symbol.CODE93,
    "ean8": Symbol.EAN8,
    "ean13": Symbol.EAN13,
    "upca": Symbol.UPCA,
    "upce": Symbol.UPCE,
    "databar": Symbol.DATABAR,
    "databar_expanded": Symbol.DATABAR_EXP,
}
_NAMES = {int(symbol): name for name, symbol in SYMBOLOGIES.items()}
_GS1_NAMES = {"code128": "gs1_128", "qr": "gs1_qr"}
_MOD_GS1 = 1 << 0  # zbar_modifier_e: FNC1 first
_GREY = int.from_bytes(b"Y800", "little")

_modifiers = wrapper.zbar_function("zbar_symbol_get_modifiers", ctypes.c_uint, ctypes.POINTER(wrapper.zbar_symbol))


def scan(image: Image.Image, symbologies: frozenset[str]) -> list[tuple[bytes, str]]:
    """Return (data, symbology) of every code of the `symbologies` in the grey `image` (mode L)."""
    pixels = image.tobytes()
    with _scanner(symbologies) as scanner, _picture(pixels, image.size) as picture:
        if wrapper.zbar_scan_image(scanner, picture) < 0:
            raise ValueError("zbar refused the picture")
        return [_read(symbol) for symbol in _symbols(picture)]


@contextmanager
def _scanner(symbologies: frozenset[str]) -> Iterator[Any]:
    scanner = wrapper.zbar_image_scanner_create()
    if not scanner:
        raise MemoryError("zbar has no scanner")
    try:
        # 0 means all: everything off, then only what is wanted on.
        wrapper.zbar_image_scanner_set_config(scanner, 0, wrapper.ZBarConfig.CFG_ENABLE, 0)
        for name in symbologies & SYMBOLOGIES.keys():
            wrapper.zbar_image_scanner_set_config(scanner, SYMBOLOGIES[name], wrapper.ZBarConfig.CFG_ENABLE, 1)
        yield scanner
    finally:
        wrapper.zbar_image_scanner_destroy(scanner)


@contextmanager
def _picture(pixels: bytes, size: tuple[int, int]) -> Iterator[Any]:
    picture = wrapper.zbar_image_create()
    if not picture:
        raise MemoryError("zbar has no picture")
    try:
        wrapper.zbar_image_set_format(picture, _GREY)
        wrapper.zbar_image_set_size(picture, *size)
        wrapper.zbar_image_set_data(picture, ctypes.cast(ctypes.c_char_p(pixels), ctypes.c_void_p), len(pixels), None)
        yield picture
    finally:
        wrapper.zbar_image_destroy(picture)


def _symbols(picture: Any) -> Iterator[Any]:
    symbol = wrapper.zbar_image_first_symbol(picture)
    while symbol:
        yield symbol
        symbol = wrapper.zbar_symbol_next(symbol)


def _read(symbol: Any) -> tuple[bytes, str]:
    data = ctypes.string_at(wrapper.zbar_symbol_get_data(symbol), wrapper.zbar_symbol_get_data_length(symbol))
    name = _NAMES.get(symbol.contents.type, "")
    if _modifiers(symbol) & _MOD_GS1:
        name = _GS1_NAMES.get(name, name)
    return data, name
