"""Booking of tenders other than notes that come in: cards, checks, and notes that go out as change. Pure.

The sale is approved and the check lies in the box whatever its record says, so that every branch ends in a booking, in
suspense or in a memo. A sale is one reference of one payment: two branches of a fork may mint one reference twice.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from billing.journal import facts
from billing.journal.records import Record
from billing.journal.refunds import KINDS as REFUND_KINDS
from billing.journal.refunds import Refunds
from billing.journal.tender_desk import TenderDesk, step_of
from billing.journal.terms import (
    CARD_UNKNOWN,
    CHECK,
    KEPT,
    PAYOUT,
    POSTED,
    SALE,
    SUSPENDED,
    VOID,
    VOID_UNKNOWN,
    Answer,
    Booking,
    Books,
    KnownTender,
    Open,
    Tender,
)
from billing.ledger.chart import CARD, CASH, CHECKS, CLEARING, FORK_SUSPENSE, SUSPENSE, card_of, cash_of
from billing.ledger.posting import Line

FORK = "journal-fork"
KINDS = frozenset(
    {
        "CardSaleStarted",
        "CardSaleApproved",
        "CardSaleEnded",
        "CardSaleUnknown",
        "VoidStarted",
        "CardSaleVoided",
        "VoidEnded",
        "VoidUnknown",
        "CheckTaken",
        "NotePaidOut",
        *REFUND_KINDS,
    }
)
_ENDS = ("declined", "cancelled", "not_started", "absent")


class Tenders(TenderDesk):
    """Books the records about cards, checks and change of one chain, in order."""

    def __init__(self, kiosk_id: str, epoch: int, books: Books) -> None:
        super().__init__(kiosk_id, epoch, books)
        self._kinds: dict[str, Callable[[Record, date, bool], Booking]] = {
            "CardSaleStarted": self._sale_started,
            "CardSaleApproved": self._sale_approved,
            "CardSaleEnded": self._sale_ended,
            "CardSaleUnknown": self._sale_unknown,
            "VoidStarted": self._void_started,
            "CardSaleVoided": self._sale_voided,
            "VoidEnded": self._void_ended,
            "VoidUnknown": self._void_unknown,
            "CheckTaken": self._check_taken,
            "NotePaidOut": self._note_paid_out,
            "PayoutEnded": self._payout_ended,
            **Refunds(kiosk_id, epoch, books).kinds,
        }

    def book(self, record: Record, day: date, fork: bool) -> Booking:
        """Return what `record` comes to. On a losing branch (`fork`) money goes to fork suspense."""
        book = self._kinds.get(record.kind)
        if book is None:
            return Booking(KEPT)
        try:
            return book(record, day, fork)
        except facts.Unreadable as error:
            return self._unreadable(record, error)

    # Sales

    def _sale_started(self, record: Record, day: date, fork: bool) -> Booking:
        return Booking(KEPT, step=step_of(record.body, "started"))

    def _sale_approved(self, record: Record, day: date, fork: bool) -> Booking:
        """Debit what the acquirer owes for this attempt, credit the payment's clearing."""
        body = record.body
        reference, amount = facts.attempt(body), facts.amount(body, "amount_minor")
        currency, payment_id = facts.currency(body), facts.name(body, "payment_id")
        if self._booked(SALE, reference, payment_id):
            return self._memo("card-repeated", reference, amount, currency, step=step_of(body, "approved"))
        reason = "" if payment_id else "unreadable:payment_id"
        if not fork and any(not known.fork for known in self._known(SALE, reference)):
            reason = "card-reference-reused"
        line = Line(CARD, card_of(self._kiosk_id, reference), amount)
        tender = self._remember(SALE, reference, KnownTender(payment_id, amount, fork))
        return self._came_in(
            record,
            day,
            line,
            currency,
            tender,
            reason,
            fork=fork,
            step=step_of(body, "approved"),
            answer=Answer(CARD_UNKNOWN, reference, payment_id),
        )

    def _sale_ended(self, record: Record, day: date, fork: bool) -> Booking:
        reference, payment_id = facts.attempt(record.body), facts.name(record.body, "payment_id")
        sale = self._booked(SALE, reference, payment_id)
        if sale:
            amount = sale.amount_minor
            return self._memo("card-ended-after-approval", reference, amount, self._books.currency)
        result = facts.name(record.body, "result")
        step = step_of(record.body, result if result in _ENDS else "declined")
        return Booking(KEPT, step=step, answer=Answer(CARD_UNKNOWN, reference, payment_id))

    def _sale_unknown(self, record: Record, day: date, fork: bool) -> Booking:
        reference, payment_id = facts.attempt(record.body), facts.name(record.body, "payment_id")
        if self._booked(SALE, reference, payment_id):
            return Booking(KEPT)
        return self._unknown(CARD_UNKNOWN, record, step_of(record.body, "unknown"))

    # Voids

    def _void_started(self, record: Record, day: date, fork: bool) -> Booking:
        of, payment_id = facts.attempt(record.body, "of"), facts.name(record.body, "payment_id")
        sale = self._booked(SALE, of, payment_id)
        if sale and not fork and not self._booked(VOID, of, payment_id):
            self._books.voiding.setdefault(payment_id, {})[of] = sale.amount_minor
        return Booking(KEPT, step=step_of(record.body, "voiding", void=True))

    def _sale_voided(self, record: Record, day: date, fork: bool) -> Booking:
        """Book the reverse of the sale. What clearing does not hold any more is missing from the receipt's cover."""
        body = record.body
        of, amount, currency = facts.attempt(body, "of"), facts.amount(body, "amount_minor"), facts.currency(body)
        payment_id = facts.name(body, "payment_id")
        answer = Answer(VOID_UNKNOWN, facts.name(body, "reference"), payment_id)
        sale = self._booked(SALE, of, payment_id)
        if sale is None:
            return self._memo("void-without-sale", of, amount, currency)
        if self._booked(VOID, of, payment_id):
            return self._memo("card-repeated", of, amount, currency)
        self._no_longer_voiding(payment_id, of)
        line = Line(CARD, card_of(self._kiosk_id, of), -amount)
        tender = self._remember(VOID, of, KnownTender(payment_id, amount, fork))
        differs = (Open("void-differs", of, amount - sale.amount_minor, currency, memo=True),)
        return self._went_out(
            record,
            day,
            line,
            currency,
            tender,
            "void-after-receipt",
            fork=fork,
            more=() if amount == sale.amount_minor else differs,
            step=step_of(body, "voided", void=True),
            answer=answer,
        )

    def _void_ended(self, record: Record, day: date, fork: bool) -> Booking:
        """The void failed: the sale stands."""
        body = record.body
        self._no_longer_voiding(facts.name(body, "payment_id"), facts.name(body, "of"))
        answer = Answer(VOID_UNKNOWN, facts.attempt(body), facts.name(body, "payment_id"))
        return Booking(KEPT, step=step_of(body, "approved", void=True), answer=answer)

    def _void_unknown(self, record: Record, day: date, fork: bool) -> Booking:
        of, payment_id = facts.attempt(record.body, "of"), facts.name(record.body, "payment_id")
        if self._booked(VOID, of, payment_id):
            return Booking(KEPT)
        return self._unknown(VOID_UNKNOWN, record, step_of(record.body, "void_unknown", void=True))

    def _no_longer_voiding(self, payment_id: str, of: str) -> None:
        self._books.voiding.get(payment_id, {}).pop(of, None)

    # Checks and change

    def _check_taken(self, record: Record, day: date, fork: bool) -> Booking:
        """Debit the checks of its period, credit the payment's clearing."""
        body = record.body
        check_id, amount = facts.identifier(body, "check_id"), facts.amount(body, "amount_minor")
        currency, payment_id = facts.currency(body), facts.name(body, "payment_id")
        if self._known(CHECK, check_id):
            return self._memo("check-repeated", check_id, amount, currency)
        line = Line(CHECKS, cash_of(self._kiosk_id, self._epoch, facts.period(body)), amount)
        tender = self._remember(CHECK, check_id, KnownTender(payment_id, amount, fork))
        reason = "" if payment_id else "unreadable:payment_id"
        return self._came_in(record, day, line, currency, tender, reason, fork=fork)

    def _note_paid_out(self, record: Record, day: date, fork: bool) -> Booking:
        """Debit the payment's clearing, credit the cash of the period."""
        body = record.body
        note_id, value = facts.identifier(body, "note_id"), facts.amount(body, "value_minor")
        currency, payment_id = facts.currency(body), facts.name(body, "payment_id")
        if self._known(PAYOUT, note_id):
            return self._memo("payout-repeated", note_id, value, currency)
        line = Line(CASH, cash_of(self._kiosk_id, self._epoch, facts.period(body)), -value)
        tender = self._remember(PAYOUT, note_id, KnownTender(payment_id, value, fork))
        return self._went_out(record, day, line, currency, tender, "payout-not-covered", fork=fork)

    def _payout_ended(self, record: Record, day: date, fork: bool) -> Booking:
        """Notes that nobody can say went out are found at the count; until then staff know."""
        if facts.name(record.body, "result") != "unknown":
            return Booking(KEPT)
        return self._memo("payout-unknown", facts.identifier(record.body, "payout_id"), 0, self._books.currency)

    # Of all of them

    def _came_in(
        self, record: Record, day: date, line: Line, currency: str, tender: Tender, reason: str, fork: bool, **rest: Any
    ) -> Booking:
        """Credit clearing; under a `reason`, suspense; on a losing branch, fork suspense."""
        payment_id, amount = tender.known.payment_id, line.amount_minor
        if not fork and not reason:
            self._clear(payment_id, currency, amount)
            draft = self._draft(record, day, currency, (line, Line(CLEARING, payment_id, -amount)))
            return Booking(POSTED, draft=draft, tender=tender, **rest)
        opened = self._held(fork, reason, payment_id or tender.name, amount, currency)
        other = Line(FORK_SUSPENSE if fork else SUSPENSE, opened.subject, -amount)
        draft = self._draft(record, day, currency, (line, other))
        return Booking(SUSPENDED, opened.reason, draft, (opened,), tender=tender, **rest)

    def _went_out(
        self,
        record: Record,
        day: date,
        line: Line,
        currency: str,
        tender: Tender,
        reason: str,
        fork: bool,
        more: tuple[Open, ...] = (),
        **rest: Any,
    ) -> Booking:
        """Debit clearing if it holds as much; else suspense under `reason`; on a losing branch, fork suspense."""
        payment_id, amount = tender.known.payment_id, -line.amount_minor
        if not fork and payment_id and self._books.clearing.get((payment_id, currency), 0) >= amount:
            self._clear(payment_id, currency, -amount)
            draft = self._draft(record, day, currency, (Line(CLEARING, payment_id, amount), line))
            disposition, why = (SUSPENDED, more[0].reason) if more else (POSTED, "")
            return Booking(disposition, why, draft, more, tender=tender, **rest)
        opened = self._held(fork, reason, payment_id or tender.name, -amount, currency)
        other = Line(FORK_SUSPENSE if fork else SUSPENSE, opened.subject, amount)
        draft = self._draft(record, day, currency, (other, line))
        return Booking(SUSPENDED, opened.reason, draft, (opened, *more), tender=tender, **rest)

    def _held(self, fork: bool, reason: str, subject: str, amount_minor: int, currency: str) -> Open:
        if fork:
            return Open(FORK, f"{self._kiosk_id}/{self._epoch}", amount_minor, currency)
        return Open(reason, subject, amount_minor, currency)
