"""Booking of refunds by staff: what a card gave goes back to it, and what it paid is owed again. Pure.

The terminal has given the money back whatever its record says, so that every branch ends in a booking, in suspense or
in a memo. What the payment never placed cannot be taken back from there: it is missing in suspense, for staff.
"""

from collections.abc import Callable
from datetime import date

from billing.journal import facts
from billing.journal.records import Record
from billing.journal.tender_desk import TenderDesk, step_of
from billing.journal.terms import (
    KEPT,
    POSTED,
    REFUND,
    REFUND_UNKNOWN,
    SALE,
    SUSPENDED,
    VOID,
    Answer,
    Booking,
    Books,
    KnownTender,
    Open,
)
from billing.ledger.chart import CARD, CLEARING, CREDIT, FEES, FORK_SUSPENSE, RECEIVABLE, SUSPENSE, card_of
from billing.ledger.posting import Line

KINDS = frozenset({"RefundStarted", "CardRefunded", "RefundEnded", "RefundUnknown"})
_ENDS = ("declined", "cancelled", "not_started", "absent")


class Refunds(TenderDesk):
    """Books the records about refunds of one chain, in order."""

    def __init__(self, kiosk_id: str, epoch: int, books: Books) -> None:
        super().__init__(kiosk_id, epoch, books)
        self.kinds: dict[str, Callable[[Record, date, bool], Booking]] = {
            "RefundStarted": self._started,
            "CardRefunded": self._refunded,
            "RefundEnded": self._ended,
            "RefundUnknown": self._unknown_end,
        }

    def _started(self, record: Record, day: date, fork: bool) -> Booking:
        return Booking(KEPT, step=step_of(record.body, "started"))

    def _refunded(self, record: Record, day: date, fork: bool) -> Booking:
        """Debit what the payment had paid, credit what the acquirer owes; through the payment's clearing."""
        body = record.body
        reference, of = facts.attempt(body), facts.attempt(body, "of")
        amount, currency = facts.amount(body, "amount_minor"), facts.currency(body)
        payment_id = facts.name(body, "payment_id")
        step, answer = step_of(body, "refunded"), Answer(REFUND_UNKNOWN, reference, payment_id)
        sale = self._booked(SALE, of, payment_id)
        if self._booked(REFUND, reference, payment_id):
            return self._memo("card-repeated", reference, amount, currency, step=step)
        if sale is None:
            return self._memo("refund-without-sale", reference, amount, currency, step=step)
        tender = self._remember(REFUND, reference, KnownTender(payment_id, amount, fork))
        owed = Line(CARD, card_of(self._kiosk_id, reference), -amount)
        if fork:
            opened = Open("journal-fork", f"{self._kiosk_id}/{self._epoch}", -amount, currency)
            draft = self._draft(record, day, currency, (Line(FORK_SUSPENSE, opened.subject, amount), owed))
            return Booking(SUSPENDED, opened.reason, draft, (opened,), tender=tender, step=step, answer=answer)
        left = 0 if self._booked(VOID, of, payment_id) else sale.amount_minor - self._refunded_of(of, payment_id)
        self._books.refunded[of, payment_id] = self._refunded_of(of, payment_id) + amount
        back = self._taken_back(body, payment_id, currency, min(amount, max(0, left)))
        missing = amount - sum(line.amount_minor for line in back)
        through = (Line(CLEARING, payment_id, amount), owed, *back, Line(CLEARING, payment_id, -amount))
        if not missing:
            draft = self._draft(record, day, currency, through)
            return Booking(POSTED, draft=draft, tender=tender, step=step, answer=answer)
        opened = Open("refund-over-sale" if left < amount else "refund-not-placed", payment_id, -missing, currency)
        draft = self._draft(record, day, currency, (*through, Line(SUSPENSE, payment_id, missing)))
        return Booking(SUSPENDED, opened.reason, draft, (opened,), tender=tender, step=step, answer=answer)

    def _ended(self, record: Record, day: date, fork: bool) -> Booking:
        reference, payment_id = facts.attempt(record.body), facts.name(record.body, "payment_id")
        refund = self._booked(REFUND, reference, payment_id)
        if refund:
            return self._memo("refund-ended-after-all", reference, refund.amount_minor, self._books.currency)
        result = facts.name(record.body, "result")
        step = step_of(record.body, result if result in _ENDS else "declined")
        return Booking(KEPT, step=step, answer=Answer(REFUND_UNKNOWN, reference, payment_id))

    def _unknown_end(self, record: Record, day: date, fork: bool) -> Booking:
        reference, payment_id = facts.attempt(record.body), facts.name(record.body, "payment_id")
        if self._booked(REFUND, reference, payment_id):
            return Booking(KEPT)
        return self._unknown(REFUND_UNKNOWN, record, step_of(record.body, "unknown"))

    def _refunded_of(self, of: str, payment_id: str) -> int:
        return self._books.refunded.get((of, payment_id), 0)

    def _taken_back(self, body: object, payment_id: str, currency: str, most: int) -> list[Line]:
        """Return the lines that take back up to `most` from where the payment placed it, in the order of the record."""
        given = self._books.given.get((payment_id, currency), {})
        back: list[Line] = []
        for account, subject, wanted in self._wanted(body, given, most):
            fits = min(wanted, most, given.get((account, subject), 0))
            if fits <= 0:
                continue
            given[account, subject] -= fits
            most -= fits
            if account == RECEIVABLE and subject in self._books.invoices:
                self._books.invoices[subject].owed_minor += fits
            back.append(Line(account, subject, fits))
        return back

    def _wanted(self, body: object, given: dict[tuple[str, str], int], most: int) -> list[tuple[str, str, int]]:
        """Return ledger account, subject and sum of what falls due again, as far as the record says it."""
        if facts.name(body, "leg") == "fee":
            return [(account, subject, most) for account, subject in given if account == FEES]
        wanted = []
        for line in facts.lines_of(body):
            account = self._books.accounts.get(line.account)
            if line.invoice:
                wanted.append((RECEIVABLE, line.invoice, line.amount_minor))
            elif account is not None:
                wanted.append((CREDIT, account.number, line.amount_minor))
        return wanted
