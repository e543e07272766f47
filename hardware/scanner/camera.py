"""Opening a camera by its address: `v4l2:/dev/video0`, `picamera2:` or `folder:/path/of/pictures`."""

from hardware.scanner.folder import FolderCamera
from hardware.scanner.frames import Camera
from hardware.scanner.picamera import PiCamera
from hardware.scanner.v4l2 import V4l2Camera

SCHEMES = ("v4l2", "picamera2", "folder")


def open_camera(address: str) -> Camera:
    """Return the camera at `address`. CameraLost if it is not there, ValueError for an unknown scheme."""
    scheme, _, place = address.partition(":")
    if scheme == "v4l2":
        return V4l2Camera(place)
    if scheme == "picamera2":
        return PiCamera()
    if scheme == "folder":
        return FolderCamera(place)
    raise ValueError(f"a camera is one of {', '.join(SCHEMES)}, not {address!r}")
