"""The printer of a world: it takes its time, runs out of paper, loses its cable, and remembers what it printed."""

import random
from typing import TYPE_CHECKING

from hardware.printer.document import Document
from kiosk.brain import events
from kiosk.domain.snapshot import DeviceHealth
from tests.simulation.timeline import Timeline

if TYPE_CHECKING:
    from tests.simulation.host import Host
    from tests.simulation.watch import Watch

PRINT_MS = 1_200


class SimulatedPrinter:
    """`state` is ready, faulted (no paper) or lost (no cable)."""

    def __init__(self, timeline: Timeline, watch: "Watch", slips: random.Random) -> None:
        self.state = "ready"
        self.sends_only = False  # a printer that cannot say whether it printed
        self._timeline = timeline
        self._watch = watch
        self._slips = slips
        self._host: Host | None = None

    def plugged_into(self, host: "Host") -> None:
        """A process has opened the port; jobs of the one before are lost on their way."""
        self._host = host
        self._tell()

    def become(self, state: str) -> None:
        self.state = state
        self._tell()

    def _tell(self) -> None:
        if self._host is not None:
            reason = {"ready": "", "faulted": "paper_out", "lost": "lost"}[self.state]
            self._host.tell(events.HealthChanged, health=DeviceHealth("printer", self.state, reason))

    def frank(self, job: str, lines: tuple[str, ...]) -> None:
        """Print on a check, if somebody puts one in."""
        del lines
        host = self._host
        put_in = self.state == "ready" and self._slips.random() < 0.7
        outcome = self._slips.choice(("confirmed", "confirmed", "sent")) if put_in else "failed"
        wait_ms = self._slips.choice((1_500, 4_000)) if put_in else self._slips.choice((500, 30_000))

        def finish() -> None:
            if host is not None and host is self._host:
                host.tell(events.PrintFinished, job=job, outcome=outcome, reason="" if put_in else "no_slip")

        self._timeline.after(wait_ms, finish)

    def submit(self, job: str, paper: Document) -> None:
        host, starts_well = self._host, self.state == "ready"

        def finish() -> None:
            prints = starts_well and self.state == "ready"
            if prints:
                self._watch.printed(job, paper)
            if host is not None and host is self._host:
                outcome = ("sent" if self.sends_only else "confirmed") if prints else "failed"
                host.tell(events.PrintFinished, job=job, outcome=outcome, reason="" if prints else "paper_out")

        self._timeline.after(PRINT_MS, finish)
