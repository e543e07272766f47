"""The reader process: watches camera, imager and wedge, and tells the engine payloads as JSON lines.

It runs unprivileged and apart, because it parses hostile pictures. To the engine:
{"reading": {"payload", "symbology", "source", "ms"}} and on change {"health": {"camera": "ready" | "lost", ...}}, with
{"why": {"camera": reason}} beside it for what is not ready; an imager may also be "garbled".
From the engine: {"look": "idle" | "active" | "off"}; until told otherwise it looks as when idle.
"""

import argparse
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hardware.scanner.camera import SCHEMES, open_camera
from hardware.scanner.frames import Camera, CameraLost
from hardware.scanner.imager import ImagerDriver
from hardware.scanner.reading import Reading
from hardware.scanner.wedge import WedgeDriver
from kiosk.scanning.eye import Eye
from kiosk.scanning.library import BUILT_IN, DEFAULT, load
from kiosk.scanning.link import Link
from kiosk.scanning.sightings import Sightings

# Seconds between looks. Idle still sees a bill that is held up without a touch.
PERIOD_S = {"idle": 0.5, "active": 0.1}
_CAMERA_RETRY_S = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class ReaderConfig:
    """Which scanners there are; "" for none. `camera` is an address of hardware.scanner.camera, the others paths."""

    camera: str = ""
    imager: str = ""
    wedge: str = ""
    imager_baud: int = 115_200
    wedge_aim: bool = False
    profiles: tuple[str, ...] = DEFAULT
    profile_folder: Path = BUILT_IN


def run(
    config: ReaderConfig,
    socket_path: str | Path,
    stop: threading.Event | None = None,
    monotonic_ms: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
) -> None:
    """Serve until `stop` is set. ProfileError for a wrong profile; lost devices and a lost engine are waited for."""
    _Reader(config, socket_path, stop or threading.Event(), monotonic_ms).run()


class _Reader:
    """One thread a device; the calling thread keeps the line to the engine."""

    def __init__(
        self, config: ReaderConfig, socket_path: str | Path, stop: threading.Event, monotonic_ms: Callable[[], int]
    ) -> None:
        self._config = config
        self._stop = stop
        self._monotonic_ms = monotonic_ms
        self._lock = threading.Lock()
        self._look_changed = threading.Condition(self._lock)
        self._profiles = load(config.profiles, config.profile_folder)
        self._sightings = Sightings(self._profiles)
        self._look = "idle"
        self._failure: Exception | None = None
        self._health: dict[str, str] = {}
        self._why: dict[str, str] = {}
        self._link = Link(socket_path, self._greet, self._hear)

    def run(self) -> None:
        threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in self._devices()
        ]
        for thread in threads:
            thread.start()
        try:
            self._link.run(self._stop)
        finally:
            self._stop.set()
            with self._lock:
                self._look_changed.notify_all()
            for thread in threads:
                thread.join()
            self._link.close()
        if self._failure is not None:
            raise self._failure

    def _guarded(self, work: Callable[[], None]) -> None:
        """A bug in one thread ends the process, so that it is started anew; half a reader would look healthy."""
        try:
            work()
        except Exception as failure:
            self._failure = failure
            self._stop.set()
            raise

    def _devices(self) -> list[tuple[str, Callable[[], None]]]:
        config, devices = self._config, list[tuple[str, Callable[[], None]]]()
        if config.camera:
            devices.append(("camera", self._watch))
        if config.imager:
            imager = ImagerDriver(
                config.imager, self._told("imager"), self._healthy("imager"), self._monotonic_ms, config.imager_baud
            )
            devices.append(("imager", lambda: imager.run(self._stop)))
        if config.wedge:
            wedge = WedgeDriver(
                config.wedge, self._told("wedge"), self._healthy("wedge"), self._monotonic_ms, config.wedge_aim
            )
            devices.append(("wedge", lambda: wedge.run(self._stop)))
        return devices

    # Devices

    def _told(self, source: str) -> Callable[[Reading], None]:
        def told(reading: Reading) -> None:
            with self._lock:
                self._send(source, self._sightings.see([reading], self._monotonic_ms()))

        return told

    def _healthy(self, source: str) -> Callable[[str, str], None]:
        return lambda state, reason: self._set_health(source, state, reason)

    def _set_health(self, source: str, state: str, reason: str = "") -> None:
        why = "" if state == "ready" else reason  # one message that was none is no state
        with self._lock:
            if (self._health.get(source), self._why.get(source, "")) != (state, why):
                self._health = self._health | {source: state}
                self._why = {name: text for name, text in (self._why | {source: why}).items() if text}
                self._link.send(self._told_health())

    def _told_health(self) -> dict[str, Any]:
        return {"health": self._health} | ({"why": self._why} if self._why else {})

    def _send(self, source: str, readings: Sequence[Reading]) -> None:
        for reading in readings:
            said = {"payload": reading.payload, "symbology": reading.symbology, "source": source, "ms": reading.ms}
            self._link.send({"reading": said})

    # The camera's thread

    def _watch(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                camera = open_camera(self._config.camera)
                try:
                    self._set_health("camera", "ready")
                    failures = 0
                    self._watch_through(camera)
                finally:
                    camera.close()
            except CameraLost as loss:
                self._set_health("camera", "lost", str(loss))
                self._stop.wait(_CAMERA_RETRY_S[min(failures, len(_CAMERA_RETRY_S) - 1)])
                failures += 1

    def _watch_through(self, camera: Camera) -> None:
        eye = Eye(self._profiles)
        while (look := self._wait_for_look()) != "off":
            frame = camera.frame()
            started_ms = self._monotonic_ms()
            found = eye.look(frame, look == "active", started_ms)
            now_ms = self._monotonic_ms()
            with self._lock:
                if found is None:
                    self._sightings.still(now_ms)
                else:
                    timed = [Reading(one.payload, one.symbology, now_ms - started_ms) for one in found]
                    self._send("camera", self._sightings.see(timed, now_ms, patient=True))
                self._send("camera", self._sightings.tick(now_ms))
                self._look_changed.wait_for(partial(self._ended, look), PERIOD_S[look])

    def _wait_for_look(self) -> str:
        """Return the look that holds; while it is "off" nothing is captured. "off" when the process ends."""
        with self._lock:
            self._look_changed.wait_for(lambda: self._look != "off" or self._stop.is_set())
            return "off" if self._stop.is_set() else self._look

    def _ended(self, look: str) -> bool:
        return self._look != look or self._stop.is_set()

    # The line to the engine, on the calling thread

    def _greet(self) -> list[dict[str, Any]]:
        with self._lock:
            self._sightings.forget()
            return [self._told_health()]

    def _hear(self, message: dict[str, Any]) -> None:
        look = message.get("look")
        if look not in (*PERIOD_S, "off"):
            return
        with self._lock:
            self._look = look
            if look == "off":
                self._sightings.drop_waiting()
            self._look_changed.notify_all()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the reader until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="kiosk reader", description="The reader process of the kiosk.")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket of the engine")
    parser.add_argument("--camera", default="", help="v4l2:PATH, picamera2: or folder:PATH")
    parser.add_argument("--imager", default="", help="port of a serial imager")
    parser.add_argument("--wedge", default="", help="event device of a keyboard-wedge scanner")
    parser.add_argument("--wedge-aim", action="store_true", help="the wedge sends AIM prefixes")
    parser.add_argument("--profiles", default="", help=f"enabled profiles, by comma ({','.join(DEFAULT)})")
    options = parser.parse_args(argv)
    if not (options.camera or options.imager or options.wedge):
        parser.error("name a camera, an imager or a wedge")
    if options.camera and options.camera.partition(":")[0] not in SCHEMES:
        parser.error(f"a camera is one of {', '.join(SCHEMES)}, not {options.camera}")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    config = ReaderConfig(
        options.camera,
        options.imager,
        options.wedge,
        wedge_aim=options.wedge_aim,
        profiles=tuple(options.profiles.split(",")) if options.profiles else DEFAULT,
    )
    run(config, options.socket, stop)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
