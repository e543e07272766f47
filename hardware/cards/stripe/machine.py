"""A reader behind Stripe's API, without a socket: commands and replies go in with the time, calls and events come out.

One call is under way at a time. Between operations the reader is looked at every few seconds; an API that stays
silent ends what is under way as unknown. `Connected` means that the reader is known and does nothing: what a process
before us had left on it is taken from it first.
"""

import re
from collections.abc import Generator

from hardware.cards.contract import (
    APPROVED,
    Acknowledge,
    BatchClosed,
    Busy,
    Cancel,
    CloseBatch,
    Command,
    Connected,
    Ended,
    Event,
    Fault,
    FaultCleared,
    Identity,
    Lost,
    Query,
    Refund,
    Refused,
    Sale,
    Show,
    Void,
)
from hardware.cards.stripe import calls, operations
from hardware.cards.stripe.calls import Call, Reply, Request, is_id
from hardware.cards.stripe.finding import Wait
from hardware.cards.stripe.operations import Outcome, Scene, Script, Settings
from hardware.cards.stripe.reading import FORBIDDEN, SILENCE, Answer, Reader, as_reader, read

NEVER_MS = 1 << 62
HEALTH_MS = 10_000
RETRY_MS = 2_000
REFUSED_MS = 10_000
DOUBT_MS = 4_000  # silence after which cards are not offered
LOST_MS = 20_000  # silence after which what is under way is unknown
GRACE_MS = 5_000  # for a caller who does not keep the time-out of a call

_REFERENCE = re.compile(r"[A-Z0-9]{1,16}")

Operation = Sale | Void | Refund | Query
Task = Generator[Request | Wait, Answer, None]


class StripeMachine:
    """One reader. Calls from `tick` are to be made, and their replies given to `answer`, whenever they come."""

    def __init__(self, settings: Settings) -> None:
        if not is_id(settings.reader, "tmr"):
            raise ValueError(f"{settings.reader!r} is no id of a reader (tmr_...)")
        self._scene = Scene(settings)
        self._events: list[Event] = []
        self._script: Script | Task | None = None
        self._operation: Operation | None = None  # under way, or about to be
        self._begun = False  # the script is that of the operation
        self._close_batch = ""
        self._chores: list[Request] = []
        self._number = 0
        self._call: Call | None = None  # under way
        self._unmade: list[Call] = []  # the same, until the driver has it
        self._call_end_ms = 0
        self._wake_ms = NEVER_MS
        self._silent_since_ms: int | None = None
        self._connected = False
        self._faults: dict[str, str] = {}
        self._said_lost = ""
        self._reports = 0
        self._held: dict[int, str] = {}  # reports not acknowledged, with the payment to be marked then
        self._used: set[str] = set()

    # What the driver calls

    def opened(self, now_ms: int) -> None:
        """Begin, or begin anew: nothing is known of the reader."""
        self._scene.now_ms = now_ms
        self._connected = False
        if not self._begun:
            self._script = None
        self._wake_ms = now_ms

    def tick(self, now_ms: int) -> tuple[list[Call], list[Event]]:
        """Return the calls to make now and the events that time alone brings."""
        self._scene.now_ms = max(now_ms, self._scene.now_ms)
        if self._call and now_ms >= self._call_end_ms:
            self._call = None
            self._heard(SILENCE)
        while self._call is None and self._scene.now_ms >= self._wake_ms:
            self._resume(SILENCE)
        made, self._unmade = self._unmade, []
        return made, self._take_events()

    def answer(self, reply: Reply, now_ms: int) -> list[Event]:
        """Take what came of a call. The reply to a call that was given up says nothing any more."""
        self._scene.now_ms = max(now_ms, self._scene.now_ms)
        if self._call and reply.number == self._call.number:
            self._call = None
            self._heard(read(reply))
        return self._take_events()

    def due_ms(self) -> int:
        if self._unmade:
            return self._scene.now_ms
        return self._call_end_ms if self._call else self._wake_ms

    def command(self, command: Command) -> None:
        match command:
            case Cancel(reference):
                if self._operation and self._operation.reference == reference and isinstance(self._operation, Sale):
                    self._scene.cancelled = True
                    self._hurry()
            case Acknowledge(report):
                if intent := self._held.pop(report, ""):
                    self._chores.append(calls.mark_journalled(intent))
                    self._leave_watch()
            case Show(lines):
                self._free()
                reader = self._scene.settings.reader
                self._chores.append(calls.show(reader, lines) if lines else calls.cancel_action(reader))
                self._leave_watch()
            case CloseBatch(reference):
                self._free()
                self._close_batch = reference
                self._leave_watch()
            case _:
                self._begin(command)

    def _begin(self, order: Operation) -> None:
        self._free()
        if not isinstance(order, Query):
            if not _REFERENCE.fullmatch(order.reference) or order.amount_minor <= 0:
                raise Refused(f"no such reference or amount: {order.reference!r}, {order.amount_minor}")
            if order.reference in self._used:
                raise Refused(f"reference {order.reference} was used before")
            self._used.add(order.reference)
        self._operation = order
        self._scene.begin()
        self._leave_watch()

    def _free(self) -> None:
        if not self._connected or self._operation or self._close_batch or self._held:
            raise Busy("it is not connected, or does something, or its last answer is not acknowledged")

    # Scripts

    def _leave_watch(self) -> None:
        """Let what was ordered go before the look that is next. A call under way is waited for."""
        if not self._begun and self._connected and self._call is None:
            self._script = None
            self._wake_ms = self._scene.now_ms

    def _hurry(self) -> None:
        if self._call is None and self._begun:
            self._wake_ms = self._scene.now_ms

    def _heard(self, answer: Answer) -> None:
        if answer.silent:
            if self._silent_since_ms is None:
                self._silent_since_ms = self._scene.now_ms
        else:
            self._silent_since_ms = None
        self._scene.gone = self._silent_ms() >= LOST_MS
        self._resume(answer)
        self._doubt()

    def _silent_ms(self) -> int:
        return self._scene.now_ms - self._silent_since_ms if self._silent_since_ms is not None else 0

    def _resume(self, answer: Answer) -> None:
        """Let the script go on, or take the next one."""
        if self._script is not None and not self._begun and self._connected and self._ordered():
            self._script = None
        if self._script is None:
            self._script = self._next_script()
            self._step(None)
        else:
            self._step(answer)

    def _ordered(self) -> bool:
        return bool(self._operation or self._close_batch or self._chores)

    def _step(self, answer: Answer | None) -> None:
        assert self._script is not None
        try:
            step = next(self._script) if answer is None else self._script.send(answer)
        except StopIteration as end:
            self._script = None
            self._wake_ms = self._scene.now_ms
            if self._begun:
                self._ended(end.value)
            return
        self._events += self._scene.prompts
        self._scene.prompts = []
        if isinstance(step, Wait):
            self._wake_ms = self._scene.now_ms + step.ms
            return
        self._number += 1
        self._call = Call(self._number, step)
        self._unmade = [self._call]
        self._call_end_ms = self._scene.now_ms + step.timeout_ms + GRACE_MS

    def _next_script(self) -> Script | Task:
        if not self._connected:
            return self._connect()
        if self._chores:
            return self._chore(self._chores.pop(0))
        if self._close_batch:
            return self._batch()
        if self._operation:
            self._begun = True
            return self._script_of(self._operation)
        return self._watch()

    def _script_of(self, order: Operation) -> Script:
        unfit = self._faults.keys() & {"wrong_terminal", "out_of_service"}
        if isinstance(order, Query):
            return operations.query(self._scene, order)
        if unfit:
            return operations.never_begun(min(unfit))
        if isinstance(order, Sale):
            return operations.sale(self._scene, order)
        return operations.give_back(self._scene, order)

    def _ended(self, outcome: Outcome) -> None:
        order, self._operation, self._begun = self._operation, None, False
        assert order is not None
        operation = order.operation if isinstance(order, Query) else type(order).__name__.lower()
        paid = operation == "sale" and outcome.result == APPROVED
        self._reports += 1
        self._held[self._reports] = outcome.terminal_ref if paid else ""
        self._events.append(
            Ended(
                self._reports,
                operation,
                order.reference,
                outcome.result,
                outcome.amount_minor,
                outcome.terminal_ref,
                isinstance(order, Query),
                outcome.reason,
                outcome.slip,
            )
        )

    # Between operations

    def _connect(self) -> Task:
        reader_id = self._scene.settings.reader
        while True:
            answer = yield calls.reader(reader_id)
            reader = as_reader(answer.body)
            if answer.refused:
                self._lose("the key is refused" if answer.code == FORBIDDEN else f"refused: {answer.code}")
                yield Wait(REFUSED_MS)
            elif reader is None or reader.id != reader_id:
                if answer.done:
                    self._lose("what answers does not know the reader")
                yield Wait(RETRY_MS)
            elif reader.action == "in_progress":
                yield calls.cancel_action(reader_id)  # refused while a card is in it: then it ends by itself
                yield Wait(RETRY_MS)
            else:
                self._met(reader)
                return

    def _met(self, reader: Reader) -> None:
        self._connected, self._said_lost = True, ""
        identity = Identity("stripe", reader.model, reader.serial, reader.firmware, reader.id, central=True)
        self._events.append(Connected(identity))
        self._judge(reader)

    def _watch(self) -> Task:
        while True:
            yield Wait(HEALTH_MS if self._silent_since_ms is None else RETRY_MS)
            answer = yield calls.reader(self._scene.settings.reader)
            reader = as_reader(answer.body)
            if answer.refused:
                self._fault("out_of_service", "the key is refused" if answer.code == FORBIDDEN else answer.code)
            elif reader:
                self._judge(reader)

    def _chore(self, request: Request) -> Task:
        """Do what is nice to have: whatever comes of it, nothing depends on it."""
        yield request

    def _batch(self) -> Task:
        """The processor settles every day by itself: there is nothing to close."""
        reference, self._close_batch = self._close_batch, ""
        self._reports += 1
        self._held[self._reports] = ""
        self._events.append(BatchClosed(self._reports, reference, APPROVED, reason="settled_by_the_processor"))
        yield from ()

    # Health

    def _judge(self, reader: Reader) -> None:
        settings = self._scene.settings
        wrong = ""
        if settings.serial and reader.serial != settings.serial:
            wrong = f"serial number {reader.serial}, expected {settings.serial}"
        elif reader.live != settings.live:
            wrong = "it is in test mode" if settings.live else "it is not in test mode"
        self._fault("wrong_terminal", wrong)
        self._fault("out_of_service", "")
        self._fault("offline", "" if reader.online else "the reader is not connected")
        busy = reader.action == "in_progress" and self._operation is None
        self._fault("busy", "the reader does something for somebody else" if busy else "")

    def _fault(self, code: str, detail: str) -> None:
        """Say what changed: a fault with a detail holds, without one it does not."""
        if detail and self._faults.get(code) != detail:
            self._faults[code] = detail
            self._events.append(Fault(code, detail))
        elif not detail and self._faults.pop(code, ""):
            self._events.append(FaultCleared(code))

    def _doubt(self) -> None:
        """Judge the silence; an operation ends before it is called a loss."""
        silent_ms = self._silent_ms()
        if self._connected and silent_ms >= DOUBT_MS:
            self._fault("offline", "the payment service cannot be reached")
        if silent_ms >= LOST_MS and not self._operation and not self._close_batch:
            self._lose("the payment service cannot be reached")

    def _lose(self, reason: str) -> None:
        if self._connected:
            self._connected = False
            self._script = None
            self._call, self._unmade = None, []
            self._wake_ms = self._scene.now_ms + RETRY_MS
        if reason != self._said_lost:
            self._said_lost = reason
            self._events.append(Lost(reason))

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events
