"""The printer's thread: asks for its health, prints one job at a time, tells the brain what became of it."""

import queue
import threading
from collections.abc import Callable
from functools import partial

from hardware.printer.document import Document
from hardware.printer.driver import Outcome, PrinterDriver
from hardware.printer.escpos import Layout
from hardware.printer.ports import port_at
from hardware.printer.status import Lost, PrinterStatus
from kiosk.brain import events
from kiosk.config.model import Printer
from kiosk.domain.snapshot import DeviceHealth
from kiosk.engine.health import lost_code, tell_health
from kiosk.engine.inbox import Inbox

ASK_EVERY_S = 2.0


def health_of(status: PrinterStatus | Lost) -> DeviceHealth:
    if isinstance(status, Lost):
        return DeviceHealth("printer", "lost", lost_code(status.reason), status.reason)
    if status.trouble:
        return DeviceHealth("printer", "faulted", status.trouble)
    return DeviceHealth("printer", "ready", "paper_low" if status.paper == "low" else "")


class PrintRoom:
    """Owns the printer. `submit` from the engine's thread; `run` is the thread."""

    def __init__(self, printer: Printer, inbox: Inbox) -> None:
        self._driver = PrinterDriver(
            port_at(printer.kind, printer.address, printer.baud), Layout(columns=printer.columns), slip=printer.slip
        )
        self._inbox = inbox
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._health: DeviceHealth | None = None
        self.thread = threading.Thread(target=self.run, name="printer")

    def submit(self, job: str, paper: Document) -> None:
        self._jobs.put(partial(self._print, job, paper))

    def frank(self, job: str, lines: tuple[str, ...]) -> None:
        """Print on the check that is put in now. Receipts wait meanwhile, half a minute at most."""
        self._jobs.put(partial(self._frank, job, lines))

    def stop(self) -> None:
        """End after the jobs that are waiting."""
        self._jobs.put(None)

    def run(self) -> None:
        while True:
            self._tell(self._driver.status())
            try:
                item = self._jobs.get(timeout=ASK_EVERY_S)
            except queue.Empty:
                continue
            if item is None:
                self._driver.close()
                return
            item()

    def _print(self, job: str, paper: Document) -> None:
        self._ended(job, self._driver.print(paper))

    def _frank(self, job: str, lines: tuple[str, ...]) -> None:
        self._ended(job, self._driver.frank(lines))

    def _ended(self, job: str, outcome: Outcome) -> None:
        self._inbox.tell(events.PrintFinished, job=job, outcome=outcome.state, reason=outcome.reason)

    def _tell(self, status: PrinterStatus | Lost) -> None:
        """Tell health when it changed."""
        health = health_of(status)
        if health != self._health:
            self._health = health
            tell_health(self._inbox, health)
