"""The Pi's CSI camera through the system's picamera2, which comes from the distribution and not from a wheel."""

from typing import Any

from PIL import Image

from hardware.scanner.frames import CameraLost, Frame


class PiCamera:
    """Frames in YUV 4:2:0, of which only the brightness is used. Buffers are dropped by the driver when unread."""

    def __init__(self, size: tuple[int, int] = (1280, 960)) -> None:
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise CameraLost("python3-picamera2 is not installed") from error
        try:
            self._camera: Any = Picamera2()
            settings = self._camera.create_video_configuration(
                main={"size": size, "format": "YUV420"}, buffer_count=3, queue=False
            )
            self._camera.configure(settings)
            self._size: tuple[int, int] = settings["main"]["size"]
            self._line: int = settings["main"]["stride"]
            self._camera.start()
        except (RuntimeError, IndexError, OSError) as error:  # picamera2 raises these for no or a busy camera
            raise CameraLost(str(error)) from error

    def frame(self) -> Frame:
        """Return the next frame; the queue is off, so it was taken after the call."""
        try:
            data = bytes(self._camera.capture_buffer("main"))
        except (RuntimeError, OSError) as error:
            raise CameraLost(str(error)) from error
        return Frame(lambda _: Image.frombytes("L", self._size, data, "raw", "L", self._line, 1))

    def close(self) -> None:
        self._camera.close()
