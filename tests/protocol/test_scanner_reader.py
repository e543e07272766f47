"""The reader process on a real socket, with the twins of its devices."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hardware.sim.camera import CameraTwin
from hardware.sim.imager import ImagerTwin
from kiosk.scanning.library import ProfileError
from kiosk.scanning.reader import ReaderConfig, run

CITY = "7111000441400044170000531826120198"
OTHER = "7111000441400044170000531926120195"
WAIT_S = 30


class Engine:
    """The engine's end of the line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.settimeout(WAIT_S)
        self._listener.bind(str(path))
        self._listener.listen()
        self._line: socket.socket | None = None

    def accept(self) -> None:
        self.hang_up()
        self._line, _ = self._listener.accept()
        self._line.settimeout(WAIT_S)
        self._lines = self._line.makefile("rb")

    def hear(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._lines.readline())
        return message

    def until(self, wanted: dict[str, Any]) -> None:
        """Hear messages until one says what is `wanted`."""
        while not wanted.items() <= self.hear().items():
            pass

    def reading(self) -> dict[str, Any]:
        while "reading" not in (message := self.hear()):
            pass
        said: dict[str, Any] = message["reading"]
        return said

    def say(self, message: dict[str, Any]) -> None:
        assert self._line is not None
        self._line.sendall(json.dumps(message).encode() + b"\n")

    def hang_up(self) -> None:
        if self._line is not None:
            self._lines.close()
            self._line.close()
            self._line = None

    def close(self) -> None:
        self.hang_up()
        self._listener.close()


class Setting:
    def __init__(self, folder: Path) -> None:
        self.camera = CameraTwin(folder / "camera")
        self.imager = ImagerTwin(folder / "imager")
        self.engine = Engine(folder / "engine")
        config = ReaderConfig(camera=f"folder:{folder / 'camera'}", imager=str(folder / "imager"))
        self.stop = threading.Event()
        self._thread = threading.Thread(target=run, args=(config, folder / "engine", self.stop))
        self._thread.start()

    def close(self) -> None:
        self.stop.set()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        self.imager.close()
        self.engine.close()


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path)
    try:
        made.engine.accept()
        yield made
    finally:
        made.close()


READY = {"health": {"camera": "ready", "imager": "ready"}}


def wait_ready(engine: Engine) -> None:
    health: dict[str, str] = {}
    while health != READY["health"]:
        health = engine.hear()["health"]


def test_a_bill_held_up_without_a_touch_is_read(setting: Setting) -> None:
    wait_ready(setting.engine)
    setting.camera.handle({"do": "show", "payload": CITY, "symbology": "code128"})
    reading = setting.engine.reading()
    assert isinstance(reading.pop("ms"), int)
    assert reading == {"payload": CITY, "symbology": "code128", "source": "camera"}


def test_the_same_bill_by_two_scanners_is_one_reading(setting: Setting) -> None:
    wait_ready(setting.engine)
    setting.imager.handle({"do": "scan", "payload": CITY, "symbology": "qr"})
    assert setting.engine.reading()["source"] == "imager"
    setting.imager.handle({"do": "scan", "payload": CITY, "symbology": "qr"})
    setting.imager.handle({"do": "scan", "payload": OTHER, "symbology": "qr"})
    assert setting.engine.reading()["payload"] == OTHER


def test_off_sees_nothing_and_active_sees_it_then(setting: Setting) -> None:
    wait_ready(setting.engine)
    setting.engine.say({"look": "off"})
    setting.camera.handle({"do": "show", "payload": CITY, "symbology": "qr"})
    # The imager speaks in between: what the camera saw would have come before.
    setting.imager.handle({"do": "scan", "payload": OTHER, "symbology": "qr"})
    first = setting.engine.reading()
    setting.engine.say({"look": "active"})
    assert (first["source"], first["payload"]) == ("imager", OTHER)
    assert setting.engine.reading()["payload"] == CITY


def test_a_code_that_fits_nothing_is_said_too(setting: Setting) -> None:
    wait_ready(setting.engine)
    setting.engine.say({"look": "active"})
    setting.camera.handle({"do": "show", "payload": "0001000200030004", "symbology": "datamatrix"})
    assert setting.engine.reading()["symbology"] == "datamatrix"


def test_lost_and_found_devices_are_reported(setting: Setting) -> None:
    wait_ready(setting.engine)
    setting.imager.handle({"do": "cable_out"})
    setting.engine.until({"health": {"camera": "ready", "imager": "lost"}})
    setting.camera.handle({"do": "cable_out"})
    setting.engine.until({"health": {"camera": "lost", "imager": "lost"}})
    setting.camera.handle({"do": "cable_in"})
    setting.imager.handle({"do": "cable_in"})
    wait_ready(setting.engine)


def test_a_new_engine_is_found_told_the_health_and_what_is_in_view(setting: Setting) -> None:
    wait_ready(setting.engine)
    setting.imager.handle({"do": "scan", "payload": CITY, "symbology": "qr"})
    assert setting.engine.reading()["payload"] == CITY
    setting.engine.accept()
    assert setting.engine.hear() == READY
    setting.imager.handle({"do": "scan", "payload": CITY, "symbology": "qr"})
    assert setting.engine.reading()["payload"] == CITY


def test_a_damaged_picture_stops_nothing(setting: Setting, tmp_path: Path) -> None:
    wait_ready(setting.engine)
    setting.engine.say({"look": "active"})
    hidden = tmp_path / "camera" / ".x"
    hidden.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    hidden.rename(tmp_path / "camera" / "zz.png")
    setting.camera.handle({"do": "show", "payload": CITY, "symbology": "qr"})
    assert setting.engine.reading()["payload"] == CITY


def test_a_wrong_profile_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="atlantis"):
        run(ReaderConfig(profiles=("atlantis",)), tmp_path / "engine", threading.Event())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_a_device_thread_ends_the_process(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pigeon"):  # an address that the configuration should have refused
        run(ReaderConfig(camera="pigeon:"), tmp_path / "engine", threading.Event())
