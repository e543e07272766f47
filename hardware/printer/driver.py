"""A printer behind a port: asked before and after every job, opened again when it was away.

No thread and no queue: each call blocks within its deadlines, and a job that cannot be printed now is never left to
be printed later. What a printer may still hold of a failed job is thrown away before anything else is said to it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from hardware.printer.document import Cut, Document, Feed
from hardware.printer.escpos import Layout, encode
from hardware.printer.ports import Port, PortLost
from hardware.printer.slip import CANCEL, slip_job
from hardware.printer.status import ASKED, Lost, PrinterStatus, StatusDecoder

CONFIRMED = "confirmed"
SENT = "sent"
FAILED = "failed"

# DLE ENQ 2 recovers from an error and drops the job; DLE DC4 fn 8 empties receive and print buffer, also while the
# printer is offline. Both are real-time commands: they overtake the job. ESC @ then drops a line that was begun.
PURGE = b"\x10\x05\x02" + b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"
RESET = b"\x1b@"
STOPS_SLIP = ("cover_open", "error")  # while it waits for a slip, a printer may well call itself offline
STRANGE_MAX = 8  # bytes in one round of questions; a disturbed line makes fewer

BARRIER = b"\x1dr\x01"  # GS r 1 waits its turn in the buffer, so its answer means: all before it is printed


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    `state`: confirmed (the printer says that it is on paper), sent (handed over, nobody can confirm it) or failed.
    `reason`: "" or a printer's trouble (PrinterStatus.trouble), "lost" or "unconfirmed".
    """

    state: str
    reason: str = ""


@dataclass(frozen=True)
class Patience:
    """Seconds. `answer` to one status request, `write` for a piece of a job, `finish` from its last byte to paper.

    `ask_again` between questions while a job prints; `reopen` first and longest wait between openings of a lost port.
    """

    answer_s: float = 1.0
    write_s: float = 10.0
    finish_s: float = 15.0
    ask_again_s: float = 0.25
    slip_s: float = 30.0  # for a person to put a slip in, and for its printing
    reopen_s: tuple[float, float] = (0.5, 8.0)


class PrinterDriver:
    """Not for several threads at once. `clock` is monotonic seconds."""

    def __init__(
        self,
        port: Port,
        layout: Layout | None = None,
        patience: Patience | None = None,
        bare_offline_is_paper_out: bool = False,
        clock: Callable[[], float] = time.monotonic,
        slip: bool = False,
    ) -> None:
        """`slip`: it has a station for slips. A printer without one would print them on the receipt's paper."""
        self._slip = slip
        self._port = port
        self._layout = layout or Layout()
        self._patience = patience or Patience()
        self._bare_offline_is_paper_out = bare_offline_is_paper_out
        self._clock = clock
        self._decoder = self._fresh_decoder()
        self._open = False
        self._lost = Lost("not opened yet")  # why, while it is not open
        self._reopen_at = clock()
        self._reopen_wait_s = self._patience.reopen_s[0]
        # The printer may hold, or show in its slot, a part of a failed job: also one of the process before us.
        self._unfinished = port.answers

    def status(self) -> PrinterStatus | Lost:
        """Ask the printer; open the port first if it is time to. Takes at most four times `answer_s`."""
        if not self._open and self._clock() < self._reopen_at:
            return self._lost
        try:
            return self._ready_line()
        except PortLost as error:
            return self._lose(str(error))

    def print(self, document: Document) -> Outcome:
        """Print `document` now or not at all. Takes at most the sum of the patience."""
        job = encode(document, self._layout)
        try:
            status = self._ready_line()
        except PortLost as error:
            self._lose(str(error))
            return Outcome(FAILED, "lost")
        if status.trouble:
            return Outcome(FAILED, status.trouble)
        try:
            return self._deliver(job)
        except PortLost as error:
            self._unfinished = self._port.answers
            self._lose(str(error))
            return Outcome(FAILED, "lost")

    def frank(self, lines: tuple[str, ...]) -> Outcome:
        """Print `lines` on the slip that somebody puts in now, or not at all. Failed also if nobody does."""
        if not (self._slip and self._port.answers):
            return Outcome(FAILED, "no_slip_station")
        try:
            trouble = self._ready_line().trouble
            return Outcome(FAILED, trouble) if trouble else self._frank(slip_job(lines))
        except PortLost as error:
            self._unfinished = True
            self._lose(str(error))
            return Outcome(FAILED, "lost")

    def close(self) -> None:
        """Close the port; the next call opens it again."""
        self._port.close()
        self._open = False

    # The line

    def _ready_line(self) -> PrinterStatus:
        """Return the status on an open line, free of old jobs."""
        if not self._open:
            self._port.open()
            self._open = True
            self._decoder = self._fresh_decoder()
            self._purge()
        status = self._ask()
        self._reopen_wait_s = self._patience.reopen_s[0]
        if self._unfinished and not status.trouble:
            self._clear_slot()
            status = self._ask()
        return status

    def _ask(self) -> PrinterStatus:
        if not self._port.answers:
            return PrinterStatus(online=True)
        strange = self._decoder.strange
        for request in ASKED:
            self._port.write(self._decoder.ask(request), self._patience.answer_s)
            until = self._clock() + self._patience.answer_s
            while self._decoder.waiting:
                left_s = until - self._clock()
                if left_s <= 0:
                    raise PortLost(f"no answer to DLE EOT {request}")
                self._decoder.feed(self._port.read(left_s))
                if self._decoder.strange - strange > STRANGE_MAX:
                    raise PortLost("what answers is no printer")
        return self._decoder.status

    def _lose(self, reason: str) -> Lost:
        longest_s = self._patience.reopen_s[1]
        self._port.close()
        self._open = False
        self._reopen_at = self._clock() + self._reopen_wait_s
        self._reopen_wait_s = min(2 * self._reopen_wait_s, longest_s)
        self._lost = Lost(reason)
        return self._lost

    def _fresh_decoder(self) -> StatusDecoder:
        return StatusDecoder(self._bare_offline_is_paper_out)

    # A job

    def _deliver(self, job: bytes) -> Outcome:
        if not self._port.answers:
            self._port.write(job, self._patience.write_s)
            return Outcome(SENT, "unconfirmed")
        before = self._decoder.barriers
        self._decoder.ask_barrier()
        self._port.write(job + BARRIER, self._patience.write_s)
        until = self._clock() + self._patience.finish_s
        while self._decoder.barriers == before and self._clock() < until:
            self._decoder.feed(self._port.read(self._patience.ask_again_s))
            if self._decoder.barriers == before and (trouble := self._ask().trouble):
                return self._give_up(trouble)
        printed = self._decoder.barriers > before
        trouble = self._ask().trouble
        if printed and not trouble:
            return Outcome(CONFIRMED)
        if trouble and not printed:
            return self._give_up(trouble)
        if not printed:
            self._unfinished = True  # if it is stuck in there, it must not come out with the next one
        return Outcome(SENT, trouble or "unconfirmed")

    def _frank(self, job: bytes) -> Outcome:
        before = self._decoder.barriers
        self._decoder.ask_barrier()
        self._port.write(job + BARRIER, self._patience.write_s)
        until, trouble = self._clock() + self._patience.slip_s, ""
        while self._decoder.barriers == before and self._clock() < until and trouble not in STOPS_SLIP:
            self._decoder.feed(self._port.read(self._patience.ask_again_s))
            trouble = self._ask().trouble if self._decoder.barriers == before else ""
        if self._decoder.barriers > before:
            return Outcome(CONFIRMED)
        self._port.write(CANCEL, self._patience.write_s)
        return self._give_up(trouble if trouble in STOPS_SLIP else "no_slip")

    def _give_up(self, trouble: str) -> Outcome:
        """Take the rest of the job back before anybody can put things right and let it out."""
        self._unfinished = True
        self._purge()
        self._ask()  # an answer means that the purge has arrived, whatever happens to the line from here on
        return Outcome(FAILED, trouble)

    def _purge(self) -> None:
        if self._port.answers:
            self._port.write(PURGE + (CANCEL if self._slip else b""), self._patience.write_s)

    def _clear_slot(self) -> None:
        """Cut off what was printed of the failed job, so that it does not hang on the next resident's receipt."""
        self._purge()
        self._port.write(RESET + encode((Feed(), Cut()), self._layout), self._patience.write_s)
        self._unfinished = False
