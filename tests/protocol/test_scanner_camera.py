"""Cameras behind one port: V4L2 against a stand-in for the kernel, the folder, the motion gate, and the twin."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from hardware.scanner import v4l2
from hardware.scanner.camera import open_camera
from hardware.scanner.decode import decode_image
from hardware.scanner.folder import FolderCamera
from hardware.scanner.frames import THUMBNAIL, CameraLost, MotionGate
from hardware.scanner.v4l2 import V4l2Camera
from hardware.sim.camera import CameraTwin
from hardware.sim.camera_optics import Hold, desk, photograph
from hardware.sim.camera_symbols import draw
from hardware.sim.control import Refused

CITY = "7111000441400044170000531826120198"
SIZE = (320, 240)


def test_request_codes_are_those_of_the_kernel() -> None:
    """_IOC of asm-generic/ioctl.h: direction, size, 'V', number."""
    sizes = {
        v4l2.QUERYCAP: (2, v4l2.CAPABILITY.size, 0),
        v4l2.S_FMT: (3, v4l2.FORMAT.size, 5),
        v4l2.REQBUFS: (3, v4l2.REQUEST.size, 8),
        v4l2.QUERYBUF: (3, v4l2.BUFFER.size, 9),
        v4l2.QBUF: (3, v4l2.BUFFER.size, 15),
        v4l2.DQBUF: (3, v4l2.BUFFER.size, 17),
        v4l2.STREAMON: (1, 4, 18),
        v4l2.STREAMOFF: (1, 4, 19),
    }
    for request, (direction, size, number) in sizes.items():
        assert request == direction << 30 | size << 16 | ord("V") << 8 | number


class Kernel:
    """A driver with `pixels` as its only format, on a plain file whose pages are the buffers.

    `scenes` are delivered one a DQBUF with the times beside them; when they are used up the camera is gone.
    """

    def __init__(self, path: Path, pixels: bytes, length: int) -> None:
        self.pixels = int.from_bytes(pixels, "little")
        self.length = length
        self.scenes: list[tuple[bytes, float, int]] = []
        self.line = {b"YUYV": SIZE[0] * 2, b"GREY": SIZE[0]}.get(pixels, 0)
        self.queue: list[int] = []
        self.streaming = False
        self.capabilities = 0x04000001
        self.path = path
        path.write_bytes(bytes(4 * length))

    def ioctl(self, device: int, request: int, argument: bytearray) -> None:
        if request == v4l2.QUERYCAP:
            argument[:] = v4l2.CAPABILITY.pack(
                b"uvc", b"cam", b"usb", 1, self.capabilities | 1 << 31, self.capabilities
            )
        elif request == v4l2.S_FMT:
            argument[:] = v4l2.FORMAT.pack(1, *SIZE, self.pixels, 1, self.line, self.length)
        elif request == v4l2.REQBUFS:
            argument[:] = v4l2.REQUEST.pack(4, 1, 1, 0, 0)
        elif request == v4l2.QUERYBUF:
            index = v4l2.BUFFER.unpack(argument)[0]
            argument[:] = v4l2.BUFFER.pack(index, 1, 0, 0, 0, 0, 0, 0, 1, index * self.length, self.length)
        elif request == v4l2.QBUF:
            self.queue.append(v4l2.BUFFER.unpack(argument)[0])
        elif request == v4l2.STREAMON:
            self.streaming = True
        elif request == v4l2.STREAMOFF:
            self.streaming = False
        elif request == v4l2.DQBUF:
            self._deliver(device, argument)

    def _deliver(self, device: int, argument: bytearray) -> None:
        if not self.scenes:
            raise OSError(19, "No such device")
        data, taken, flags = self.scenes.pop(0)
        index = self.queue.pop(0)
        os.pwrite(device, data, index * self.length)
        argument[:] = v4l2.BUFFER.pack(index, 1, len(data), flags, 0, int(taken), int(taken % 1 * 1e6), 0, 1, 0, 0)


def scene() -> Image.Image:
    paper = Image.new("L", SIZE, 200)
    paper.paste(draw(CITY, "qr", 6), (60, 30))
    return paper


def wire(picture: Image.Image, pixels: bytes) -> bytes:
    if pixels == b"GREY":
        return picture.tobytes()
    if pixels == b"YUYV":
        return b"".join(bytes((brightness, 128)) for brightness in picture.tobytes())
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=92)
    return out.getvalue()


@pytest.mark.parametrize("pixels", [b"GREY", b"YUYV", b"MJPG"])
def test_v4l2_gives_grey_frames(pixels: bytes, tmp_path: Path) -> None:
    kernel = Kernel(tmp_path / "video0", pixels, 1 << 18)
    camera = V4l2Camera(str(kernel.path), SIZE, kernel.ioctl, lambda: 100.0)
    kernel.scenes = [(wire(scene(), pixels), 99.99, 0)]
    frame = camera.frame()
    assert frame is not None
    assert (frame.image().mode, frame.image().size) == ("L", SIZE)
    assert frame.thumbnail().size == THUMBNAIL
    assert [reading.payload for reading in decode_image(frame.image())] == [CITY]
    camera.close()
    assert not kernel.streaming


def test_v4l2_skips_what_was_filled_while_nobody_looked(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path / "video0", b"GREY", 1 << 18)
    camera = V4l2Camera(str(kernel.path), SIZE, kernel.ioctl, lambda: 100.0)
    old = Image.new("L", SIZE, 10).tobytes()
    kernel.scenes = [(old, 97.0, 0), (old, 97.5, 0), (old, 98.0, 0), (Image.new("L", SIZE, 77).tobytes(), 99.9, 0)]
    frame = camera.frame()
    assert frame is not None
    assert frame.image().getpixel((5, 5)) == 77
    assert len(kernel.queue) == 4  # every buffer went back to the driver
    camera.close()


def test_v4l2_damaged_frame_and_unplugging(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path / "video0", b"GREY", 1 << 18)
    camera = V4l2Camera(str(kernel.path), SIZE, kernel.ioctl, lambda: 100.0)
    kernel.scenes = [(scene().tobytes(), 99.9, 0x40)]
    assert camera.frame() is None
    with pytest.raises(CameraLost, match="No such device"):
        camera.frame()
    camera.close()


def test_v4l2_refuses_what_is_no_camera(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path / "video0", b"H264", 1 << 18)
    with pytest.raises(CameraLost, match="none of GREY"):
        V4l2Camera(str(kernel.path), SIZE, kernel.ioctl)
    kernel.capabilities = 1
    with pytest.raises(CameraLost, match="not a camera"):
        V4l2Camera(str(kernel.path), SIZE, kernel.ioctl)
    with pytest.raises(CameraLost, match="Inappropriate ioctl"):
        open_camera(f"v4l2:{kernel.path}")


def test_addresses(tmp_path: Path) -> None:
    assert isinstance(open_camera(f"folder:{tmp_path}"), FolderCamera)
    for lost in (f"folder:{tmp_path / 'none'}", "v4l2:/dev/no-video"):
        with pytest.raises(CameraLost):
            open_camera(lost)
    with pytest.raises(ValueError, match="carrier pigeon"):
        open_camera("carrier pigeon")


def test_folder_shows_the_newest_picture_once(tmp_path: Path) -> None:
    camera = FolderCamera(tmp_path)
    assert camera.frame() is None
    for place, name in enumerate(("b.png", "a.png", "note.txt", ".hidden.png")):
        picture = Image.new("L", (8, 8), place)
        picture.save(tmp_path / name, "PNG")
        os.utime(tmp_path / name, ns=(place, place))
    frame = camera.frame()
    assert frame is not None
    assert frame.image().getpixel((0, 0)) == 1
    assert camera.frame() is None
    os.utime(tmp_path / "b.png", ns=(9, 9))
    frame = camera.frame()
    assert frame is not None
    assert frame.image().getpixel((0, 0)) == 0


def test_folder_gone_is_a_camera_lost(tmp_path: Path) -> None:
    folder = tmp_path / "camera"
    folder.mkdir()
    camera = FolderCamera(folder)
    folder.rmdir()
    with pytest.raises(CameraLost):
        camera.frame()


def small(picture: Image.Image) -> Image.Image:
    return picture.resize(THUMBNAIL, Image.Resampling.BOX)


def test_the_gate_opens_for_a_bill_and_not_for_noise() -> None:
    gate = MotionGate(patience=2)
    bill = photograph(draw(CITY, "code128"), Hold(seed=3))
    assert gate.passes(small(desk(seed=1)))
    assert [gate.passes(small(desk(noise=12, seed=seed))) for seed in range(2, 6)] == [True, False, False, False]
    assert gate.passes(small(bill))
    gate.settle()
    assert not gate.passes(small(bill))
    assert gate.passes(small(desk()))


# The twin


def newest(folder: Path) -> Image.Image:
    frame = FolderCamera(folder).frame()
    assert frame is not None
    return frame.image()


def test_twin_shows_codes_pictures_and_pages(tmp_path: Path) -> None:
    folder = tmp_path / "camera"
    twin = CameraTwin(folder)
    assert decode_image(newest(folder)) == []
    twin.handle({"do": "show", "payload": CITY, "symbology": "code128", "seed": 4})
    assert [reading.payload for reading in decode_image(newest(folder))] == [CITY]
    page = Image.new("RGB", (850, 1100), "white")
    page.paste(draw(CITY, "qr", 8).convert("RGB"), (300, 200))
    page.save(tmp_path / "bill.png")
    page.save(tmp_path / "bill.pdf", resolution=100)
    for name in ("bill.png", "bill.pdf"):
        twin.handle({"do": "clear"})
        state = twin.handle({"do": "show", "image": str(tmp_path / name)})
        assert [reading.payload for reading in decode_image(newest(folder))] == [CITY], name
    assert state["showing"].endswith("bill.pdf")
    assert len(list(folder.iterdir())) <= 3


def test_twin_refuses_and_unplugs(tmp_path: Path) -> None:
    twin = CameraTwin(tmp_path / "camera")
    for request in (
        {"do": "show", "image": str(tmp_path / "none.png")},
        {"do": "show", "payload": CITY, "symbology": "morse"},
        {"do": "show", "payload": "12", "symbology": "imb"},
        {"do": "show"},
        {"do": "dance"},
    ):
        with pytest.raises(Refused):
            twin.handle(request)
    assert twin.handle({"do": "cable_out"})["plugged_in"] is False
    with pytest.raises(Refused, match="cable"):
        twin.handle({"do": "clear"})
    assert twin.handle({"do": "cable_in"})["plugged_in"] is True


def test_the_scanner_runs_without_numpy() -> None:
    program = "import sys, kiosk.scanning.reader; print('numpy' in sys.modules, 'kivy' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]
