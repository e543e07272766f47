"""Sale, void, refund and query as scripts: each yields what to do next and is given what came of it.

The payment intent is the truth, never the reader's action alone. One request of a sale can move money: the one that
hands the intent to the reader. It is made once. A sale that did not end in money ends only when its intent is
cancelled, for nothing can be charged by a cancelled one, however late a lost request still arrives.
"""

from collections.abc import Generator
from dataclasses import dataclass, field, replace

from hardware.cards.contract import (
    ABSENT,
    APPROVED,
    CANCELLED,
    DECLINED,
    NOT_STARTED,
    UNKNOWN,
    Prompt,
    Query,
    Refund,
    Sale,
    Slip,
    Void,
)
from hardware.cards.stripe import calls
from hardware.cards.stripe.calls import Request, is_id
from hardware.cards.stripe.finding import Wait, find_intent, find_repayment
from hardware.cards.stripe.reading import Answer, Intent, Reader, Repayment, as_intent, as_reader, as_repayment

CREATE_TRIES = 3
STRANGER_LOOKS = 4  # the reader does something else, or nothing: then it does not do ours
QUERY_MS_MAX = 45_000
REPAYMENT_MS_MAX = 20_000
SETTLE_MS = 90_000  # the API may take 80 s over a refund that nobody waits for any more: look again after that

CANCELLED_BY_KIOSK = "cancelled_by_kiosk"
NOBODY_CAME = "no_card_in_time"
READER_RESET = "reader_reset"

# What a reader says when it certainly has not begun.
NOT_BEGUN = frozenset({"terminal_reader_offline", "terminal_reader_busy", "terminal_reader_hardware_fault"})
DECLINES = frozenset({"card_declined", "expired_card", "incorrect_pin", "insufficient_funds", "processing_error"})

Script = Generator[Request | Wait, Answer, "Outcome"]


@dataclass(frozen=True)
class Settings:
    """`reader` is its id at the processor; `serial` what must be printed on it, "" for any.

    `live` False takes the processor's test mode, in which no approval is money. The reader waits `card_wait_ms` for a
    card; a sale of which nothing is known after `sale_ms_max` is unknown, before the kiosk's own timer ends.
    """

    reader: str
    serial: str = ""
    live: bool = True
    poll_ms: int = 1_000
    card_wait_ms: int = 75_000
    sale_ms_max: int = 170_000


@dataclass
class Scene:
    """What a script sees of the machine around it. `gone`: the API has been silent for too long."""

    settings: Settings
    now_ms: int = 0
    gone: bool = False
    cancelled: bool = False
    prompts: list[Prompt] = field(default_factory=list)  # not yet told
    prompted: str = ""  # the last one

    def begin(self) -> None:
        """Forget what belonged to the operation before."""
        self.cancelled, self.prompted = False, ""

    def prompt(self, reference: str, code: str) -> None:
        if code != self.prompted:
            self.prompted = code
            self.prompts.append(Prompt(reference, code))


@dataclass(frozen=True)
class Outcome:
    """How an operation ended; the machine makes an `Ended` of it."""

    result: str
    amount_minor: int = 0
    terminal_ref: str = ""
    reason: str = ""
    slip: Slip = field(default_factory=Slip)


def never_begun(reason: str) -> Script:
    yield from ()
    return Outcome(NOT_STARTED, reason=reason)


def sale(scene: Scene, order: Sale) -> Script:
    """Create the intent, hand it to the reader, watch it to its end."""
    end_ms = scene.now_ms + scene.settings.sale_ms_max
    answer = Answer()
    for attempt in range(CREATE_TRIES):
        if scene.cancelled:
            return Outcome(CANCELLED, reason=CANCELLED_BY_KIOSK)
        answer = yield calls.create_intent(order, scene.settings.reader)
        if not answer.silent:
            if answer.replayed and attempt == 0:
                return Outcome(UNKNOWN, reason="reference_used_before")
            break
        if scene.gone:
            break
        yield Wait(scene.settings.poll_ms)
    if answer.code == "idempotency_error":
        return Outcome(UNKNOWN, reason="reference_used_before")
    intent = as_intent(answer.body)
    if intent is None or not _ours(intent, order, scene) or intent.status != "requires_payment_method":
        # The reader has heard of nothing, and never will: an intent alone moves no money.
        return Outcome(NOT_STARTED, reason=answer.code or "no_answer")
    return (yield from _collect(scene, order, intent, end_ms))


def _ours(intent: Intent, order: Sale, scene: Scene) -> bool:
    same_money = intent.currency == order.currency.upper()
    return intent.reference == order.reference and same_money and intent.live == scene.settings.live


def _collect(scene: Scene, order: Sale, intent: Intent, end_ms: int) -> Script:
    close = _Closing(intent.id, order.reference, end_ms)
    if scene.cancelled:
        return (yield from _close(scene, replace(close, reason=CANCELLED_BY_KIOSK)))
    answer = yield calls.process_intent(scene.settings.reader, intent.id, order.reference)
    if answer.code in NOT_BEGUN:
        return (yield from _close(scene, replace(close, result=NOT_STARTED, reason=answer.code, busy=False)))
    if answer.refused and answer.code != "terminal_reader_timeout":  # which is false at times: the reader has it
        return (yield from _close(scene, replace(close, result=NOT_STARTED, reason=answer.code)))
    return (yield from _watch(scene, close))


@dataclass(frozen=True)
class _Closing:
    """How to end what is not paid: `result` and `reason` if it turns out not to be. `busy`: the reader may be at it."""

    intent: str
    reference: str
    end_ms: int
    result: str = CANCELLED
    reason: str = ""
    busy: bool = True


def _watch(scene: Scene, close: _Closing) -> Script:
    """Look at intent and reader in turn until one of them says that it is over."""
    card_ms = min(scene.now_ms + scene.settings.card_wait_ms, close.end_ms)
    strange, seen = 0, False
    while not scene.gone and scene.now_ms < close.end_ms:
        intent = as_intent((yield calls.intent(close.intent)).body)
        if intent and (intent.paid or intent.dropped):
            return _outcome(intent, close)
        if intent and intent.status == "processing":
            scene.prompt(close.reference, "authorising")
        elif scene.cancelled or scene.now_ms >= card_ms:
            reason = CANCELLED_BY_KIOSK if scene.cancelled else NOBODY_CAME
            return (yield from _close(scene, replace(close, reason=reason)))
        else:
            reader = as_reader((yield calls.reader(scene.settings.reader)).body)
            if reader and reader.intent == close.intent:
                strange, seen = 0, True
                if reader.action == "failed":
                    result = DECLINED if reader.failure in DECLINES else CANCELLED
                    return (yield from _close(scene, replace(close, result=result, reason=reader.failure, busy=False)))
                if reader.action == "in_progress":
                    scene.prompt(close.reference, "present_card")
            elif reader:
                strange += 1
                if strange >= STRANGER_LOOKS:
                    result = CANCELLED if seen else NOT_STARTED
                    return (yield from _close(scene, replace(close, result=result, reason=READER_RESET, busy=False)))
        yield Wait(scene.settings.poll_ms)
    return Outcome(UNKNOWN, terminal_ref=close.intent, reason="no_answer" if scene.gone else "too_slow")


def _close(scene: Scene, close: _Closing) -> Script:
    """Take the payment from the reader and cancel its intent; if it turns out paid, it is paid."""
    if close.busy:
        yield calls.cancel_action(scene.settings.reader)
    before = as_intent((yield calls.intent(close.intent)).body)
    while not scene.gone and scene.now_ms < close.end_ms:
        if before and before.declined:  # a cancelled intent need not say any more why
            close = replace(close, result=DECLINED, reason=before.declined)
        if before and (before.paid or before.dropped):
            return _outcome(before, close)
        answer = yield calls.cancel_intent(close.intent)
        if answer.silent:
            yield Wait(scene.settings.poll_ms)
        after = as_intent(answer.body)
        if after and after.dropped:
            return _outcome(after, close)
        before = as_intent((yield calls.intent(close.intent)).body)
        if not (before and (before.paid or before.dropped)):
            yield Wait(scene.settings.poll_ms)
    return Outcome(UNKNOWN, terminal_ref=close.intent, reason="no_answer" if scene.gone else "too_slow")


def _outcome(intent: Intent, close: _Closing) -> Outcome:
    """Return what an intent that is over says. It must be the one we mean: an answer can be anybody's."""
    if intent.id != close.intent or intent.reference != close.reference:
        return Outcome(UNKNOWN, terminal_ref=close.intent, reason="wrong_answer")
    if intent.paid:
        return Outcome(APPROVED, intent.received_minor, intent.id, slip=intent.slip)
    if intent.declined and close.result != DECLINED:
        return Outcome(DECLINED, 0, intent.id, intent.declined, intent.slip)
    return Outcome(close.result, 0, intent.id, close.reason, intent.slip)


# Money back


def give_back(scene: Scene, order: Void | Refund) -> Script:
    """Void or refund: both are a refund here, the void a whole one. Made once; what is lost is looked up by Query."""
    intent_id = order.terminal_ref
    if not is_id(intent_id, "pi"):
        found = yield from find_intent(order.of, lambda: scene.gone, scene.settings.poll_ms)
        if found.intent is None:
            return Outcome(NOT_STARTED, reason="sale_not_found")
        intent_id = found.intent.id
    answer = yield calls.create_refund(order, intent_id)
    repayment = as_repayment(answer.body)
    if answer.refused and answer.code != "idempotency_error":
        return Outcome(DECLINED, reason=answer.code)
    if repayment is None or repayment.reference != order.reference or answer.replayed:
        return Outcome(UNKNOWN, reason=answer.code or "no_answer")
    return (yield from _repaid(scene, repayment))


def _repaid(scene: Scene, repayment: Repayment) -> Script:
    end_ms = scene.now_ms + REPAYMENT_MS_MAX
    while True:
        if repayment.status == "succeeded":
            return Outcome(APPROVED, repayment.amount_minor, repayment.id, slip=repayment.slip)
        if repayment.status in ("failed", "canceled"):
            return Outcome(DECLINED, 0, repayment.id, f"refund_{repayment.status}", repayment.slip)
        if scene.gone or scene.now_ms >= end_ms:
            return Outcome(UNKNOWN, 0, repayment.id, f"refund_{repayment.status}", repayment.slip)
        yield Wait(scene.settings.poll_ms)
        fresh = as_repayment((yield calls.refund(repayment.id)).body)
        if fresh and (fresh.id, fresh.reference) == (repayment.id, repayment.reference):
            repayment = fresh


# What became of it


def query(scene: Scene, order: Query) -> Script:
    if order.operation == "sale":
        return (yield from _query_sale(scene, order))
    return (yield from _query_repayment(scene, order))


def _query_sale(scene: Scene, order: Query) -> Script:
    """Find the intent and end it: paid, or cancelled so that it never will be."""
    intent: Intent | None = None
    if is_id(order.terminal_ref, "pi"):
        intent = as_intent((yield calls.intent(order.terminal_ref)).body)
    if intent is None or intent.reference != order.reference:
        found = yield from find_intent(order.reference, lambda: scene.gone, scene.settings.poll_ms)
        if found.intent is None:
            # Without an intent the reader was given nothing: the money part of a sale comes after it.
            return Outcome(ABSENT if found.certain else UNKNOWN, reason="" if found.certain else "no_answer")
        intent = found.intent
    if intent.live != scene.settings.live:
        return Outcome(UNKNOWN, terminal_ref=intent.id, reason="wrong_mode")
    close = _Closing(intent.id, order.reference, scene.now_ms + QUERY_MS_MAX, reason="never_paid", busy=False)
    if not (intent.paid or intent.dropped):
        seen = as_reader((yield calls.reader(scene.settings.reader)).body)
        close = replace(close, busy=_at_it(seen, intent))
    return (yield from _close(scene, close))


def _at_it(reader: Reader | None, intent: Intent) -> bool:
    return reader is not None and reader.action == "in_progress" and reader.intent == intent.id


def _query_repayment(scene: Scene, order: Query) -> Script:
    if is_id(order.terminal_ref, "re"):
        known = as_repayment((yield calls.refund(order.terminal_ref)).body)
        if known and known.reference == order.reference:
            return (yield from _repaid(scene, known))
    intent_id = order.terminal_ref if is_id(order.terminal_ref, "pi") else ""
    if not intent_id and order.of:
        found = yield from find_intent(order.of, lambda: scene.gone, scene.settings.poll_ms)
        if found.intent is None:
            return Outcome(ABSENT if found.certain else UNKNOWN, reason="sale_not_found")
        intent_id = found.intent.id
    for look in range(2):
        sought = yield from find_repayment(order.reference, intent_id, lambda: scene.gone, scene.settings.poll_ms)
        if sought.repayment is not None:
            return (yield from _repaid(scene, sought.repayment))
        if not sought.certain:
            return Outcome(UNKNOWN, reason="no_answer")
        if look == 0:
            yield Wait(SETTLE_MS)
    return Outcome(ABSENT)
