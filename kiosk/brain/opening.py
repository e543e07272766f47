"""How a payment begins: the bills and the agreed amount go on record, and the city's books are compared first."""

from kiosk.brain.cart import in_order
from kiosk.brain.commands import CheckHead
from kiosk.brain.turn import Turn
from kiosk.domain.facts import AmountAgreed, InvoiceAdded, InvoiceChosen, PaymentAbandoned
from kiosk.domain.invoice import CartLine


def begin_payment(turn: Turn) -> None:
    """Open the payment, unless one tender of it was tried before.

    When online the server's head is compared before the first money (rule 7): `scene.request` waits for it.
    """
    scene = turn.scene
    if scene.account is None:
        raise AssertionError("a payment for no account")
    if turn.books.payment is not None:
        return
    cart = (*scene.cart, CartLine(scene.account, scene.agreed_minor))
    first, *others = cart
    payment_id, account = turn.moment.ids[0], first.account
    turn.record(
        InvoiceChosen(
            session_id=turn.books.session_id,
            payment_id=payment_id,
            account=account.ref,
            last4=account.last4,
            invoices=in_order(cart),
            balance_minor=account.balance_minor,
            live=account.live,
            language=scene.language,
        )
    )
    for line in others:
        also = line.account
        turn.record(InvoiceAdded(payment_id, also.ref, also.last4, (), also.balance_minor, also.live))
    turn.record(AmountAgreed(payment_id, scene.total_minor))
    if turn.devices.online:
        request = turn.moment.ids[2]
        turn.show(request=request)
        turn.order(CheckHead(request))
        turn.start("head", turn.settings.timeouts.head)


def drop_empty_payment(turn: Turn) -> bool:
    """Forget a payment in which no tender has put money. False when there is money in it."""
    payment = turn.books.payment
    if payment is None:
        return True
    if payment.holds_money or turn.books.note is not None:
        return False
    turn.stop("head")
    turn.show(request="")
    turn.record(PaymentAbandoned(payment.payment_id, "cancelled"))
    return True
