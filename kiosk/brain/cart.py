"""Several accounts in one payment. Each brings the sum that was chosen for it, and its bills up to that sum."""

from collections.abc import Sequence
from dataclasses import replace
from heapq import merge
from itertools import chain

from kiosk.brain.idle import awake
from kiosk.brain.limits import listed, shut
from kiosk.brain.turn import Turn
from kiosk.domain.facts import LinePaid
from kiosk.domain.invoice import CHOSEN, Account, CartLine, Invoice, rule_of

ACCOUNTS_MAX = 5
BILLS_MAX = 12  # of each of several accounts: a record has room for so many


def add_bill(turn: Turn, value: str) -> None:
    """Put the account on the page into the cart, and ask for the next one."""
    del value
    scene = turn.scene
    if scene.account is None or turn.books.payment is not None or shut(turn.state) or not may_add(turn):
        return
    line = CartLine(scene.account, scene.agreed_minor)
    turn.show(cart=(*scene.cart, line), account=None, agreed_minor=0, reference=None)
    turn.show(stage="type_account", field="account", entry="", typed_number="", notice="")


def may_add(turn: Turn) -> bool:
    """Paying ahead stays a payment of its own: its credit would be anybody's."""
    scene = turn.scene
    ahead = scene.account is None or scene.agreed_minor > scene.account.balance_minor
    return not ahead and len(scene.cart) < ACCOUNTS_MAX - 1


def back_to_cart(turn: Turn) -> bool:
    """Give up the account that was to be added: the last one chosen is on the page again. False without a cart."""
    *before, last = turn.scene.cart or (None,)
    if last is None:
        return False
    turn.show(
        stage="tender",
        cart=tuple(line for line in before if line is not None),
        account=last.account,
        agreed_minor=last.amount_minor,
        field="",
        entry="",
        typed_number="",
        request="",
        notice="",
    )
    awake(turn)
    return True


def in_cart(turn: Turn, account: Account) -> bool:
    return any(line.account.ref == account.ref for line in turn.scene.cart)


def bills_of(account: Account, amount_minor: int, alone: bool) -> tuple[LinePaid, ...]:
    """Return the bills that a payment names for an account. One of several gets what was chosen for it, and no more."""
    if alone:
        return listed(account)
    lines: list[LinePaid] = []
    for line in listed(account)[:BILLS_MAX]:
        part = min(amount_minor, line.amount_minor)
        if part > 0:
            lines.append(replace(line, amount_minor=part))
            amount_minor -= part
    if amount_minor > 0:
        lines.append(LinePaid(account.ref, "", amount_minor))  # more bills than have room: credit on that account
    return tuple(lines)


def in_order(cart: Sequence[CartLine]) -> tuple[LinePaid, ...]:
    """Return the bills of all accounts in the order in which they are paid: the city's, where all share its rule.

    What is credit on an account comes after all bills. The bills of one account keep the order the city gave them.
    """
    bills = [bills_of(line.account, line.amount_minor, alone=len(cart) == 1) for line in cart]
    rule = rule_of(line.account for line in cart)
    if rule == CHOSEN or len(cart) == 1:
        return tuple(chain.from_iterable(bills))
    known = {(line.account.ref, invoice.id): invoice for line in cart for invoice in line.account.invoices}
    return tuple(merge(*bills, key=lambda line: _rank(rule, known.get((line.account, line.invoice)))))


def _rank(rule: str, invoice: Invoice | None) -> tuple[int, str]:
    if invoice is None:
        return 2, ""
    first = {"shut_off": invoice.shut_off, "utility": invoice.kind == "utility"}.get(rule, False)
    return int(not first), invoice.due_date
