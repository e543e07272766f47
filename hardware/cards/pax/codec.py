"""The host's side of a PAX terminal in semi-integrated mode, as `contract.Codec` (sheet sections 4 to 11).

Opening: A14 ends what an earlier run may have left on the terminal, A00 asks who it is, A78 whether it approves
offline. Every half minute of rest A00 asks whether it is still there.

A sale leaves once. Its answer is acknowledged when the layer above has it on disk. Whatever keeps the answer away makes
the outcome unknown, and only a Query finds it.
"""

from dataclasses import dataclass

from hardware.cards.contract import (
    ABSENT,
    APPROVED,
    CANCELLED,
    DECLINED,
    NOT_STARTED,
    UNKNOWN,
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
    Lost,
    Prompt,
    Query,
    Refund,
    Refused,
    Sale,
    Show,
    Slip,
    Void,
)
from hardware.cards.pax import requests, responses
from hardware.cards.pax.frames import Response
from hardware.cards.pax.link import NEVER_MS, Answered, Failed, Happening, Link, Request, Taken
from hardware.cards.pax.lookup import Finding, Lookup
from hardware.cards.pax.responses import Verdict
from hardware.cards.pax.settings import Settings

IDLE_CHECK_MS = 30_000
BUSY_MS = 5_000  # between two attempts at a terminal that refuses to answer
PLAIN_MS = 30_000  # for an answer that needs neither card nor host
A14_MS = 3_000

_STATES = {"0": "present_card", "1": "enter_pin", "3": "authorising", "4": "try_again", "6": "enter_pin"}
_REFUSING = ("wrong_terminal", "store_and_forward")  # with these no sale is begun

Money = Sale | Void | Refund


@dataclass
class Operation:
    """What is under way. A Query has a `lookup`."""

    command: Money | Query | CloseBatch
    lookup: Lookup | None = None
    sent: bool = False

    @property
    def wait_ms(self) -> int:
        return self.lookup.wait_ms if self.lookup else 0


class PaxCodec:
    """One terminal."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._link = Link(self._settings.handshake)
        self._operation: Operation | None = None
        self._reports: set[int] = set()  # not durable yet
        self._report = 0
        self._faults: dict[str, str] = {}
        self._opening: list[str] = []
        self._asked = ""  # the request under way, if it belongs to no operation
        self._answer: Response | None = None  # A01, until the opening is over
        self._last = ""  # reference of the last sale, void or refund sent
        self._open = self._connected = False
        self._interrupted = False  # the line went while an operation was under way
        self._lines: tuple[str, ...] | None = None  # to be shown
        self._cancel_wanted = False
        self._retry_ms = 0
        self._check_ms = NEVER_MS
        self._settled_ms: int | None = None  # from then on no sale that we know nothing of can be under way

    # What the driver calls

    def line_opened(self, now_ms: int) -> None:
        if self._settled_ms is None:
            self._settled_ms = now_ms + self._settings.settle_ms  # an earlier run may have begun one
        self._link.opened()
        self._open, self._interrupted = True, self._operation is not None
        self._begin(now_ms)

    def feed(self, data: bytes, now_ms: int) -> list[Event]:
        if not self._open:
            return []
        return self._happened(self._link.feed(data, now_ms), now_ms)

    def tick(self, now_ms: int) -> tuple[bytes, list[Event]]:
        if not self._open:
            return b"", []
        events: list[Event] = []
        if self._interrupted and self._operation is not None:
            self._interrupted = False
            unsure = self._operation.sent or isinstance(self._operation.command, Query)
            events += self._fail(UNKNOWN if unsure else NOT_STARTED, "line lost")
        if self._cancel_wanted:
            events += self._cancel(now_ms)
        if not self._link.busy:
            self._start(now_ms)
        data, happened = self._link.tick(now_ms)
        return data, events + self._happened(happened, now_ms)

    def due_ms(self) -> int:
        if not self._open:
            return NEVER_MS
        if self._interrupted or self._cancel_wanted:
            return 0
        if self._link.busy:
            return self._link.due_ms()
        return min(self._link.due_ms(), self._next_ms())

    def command(self, command: Command) -> None:
        match command:
            case Acknowledge(report):
                self._reports.discard(report)
                if not self._reports:
                    self._link.confirm()
            case Cancel(reference):
                operation = self._operation
                self._cancel_wanted = operation is not None and operation.command.reference == reference
            case Show(lines):
                self._lines = lines
            case _:
                self._accept(command)

    def _accept(self, command: Money | Query | CloseBatch) -> None:
        if self._operation or self._reports or not self._connected:
            raise Busy("something else is under way, or the terminal is not connected")
        if isinstance(command, Sale | Refund):
            wrong = [code for code in _REFUSING if code in self._faults]
            if wrong:
                raise Refused(f"no cards: {wrong[0]}")
        operation = Operation(command, Lookup(command) if isinstance(command, Query) else None)
        self._frame(operation)  # what cannot be said is refused now
        self._operation = operation

    # What to send

    def _begin(self, now_ms: int) -> None:
        self._connected = False
        self._opening = ["A14", "A00", "A78"]
        if not self._settings.handshake:
            self._opening.remove("A14")  # cancel cannot be sent over HTTP
        if not self._settings.check_store_and_forward:
            self._opening.remove("A78")
        self._asked, self._answer = "", None
        self._retry_ms, self._check_ms = now_ms, NEVER_MS

    def _next_ms(self) -> int:
        """When something is to be sent, while the link rests."""
        if self._opening:
            return self._retry_ms
        if self._operation is not None:
            return self._operation.wait_ms
        return 0 if self._lines is not None else self._check_ms

    def _start(self, now_ms: int) -> None:
        if now_ms < self._next_ms():
            return
        if self._opening:
            self._ask(self._opening[0])
        elif self._operation is not None:
            self._begin_operation(self._operation, now_ms)
        elif self._lines is not None:
            lines, self._lines = self._lines, None
            self._ask("A10" if lines else "A16", lines)
        else:
            self._ask("A00")

    def _ask(self, command: str, lines: tuple[str, ...] = ()) -> None:
        version = self._settings.version
        frame = requests.show(version, lines) if lines else requests.plain(command, version)
        self._asked = command
        answer = f"A{int(command[1:]) + 1:02d}"
        if command == "A14":
            self._link.start(Request(frame, answer, A14_MS, ends_with_eot=True, sends_max=1, ack_ms=A14_MS))
        else:
            self._link.start(Request(frame, answer, PLAIN_MS))

    def _begin_operation(self, operation: Operation, now_ms: int) -> None:
        command, frame, answer_ms = operation.command, self._frame(operation), self._settings.answer_ms
        operation.sent, self._asked = True, ""
        if isinstance(command, Query):
            self._link.start(Request(frame, "R03", PLAIN_MS))
        elif isinstance(command, CloseBatch):
            self._link.start(Request(frame, "B01", answer_ms, once=True))
        else:
            self._last, self._settled_ms = command.reference, now_ms + self._settings.settle_ms
            self._link.start(Request(frame, "T01", answer_ms, once=True, reference=command.reference))

    def _frame(self, operation: Operation) -> bytes:
        settings = self._settings
        try:
            match operation.command:
                case Sale(reference, amount_minor):
                    return requests.sale(settings.version, reference, amount_minor, settings.report_status)
                case Void(reference, terminal_ref=number, slip=slip):
                    return self._void(reference, number, slip)
                case Refund(reference, amount_minor=amount_minor, slip=slip):
                    return requests.refund(settings.version, reference, amount_minor, slip.host_reference)
                case CloseBatch():
                    return requests.close_batch(settings.version, settings.timestamp())
                case Query() as query:
                    return (operation.lookup or Lookup(query)).question(settings.version)
        except ValueError as error:
            raise Refused(str(error)) from error

    def _void(self, reference: str, number: str, slip: Slip) -> bytes:
        settings = self._settings
        if settings.void_by == "host_reference" or not number:
            if not slip.host_reference:
                raise Refused("nothing is known by which the terminal could find the sale")
            number = ""
        host_reference = "" if number else slip.host_reference
        return requests.void(settings.version, settings.void_type, reference, number, host_reference)

    def _cancel(self, now_ms: int) -> list[Event]:
        """Ask the terminal to stop. What has not left yet ends here and now."""
        self._cancel_wanted = False
        operation = self._operation
        if operation is None or isinstance(operation.command, Query | CloseBatch):
            return []
        if not operation.sent:
            return self._fail(CANCELLED, "not sent")
        self._link.interrupt(requests.plain("A14", self._settings.version), now_ms)
        return []

    # What comes back

    def _happened(self, happened: list[Happening], now_ms: int) -> list[Event]:
        events: list[Event] = []
        for item in happened:
            match item:
                case Taken():
                    events += self._taken()
                case Answered(response, stray=True):
                    events += self._stray(response, now_ms)
                case Answered(response):
                    events += self._answered(response, now_ms)
                case Failed(reason):
                    events += self._failed(reason, now_ms)
            if any(isinstance(event, Lost) for event in events):
                break
        return events

    def _taken(self) -> list[Event]:
        operation = self._operation
        if self._asked or operation is None or not isinstance(operation.command, Sale):
            return []
        return [Prompt(operation.command.reference, "present_card")]

    def _stray(self, response: Response, now_ms: int) -> list[Event]:
        """A report on the way, or the answer to something that was given up: it may be what a Query looks for."""
        if self._last and response.command == "T01" and responses.transaction(response).reference == self._last:
            self._settled_ms = now_ms  # the terminal is done with it
        operation = self._operation
        if operation is None:
            return []
        if response.command == "A35" and isinstance(operation.command, Sale) and self._link.sent:
            return [Prompt(operation.command.reference, _STATES.get(response.text(5), "wait"))]
        finding = operation.lookup.late(response) if operation.lookup else None
        if finding is None:
            return []
        if not self._asked:
            self._link.withdraw()
        return self._end(finding)

    def _answered(self, response: Response, now_ms: int) -> list[Event]:
        operation = self._operation
        self._check_ms = now_ms + IDLE_CHECK_MS
        if self._asked or operation is None:
            self._link.confirm()
            return self._opened(response, now_ms)
        match operation.command:
            case Query() as query:
                self._link.confirm()
                finding = (operation.lookup or Lookup(query)).take(response, now_ms, self._settled(now_ms))
                if finding is None:
                    return []
                return self._doubt(finding)
            case CloseBatch(reference):
                self._operation = None
                done = responses.closing(response)
                report = self._next_report()
                return [BatchClosed(report, reference, done.result, done.count, done.total_minor, done.reason)]
            case Sale() | Void() | Refund() as command:
                verdict = responses.judge(response, _name(command), command.reference, command.amount_minor)
                self._settled_ms = now_ms
                events = self._end(Finding(verdict, responses.transaction(response)))
                return events + self._suspect(response)

    def _suspect(self, response: Response) -> list[Event]:
        """What an answer says of the terminal itself."""
        if response.code == responses.OFFLINE_APPROVAL:
            return self._fault("store_and_forward", response.code)
        code = responses.FAULTS.get(response.code, "")
        return self._fault(code, response.code) if code else []

    def _settled(self, now_ms: int) -> bool:
        return self._settled_ms is not None and now_ms >= self._settled_ms

    def _doubt(self, finding: Finding) -> list[Event]:
        """Another terminal cannot say that there is none, nor one that stores transactions by itself."""
        doubts = [code for code in _REFUSING if code in self._faults]
        if finding.verdict.result == ABSENT and doubts:
            return self._fail(UNKNOWN, f"not believed: {doubts[0]}")
        return self._end(finding)

    # Opening and rest

    def _opened(self, response: Response, now_ms: int) -> list[Event]:
        asked, self._asked = self._asked, ""
        if asked == "A00" and response.code != responses.GOOD:
            self._retry_ms = self._check_ms = now_ms + BUSY_MS
            return self._fault("busy", response.code)
        events: list[Event] = []
        if asked == "A00":
            self._answer = response
            events += [event for code in ("busy", "offline", "out_of_service") for event in self._clear(code)]
            events += self._compare(response.text(5))
        if asked == "A78":
            stores = responses.stores_and_forwards(response)
            events += self._fault("store_and_forward") if stores else self._clear("store_and_forward")
        return events + self._advance(asked)

    def _advance(self, asked: str) -> list[Event]:
        """The opening goes on; at its end the terminal is met."""
        if not self._opening or self._opening[0] != asked:
            return []
        del self._opening[0]
        if self._opening:
            return []
        self._connected = True
        answer = self._answer or Response("")
        return [Connected(responses.identity(answer, "store_and_forward" in self._faults))]

    def _compare(self, serial: str) -> list[Event]:
        wanted = self._settings.serial
        if wanted and serial != wanted:
            return self._fault("wrong_terminal", serial)
        return self._clear("wrong_terminal")

    def _fault(self, code: str, detail: str = "") -> list[Event]:
        if code in self._faults:
            return []
        self._faults[code] = detail
        return [Fault(code, detail)]

    def _clear(self, code: str) -> list[Event]:
        return [FaultCleared(code)] if self._faults.pop(code, None) is not None else []

    # Ends

    def _failed(self, reason: str, now_ms: int) -> list[Event]:
        asked, self._asked = self._asked, ""
        self._check_ms = now_ms + IDLE_CHECK_MS
        if asked:
            return self._unanswered(asked, reason, now_ms)
        operation = self._operation
        if operation is None:
            return []
        # Not even a refusal is certain: the byte may be damaged, or end an exchange whose start was lost.
        events = self._fail(UNKNOWN, reason)
        if reason in ("nak", "refused"):
            self._check_ms = now_ms + BUSY_MS
            return events + self._fault("busy", reason)
        return events + (self._lost(reason) if reason == "silent" or not self._settings.handshake else [])

    def _unanswered(self, asked: str, reason: str, now_ms: int) -> list[Event]:
        if asked in ("A14", "A10", "A16"):  # they may be answered in any way, or not at all
            return self._advance(asked)
        if asked == "A78" and reason != "silent":
            return self._advance(asked)
        if reason in ("refused", "nak"):
            self._retry_ms = self._check_ms = now_ms + BUSY_MS
            return self._fault("busy", reason)
        return self._lost(reason)

    def _lost(self, reason: str) -> list[Event]:
        words = {"silent": "no reply", "timeout": "no answer", "garbled": "what answers does not speak PAX"}
        self._open = self._connected = False
        return [Lost(words.get(reason, reason))]

    def _end(self, finding: Finding) -> list[Event]:
        """The operation is over."""
        assert self._operation is not None
        command, self._operation = self._operation.command, None
        self._cancel_wanted = False
        verdict, told = finding.verdict, finding.told
        approved = verdict.result == APPROVED
        return [
            Ended(
                report=self._next_report(),
                operation=_name(command),
                reference=command.reference,
                result=verdict.result,
                amount_minor=verdict.amount_minor if approved else 0,
                terminal_ref=told.number if approved else "",
                found=isinstance(command, Query),
                reason=verdict.reason,
                slip=told.slip,
            )
        ]

    def _fail(self, result: str, reason: str) -> list[Event]:
        assert self._operation is not None
        if isinstance(self._operation.command, CloseBatch):
            reference, self._operation = self._operation.command.reference, None
            closed = UNKNOWN if result == UNKNOWN else DECLINED
            return [BatchClosed(self._next_report(), reference, closed, reason=reason)]
        return self._end(Finding(Verdict(result, reason=reason)))

    def _next_report(self) -> int:
        self._report += 1
        self._reports.add(self._report)
        return self._report


def _name(command: Money | Query | CloseBatch) -> str:
    return command.operation if isinstance(command, Query) else type(command).__name__.lower()
