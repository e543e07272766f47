"""Literal snapshots: one of every page, for the contact sheet, tests and benchmarks."""

from dataclasses import replace

from kiosk.domain.claim import Aftermath
from kiosk.domain.invoice import Account, Invoice, InvoiceLine
from kiosk.domain.snapshot import (
    BatchView,
    CardView,
    CartView,
    CheckView,
    ClaimView,
    DeviceHealth,
    FeeView,
    PaymentView,
    ReceiptView,
    RefundCardView,
    RefundPaymentView,
    RefundView,
    RepeatView,
    SearchView,
    Snapshot,
    StaffView,
)

NOTES = (100, 500, 1000, 2000, 5000, 10000)

WATER = Invoice(
    "2026-11-4417",
    "utility",
    "Water and trash",
    "2026-12-01",
    5318,
    lines=(
        InvoiceLine("water", "Water, Oct 2 to Nov 1", 3840),
        InvoiceLine("refuse", "Trash", 1225),
        InvoiceLine("late", "Late fee", 253),
    ),
)
ACCOUNT = Account("t-4417", "4417", "J. R.", "1.. Maple St", balance_minor=5318, invoices=(WATER,))
LATE = Account(
    "t-0093",
    "0093",
    "M. O.",
    "2... River Rd",
    balance_minor=20841,
    past_due_minor=12460,
    invoices=(
        Invoice("2026-09-0093", "utility", "Water, September", "2026-10-01", 6120, 6120, shut_off=True),
        Invoice("2026-10-0093", "utility", "Water, October", "2026-11-01", 6340, 6340),
        Invoice("2026-11-0093", "utility", "Water, November", "2026-12-01", 8381),
    ),
)
PRINTED = replace(ACCOUNT, ref="num:1002004417", address="", invoices=(replace(WATER, label="", lines=()),), live=False)
CLEAR = replace(ACCOUNT, balance_minor=0, invoices=())

ATTRACT = Snapshot(1, "attract", "City of Riverbend", "RB-07", claims=True)
_SESSION = replace(ATTRACT, session_open=True)
_CHOSEN = replace(_SESSION, account=ACCOUNT, agreed_minor=5318)
CASH_EMPTY = replace(_CHOSEN, screen="cash", payment=PaymentView(5318, 0, 5318, 0, (100, 500, 1000, 2000, 5000), NOTES))
CASH = replace(
    CASH_EMPTY,
    notice="note_accepted",
    notice_minor=2000,
    payment=PaymentView(5318, 4000, 1318, 0, (100, 500, 1000, 2000), NOTES, 2000),
)
FEE = FeeView("service", 5318, 150)
BY_CARD = replace(_CHOSEN, card=True, payment=PaymentView(5318, 0, 5318, 0, (), NOTES))
AT_READER = replace(BY_CARD, screen="card", card_view=CardView("asking", "bill", "present_card", 5318, "RB0701000042"))
SPLIT = PaymentView(5318, 2000, 3318, 0, (), NOTES)
CHECKS = replace(_CHOSEN, card=True, check=True, check_reason="")
AT_CHECK = replace(CHECKS, screen="check", check_view=CheckView("read", most_minor=5318))
READ_CHECK = CheckView("amount", "1045", "6789", most_minor=5318)
RECEIPT = ReceiptView(
    "RB-07-1-004118", 5318, 682, 0, "posted", "printing", "2026-11-24T19:44:00-06:00", "4417", shut_off_cleared=True
)
DONE = replace(_CHOSEN, screen="done", receipt=RECEIPT)
CLAIM = ClaimView("what", last4="4417", denominations_minor=NOTES, phone="(555) 010-0199", place="City Hall, window 3")
SLIP = replace(
    CLAIM,
    step="slip",
    what="not_counted",
    amount_minor=4000,
    number="RB-07-C1-000003",
    answer_by="2026-11-25",
    printed="printing",
)
APPLIED = Aftermath("applied", 2000, "4417", "RB-07-1-000412", "printing")
LOST = Aftermath("lost", 2000, "4417", "RB-07-C1-000003", "waiting")
STAFF = StaffView(
    "Dana Ortiz",
    214,
    387,
    712_400,
    (
        DeviceHealth("acceptor", "ready"),
        DeviceHealth("printer", "faulted", "paper_out"),
        DeviceHealth("scanner", "ready"),
        DeviceHealth("screen", "ready"),
        DeviceHealth("voice", "ready"),
        DeviceHealth("storage", "ready", "disk_low"),
    ),
    3,
    48_212,
    "0.1.0",
    unvalued=1,
)
_STAFF = replace(ATTRACT, staff=STAFF)

AT_CARDS = replace(STAFF, cards=True, refunds="")
SEARCH = SearchView("sale", "RB070100000C", 5318, "65000028")
PAID = RefundPaymentView(
    "RB-07-1-004118",
    "2026-11-24T19:44:00-06:00",
    (RefundCardView("RB0701000042", "bill", "Visa", "4242", 5318, 0, 5318),),
)
FEE_PAID = RefundPaymentView(
    "RB-07-1-004112",
    "2026-11-24T16:02:00-06:00",
    (
        RefundCardView("RB0701000038", "bill", "Mastercard", "0081", 20_841, 6120, 14_721),
        RefundCardView("RB0701000039", "fee", "Mastercard", "0081", 584, 0, 584),
    ),
)
ALL_BACK = replace(PAID, cards=(replace(PAID.cards[0], refunded_minor=5318, most_minor=0),))
_SIGN = RefundView("sign", found=PAID, card=PAID.cards[0], amount_minor=1500, why="wrong_account")
_REFUNDED = replace(_SIGN, step="done", reference="RB0701000043", result="refunded", slip=True, printed="printed")


def _refund(
    view: RefundView, screen: str = "staff_refund", field: str = "", entry: str = "", notice: str = ""
) -> Snapshot:
    staff = replace(AT_CARDS, refund=view)
    return replace(_STAFF, screen=screen, staff=staff, field=field, entry=entry, notice=notice)


SAMPLES: dict[str, Snapshot] = {
    "starting": replace(ATTRACT, screen="starting"),
    "starting_doubt": replace(
        ATTRACT, screen="starting", cash=False, notice="note_in_doubt", reasons=("acceptor_lost",)
    ),
    "starting_asking": replace(
        ATTRACT, screen="starting", aftermath=(APPLIED, Aftermath("asking", 2000)), reasons=("acceptor_lost",)
    ),
    "attract": ATTRACT,
    "attract_recovered": replace(ATTRACT, aftermath=(APPLIED,)),
    "attract_lost": replace(ATTRACT, printer=False, online=False, aftermath=(replace(APPLIED, paper="waiting"), LOST)),
    "attract_offline": replace(ATTRACT, online=False),
    "attract_no_scanner": replace(ATTRACT, scanner=False, after_hours=True),
    "attract_every_tender": replace(ATTRACT, card=True, check=True, check_reason=""),
    "type_account": replace(_SESSION, screen="type_account", field="account", entry="100200"),
    "type_account_wrong": replace(_SESSION, screen="type_account", field="account", notice="account_unknown"),
    "type_house": replace(_SESSION, screen="type_account", field="house", entry="118"),
    "finding": replace(_SESSION, screen="finding"),
    "invoice": replace(_CHOSEN, screen="invoice"),
    "invoice_late": replace(_SESSION, screen="invoice", account=LATE),
    "invoice_offline": replace(_SESSION, screen="invoice", account=PRINTED, online=False, notice="server_away"),
    "invoice_clear": replace(_SESSION, screen="invoice", account=CLEAR, notice="nothing_owed"),
    "other_amount": replace(_CHOSEN, screen="other_amount", field="amount", entry="2500"),
    "repeat": replace(
        _CHOSEN, screen="repeat", agreed_minor=2000, repeat=RepeatView(2000, "2026-11-24T19:42:00-06:00", "4417")
    ),
    "tender": replace(_CHOSEN, screen="tender"),
    "tender_no_cash": replace(_CHOSEN, screen="tender", cash=False, notice="cash_unavailable"),
    "cash_empty": CASH_EMPTY,
    "cash": CASH,
    "cash_jammed": replace(CASH, notice="cash_jammed", cash=False, payment=PaymentView(5318, 4000, 1318, 0, (), NOTES)),
    "cash_unsafe": replace(CASH, notice="cash_unsafe", cash=False, payment=PaymentView(5318, 4000, 1318, 0, (), NOTES)),
    "cash_slow": replace(CASH, notice="cash_slow", cash=False, payment=PaymentView(5318, 4000, 1318, 0, (), NOTES)),
    "tender_card": replace(_CHOSEN, screen="tender", card=True, may_add=True),
    "tender_card_fee": replace(_CHOSEN, screen="tender", card=True, fee=FEE),
    "tender_card_only": replace(_CHOSEN, screen="tender", card=True, cash=False),
    "tender_rest": replace(BY_CARD, screen="tender", notice="card_declined", payment=SPLIT),
    "tender_cart": replace(
        _CHOSEN, screen="tender", card=True, agreed_minor=7818, may_add=True,
        cart=(CartView("4417", 5318), CartView("0093", 2500)),
    ),
    "fee": replace(BY_CARD, screen="fee", fee=FEE),
    "card": AT_READER,
    "card_pin": replace(AT_READER, card_view=CardView("asking", "bill", "enter_pin", 5318)),
    "card_fee": replace(AT_READER, card_view=CardView("asking", "fee", "present_card", 150)),
    "card_cancelling": replace(AT_READER, card_view=CardView("cancelling", "bill", "", 5318)),
    "card_checking": replace(AT_READER, payment=SPLIT, card_view=CardView("checking", "bill", "", 3318)),
    "card_undoing": replace(AT_READER, card_view=CardView("undoing", "bill", "", 2000)),
    "partial": replace(
        BY_CARD, screen="partial", card_view=CardView("", amount_minor=2000), payment=replace(SPLIT, by_card_minor=2000)
    ),
    "card_unknown": replace(
        BY_CARD, screen="card_unknown", card=False, card_reason="card_unknown", notice="card_unknown",
        notice_minor=5318,
        card_view=CardView("", "bill", "", 5318, "RB0701000042", "(555) 010-0199"),
    ),
    "card_unknown_fee": replace(
        BY_CARD, screen="card_unknown", card=False, card_reason="card_unknown", payment=SPLIT,
        card_view=CardView("", "fee", "", 150, "RB0701000043", "(555) 010-0199"),
    ),
    "card_unknown_void": replace(
        BY_CARD, screen="card_unknown", card=False, card_reason="card_unknown",
        card_view=CardView("", "bill", "", 2000, "RB0701000044", "(555) 010-0199", "void"),
    ),
    "cash_card": replace(CASH, card=True),
    "tender_check": replace(CHECKS, screen="tender", may_add=True),
    "tender_check_rest": replace(
        CHECKS, screen="tender", notice="check_taken", notice_minor=2000,
        payment=replace(SPLIT, by_check_minor=2000),
    ),
    "fee_check": replace(BY_CARD, screen="fee", check=True, check_reason="", fee=FEE),
    "check": AT_CHECK,
    "check_unreadable": replace(AT_CHECK, notice="check_unreadable"),
    "check_rest": replace(AT_CHECK, payment=SPLIT, check_view=CheckView("read", most_minor=3318)),
    "check_amount": replace(AT_CHECK, field="check_amount", entry="5318", check_view=READ_CHECK),
    "check_too_high": replace(
        AT_CHECK, field="check_amount", notice="check_too_high", notice_minor=5318, check_view=READ_CHECK
    ),
    "check_again": replace(
        AT_CHECK, field="check_amount", entry="53",
        check_view=replace(READ_CHECK, phase="again", amount_minor=5318),
    ),
    "check_frank": replace(AT_CHECK, check_view=replace(READ_CHECK, phase="frank", amount_minor=5318)),
    "check_slot": replace(AT_CHECK, check_view=replace(READ_CHECK, phase="slot", amount_minor=5318)),
    "check_slot_rest": replace(
        AT_CHECK, payment=SPLIT, check_view=replace(READ_CHECK, phase="slot", amount_minor=3318)
    ),
    "tender_unsafe": replace(_CHOSEN, screen="tender", cash=False, notice="tender_unsafe"),
    "cash_doubt": replace(CASH, notice="note_in_doubt", aftermath=(LOST,)),
    "claim_what": replace(CASH, claim=CLAIM),
    "claim_what_closed": replace(ATTRACT, screen="out_of_service", cash=False, claim=replace(CLAIM, last4="")),
    "claim_when": replace(CASH, claim=replace(CLAIM, step="when")),
    "claim_notes": replace(CASH, claim=replace(CLAIM, step="notes", amount_minor=4000)),
    "claim_notes_none": replace(CASH, claim=replace(CLAIM, step="notes")),
    "claim_amount": replace(CASH, claim=replace(CLAIM, step="amount", amount_minor=4000)),
    "claim_slip": replace(CASH, claim=SLIP),
    "claim_slip_no_paper": replace(ATTRACT, printer=False, claim=replace(SLIP, printed="unavailable")),
    "cash_credit": replace(
        CASH, payment=PaymentView(5318, 6000, 0, 682, (100, 500, 1000), NOTES, 2000, credit_agreed=True)
    ),
    "review": replace(CASH, screen="review", notice=""),
    "closing": replace(CASH, screen="closing", notice=""),
    "tender_change": replace(BY_CARD, screen="tender", payment=None, change_minor=2400),
    "cash_change": replace(CASH, change_minor=2400),
    "closing_change": replace(
        CASH, screen="closing", notice="", payment=PaymentView(5318, 6000, 0, 82, (), NOTES, 1000, change_minor=600)
    ),
    "done_change": replace(
        DONE, receipt=replace(RECEIPT, credit_minor=82, change_minor=600, shut_off_cleared=False)
    ),
    "done": DONE,
    "done_card": replace(
        DONE, card=True,
        receipt=replace(RECEIPT, credit_minor=0, card_minor=5318, fee_minor=150, shut_off_cleared=False),
    ),
    "done_doubt": replace(DONE, notice="note_in_doubt", aftermath=(LOST,)),
    "done_queued": replace(
        DONE,
        online=False,
        receipt=replace(
            RECEIPT, paid_minor=4000, credit_minor=0, left_minor=1318, posted="queued", printed="failed",
            shut_off_cleared=False,
        ),
    ),
    "out_of_service": replace(ATTRACT, screen="out_of_service", cash=False, reasons=("cassette_full",)),
    "out_of_service_refilling": replace(
        ATTRACT, screen="out_of_service", online=False, cash=False, reasons=("refilling",)
    ),
    "out_of_service_disk": replace(ATTRACT, screen="out_of_service", cash=False, reasons=("disk_full",)),
    "out_of_service_lost": replace(
        ATTRACT, screen="out_of_service", cash=False, reasons=("acceptor_lost",), aftermath=(LOST,)
    ),
    "help": replace(CASH, help_open=True),
    "help_claim": replace(CASH, help_open=True, claim=CLAIM),
    "help_attract": replace(ATTRACT, help_open=True),
    "idle": replace(CASH, idle_left_s=38),
    "staff_sign_in": replace(ATTRACT, screen="staff_sign_in", field="pin", entry="••••"),
    "staff_health": replace(_STAFF, screen="staff_health"),
    "staff_health_cards": replace(
        _STAFF, screen="staff_health",
        staff=replace(
            STAFF, devices=(DeviceHealth("terminal", "ready", "batch_not_closed"), *STAFF.devices), unvalued=0,
            batch=BatchView(8), cards=True,
        ),
    ),
    "staff_cards": replace(
        _STAFF, screen="staff_cards", notice="batch_not_closed",
        staff=replace(AT_CARDS, batch=BatchView(8, "2026-11-23", "declined", waits=True)),
    ),
    "staff_cards_search": replace(_STAFF, screen="staff_cards", staff=replace(AT_CARDS, search=SEARCH)),
    "staff_search": replace(_STAFF, screen="staff_search", staff=replace(AT_CARDS, search=SEARCH)),
    "staff_cards_open": replace(_STAFF, screen="staff_cards", staff=AT_CARDS),
    "staff_refund": _refund(RefundView("find", "RB-07-1-", 30, payments=(PAID, FEE_PAID, PAID))),
    "staff_refund_number": _refund(RefundView("number", "RB-07-1-", 30), field="receipt", entry="41"),
    "staff_refund_absent": _refund(
        RefundView("number", "RB-07-1-", 30), field="receipt", entry="4118",
        notice="refund_absent",
    ),
    "staff_refund_none": _refund(RefundView("find", "RB-07-1-", 30)),
    "staff_refund_card": _refund(RefundView("card", found=PAID)),
    "staff_refund_card_fee": _refund(RefundView("card", found=FEE_PAID, slip=True)),
    "staff_refund_card_gone": _refund(RefundView("card", found=ALL_BACK, slip=True)),
    "staff_refund_amount": _refund(
        RefundView("amount", found=PAID, card=PAID.cards[0]), field="refund_amount", entry="1500"
    ),
    "staff_refund_why": _refund(RefundView("why", found=PAID, card=PAID.cards[0], amount_minor=1500)),
    "staff_refund_sign": _refund(_SIGN, field="pin", entry="••••"),
    "staff_refund_sign_same": _refund(_SIGN, field="pin", notice="refund_same_person"),
    "staff_refund_sign_alone": _refund(replace(_SIGN, two=False)),
    "staff_refunding": _refund(replace(_SIGN, phase="asking"), screen="staff_refunding"),
    "staff_refunding_card": _refund(
        replace(_SIGN, phase="asking", prompt="present_card"), screen="staff_refunding"
    ),
    "staff_refunding_checking": _refund(replace(_SIGN, phase="checking"), screen="staff_refunding"),
    "staff_refund_done": _refund(_REFUNDED),
    "staff_refund_done_no_paper": _refund(replace(_REFUNDED, printed="unavailable")),
    "staff_refund_declined": _refund(replace(_REFUNDED, result="declined", slip=False)),
    "staff_refund_unknown": _refund(replace(_REFUNDED, result="unknown", slip=False)),
    "staff_swap": replace(_STAFF, screen="staff_swap"),
}  # fmt: skip
