"""A folder of pictures as a camera: the newest file is what the camera sees, and each new file is a frame."""

import os
from pathlib import Path

from PIL import Image

from hardware.scanner.decode import grey
from hardware.scanner.frames import CameraLost, Frame

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".pgm", ".bmp", ".tif", ".tiff", ".webp"})


class FolderCamera:
    """Pictures must appear whole, by a rename; names with a leading dot are not looked at."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._seen: tuple[int, str] | None = None
        if not self._folder.is_dir():
            raise CameraLost(f"no folder {self._folder}")

    def frame(self) -> Frame | None:
        newest = self._newest()
        if newest is None or newest == self._seen:
            return None
        self._seen = newest
        path = self._folder / newest[1]
        return Frame(lambda size: _load(path, size))

    def close(self) -> None:
        pass

    def _newest(self) -> tuple[int, str] | None:
        newest = None
        try:
            for entry in os.scandir(self._folder):
                if entry.name.startswith(".") or Path(entry.name).suffix.lower() not in SUFFIXES:
                    continue
                try:
                    stamp = (entry.stat().st_mtime_ns, entry.name)
                except FileNotFoundError:  # removed between listing and asking
                    continue
                newest = stamp if newest is None else max(newest, stamp)
        except OSError as error:
            raise CameraLost(str(error)) from error
        return newest


def _load(path: Path, size: tuple[int, int] | None) -> Image.Image:
    with Image.open(path) as picture:
        if size:
            picture.draft("L", size)  # lets JPEG be decoded at an eighth of its size
        return grey(picture).copy()
