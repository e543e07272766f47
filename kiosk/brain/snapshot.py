"""snapshot(state) -> the picture that pages are made from. Nothing in it that a page may not know."""

from dataclasses import replace

from kiosk.brain import change
from kiosk.brain.batch import hindrance, waits
from kiosk.brain.cart import ACCOUNTS_MAX
from kiosk.brain.checks import check_most_minor, check_refusal
from kiosk.brain.limits import (
    allowed_minor,
    asked_elsewhere,
    card_refusal,
    card_trouble,
    cash_refusal,
    shut,
    takes_claims,
    trouble,
)
from kiosk.brain.refund import hindrance as refund_hindrance
from kiosk.brain.refund_view import refund_view
from kiosk.brain.search import sought
from kiosk.brain.state import PAYING, Devices, State
from kiosk.domain.claim import Aftermath
from kiosk.domain.snapshot import (
    BatchView,
    CardView,
    CartView,
    CheckView,
    ClaimView,
    DeviceHealth,
    FeeView,
    PaymentView,
    SearchView,
    Snapshot,
    StaffView,
)

WAITING = ("starting", "attract")

# A person has to read these, whatever else is wrong.
_NEVER_COVERED = ("note_in_doubt", "change_in_doubt", "take_second_note")


def snapshot(state: State, revision: int) -> Snapshot:
    """Return what the screen may know now."""
    scene, devices, settings = state.scene, state.devices, state.settings
    reasons = trouble(state)
    return Snapshot(
        revision=revision,
        screen=_screen(state),
        city=settings.city,
        kiosk=settings.kiosk,
        language=scene.language,
        theme=scene.theme,
        text_size=scene.text_size,
        sound=scene.sound,
        online=devices.online,
        cash=not reasons,
        cash_reason=reasons[0] if reasons else "",
        cash_limit=cash_refusal(state, _due_minor(state)) if scene.stage in ("tender", "fee") else "",
        change_minor=_offer(state),
        printer=devices.printer.state == "ready",
        scanner=devices.scanner.state == "ready",
        storage=devices.storage.reason,
        session_open=bool(state.books.session_id),
        help_open=scene.help_open,
        idle_left_s=scene.idle_left_s,
        notice=_notice(state),
        notice_minor=scene.notice_minor,
        field=scene.field,
        entry="•" * len(scene.entry) if scene.field == "pin" else scene.entry,
        reasons=reasons,
        account=scene.account,
        agreed_minor=scene.total_minor,
        cart=_cart(state),
        may_add=_may_add(state),
        repeat=scene.repeat if scene.stage == "repeat" else None,
        card=not _card_reason(state),
        card_reason=_card_reason(state),
        fee=_fee(state),
        card_view=_card(state),
        check=not check_refusal(state),
        check_reason=check_refusal(state),
        check_view=_check(state),
        batch=_batch_trouble(state),
        payment=_payment(state),
        receipt=scene.receipt,
        aftermath=_aftermath(state),
        claims=takes_claims(state),
        claim=_claim(state),
        staff=_staff(state),
    )


def _screen(state: State) -> str:
    stage = state.scene.stage
    return "out_of_service" if stage == "attract" and shut(state) else stage


def _due_minor(state: State) -> int:
    payment = state.books.payment
    return payment.left_minor if payment is not None else state.scene.total_minor


def _card_reason(state: State) -> str:
    """Return why no card can be taken: for the sum that is to be paid, once there is one."""
    if state.scene.stage in ("tender", "fee", "cash"):
        return card_refusal(state, _due_minor(state))
    return next(iter(card_trouble(state)), "")


def _fee(state: State) -> FeeView | None:
    rule, due_minor = state.scene.fee_rule, _due_minor(state)
    if rule is None or state.scene.stage not in ("tender", "fee", "cash") or not rule.of(due_minor):
        return None
    return FeeView(rule.programme, due_minor, rule.of(due_minor))


def _cart(state: State) -> tuple[CartView, ...]:
    """Return what each account gets, once there are several."""
    scene = state.scene
    if not scene.cart:
        return ()
    lines = [CartView(line.account.last4, line.amount_minor) for line in scene.cart]
    newest = [CartView(scene.account.last4, scene.agreed_minor)] if scene.account and scene.agreed_minor else []
    return (*lines, *newest)


def _may_add(state: State) -> bool:
    account = state.scene.account
    if state.books.payment is not None or state.scene.stage != "tender" or account is None:
        return False
    return state.scene.agreed_minor <= account.balance_minor and len(state.scene.cart) < ACCOUNTS_MAX - 1


def _card(state: State) -> CardView | None:
    scene, attempt = state.scene, state.books.attempt
    if scene.stage == "partial":
        return CardView("", amount_minor=scene.notice_minor)
    if scene.stage not in ("card", "card_unknown"):
        return None
    phone = state.settings.claim_phone
    if attempt is None:
        return CardView(scene.card_phase, amount_minor=_due_minor(state), phone=phone)
    amount_minor, reference = attempt.amount_minor, attempt.reference
    phase, operation = scene.card_phase, attempt.operation
    return CardView(phase, attempt.leg, scene.card_prompt, amount_minor, reference, phone, operation)


def _check(state: State) -> CheckView | None:
    draft = state.scene.check
    if draft is None or state.scene.stage != "check":
        return None
    most_minor = check_most_minor(state, _due_minor(state))
    return CheckView(draft.phase, draft.number, draft.account_last4, draft.amount_minor, most_minor)


def _notice(state: State) -> str:
    """Storage that cannot keep a record, and a printer that cannot print, are said before money is taken (rule 12)."""
    stage, storage = state.scene.stage, state.devices.storage
    if stage in ("tender", "cash") and storage.state != "ready" and state.scene.notice not in _NEVER_COVERED:
        return f"{stage}_{'slow' if storage.reason == 'disk_slow' else 'unsafe'}"
    if not state.scene.notice and state.scene.stage in ("tender", "cash") and state.devices.printer.state != "ready":
        return "printer_out"
    return state.scene.notice


def _payment(state: State) -> PaymentView | None:
    payment = state.books.payment
    if payment is None or state.scene.stage not in PAYING:
        return None
    if state.scene.stage == "tender" and not payment.holds_money:
        return None
    takes = state.scene.stage == "cash" and not trouble(state)
    over_minor, change_minor = max(0, payment.in_minor - payment.agreed_minor), change.coming_minor(state)
    return PaymentView(
        owe_minor=payment.agreed_minor,
        in_minor=payment.in_minor,
        left_minor=payment.left_minor,
        credit_minor=max(0, over_minor - change_minor),
        allowed_minor=allowed_minor(state) if takes else (),
        denominations_minor=state.settings.denominations_minor,
        last_note_minor=state.scene.last_note_minor,
        credit_agreed=payment.credit_up_to_minor > 0,
        by_card_minor=payment.by_card_minor,
        by_check_minor=sum(check.amount_minor for check in payment.checks),
        change_minor=change_minor,
    )


def _offer(state: State) -> int:
    payment = state.books.payment
    credited = payment is not None and payment.credit_up_to_minor > 0
    return 0 if credited or state.scene.stage not in ("tender", "fee", "cash") else change.offer_minor(state)


def _aftermath(state: State) -> tuple[Aftermath, ...]:
    """Return what became of money: all of it where nobody has begun, in a session what is open a claim for."""
    books, devices = state.books, state.devices
    if state.scene.stage not in WAITING:
        return tuple(_on_paper(item, devices) for item in books.aftermath if item.what not in ("applied", "filed"))
    asking = (Aftermath("asking", books.note.value_minor),) if books.note is not None else ()
    return (*(_on_paper(item, devices) for item in books.aftermath), *asking)


def _on_paper(item: Aftermath, devices: Devices) -> Aftermath:
    """Add what the printer is doing about the item's receipt or slip."""
    if item.paper and item.number not in devices.printing:
        return item
    return replace(item, paper="printing" if devices.printer.state == "ready" else "waiting")


def _claim(state: State) -> ClaimView | None:
    draft, settings = state.scene.claim, state.settings
    if draft is None:
        return None
    opened = draft.opened
    picked = int(draft.entry or "0") if draft.step == "amount" else sum(draft.notes_minor)
    return ClaimView(
        step=draft.step,
        what=draft.what,
        when=draft.when,
        amount_minor=opened.amount_minor if opened else picked,
        entry=draft.entry,
        last4=draft.last4,
        denominations_minor=settings.denominations_minor,
        phone=settings.claim_phone,
        place=settings.claim_place,
        number=opened.claim_number if opened else "",
        answer_by=opened.answer_by if opened else "",
        printed=draft.printed,
    )


def _acceptor(state: State) -> DeviceHealth:
    """A device that answers is not well while a fault stands, or change that nobody could tell of."""
    devices = state.devices
    if state.books.payout_unknown and devices.acceptor.state == "ready" and not devices.faults:
        return replace(devices.acceptor, state="faulted", reason="change_in_doubt")
    if not devices.faults or devices.acceptor.state != "ready":
        return devices.acceptor
    return replace(devices.acceptor, state="faulted", reason=", ".join(sorted(devices.faults)))


def _terminal(state: State) -> tuple[DeviceHealth, ...]:
    """Return the terminal, if there is to be one. Not well while the end of a transaction is not known."""
    devices, attempt = state.devices, state.books.attempt
    if not state.settings.cards:
        return ()
    if attempt is not None and attempt.state == "unknown":
        detail = f"{attempt.operation} {attempt.reference} of {attempt.amount_minor}"
        if devices.terminal.state == "ready" and asked_elsewhere(state, attempt):
            return (DeviceHealth("terminal", "faulted", "other_terminal", f"{detail} is known to {attempt.terminal}"),)
        return (DeviceHealth("terminal", "faulted", "card_unknown", detail),)
    if devices.terminal_faults and devices.terminal.state == "ready":
        return (replace(devices.terminal, state="faulted", reason=", ".join(sorted(devices.terminal_faults))),)
    warning = _batch_trouble(state)
    if warning and devices.terminal.state == "ready":
        return (replace(devices.terminal, reason=warning),)
    return (devices.terminal,)


def _batch_trouble(state: State) -> str:
    """Return why staff should look after the terminal's day end, "" when the last one worked."""
    batch = state.books.batch
    if batch is None or batch.result == "approved" or not state.settings.batch_at:
        return ""
    return "batch_unknown" if batch.result == "unknown" else "batch_not_closed"


def _batch(state: State) -> BatchView | None:
    books = state.books
    if not state.settings.batch_at:
        return None
    last = books.batch
    day, result = (last.business_date, last.result) if last is not None else ("", "")
    return BatchView(books.in_batch, day, result, hindrance(state), waits(state))


def _search(state: State) -> SearchView | None:
    attempt = sought(state)
    if attempt is None:
        return None
    return SearchView(attempt.operation, attempt.reference, attempt.amount_minor, attempt.terminal)


def _storage(state: State) -> DeviceHealth:
    """Storage that lost records is not well, whatever it says of itself."""
    lost = state.books.lost_records
    return DeviceHealth("storage", "faulted", f"lost_{lost}_records") if lost else state.devices.storage


def _staff(state: State) -> StaffView | None:
    if not state.scene.stage.startswith("staff"):
        return None
    books, devices = state.books, state.devices
    if not books.staff:
        return StaffView()
    return StaffView(
        who=books.staff,
        period=books.period,
        notes=sum(count.count for count in books.period_notes),
        total_minor=sum(count.value_minor * count.count for count in books.period_notes),
        checks=books.period_checks,
        devices=(
            _acceptor(state),
            *_terminal(state),
            *((devices.check_reader,) if state.settings.checks else ()),
            devices.printer,
            devices.scanner,
            devices.screen,
            devices.voice,
            _storage(state),
        ),
        unposted=devices.unposted,
        journal_records=devices.records,
        version=state.settings.version,
        unvalued=sum(count.count for count in books.period_notes if not count.value_minor),
        batch=_batch(state),
        cards=state.settings.cards,
        refunds=refund_hindrance(state),
        refund=refund_view(state),
        search=_search(state),
    )
