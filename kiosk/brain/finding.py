"""From a scan or typed digits to an account with its bills, or to the words that say what to do instead."""

from kiosk.brain.cart import in_cart
from kiosk.brain.closing import done
from kiosk.brain.commands import LookUp
from kiosk.brain.events import AccountFound, AccountNotFound, AccountTyped, BillScanned, LookUpFailed, ScanRefused
from kiosk.brain.idle import awake, still
from kiosk.brain.limits import shut
from kiosk.brain.turn import Turn
from kiosk.domain.facts import SessionOpened
from kiosk.domain.invoice import Account, Invoice, InvoiceReference, TenderLimit


def open_session(turn: Turn) -> bool:
    """Open a session unless one is open; False while a note or card of an earlier one is open or money is refused."""
    if turn.books.session_id:
        return True
    if turn.books.under_way or turn.scene.stopping:
        return False
    turn.record(SessionOpened(turn.moment.ids[1]))
    turn.show(notice="", notice_minor=0)
    return True


def type_account(turn: Turn, value: str) -> None:
    del value
    if not shut(turn.state) and open_session(turn):
        turn.show(stage="type_account", field="account", entry="", typed_number="", notice="")


def bill_scanned(turn: Turn, event: BillScanned) -> None:
    """A bill was read; it starts a session from the attract page, and ends the last one from the done page."""
    if not _reads(turn):
        return
    if turn.scene.stage == "done":
        done(turn, "")
    if turn.scene.stage in ("attract", "type_account") and not shut(turn.state) and open_session(turn):
        look_up(turn, event.reference)


def _reads(turn: Turn) -> bool:
    """A bill waits while its holder makes a claim; the number of one that was made gives way to whoever begins."""
    claim, begins = turn.scene.claim, turn.scene.stage in ("attract", "done")
    if begins and claim is not None and claim.opened is not None and not (claim.pinned and turn.books.session_id):
        turn.show(claim=None)
    return turn.scene.claim is None


def scan_refused(turn: Turn, event: ScanRefused) -> None:
    if turn.scene.claim is not None:
        return
    if turn.scene.stage in ("attract", "type_account") and not shut(turn.state) and open_session(turn):
        if turn.scene.stage == "attract":
            turn.show(stage="type_account", field="account", entry="", typed_number="")
        turn.show(notice=f"scan_{event.code}")
        awake(turn)


def look_up(turn: Turn, reference: InvoiceReference) -> None:
    request = turn.moment.ids[2]
    turn.show(stage="finding", request=request, reference=reference, notice="", field="", entry="")
    still(turn)
    turn.order(LookUp(request, reference))
    turn.start("look_up", turn.settings.timeouts.look_up)


def account_typed(turn: Turn, event: AccountTyped) -> None:
    if event.request != turn.scene.request:
        return
    if event.reference is None:
        turn.show(request="", field="account", entry="", typed_number="", notice="scan_check")
    else:
        look_up(turn, event.reference)


def account_found(turn: Turn, event: AccountFound) -> None:
    if event.request != turn.scene.request:
        return
    if event.account.status == "closed":
        _not_found(turn, "account_closed")
        return
    if in_cart(turn, event.account):
        _not_found(turn, "account_twice")
        return
    reference = turn.scene.reference
    printed = reference.printed_minor if reference else None
    differs = printed is not None and printed != event.account.balance_minor
    notice = "nothing_owed" if event.account.balance_minor <= 0 else "printed_amount" if differs else ""
    _show_account(turn, event.account, notice, printed or 0)


def account_not_found(turn: Turn, event: AccountNotFound) -> None:
    if event.request == turn.scene.request:
        _not_found(turn, "account_unknown")


def look_up_failed(turn: Turn, event: LookUpFailed) -> None:
    """The server is away: the amount printed on a scanned bill will do; a typed account has none."""
    if event.request != turn.scene.request:
        return
    reference = turn.scene.reference
    if reference is None or not reference.printed_minor:
        _not_found(turn, "account_offline")
        return
    due = reference.printed_minor
    invoice = Invoice(reference.invoice, "bill", "", reference.printed_due, due)
    account = Account(
        f"num:{reference.number}",
        reference.number[-4:],
        balance_minor=due,
        invoices=(invoice,),
        live=False,
        limits=_offline_limits(turn.settings.offline_minor),
    )
    if in_cart(turn, account):
        _not_found(turn, "account_twice")
    else:
        _show_account(turn, account, "server_away", due)


def _offline_limits(most_minor: int) -> tuple[TenderLimit, ...]:
    """What the account's own limits have left today only the server knows: the city's for such times stands in."""
    return tuple(TenderLimit(tender, most_minor) for tender in ("cash", "card")) if most_minor else ()


def _show_account(turn: Turn, account: Account, notice: str, notice_minor: int) -> None:
    turn.stop("look_up")
    turn.show(stage="invoice", request="", account=account, notice=notice, notice_minor=notice_minor)
    awake(turn)


def _not_found(turn: Turn, notice: str) -> None:
    turn.stop("look_up")
    turn.show(
        stage="type_account", request="", reference=None, field="account", entry="", typed_number="", notice=notice
    )
    awake(turn)
