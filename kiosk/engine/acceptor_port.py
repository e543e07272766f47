"""The acceptor of the configuration: codec, line and driver, its thread, its last frames, a capture if wanted."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from hardware.acceptors import contract
from hardware.acceptors.ebds.toggle import ToggleFile
from hardware.acceptors.families import FAMILIES, Options, Table
from hardware.transport.driver import Driver
from kiosk.config.model import Acceptor
from kiosk.domain.facts import FrameSeen
from kiosk.engine.acceptor import refusal, teller
from kiosk.engine.frames import FrameRing
from kiosk.engine.inbox import Inbox


def toggle_file(run_dir: Path) -> ToggleFile:
    return ToggleFile(run_dir / "acceptor.toggle")


def options_of(acceptor: Acceptor) -> Options:
    return Options(acceptor.profile, acceptor.key, frozenset(acceptor.stored))


def table_of(acceptor: Acceptor, currency: str) -> Table:
    """Return the configured note types, against which the device's own table is held."""
    return {channel: (currency, value_minor) for channel, value_minor in acceptor.channels.items()}


class AcceptorPort:
    """Owns the port's thread. `capture` gets a line a frame, event or decision: monotonic ns, D/H/E/C, hex or words."""

    def __init__(self, acceptor: Acceptor, currency: str, run_dir: Path, inbox: Inbox, capture: Path | None) -> None:
        toggle = toggle_file(run_dir)
        self._ring = FrameRing()
        self._capture: IO[str] | None = capture.open("a", encoding="ascii") if capture else None
        family = FAMILIES[acceptor.protocol]
        codec = family.make(options_of(acceptor), table_of(acceptor, currency), toggle.read())
        self._driver = Driver(
            codec,
            family.line(acceptor.port, acceptor.baud),
            on_event=self._telling(teller(inbox)),
            on_wire=self._on_wire,
            before_write=toggle.keeper(lambda: family.keep(codec)),
            on_refused=lambda command, refused: _tell_refusal(inbox, command, refused),
        )
        self.thread = threading.Thread(target=self._driver.run, name="acceptor")

    def submit(self, command: contract.Command) -> None:
        if self._capture and not isinstance(command, contract.Acknowledge):
            self._write(time.monotonic_ns(), "C", type(command).__name__)
        self._driver.submit(command)

    def frames(self) -> tuple[FrameSeen, ...]:
        """Return the last frames, from any thread."""
        return self._ring.frames()

    def stop(self) -> None:
        self._driver.stop()

    def _telling(self, tell: Callable[[contract.Event], None]) -> Callable[[contract.Event], None]:
        if self._capture is None:
            return tell

        def tell_and_write(event: contract.Event) -> None:
            self._write(time.monotonic_ns(), "E", type(event).__name__)
            tell(event)

        return tell_and_write

    def _on_wire(self, direction: str, data: bytes, at_ns: int) -> None:
        self._ring.hear(direction, data, at_ns // 1_000_000)
        if self._capture:
            self._write(at_ns, "D" if direction == "in" else "H", data.hex(" ").upper())

    def _write(self, at_ns: int, who: str, what: str) -> None:
        if self._capture:
            self._capture.write(f"{at_ns} {who} {what}\n")
            self._capture.flush()


def _tell_refusal(inbox: Inbox, command: contract.Command, refused: contract.Refused) -> None:
    told = refusal(command, refused)
    if told is not None:
        inbox.tell(told[0], **told[1])
