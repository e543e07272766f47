"""What a resident sees, for scripts: the newest picture and where its choices are on the glass. It only listens."""

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

from kiosk.demo.processes import DemoFailed


class View:
    """Follows the kiosk's control socket, over restarts of the kiosk too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = threading.Condition()
        self._snapshot: dict[str, Any] = {}
        self._layout: dict[str, Any] = {}
        self._drawn = (0, 0)
        self._closed = False
        threading.Thread(target=self._follow, name="view", daemon=True).start()

    def close(self) -> None:
        self._closed = True

    def wait(self, what: str, seconds: float, **wanted: Any) -> dict[str, Any]:
        """Wait until the snapshot holds all of `wanted` ("payment__in_minor" reaches inside). Raises DemoFailed."""
        with self._changed:
            if not self._changed.wait_for(lambda: _holds(self._snapshot, wanted), seconds):
                seen = {name: _reach(self._snapshot, name) for name in ("screen", "notice", *wanted)}
                raise DemoFailed(f"{what}: waited {seconds:.0f} s for {wanted}, the kiosk shows {seen}")
            return dict(self._snapshot)

    def drawn_at(self, seconds: float = 10.0) -> int:
        """Return when (monotonic ns) this side heard that the present snapshot was drawn."""
        with self._changed:
            revision = self._snapshot["revision"]
            self._changed.wait_for(lambda: self._drawn[0] >= revision, seconds)
            return self._drawn[1]

    def target(self, intent: str, value: str | None, seconds: float) -> tuple[float, float]:
        """Return the middle of a choice that is drawn now, once the drawing is as new as the snapshot."""
        until = time.monotonic() + seconds
        with self._changed:
            while True:
                for target in self._layout.get("targets", ()):
                    if target["intent"] == intent and value in (None, target["value"]) and self._is_current():
                        return target["x"] + target["w"] / 2, target["y"] + target["h"] / 2
                left = until - time.monotonic()
                if left <= 0:
                    drawn = [(t["intent"], t["value"]) for t in self._layout.get("targets", ())]
                    raise DemoFailed(f"no {intent} {value or ''} on {self._snapshot.get('screen')}: {drawn}")
                self._changed.wait(left)

    def _is_current(self) -> bool:
        return bool(self._layout.get("revision", -1) >= self._snapshot.get("revision", 0))

    def _follow(self) -> None:
        while not self._closed:
            try:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(str(self._path))
                    for line in connection.makefile("rb"):
                        self._take(json.loads(line))
            except (OSError, ValueError):
                pass
            time.sleep(0.1)

    def _take(self, message: dict[str, Any]) -> None:
        with self._changed:
            self._snapshot = message.get("snapshot", self._snapshot)
            self._layout = message.get("layout", self._layout)
            if "drawn" in message:
                self._drawn = (int(message["drawn"]), time.monotonic_ns())
            self._changed.notify_all()


def _reach(snapshot: dict[str, Any], name: str) -> Any:
    value: Any = snapshot
    for part in name.split("__"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _holds(snapshot: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(_reach(snapshot, name) == value for name, value in wanted.items())
