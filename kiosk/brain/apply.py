"""apply(books, fact): the only place where money changes. A fact that cannot follow is a bug and raises."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from typing import Any

from kiosk.brain.apply_refunds import RULES as REFUND_RULES
from kiosk.brain.apply_tenders import RULES as TENDER_RULES
from kiosk.brain.apply_tenders import left_behind
from kiosk.brain.apply_tenders import open_payment as _payment
from kiosk.brain.contradiction import Contradiction as Contradiction
from kiosk.brain.contradiction import require as _require
from kiosk.brain.state import Books, OpenNote, OpenPayment, PaidBill
from kiosk.domain import facts as f
from kiosk.domain.claim import Aftermath

# More than these nobody could read; the journal has them all.
_AFTERMATH_MAX = 4
_SLIPS_MAX = 8
_PAID_MAX = 24


def _session_opened(books: Books, fact: f.SessionOpened) -> Books:
    _require(books.note is None, "a session opened while a note is open")
    _require(not books.card_under_way, "a session opened while a card transaction is under way")
    _require(books.payout is None, "a session opened while change is being given")
    return replace(books, session_id=fact.session_id, session_claims=0, declines=0, aftermath=())


def _session_closed(books: Books, fact: f.SessionClosed) -> Books:
    """Who saw the page of thanks was told everything; who was cut off finds it on the waiting page."""
    kept = books.aftermath
    if fact.reason == "done":
        kept = ()
    elif fact.reason not in ("restart", "stopping"):
        kept = tuple(item for item in kept if item.what not in ("applied", "filed"))
    return replace(books, session_id="", aftermath=kept)


def _invoice_chosen(books: Books, fact: f.InvoiceChosen) -> Books:
    _require(books.payment is None, "a payment began while another is open")
    payment = OpenPayment(
        payment_id=fact.payment_id,
        session_id=fact.session_id,
        account=fact.account,
        last4=fact.last4,
        invoices=fact.invoices,
        balance_minor=fact.balance_minor,
        live=fact.live,
        language=fact.language,
    )
    return replace(books, payment=payment)


def _amount_agreed(books: Books, fact: f.AmountAgreed) -> Books:
    return replace(books, payment=replace(_payment(books, fact.payment_id), agreed_minor=fact.amount_minor))


def _credit_agreed(books: Books, fact: f.CreditAgreed) -> Books:
    return replace(books, payment=replace(_payment(books, fact.payment_id), credit_up_to_minor=fact.up_to_minor))


def _note_stack_requested(books: Books, fact: f.NoteStackRequested) -> Books:
    _require(books.note is None, "a second note while one is open")
    _require(not books.card_under_way, "a note was asked for while a card transaction is under way")
    _require(books.payout is None, "a note was asked for while change is being given")
    _payment(books, fact.payment_id)
    note = OpenNote(fact.note_id, fact.payment_id, fact.channel, fact.value_minor, fact.cassette_period)
    return replace(books, note=note, last_stacked_minor=0)


def _note_stacked(books: Books, fact: f.NoteStacked) -> Books:
    _require(books.note is not None and books.note.note_id == fact.note_id, "a stacked note that was not open")
    payment = _payment(books, fact.payment_id)
    notes = (*payment.notes, f.NoteInPayment(fact.note_id, fact.value_minor))
    return replace(
        _cash_in(books, fact.value_minor, fact.cassette_period), note=None, payment=replace(payment, notes=notes)
    )


def _note_returned(books: Books, fact: f.NoteReturned) -> Books:
    _require(books.note is not None and books.note.note_id == fact.note_id, "a returned note that was not open")
    return replace(books, note=None)


def _note_in_doubt(books: Books, fact: f.NoteInDoubt) -> Books:
    _require(books.note is not None and books.note.note_id == fact.note_id, "a doubtful note that was not open")
    in_period = fact.cassette_period == books.period
    return replace(books, note=None, doubtful_minor=books.doubtful_minor + (fact.value_minor if in_period else 0))


def _note_unexpected(books: Books, fact: f.NoteUnexpected) -> Books:
    """It may be the note that was in doubt; the claim of that one then stands for both."""
    books = replace(books, aftermath=_found(books.aftermath, fact.value_minor))
    return _cash_in(books, fact.value_minor, fact.cassette_period)


def _found(aftermath: tuple[Aftermath, ...], value_minor: int) -> tuple[Aftermath, ...]:
    for at, item in enumerate(aftermath):
        if item.what == "lost" and item.amount_minor == value_minor:
            return (*aftermath[:at], replace(item, what="found"), *aftermath[at + 1 :])
    return aftermath


def _payment_completed(books: Books, fact: f.PaymentCompleted) -> Books:
    late = books.late is not None and books.late.payment_id == fact.payment_id
    payment = books.late if late and books.late is not None else _payment(books, fact.payment_id)
    _require(books.payout is None or late, "a payment completed while change is being given")
    _require(payment.in_minor == fact.total_minor, "a payment completed with another sum than was put in")
    _require(payment.fee_minor == fact.fee_minor, "a payment completed with another fee than was taken")
    _require(sum(line.amount_minor for line in fact.lines) == fact.total_minor, "lines differ from the sum")
    rest = _rest(payment, fact.lines)
    books = left_behind(replace(books, receipts=books.receipts + 1, unprinted=(*books.unprinted, fact)), rest)
    lines = (PaidBill(line.account, line.invoice, line.amount_minor, fact.completed_at) for line in fact.lines)
    books = replace(books, paid=(*books.paid, *lines)[-_PAID_MAX:] if fact.completed_at else books.paid)
    still_open = rest if books.note is not None else None
    books = replace(books, late=None) if late else replace(books, payment=still_open)
    if late and books.session_id not in ("", fact.session_id):
        return books  # who stands there now has another receipt, and need not read this one
    applied = Aftermath("applied", fact.total_minor, payment.last4, fact.receipt_number)
    return replace(books, completed=fact, aftermath=_told(books, applied))


def _told(books: Books, item: Aftermath) -> tuple[Aftermath, ...]:
    return (*books.aftermath, item)[-_AFTERMATH_MAX:]


def _rest(payment: OpenPayment, paid: tuple[f.LinePaid, ...]) -> OpenPayment:
    """What stays open for a note or a card whose fate is unknown, when its payment had to be closed before (rule 4)."""
    by_invoice: dict[tuple[str, str], int] = {}
    for line in paid:
        by_invoice[line.account, line.invoice] = by_invoice.get((line.account, line.invoice), 0) + line.amount_minor
    invoices = tuple(
        replace(line, amount_minor=line.amount_minor - by_invoice.get((line.account, line.invoice), 0))
        for line in payment.invoices
    )
    return replace(
        payment,
        invoices=invoices,
        balance_minor=max(0, payment.balance_minor - sum(by_invoice.values())),
        agreed_minor=0,
        notes=(),
        cards=(),
        checks=(),
        change_minor=0,
    )


def _payment_abandoned(books: Books, fact: f.PaymentAbandoned) -> Books:
    payment = _payment(books, fact.payment_id)
    empty = not payment.holds_money and books.note is None
    _require(empty, "a payment with money in it was abandoned")
    return left_behind(replace(books, payment=None), replace(payment, agreed_minor=0))


def _receipt_ended(books: Books, fact: f.ReceiptPrinted | f.ReceiptFailed) -> Books:
    left = tuple(done for done in books.unprinted if done.receipt_number != fact.receipt_number)
    paper = "printed" if isinstance(fact, f.ReceiptPrinted) else "failed"
    return replace(books, unprinted=left, aftermath=_papered(books, fact.receipt_number, paper))


def _papered(books: Books, number: str, paper: str) -> tuple[Aftermath, ...]:
    return tuple(replace(item, paper=paper) if item.number == number else item for item in books.aftermath)


_CLAIMED = {"note_in_doubt": "lost", "note_unexpected": "unplaced", "change_in_doubt": "change"}


def _claim_opened(books: Books, fact: f.ClaimOpened) -> Books:
    """A claim is a memo: counted, never money."""
    item = Aftermath(_CLAIMED.get(fact.what, "filed"), fact.amount_minor, fact.last4, fact.claim_number)
    return replace(
        books,
        claims=books.claims + 1,
        session_claims=books.session_claims + (fact.opened_by == "resident"),
        slips=(*books.slips, fact)[-_SLIPS_MAX:],
        aftermath=_told(books, item),
    )


def _claim_slip_ended(books: Books, fact: f.ClaimSlipEnded) -> Books:
    left = tuple(claim for claim in books.slips if claim.claim_number != fact.claim_number)
    paper = "failed" if fact.outcome == "failed" else "printed"
    return replace(books, slips=left, aftermath=_papered(books, fact.claim_number, paper))


def _period_closed(books: Books, fact: f.CassettePeriodClosed) -> Books:
    _require(fact.period == books.period, "another period closed than the one that is open")
    return replace(
        books,
        period_notes=(),
        period_checks=0,
        period_check_minor=0,
        doubtful_minor=0,
        swap_announced=fact.reason == "swapped",
        carried=fact.recycler,
    )


def _period_opened(books: Books, fact: f.CassettePeriodOpened) -> Books:
    _require(fact.period == books.period + 1, "cassette periods must follow each other")
    return replace(books, period=fact.period)


def _staff_signed_out(books: Books, fact: f.StaffSignedOut) -> Books:
    """Who leaves by themselves had the page of health before them: the recycler was looked at."""
    looked = fact.reason == "signed_out"
    return replace(books, staff="", payout_unknown="" if looked else books.payout_unknown)


def _device_fault(books: Books, fact: f.DeviceFaultSeen) -> Books:
    """With a fault of the acceptor somebody may have taken the open note out of its path by hand."""
    if fact.fault == "cassette_removed":
        books = replace(books, swap_announced=False)
    if books.note is not None and fact.device == "acceptor":
        books = replace(books, note=_troubled(books.note, fact.fault))
    if books.payout is not None and fact.fault == "payout_told" and fact.detail.isdecimal():
        books = replace(books, payout=replace(books.payout, told_minor=int(fact.detail)))
    return books


def _troubled(note: OpenNote, fault: str) -> OpenNote:
    if fault == "wrong_table":
        return note
    if fault == "power_up":
        return replace(note, powered_up=True)
    return replace(note, disturbed=True, mistakable=note.mistakable or fault == "another_escrow")


def _medium_distrusted(books: Books, fact: f.MediumDistrusted) -> Books:
    return replace(books, frozen=books.frozen or "medium", lost_records=books.lost_records + fact.records)


def _unchanged(books: Books, fact: Any) -> Books:
    del fact
    return books


def _started(books: Books, fact: f.KioskStarted) -> Books:
    """Nobody watched the acceptor meanwhile: what befell an open note may have gone unseen."""
    del fact
    return books if books.note is None else replace(books, note=replace(books.note, disturbed=True))


_RULES: dict[type[Any], Callable[[Books, Any], Books]] = {
    f.KioskStarted: _started,
    f.SessionOpened: _session_opened,
    f.SessionClosed: _session_closed,
    f.InvoiceChosen: _invoice_chosen,
    f.AmountAgreed: _amount_agreed,
    f.CreditAgreed: _credit_agreed,
    f.NoteStackRequested: _note_stack_requested,
    f.NoteStacked: _note_stacked,
    f.NoteReturned: _note_returned,
    f.NoteInDoubt: _note_in_doubt,
    f.NoteUnexpected: _note_unexpected,
    f.PaymentCompleted: _payment_completed,
    f.PaymentAbandoned: _payment_abandoned,
    f.ReceiptPrinted: _receipt_ended,
    f.ReceiptFailed: _receipt_ended,
    f.ClaimOpened: _claim_opened,
    f.ClaimSlipEnded: _claim_slip_ended,
    f.CassettePeriodClosed: _period_closed,
    f.CassettePeriodOpened: _period_opened,
    f.StaffSignedIn: lambda books, fact: replace(books, staff=fact.who),
    f.StaffSignedOut: _staff_signed_out,
    f.DeviceFaultSeen: _device_fault,
    f.FramesKept: _unchanged,
    f.KioskFrozen: lambda books, fact: replace(books, frozen=fact.reason),
    f.MediumDistrusted: _medium_distrusted,
    f.JournalPruned: _unchanged,
    **TENDER_RULES,
    **REFUND_RULES,
}


def apply(books: Books, fact: f.Fact) -> Books:
    """Return the books after `fact`. Raises Contradiction when it cannot have happened."""
    return _RULES[type(fact)](books, fact)


def fold(history: Iterable[f.Fact], books: Books | None = None) -> Books:
    """Return the books that `history` leads to."""
    return reduce(apply, history, books or Books())


def _cash_in(books: Books, value_minor: int, period: int) -> Books:
    counts = {count.value_minor: count.count for count in books.period_notes}
    if period == books.period:
        counts[value_minor] = counts.get(value_minor, 0) + 1
    notes = tuple(f.NoteCount(value, counts[value]) for value in sorted(counts))
    return replace(
        books,
        period_notes=notes,
        cash_minor=books.cash_minor + value_minor,
        last_stacked_minor=value_minor,
        swap_announced=False,
    )
