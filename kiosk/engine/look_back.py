"""Looks back in the journal for payments by card: what was paid, what of it was refunded, what can fall due again.

Read from the newest record on, a page at each step, so that the engine's thread does other things in between.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kiosk.domain.card_payment import CardPayment, PaidCard
from kiosk.domain.facts import Fact, PaymentCompleted
from kiosk.domain.invoice import LinePaid
from kiosk.domain.refunds import CardRefunded, RefundEnded, RefundStarted
from kiosk.domain.tenders import CardSaleApproved, CardSaleVoided
from kiosk.journal.store import Journal

PAGE = 250  # records a step, some milliseconds
Parts = Generator[None, None, tuple[CardPayment, ...]]
Local = Callable[[str], str]

_KINDS = frozenset(
    {"PaymentCompleted", "CardSaleApproved", "CardSaleVoided", "RefundStarted", "CardRefunded", "RefundEnded"}
)


def look_back(journal: Journal, receipt_number: str, count: int, since: str, local: Local) -> Parts:
    """Return the payment by card of `receipt_number`, or the newest `count` for "", none completed before `since`.

    `since` is RFC 3339 UTC; `local` turns such a time into the city's. A payment whose records have gone to the
    archive is not found.
    """
    seen = _Seen(receipt_number, count, since)
    seq = journal.head.seq
    while seq >= journal.first_seq and not seen.enough:
        after = max(journal.first_seq - 1, seq - PAGE)
        page = journal.records(after, seq - after)
        for record in reversed(page):
            if record.kind in _KINDS:
                envelope = record.envelope()
                seen.take(envelope.fact(), envelope.moment.device_time)
        if page:
            seen.passed(page[0].envelope().moment.device_time)
        seq = after
        yield
    return seen.payments(local)


def looked_back(history: Sequence[tuple[Fact, str]], receipt_number: str, count: int) -> tuple[CardPayment, ...]:
    """Return what `look_back` does of facts that are at hand, each with its time."""
    seen = _Seen(receipt_number, count, history[0][1] if history else "")
    for fact, device_time in reversed(history):
        seen.take(fact, device_time)
    return seen.payments(str)


@dataclass
class _Seen:
    """What was read so far, the newest first: an end is read before its beginning."""

    receipt_number: str
    count: int
    since: str
    wanted: list[PaymentCompleted] = field(default_factory=list)
    approvals: dict[str, CardSaleApproved] = field(default_factory=dict)
    voided: set[str] = field(default_factory=set)
    ends: dict[str, CardRefunded | RefundEnded] = field(default_factory=dict)
    refunds: list[RefundStarted] = field(default_factory=list)
    times: dict[str, str] = field(default_factory=dict)
    too_old: bool = False

    @property
    def enough(self) -> bool:
        most = 1 if self.receipt_number else self.count
        complete = all(self.whole(done) for done in self.wanted)
        return complete and (self.too_old or len(self.wanted) >= most)

    def passed(self, device_time: str) -> None:
        self.too_old = self.too_old or _moment(device_time) < _moment(self.since)

    def whole(self, done: PaymentCompleted) -> bool:
        """True once all its cards were read, which were approved before it was completed."""
        return all(card.reference in self.approvals for card in done.cards)

    def take(self, fact: Fact, device_time: str) -> None:
        match fact:
            case PaymentCompleted() as done:
                self._completed(done, device_time)
            case CardSaleApproved() as approved:
                self.approvals.setdefault(approved.reference, approved)
            case CardSaleVoided() as voided:
                self.voided.add(voided.of)
            case CardRefunded() | RefundEnded() as end:
                self._ended(end, device_time)
            case RefundStarted() as started:
                self.refunds.append(started)

    def _completed(self, done: PaymentCompleted, device_time: str) -> None:
        fits = done.receipt_number == self.receipt_number or not self.receipt_number
        most = 1 if self.receipt_number else self.count
        if done.cards and fits and len(self.wanted) < most and _moment(device_time) >= _moment(self.since):
            self.wanted.append(done)
            self.times[done.receipt_number] = device_time

    def _ended(self, end: CardRefunded | RefundEnded, device_time: str) -> None:
        """Refunded after all counts, whatever was told before it."""
        self.ends.setdefault(end.reference, end)
        self.times.setdefault(end.reference, device_time)

    def payments(self, local: Local) -> tuple[CardPayment, ...]:
        return tuple(self._payment(done, local) for done in self.wanted if self.whole(done))

    def _payment(self, done: PaymentCompleted, local: Local) -> CardPayment:
        moved = [refund for refund in self.refunds if not isinstance(self.ends.get(refund.reference), RefundEnded)]
        given = {refund.reference: self._given(refund) for refund in moved}
        cards = []
        for card in done.cards:
            approved = self.approvals[card.reference]
            back_minor = sum(given[refund.reference][0] for refund in moved if refund.of == card.reference)
            if card.reference in self.voided:
                back_minor = approved.amount_minor  # the terminal undid it by itself
            sums = (approved.amount_minor, back_minor)
            cards.append(PaidCard(card.reference, card.leg, *sums, approved.terminal_ref, approved.slip))
        ours = [refund for refund in moved if refund.receipt_number == done.receipt_number]
        fell_due = [line for refund in ours for line in given[refund.reference][1]]
        refunded = next((end for end in map(self._done, ours) if end is not None), None)
        return CardPayment(
            payment_id=done.payment_id,
            receipt_number=done.receipt_number,
            at=local(self.times[done.receipt_number]),
            currency=done.currency,
            cards=tuple(cards),
            lines=_less(tuple(reversed(done.lines)), fell_due),
            refunded=refunded,
            refunded_at=local(self.times[refunded.reference]) if refunded is not None else "",
        )

    def _done(self, refund: RefundStarted) -> CardRefunded | None:
        end = self.ends.get(refund.reference)
        return end if isinstance(end, CardRefunded) else None

    def _given(self, refund: RefundStarted) -> tuple[int, tuple[LinePaid, ...]]:
        """What of the sale went back with it, or may have, and what fell due again."""
        done = self._done(refund)
        return (done.amount_minor, done.lines) if done is not None else (refund.amount_minor, refund.lines)


def _less(lines: tuple[LinePaid, ...], gone: list[LinePaid]) -> tuple[LinePaid, ...]:
    """Return `lines` without what has fallen due again."""
    left: dict[tuple[str, str], int] = {}
    for line in gone:
        left[line.account, line.invoice] = left.get((line.account, line.invoice), 0) + line.amount_minor
    rest: list[LinePaid] = []
    for line in lines:
        taken = min(line.amount_minor, left.get((line.account, line.invoice), 0))
        if taken:
            left[line.account, line.invoice] -= taken
        if line.amount_minor > taken:
            rest.append(LinePaid(line.account, line.invoice, line.amount_minor - taken))
    return tuple(rest)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def days_before(utc: str, days: int) -> str:
    return (datetime.fromisoformat(utc) - timedelta(days=days)).isoformat()
