"""Grey frames from a V4L2 camera by memory-mapped streaming (linux/videodev2.h, 64-bit layouts).

The queue of the driver holds frames from when nobody looked; `frame` throws those away and waits for a fresh one.
"""

import contextlib
import fcntl
import io
import mmap
import os
import select
import struct
import time
from collections.abc import Callable

from PIL import Image

from hardware.scanner.frames import CameraLost, Frame

# _IOR/_IOW/_IOWR('V', nr, size) as the kernel encodes them.
QUERYCAP = 0x80685600
S_FMT = 0xC0D05605
REQBUFS = 0xC0145608
QUERYBUF = 0xC0585609
QBUF = 0xC058560F
DQBUF = 0xC0585611
STREAMON = 0x40045612
STREAMOFF = 0x40045613

_CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
_MMAP = 1  # V4L2_MEMORY_MMAP
_CAN_CAPTURE = 0x00000001
_CAN_STREAM = 0x04000000
_HAS_DEVICE_CAPS = 0x80000000
_BAD_FRAME = 0x0040  # V4L2_BUF_FLAG_ERROR

CAPABILITY = struct.Struct("16s32s32sIII12x")
# v4l2_format: type, padding, then v4l2_pix_format in a union of 200 bytes.
FORMAT = struct.Struct("I4xIIIIII176x")
REQUEST = struct.Struct("IIIII")
# v4l2_buffer: index, type, bytesused, flags, field, timeval, timecode, sequence, memory, offset, length.
BUFFER = struct.Struct("IIIII4xqq16xIIQI12x")

# Grey as it is, brightness of YUYV as every second byte, JPEG last: it must be decoded.
PIXEL_FORMATS = (b"GREY", b"YUYV", b"MJPG", b"JPEG")
_BUFFERS = 4
_WAIT_S = 2.0  # a camera at its slowest gives a frame a second in the dark
_FRESH_S = 0.15

Ioctl = Callable[[int, int, bytearray], object]


class V4l2Camera:
    """A video device such as /dev/video0. `ioctl`, `monotonic` stand for the kernel in tests."""

    def __init__(
        self,
        path: str,
        size: tuple[int, int] = (1280, 720),
        ioctl: Ioctl = fcntl.ioctl,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ioctl = ioctl
        self._monotonic = monotonic
        self._maps: list[mmap.mmap] = []
        try:
            self._device = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise CameraLost(str(error)) from error
        try:
            self._expect_capture()
            self._choose_format(size)
            self._start()
        except (OSError, CameraLost) as error:
            self.close()
            raise CameraLost(f"{path}: {error}") from error

    def frame(self) -> Frame | None:
        """Return the newest frame, waiting up to 2 s for one; None if the driver marked it as damaged."""
        deadline = self._monotonic() + _WAIT_S
        try:
            # At most one queue full is old; a driver that sets no times is then believed.
            for _ in range(_BUFFERS + 1):
                index, used, flags, taken = self._take(deadline)
                data = bytes(memoryview(self._maps[index])[:used])
                self._give(index)
                if self._monotonic() - taken <= _FRESH_S:
                    break
            return None if flags & _BAD_FRAME or not data else self._frame(data)
        except OSError as error:
            raise CameraLost(str(error)) from error

    def close(self) -> None:
        """Stop streaming and close the device; also after it was unplugged."""
        with contextlib.suppress(OSError):  # unplugged, or never started
            self._ioctl(self._device, STREAMOFF, bytearray(struct.pack("i", _CAPTURE)))
        for buffer in self._maps:
            buffer.close()
        self._maps.clear()
        os.close(self._device)

    def _expect_capture(self) -> None:
        answer = bytearray(CAPABILITY.size)
        self._ioctl(self._device, QUERYCAP, answer)
        *_, whole, device = CAPABILITY.unpack(answer)
        can = device if whole & _HAS_DEVICE_CAPS else whole
        if not (can & _CAN_CAPTURE and can & _CAN_STREAM):
            raise CameraLost("not a camera that streams")

    def _choose_format(self, size: tuple[int, int]) -> None:
        """Take the first pixel format that the driver grants; it answers with what it will really do."""
        for wanted in PIXEL_FORMATS:
            asked = bytearray(FORMAT.pack(_CAPTURE, *size, int.from_bytes(wanted, "little"), 0, 0, 0))
            self._ioctl(self._device, S_FMT, asked)
            _, width, height, granted, _, line, _ = FORMAT.unpack(asked)
            if granted == int.from_bytes(wanted, "little"):
                self._pixels, self._size, self._line = wanted, (width, height), line
                return
        raise CameraLost("none of GREY, YUYV, MJPG")

    def _start(self) -> None:
        request = bytearray(REQUEST.pack(_BUFFERS, _CAPTURE, _MMAP, 0, 0))
        self._ioctl(self._device, REQBUFS, request)
        for index in range(REQUEST.unpack(request)[0]):
            buffer = self._buffer(index)
            self._ioctl(self._device, QUERYBUF, buffer)
            *_, offset, length = BUFFER.unpack(buffer)
            self._maps.append(mmap.mmap(self._device, length, offset=offset))
            self._give(index)
        self._ioctl(self._device, STREAMON, bytearray(struct.pack("i", _CAPTURE)))

    def _buffer(self, index: int) -> bytearray:
        return bytearray(BUFFER.pack(index, _CAPTURE, 0, 0, 0, 0, 0, 0, _MMAP, 0, 0))

    def _give(self, index: int) -> None:
        self._ioctl(self._device, QBUF, self._buffer(index))

    def _take(self, deadline: float) -> tuple[int, int, int, float]:
        """Return index, bytes used, flags and monotonic time of the next full buffer."""
        while True:
            ready, _, _ = select.select([self._device], [], [], max(0.0, deadline - self._monotonic()))
            if not ready:
                raise CameraLost("no frame came")
            buffer = self._buffer(0)
            try:
                self._ioctl(self._device, DQBUF, buffer)
            except BlockingIOError:
                continue
            index, _, used, flags, _, seconds, micros, *_ = BUFFER.unpack(buffer)
            return index, used, flags, seconds + micros / 1e6

    def _frame(self, data: bytes) -> Frame:
        width, height = self._size
        if self._pixels in (b"MJPG", b"JPEG"):
            return Frame(lambda size: _from_jpeg(data, size))
        if self._pixels == b"YUYV":
            # Two pixels are Y0 U Y1 V: the brightness is every second byte, also of a padded line.
            return Frame(lambda _: Image.frombytes("L", (width, height), data[::2], "raw", "L", self._line // 2, 1))
        return Frame(lambda _: Image.frombytes("L", (width, height), data, "raw", "L", self._line, 1))


def _from_jpeg(data: bytes, size: tuple[int, int] | None) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        picture.draft("L", size or picture.size)  # only the brightness is decoded
        grey: Image.Image = picture.convert("L")
        return grey
