"""What booking of cards, checks and change has in common: what is booked already, and what staff are told. Pure."""

from typing import Any

from billing.journal import facts
from billing.journal.records import Record
from billing.journal.terms import KEPT, MEMO, Booking, CardStep, Desk, KnownTender, Open, Tender


class TenderDesk(Desk):
    """A sale is one reference of one payment: two branches of a fork may mint one reference twice."""

    def _known(self, what: str, name: str) -> list[KnownTender]:
        return self._books.tenders.get((what, name), [])

    def _booked(self, what: str, reference: str, payment_id: str) -> KnownTender | None:
        return next((known for known in self._known(what, reference) if known.payment_id == payment_id), None)

    def _remember(self, what: str, name: str, known: KnownTender) -> Tender:
        self._books.tenders.setdefault((what, name), []).append(known)
        return Tender(what, name, known)

    def _memo(
        self, reason: str, subject: str, amount_minor: int, currency: str, step: CardStep | None = None
    ) -> Booking:
        opened = Open(reason, subject, amount_minor, currency, memo=True)
        return Booking(MEMO, reason, opened=(opened,), step=step)

    def _unknown(self, reason: str, record: Record, step: CardStep | None) -> Booking:
        """A memo, once for each attempt: the kiosk says it again after each search that found nothing."""
        body = record.body
        reference, payment_id = facts.attempt(body), facts.name(body, "payment_id")
        opened = Open(reason, reference, facts.amount(body, "amount_minor", least=0), facts.currency(body), memo=True)
        key = (reason, reference, payment_id)
        if key in self._books.unknown:
            return Booking(KEPT, reason, step=step)
        self._books.unknown.add(key)
        return Booking(MEMO, reason, opened=(opened,), step=step)


def step_of(body: Any, state: str, void: bool = False) -> CardStep | None:
    """Return what the record says of its attempt, None if it names none: staff then see the record alone."""
    try:
        reference = facts.attempt(body, "of" if void else "reference")
    except facts.Unreadable:
        return None
    slip = body.get("slip")
    told = {
        "leg": facts.name(body, "leg"),
        "terminal": facts.shown(body, "terminal"),
        "terminal_ref": facts.shown(body, "terminal_ref"),
        "last4": facts.last4(slip),
        "void_reference": facts.name(body, "reference") if void else "",
        "of": "" if void else facts.name(body, "of"),
        **{name: facts.shown(slip, name, 40) for name in ("brand", "approval", "terminal_id", "batch")},
    }
    values: dict[str, Any] = {name: text for name, text in told.items() if text}
    sum_ = body.get("amount_minor")
    if not void and type(sum_) is int and 0 <= sum_ <= facts.AMOUNT_MAX_MINOR:
        values |= {"amount_minor": sum_, "currency": facts.shown(body, "currency", 3)}
    return CardStep(reference, facts.name(body, "payment_id"), state, values)
