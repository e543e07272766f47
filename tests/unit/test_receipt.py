"""What a receipt says, and that it says it in two languages.

What must hold: figures add up or there is no receipt; nobody's full account number can stand on it; every line in
another language has its English; the ticket for the bag shows no value. Method: the real encoder and the printer's twin
turn receipts into text, which is compared with the kept files (RECEIPTS=write renews them).
"""

import ast
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.printer import document
from hardware.printer.escpos import Layout, encode
from hardware.sim.printer_machine import PrinterMachine
from kiosk.domain import paper
from kiosk.domain.facts import NoteCount
from kiosk.domain.receipt import (
    CassetteTicket,
    CassetteTicketCopy,
    ClaimSlip,
    IncidentSlip,
    Office,
    Receipt,
    ReceiptLine,
    verification_code,
)
from kiosk.domain.tenders import CardSaleApproved, CardSlip, CheckInPayment
from kiosk.pages.receipt import incident_items, receipt_items, slip_items, ticket_copy_items, ticket_items

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "tests" / "vectors" / "receipts"
CENTRAL = timezone(timedelta(hours=-6), "CST")
OFFICE = Office(
    "City of Riverbend",
    ("200 Main Street", "Riverbend, OH 43000"),
    "(555) 010-0100",
    "(555) 010-0199",
    "City Hall, window 3",
)
NUMBER = "RB-07-1-000412"
RECEIPT = Receipt(
    office=OFFICE,
    kiosk_id="RB-07",
    place="City Hall lobby",
    number=NUMBER,
    at=datetime(2026, 11, 23, 14, 42, tzinfo=CENTRAL),
    lines=(
        ReceiptLine("Water and trash", "4417", "W-2026-11-004417", 5318, 0),
        ReceiptLine("", "4417", "", 682),
    ),
    notes=(NoteCount(1000, 2), NoteCount(2000, 2)),
    posting="posted",
    value_date=date(2026, 11, 23),
    code=verification_code(NUMBER, "0193b2a4-0000-7000-8000-000000000001", 6000),
    verify_url="https://pay.riverbend.example/r",
)
OFFLINE = replace(
    RECEIPT,
    lines=(ReceiptLine("Water and trash", "4417", "W-2026-11-004417", 6000),),
    posting="queued",
    language="es",
    recovered=True,
)
TICKET = CassetteTicket(
    office=OFFICE,
    kiosk_id="RB-07",
    place="City Hall lobby",
    number="RB-07-C-0012",
    period=12,
    opened_record=1044,
    closed_record=1380,
    at=datetime(2026, 11, 23, 0, 5, tzinfo=CENTRAL),
    who=("M. Ortiz", "J. Lee"),
    note_count=41,
    language="es",
)
SLIP = ClaimSlip(
    office=OFFICE,
    kiosk_id="RB-07",
    place="City Hall lobby",
    number="RB-07-C1-000003",
    at=datetime(2026, 11, 23, 14, 42, tzinfo=CENTRAL),
    what="not_counted",
    amount_minor=4000,
    answer_by=date(2026, 11, 25),
    last4="4417",
)
CHIP = CardSlip(
    brand="Visa",
    last4="4242",
    entry="chip",
    approval="A1B2C3",
    application="Visa Credit",
    aid="A0000000031010",
    tvr="0000008000",
    tsi="E800",
    response_code="00",
    cryptogram="5E1F00AABBCCDDEE",
    verified="pin",
    terminal_id="RB070001",
)
TAP = CardSlip(brand="Mastercard", last4="0093", entry="contactless", approval="77", verified="device")
SPLIT = replace(
    RECEIPT,
    lines=(ReceiptLine("Water and trash", "4417", "W-2026-11-004417", 5318, 0),),
    notes=(NoteCount(1000, 1),),
    cards=(
        CardSaleApproved("p", "RB0701000001", "bill", 2000, 4318, "USD", "41", CHIP, False),
        CardSaleApproved("p", "RB0701000002", "fee", 150, 150, "USD", "42", CHIP, False),
        CardSaleApproved("p", "RB0701000003", "bill", 1318, 1318, "USD", "43", TAP, True),
    ),
    checks=(CheckInPayment("c", "1041", 1500),),
    change_minor=500,
    fee_minor=150,
    applied="oldest",
)
INCIDENT = IncidentSlip(
    office=OFFICE,
    kiosk_id="RB-07",
    place="City Hall lobby",
    reference="RB0701000042",
    at=datetime(2026, 11, 23, 14, 42, tzinfo=CENTRAL),
    amount_minor=5318,
    last4="4417",
)
COPY = CassetteTicketCopy(TICKET, (NoteCount(500, 21), NoteCount(2000, 20)), doubtful_minor=2000)
ODD = replace(COPY, ticket=replace(TICKET, note_count=42), notes=(NoteCount(0, 1), *COPY.notes))


def english(text: str) -> str:
    return text


def spanish_texts() -> dict[str, str]:
    with (ROOT / "assets" / "locale" / "es" / "LC_MESSAGES" / "kiosk.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale="es") if m.id and m.string}


def spanish() -> Callable[[str], str]:
    texts = spanish_texts()
    return lambda text: texts[text]


def printed(items: Iterable[paper.Item], columns: int = 42) -> str:
    job = encode(tuple(getattr(document, type(item).__name__)(**vars(item)) for item in items), Layout(columns))
    machine = PrinterMachine(columns=columns)
    machine.receive(job)
    strips = [*machine.finished, machine.strip]  # paper of 32 columns has no blade
    return strips[0].text()


# Figures


def test_the_verification_code_is_what_the_wire_page_says() -> None:
    # printf 'RB-07-1-000412|p1|6000' | sha256sum | xxd -r -p | base32 | head -c 10
    assert verification_code("RB-07-1-000412", "p1", 6000) == "UAEXWHQS7I"
    assert verification_code("RB-07-1-000412", "p1", 6001) != verification_code("RB-07-1-000412", "p1", 6000)


def test_a_receipt_that_does_not_add_up_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="add up"):
        replace(RECEIPT, notes=(NoteCount(2000, 2),))
    with pytest.raises(ValueError, match="add up"):
        replace(RECEIPT, fee_minor=100)


@pytest.mark.parametrize(
    "change",
    [{"at": datetime(2026, 11, 23)}, {"posting": "maybe"}],
    ids=["time without zone", "unknown posting state"],
)
def test_a_receipt_says_when_and_how_it_stands(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"zone|posting"):
        replace(RECEIPT, **change)


def test_no_more_than_four_digits_of_an_account() -> None:
    with pytest.raises(ValueError, match="four digits"):
        ReceiptLine("Water", "0004417", "W-1", 100)


def test_ticket_and_copy_count_the_same_notes() -> None:
    with pytest.raises(ValueError, match="different notes"):
        CassetteTicketCopy(TICKET, (NoteCount(500, 40),))
    assert COPY.total_minor == 21 * 500 + 20 * 2000
    assert ODD.total_minor == COPY.total_minor


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from((100, 500, 1000, 2000, 5000, 10000)), st.integers(1, 40)), min_size=1))
def test_every_note_and_the_total_stand_on_the_receipt(notes: list[tuple[int, int]]) -> None:
    counts = tuple(NoteCount(value, count) for value, count in notes)
    total = sum(value * count for value, count in notes)
    receipt = replace(RECEIPT, notes=counts, lines=(ReceiptLine("Water", "4417", "W-1", total, 0),))
    items = receipt_items(receipt, english)
    figures = [item.right for item in items if isinstance(item, paper.Columns) and " x $" in item.left]
    assert sum(round(100 * float(figure.replace("$", "").replace(",", ""))) for figure in figures) == total
    assert receipt.total_minor == total


@pytest.mark.parametrize("kind", ["Text", "Columns", "Rule", "Qr", "Feed", "Cut"])
def test_paper_and_document_are_one_to_one(kind: str) -> None:
    ours, theirs = fields(getattr(paper, kind)), fields(getattr(document, kind))
    assert [(f.name, f.type, f.default) for f in ours] == [(f.name, f.type, f.default) for f in theirs]


# Words


def marked_texts() -> set[str]:
    """Every text of papers that is marked with `_`."""
    trees = [
        ast.parse((ROOT / "kiosk" / "pages" / name).read_text(encoding="utf-8")) for name in ("receipt.py", "dates.py")
    ]
    calls = (
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    return {call.args[0].value for call in calls if call.func.id == "_" and isinstance(call.args[0], ast.Constant)}  # type: ignore[attr-defined]


def test_every_text_has_its_spanish_with_the_same_blanks() -> None:
    texts, marked = spanish_texts(), marked_texts()
    assert len(marked) > 40
    assert marked - texts.keys() == set()
    for text in marked:
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", texts[text])), text


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("receipt-en", lambda: receipt_items(RECEIPT, english)),
        ("receipt-es", lambda: receipt_items(replace(RECEIPT, language="es"), spanish())),
        ("receipt-es-offline", lambda: receipt_items(OFFLINE, spanish())),
        ("receipt-en-large-copy", lambda: receipt_items(replace(RECEIPT, reprint=True), english, large=True)),
        ("ticket-es", lambda: ticket_items(TICKET, spanish())),
        ("slip-en", lambda: slip_items(SLIP, english)),
        ("slip-es", lambda: slip_items(replace(SLIP, what="note_in_doubt"), spanish())),
        ("receipt-es-split", lambda: receipt_items(replace(SPLIT, language="es"), spanish())),
        ("incident-es", lambda: incident_items(INCIDENT, spanish())),
        ("incident-es-void", lambda: incident_items(replace(INCIDENT, operation="void"), spanish())),
        ("incident-es-fee", lambda: incident_items(replace(INCIDENT, leg="fee"), spanish())),
        ("ticket-copy-en", lambda: ticket_copy_items(COPY, english)),
    ],
)
def test_what_comes_out_of_the_printer_is_what_was_kept(name: str, items: Callable[[], paper.Paper]) -> None:
    path = KEPT / f"{name}.txt"
    text = printed(items())
    if os.environ.get("RECEIPTS") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def lines_of(items: Iterable[paper.Item]) -> list[str]:
    return [item.text if isinstance(item, paper.Text) else item.left for item in items if hasattr(item, "bold")]


@pytest.mark.parametrize("receipt", [RECEIPT, OFFLINE, replace(RECEIPT, reprint=True)], ids=["paid", "offline", "copy"])
def test_a_receipt_in_another_language_holds_the_whole_english_one(receipt: Receipt) -> None:
    two, one = lines_of(receipt_items(receipt, spanish())), lines_of(receipt_items(receipt, english))
    rest = iter(two)
    assert all(line in rest for line in one), "an English line is missing or out of order"
    assert len(two) > len(one) + 10


def test_a_figure_is_printed_once_whatever_the_languages() -> None:
    assert printed(receipt_items(RECEIPT, spanish())).count("$60.00") == 1
    assert printed(receipt_items(RECEIPT, english)).count("$60.00") == 1


def test_dates_follow_the_language_and_money_does_not() -> None:
    text = printed(receipt_items(RECEIPT, spanish()))
    assert "23 de noviembre de 2026     2:42 p. m. CST" in text
    assert "November 23, 2026              2:42 PM CST" in text
    assert "$53.18" in text
    assert "53,18" not in text


@pytest.mark.parametrize(("hour", "shown"), [(0, "12:05 AM"), (11, "11:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")])
def test_midnight_and_noon(hour: int, shown: str) -> None:
    assert shown in printed(receipt_items(replace(RECEIPT, at=RECEIPT.at.replace(hour=hour, minute=5)), english))


def test_the_ticket_for_the_bag_is_blind_and_the_copy_is_not() -> None:
    assert "$" not in printed(ticket_items(TICKET, spanish()))
    copy = printed(ticket_copy_items(COPY, spanish()))
    for figure in ("$400.00", "$105.00", "$505.00", "$20.00"):
        assert figure in copy
    assert "unknown" not in printed(ticket_copy_items(COPY, english))
    odd = printed(ticket_copy_items(ODD, english))
    assert "Value unknown, not in the total" in odd
    assert "$0" not in odd


def test_the_states_that_a_resident_must_know_are_told_apart() -> None:
    posted = printed(receipt_items(RECEIPT, english))
    queued = printed(receipt_items(replace(RECEIPT, posting="queued"), english))
    assert "Posted to your account." in posted
    assert "Posted" not in queued
    assert "It counts as paid on November 23, 2026." in queued
    assert "COPY" in printed(receipt_items(replace(RECEIPT, reprint=True), english))
    assert "interruption" in printed(receipt_items(replace(RECEIPT, recovered=True), english))
    assert "not known now" in printed(receipt_items(OFFLINE, english))


WHATS = ("not_counted", "wrong_amount", "no_receipt", "other", "note_in_doubt", "note_unexpected")


def test_a_slip_says_what_happened_and_shows_only_what_is_known() -> None:
    said = {what: lines_of(slip_items(replace(SLIP, what=what), english))[9] for what in WHATS}
    assert len(set(said.values())) == len(WHATS), said
    bare = printed(slip_items(replace(SLIP, amount_minor=0, last4=""), english))
    assert "$" not in bare
    assert "Account" not in bare
    with pytest.raises(ValueError, match="four digits"):
        replace(SLIP, last4="04417")
    with pytest.raises(ValueError, match="zone"):
        replace(SLIP, at=datetime(2026, 11, 23))


def test_large_print_is_twice_the_size_in_every_line() -> None:
    items = receipt_items(RECEIPT, spanish(), large=True)
    assert {item.size for item in items if isinstance(item, paper.Text | paper.Columns)} == {2}


def test_the_code_leads_to_the_city_or_can_be_typed() -> None:
    assert RECEIPT.qr == f"https://pay.riverbend.example/r/{NUMBER}?code={RECEIPT.code}"
    assert replace(RECEIPT, verify_url="").qr == f"{NUMBER} {RECEIPT.code}"


@settings(deadline=None)
@given(
    label=st.text(st.characters(codec="cp858", exclude_categories=["Cc"]), min_size=1, max_size=80),
    columns=st.sampled_from((32, 42, 48)),
    amount=st.integers(1, 10**9),
    large=st.booleans(),
)
def test_no_line_is_wider_than_the_paper_and_no_figure_is_broken(
    label: str, columns: int, amount: int, large: bool
) -> None:
    notes = (NoteCount(amount, 1),)
    receipt = replace(RECEIPT, lines=(ReceiptLine(label, "4417", "W-1", amount, 0),), notes=notes, verify_url="")
    text = printed(receipt_items(receipt, english, large), columns)
    assert max(map(len, text.splitlines())) <= columns
    assert text.count(f"${amount / 100:,.2f}") >= 3  # the line, the total, the note
