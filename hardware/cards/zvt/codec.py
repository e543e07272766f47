"""The kiosk's side of ZVT, as `contract.Codec` (sheet sections 5, 6 and 8).

Opening: registration, status enquiry, and the last transaction once more, so that a later one can be told from it.
Then one command at a time; each ends with 06 0F or 06 1E, and what the terminal does until then is answered. An
approval is told as Ended and answered with `80 00 00` only after Acknowledge (`handshake.py`).

`attempt` is what an earlier process kept (`memory.py`). Without it a lost sale is unknown unless Query says what came
before, and a payment that the terminal reversed by itself is noticed only by Query.
"""

from collections import deque
from dataclasses import replace

from hardware.cards.contract import (
    CANCELLED,
    NOT_STARTED,
    UNKNOWN,
    Acknowledge,
    Busy,
    Cancel,
    CloseBatch,
    Command,
    Connected,
    Event,
    Identity,
    Lost,
    Prompt,
    Query,
    Refund,
    Refused,
    Sale,
    Show,
    Void,
)
from hardware.cards.zvt import requests
from hardware.cards.zvt.exchange import Exchange
from hardware.cards.zvt.faults import READY, Faults
from hardware.cards.zvt.fields import digits_of, read_fields
from hardware.cards.zvt.frames import Message
from hardware.cards.zvt.handshake import Handshake, answer_to_stray
from hardware.cards.zvt.link import NEVER_MS, Link, SerialLink, TcpLink, is_answer
from hardware.cards.zvt.memory import Attempt
from hardware.cards.zvt.outcomes import (
    BUSY,
    Ending,
    How,
    Outcome,
    Stored,
    approved,
    fits,
    look,
    other_ended,
    unapproved_sale,
)
from hardware.cards.zvt.profile import Profile
from hardware.cards.zvt.prompts import patience_ms, prompt
from hardware.cards.zvt.status import Information, Likeness, compare, read_information, read_status, receipt_of
from hardware.cards.zvt.task import CLOSE, ENQUIRE, OPENING, PAY, REGISTER, REPEAT, Task, message, steps_for
from hardware.cards.zvt.telling import Payment, Telling, Work

SETTLE_MS = 30_000  # from our answer to an approval to the next word of the terminal
FRESH_MS = 10_000  # a sale begins only so soon after the terminal said that it is ready
ENQUIRY_MS = 30_000  # between status enquiries while nothing is done
ENQUIRY_FAULT_MS = 5_000  # ... while a fault holds
RETRY_MS = 2_000  # the terminal is busy
REGISTER_AGAIN_MS = 30_000
QUERY_MS_MAX = 200_000  # a busy terminal is asked again for so long
AMOUNT_MAX = 10**12 - 1
NOT_REGISTERED = 0x6B
ASTRAY_MAX = 3  # answers that belong to something else, before they are taken for what the terminal has to say
STATUS, VENDING = 0x19, 0x10


class ZvtCodec:
    """One terminal. `attempt` is to be kept outside the process before bytes go out."""

    def __init__(self, profile: Profile | None = None, attempt: Attempt | None = None) -> None:
        self._profile = profile or Profile()
        self._telling = Telling(attempt)
        self._link: Link = SerialLink() if self._profile.serial else TcpLink()
        self._faults = Faults()
        self._identity = Identity("zvt")
        self._stored = Stored()
        self._vending = False
        self._open = self._connected = False
        self._chores: deque[str] = deque()  # messages of our own, before any task
        self._exchange: Exchange | None = None
        self._step = ""  # what the exchange is for
        self._sent = ""  # what the last one was for
        self._astray = 0
        self._task: Task | None = None
        self._events: list[Event] = []  # to be told with the next tick
        self._cancel = False
        self._not_before_ms = 0
        self._ready_ms: int | None = None  # when the terminal last said that it is ready
        self._enquired_ms = 0

    @property
    def attempt(self) -> Attempt | None:
        return self._telling.attempt

    # What the driver calls

    def line_opened(self, now_ms: int) -> None:
        self._events += self._drop("the line was lost")
        self._events += self._faults.restart()
        self._link.opened(now_ms)
        self._open = True
        # Whose answers all got lost takes the same frame again for a repetition, acknowledges it, and does nothing.
        self._chores = deque((ENQUIRE, *OPENING) if self._sent == REGISTER else OPENING)
        self._stored, self._ready_ms = Stored(), None
        self._not_before_ms = now_ms

    def feed(self, data: bytes, now_ms: int) -> list[Event]:
        if not self._open:
            return []
        return [event for message in self._link.receive(data, now_ms) for event in self._hear(message, now_ms)]

    def tick(self, now_ms: int) -> tuple[bytes, list[Event]]:
        events, self._events = self._events, []
        if self._open:
            events += self._lapse(now_ms)
        if not self._open:
            return b"", events
        self._answer_goods(now_ms)
        events += self._go_on(now_ms)
        self._ask_to_cancel(now_ms)
        data = self._link.send(now_ms)
        if self._exchange:
            self._exchange.said(self._link.delivered(), now_ms)
        return data, events

    def due_ms(self) -> int:
        if self._events or (self._open and self._link.failed):
            return 0
        if not self._open:
            return NEVER_MS
        due = [self._link.due_ms()]
        if self._exchange:
            due.append(self._exchange.due_ms())
        else:
            waits = self._chores or (self._task and self._task.steps)
            due.append(self._not_before_ms if waits else self._enquiry_ms())
        if self._task and self._task.handshake:
            due.append(self._task.handshake.due_ms())
        if self._may_cancel():
            due.append(self._link.quiet_ms())
        return min(due)

    def command(self, command: Command) -> None:
        match command:
            case Acknowledge(report):
                if self._telling.acknowledge(report) and self._task and self._task.handshake:
                    self._task.handshake.known = True
            case Cancel(reference):
                self._cancel_wanted(reference)
            case Show():
                pass  # it shows its own screen: the sheet has no display command that leaves it to go on
            case _:
                self._begin(command)

    # Commands

    def _begin(self, work: Work) -> None:
        if not self._connected or self._task or self._telling.held:
            raise Busy("the terminal is not connected, or something is under way")
        if isinstance(work, (Sale, Void, Refund)) and not 0 < work.amount_minor <= AMOUNT_MAX:
            raise Refused(f"no amount: {work.amount_minor}")
        if isinstance(work, (Sale, Refund)) and work.currency != self._profile.currency:
            raise Refused(f"the terminal is set up for {self._profile.currency}")
        if isinstance(work, (Sale, Void, Refund)):
            if self._telling.reversal:
                raise Busy("a reversal is not acknowledged yet")
            self._telling.begin(work)
        self._task = Task(work, steps_for(work, self._stored.mark is not None))
        self._not_before_ms = 0

    def _cancel_wanted(self, reference: str) -> None:
        task = self._task
        if not task or not isinstance(task.work, (Sale, Void, Refund)) or task.work.reference != reference:
            return
        if PAY in task.steps:
            self._task = None
            self._events += self._telling.ended(task.work, Outcome(CANCELLED, reason="before it began"))
        elif not task.handshake:
            self._cancel = True

    def _may_cancel(self) -> bool:
        return self._cancel and self._exchange is not None and self._exchange.answered

    def _ask_to_cancel(self, now_ms: int) -> None:
        """While nobody speaks: on a serial line two voices at once are lost."""
        if self._may_cancel() and now_ms >= self._link.quiet_ms():
            self._cancel = False
            self._link.say(requests.CANCEL)

    # One message after the other

    def _go_on(self, now_ms: int) -> list[Event]:
        if self._exchange or now_ms < self._not_before_ms:
            return []
        task = self._task
        if self._chores:
            self._send(self._chores.popleft(), now_ms)
        elif task and task.steps:
            return self._next_step(task, now_ms)
        elif now_ms >= self._enquiry_ms():
            self._send(ENQUIRE, now_ms)
        return []

    def _next_step(self, task: Task, now_ms: int) -> list[Event]:
        if task.begun_ms is None:
            task.begun_ms = now_ms
        if task.steps[0] == ENQUIRE and self._ready_ms is not None and now_ms - self._ready_ms < FRESH_MS:
            task.steps.popleft()
        step = task.steps.popleft()
        if step == PAY and isinstance(task.work, (Sale, Void, Refund)):
            return self._pay(task.work, now_ms)
        self._send(step, now_ms)
        return []

    def _pay(self, work: Payment, now_ms: int) -> list[Event]:
        why = self._faults.lasting if isinstance(work, Sale) else ""
        if isinstance(work, Void) and not receipt_of(work.terminal_ref):
            why = "no receipt number"
        if why:
            self._task = None
            return self._telling.ended(work, Outcome(NOT_STARTED, reason=why))
        self._telling.sent(self._stored.mark, self._identity.terminal_id)
        self._stored = Stored()  # until this one has ended nobody knows
        self._send(PAY, now_ms)
        return []

    def _send(self, step: str, now_ms: int) -> None:
        self._step = self._sent = step
        self._exchange = Exchange(now_ms, self._profile.serial, chore=step not in (PAY, CLOSE))
        if step == ENQUIRE:
            self._enquired_ms = now_ms
        self._link.say(message(self._profile, step, self._task.work if self._task else None))

    def _enquiry_ms(self) -> int:
        return self._enquired_ms + (ENQUIRY_FAULT_MS if self._faults.holding else ENQUIRY_MS)

    # What the terminal says

    def _hear(self, message: Message, now_ms: int) -> list[Event]:
        exchange = self._exchange
        if is_answer(message):
            if not exchange or exchange.answered:
                return []
            exchange.answer(message, now_ms)
            return self._finish(exchange.refused(self._link.repeated), now_ms) if exchange.refusal else self._started()
        if exchange and exchange.answered:
            return self._course(exchange, message, now_ms)
        return self._stray(message)

    def _started(self) -> list[Event]:
        work = self._task.work if self._task else None
        asks = self._step == PAY and isinstance(work, (Sale, Refund))
        return [Prompt(work.reference, "present_card")] if work and asks else []

    def _course(self, exchange: Exchange, message: Message, now_ms: int) -> list[Event]:
        if message.code == requests.INFORMATION:
            exchange.goes_on(now_ms, None)
            exchange.information = read_information(message.data)
            return self._tracks(exchange.information) + self._informed(exchange, now_ms)
        self._accept(message)
        match message.code:
            case requests.PROGRESS:
                exchange.goes_on(now_ms, patience_ms(message.data))
                return self._prompt(message.data)
            case requests.COMPLETED:
                return self._finish(Ending(How.COMPLETED, data=message.data), now_ms)
            case requests.ABORTED:
                return self._finish(Ending(How.ABORTED, message.data[0] if message.data else 0), now_ms)
        return []

    def _accept(self, message: Message) -> None:
        self._link.say(requests.POSITIVE if message.code in requests.ACCEPTED else requests.UNKNOWN_COMMAND)

    def _prompt(self, data: bytes) -> list[Event]:
        if self._step != PAY or not self._task or self._task.handshake:
            return []
        said = prompt(self._task.work.reference, data)
        return [said] if said else []

    def _tracks(self, information: Information) -> list[Event]:
        return self._faults.raised("wrong_terminal", "it sends card data") if information.tracks else []

    def _stray(self, message: Message) -> list[Event]:
        """The terminal is still at something that an earlier connection, or another process, began."""
        if message.code != requests.INFORMATION:
            self._accept(message)
            return []
        information = read_information(message.data)
        self._link.say(answer_to_stray(information, self.attempt, self._telling.held_sale))
        return self._tracks(information)

    # A result

    def _informed(self, exchange: Exchange, now_ms: int) -> list[Event]:
        task, information = self._task, exchange.information
        if self._step == PAY and task and isinstance(task.work, Sale):
            return self._sale_informed(exchange, task, task.work, now_ms)
        if self._step == PAY and information.good:
            self._telling.marked(information.mark)
        self._link.say(requests.POSITIVE)
        return []

    def _sale_informed(self, exchange: Exchange, task: Task, work: Sale, now_ms: int) -> list[Event]:
        handshake, information = task.handshake, exchange.information
        if not information.good:
            self._link.say(requests.POSITIVE)
            if handshake:
                handshake.undone, handshake.asked_ms = True, None
            return []
        if handshake:
            handshake.undone, handshake.asked_ms = False, now_ms
            return []
        before = self.attempt.before if self.attempt else None
        if before and compare(information.mark, before) is Likeness.SAME:
            self._link.say(requests.POSITIVE)
            exchange.information = Information()  # the one before, once more
            return []
        self._cancel = False
        if not fits(information, work.amount_minor, self._profile.currency):
            self._link.say(requests.NOT_ISSUED)
            return []
        events = self._telling.approved(work, approved(information, work.amount_minor))
        task.handshake = Handshake(now_ms, self._vending)
        if information.offline:
            events += self._faults.raised("store_and_forward", "it approved offline")
        return events

    def _answer_goods(self, now_ms: int) -> None:
        handshake = self._task.handshake if self._task else None
        answer = handshake.answer(now_ms) if handshake else None
        if answer:
            self._link.say(answer)
            if self._exchange:
                self._exchange.goes_on(now_ms, SETTLE_MS)

    # Endings

    def _finish(self, ending: Ending, now_ms: int) -> list[Event]:
        """The command in course has ended."""
        exchange, step = self._exchange, self._step
        assert exchange is not None
        self._exchange, self._step, self._cancel = None, "", False
        information = exchange.information
        if step == PAY:
            events = self._paid(information, ending)
        elif step == CLOSE and self._task and isinstance(self._task.work, CloseBatch):
            events = self._telling.closed(self._task.work, information, ending)
            self._task = None if ending.how is How.SILENT else self._task
        elif ending.how is How.SILENT:
            events = []
        elif ending.how is How.REFUSED and ending.code in BUSY and step != ENQUIRE:
            events = self._ask_again(step, now_ms)
        elif self._strays(step, information, ending):
            events = self._begin_anew(step, now_ms)
        elif step == REPEAT:
            events = self._repeated(information, ending)
        else:
            events = (self._registered if step == REGISTER else self._enquired)(ending, now_ms)
        return events + (self._lose(ending.reason) if ending.how is How.SILENT else [])

    def _strays(self, step: str, information: Information, ending: Ending) -> bool:
        """Return whether this is the end of something else, from before the line was opened, or of a stranger to us."""
        if ending.how is not How.COMPLETED:
            return ending.code == NOT_REGISTERED and step == REPEAT and self._astray < ASTRAY_MAX
        says_status = ending.data[:1] == bytes([STATUS])
        strays = {REGISTER: not says_status, ENQUIRE: says_status, REPEAT: information.result is None}[step]
        return strays and (step == REGISTER or self._astray < ASTRAY_MAX)

    def _begin_anew(self, step: str, now_ms: int) -> list[Event]:
        self._astray += 1
        if step == REPEAT and self._connected and self._task and not self._task.steps:
            self._task.steps.append(REPEAT)
        self._chores = deque(OPENING)
        self._not_before_ms = now_ms + RETRY_MS
        return []

    def _ask_again(self, step: str, now_ms: int) -> list[Event]:
        task = self._task
        events = self._faults.raised("busy", "9C")
        begun_ms = task.begun_ms if task and isinstance(task.work, Query) else None
        if task and isinstance(task.work, Query) and begun_ms is not None and now_ms - begun_ms >= QUERY_MS_MAX:
            self._task = None
            return events + self._telling.ended(task.work, Outcome(UNKNOWN, reason="the terminal stays busy"))
        own = begun_ms is not None and step == REPEAT
        (task.steps if task and own else self._chores).appendleft(step)
        self._not_before_ms = now_ms + RETRY_MS
        return events

    def _registered(self, ending: Ending, now_ms: int) -> list[Event]:
        if ending.how is not How.COMPLETED:
            self._chores.appendleft(REGISTER)
            self._not_before_ms = now_ms + REGISTER_AGAIN_MS
            return self._faults.raised("out_of_service", f"registration: {ending.code:02X}")
        bmps = read_fields(ending.data).bmps
        terminal_id = digits_of(bmps.get(0x29, b""))
        self._vending = bool(bmps.get(0x19, b"\0")[0] & VENDING)
        self._identity = replace(self._identity, terminal_id=terminal_id)
        if self._profile.terminal_id not in ("", terminal_id):
            return self._faults.raised("wrong_terminal", f"{terminal_id}, not {self._profile.terminal_id}")
        return []

    def _enquired(self, ending: Ending, now_ms: int) -> list[Event]:
        status = ending.code
        if ending.how is How.COMPLETED:
            status, version = read_status(ending.data)
            self._identity = replace(self._identity, firmware=version or self._identity.firmware)
        self._ready_ms = now_ms if status == READY else None
        events = self._faults.status(status)
        task = self._task
        if status != READY and task and isinstance(task.work, Sale) and task.begun_ms is not None:
            self._task = None
            events += self._telling.ended(task.work, Outcome(NOT_STARTED, reason=f"{status:02X}"))
        return events

    def _repeated(self, information: Information, ending: Ending) -> list[Event]:
        self._stored, self._astray, terminal_id = Stored(), 0, self._identity.terminal_id
        if self._profile.terminal_id not in ("", terminal_id):
            pass  # what another terminal stored says nothing
        elif ending.how is How.COMPLETED and information.result is not None:
            self._stored = Stored(information.mark or None, information, terminal_id)
        elif ending.how is not How.COMPLETED and ending.code in self._profile.nothing_stored:
            self._stored = Stored("", terminal=terminal_id)
        events = self._faults.no_longer_busy()
        if not self._connected:
            self._connected = True
            return [
                *events,
                Connected(self._identity),
                *self._telling.recalled(self._stored, self._profile.currency),
            ]
        task = self._task
        if not task or task.steps:
            return events
        self._task = None
        if isinstance(task.work, Query):
            outcome = look(task.work, self.attempt, self._stored, self._profile.currency)
            events += self._telling.ended(task.work, outcome)
        return events

    def _paid(self, information: Information, ending: Ending) -> list[Event]:
        task, self._task = self._task, None
        assert task is not None
        if ending.how is not How.SILENT:
            self._learn(information, ending)
        if task.handshake:
            return self._approved_ended(task.handshake, ending)
        if isinstance(task.work, Sale):
            return self._telling.ended(task.work, unapproved_sale(information, ending))
        assert isinstance(task.work, (Void, Refund))
        return self._telling.ended(task.work, other_ended(task.work, information, ending, self._profile.currency))

    def _learn(self, information: Information, ending: Ending) -> None:
        """Know what is stored last, or ask: the next attempt is told from it."""
        if ending.how is How.COMPLETED and information.good and information.mark:
            self._stored = Stored(information.mark, information)
        else:
            self._chores.append(REPEAT)
            self._not_before_ms = 0

    def _approved_ended(self, handshake: Handshake, ending: Ending) -> list[Event]:
        if ending.how is How.SILENT:
            return []  # what is stored shows when the terminal is met again
        if ending.how is How.COMPLETED and not handshake.undone:
            self._telling.settled()
            return []
        return self._telling.undone(f"{ending.code:02X}")

    # Time alone, and the line

    def _lapse(self, now_ms: int) -> list[Event]:
        if self._link.failed:
            return self._lose(self._link.failed)
        return self._finish(self._exchange.silence(), now_ms) if self._exchange and self._exchange.late(now_ms) else []

    def _lose(self, reason: str) -> list[Event]:
        events = self._drop(reason)
        self._open = False
        return [*events, Lost(reason)]

    def _drop(self, reason: str) -> list[Event]:
        """Whatever was under way cannot be followed any more."""
        task, step = self._task, self._step
        self._task = self._exchange = None
        self._step, self._cancel, self._connected = "", False, False
        if not task or task.handshake:
            return []
        if isinstance(task.work, CloseBatch):
            told = step != CLOSE and CLOSE not in task.steps
            silent = Ending(How.SILENT, reason=reason)
            return [] if told else self._telling.closed(task.work, Information(), silent)
        sent = step == PAY or isinstance(task.work, Query)
        return self._telling.ended(task.work, Outcome(UNKNOWN if sent else NOT_STARTED, reason=reason))
