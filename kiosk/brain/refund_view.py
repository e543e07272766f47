"""What the screen may know of a refund in the making: no terminal's own names, no reference but the attempt's."""

from kiosk.brain.refund import prefix
from kiosk.brain.state import State
from kiosk.domain.card_payment import CardPayment, PaidCard
from kiosk.domain.snapshot import RefundCardView, RefundPaymentView, RefundView


def refund_view(state: State) -> RefundView | None:
    scene, draft = state.scene, state.scene.refund
    if draft is None:
        return None
    found, card, attempt = draft.found, draft.card, state.books.attempt
    goes_on = attempt is not None and attempt.reference == draft.reference and scene.stage == "staff_refunding"
    amount_minor = draft.done.amount_minor if draft.done is not None else draft.amount_minor
    return RefundView(
        step=draft.step,
        prefix=prefix(state),
        days=state.settings.refund_days,
        waiting=bool(scene.request),
        payments=tuple(_payment(payment) for payment in draft.payments),
        found=_payment(found) if found is not None else None,
        card=_card(found, card) if found is not None and card is not None else None,
        amount_minor=amount_minor,
        why=draft.why,
        two=state.settings.refund_two_people,
        phase=scene.card_phase if goes_on else "",
        prompt=scene.card_prompt if goes_on else "",
        reference=draft.reference,
        result=draft.result,
        slip=draft.done is not None if draft.step == "done" else found is not None and found.refunded is not None,
        printed=draft.printed,
    )


def _payment(payment: CardPayment) -> RefundPaymentView:
    cards = tuple(_card(payment, card) for card in payment.cards)
    return RefundPaymentView(payment.receipt_number, payment.at, cards)


def _card(payment: CardPayment, card: PaidCard) -> RefundCardView:
    sums = (card.approved_minor, card.refunded_minor, payment.most_minor(card))
    return RefundCardView(card.reference, card.leg, card.slip.brand, card.slip.last4, *sums)
