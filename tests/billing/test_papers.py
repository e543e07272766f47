"""Goal: the papers of a day name every difference between journal, processor and ledger, and no other.

Method: kiosks post over HTTP; clerks use their browsers; the processor's list comes as the file that they upload.
"""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing import clock
from billing.journal.ways import Choice
from billing.reports import day as days
from billing.reports import periods, processor, reconciling
from billing.reports.models import ProcessorLine, ProcessorList
from billing.reports.processor_csv import BadList, parse
from tests.billing.card_books import attempt, item, post, resolve
from tests.billing.kiosk import Client, bills_of, completed, enrolled, line, new_account, note, uid
from tests.billing.staff import person, proposer, reconciler, signed_in
from tests.billing.tenders import approved, check, ended, paid_out, reference, refund, sale, void

TODAY = clock.city_date(clock.now())


def listed(*rows: tuple[str, str, str], day: Any = TODAY) -> ProcessorList:
    """Take in a processor's list of (reference, type, amount)."""
    text = "Reference;Type;Amount;Date;ID\n" + "".join(f"{a};{b};{c};{day};{uid()}\n" for a, b, c in rows)
    return processor.take("list.csv", text.encode(), reconciler(), clock.now())


def found(kiosk: Client, *references: str) -> dict[str, tuple[str, ...]]:
    """Return the problems of these references, as today's page has them."""
    rows = reconciling.reconcile(TODAY, kiosk.kiosk_id).rows
    return {row.reference: row.problems for row in rows if row.reference in references}


def sold(kiosk: Client, amount_minor: int) -> str:
    ref = reference()
    post(kiosk, ("CardSaleApproved", approved(uid(), ref, amount_minor)))
    return ref


# Three lists


def test_what_agrees_is_no_difference(kiosk: Client) -> None:
    ref, undone, declined = sold(kiosk, 5000), reference(), reference()
    payment_id = uid()
    undo = void(payment_id, undone, 700)
    post(
        kiosk,
        ("CardSaleApproved", approved(payment_id, undone, 700)),
        ("VoidStarted", undo),
        ("CardSaleVoided", undo),
        ("CardSaleStarted", sale(payment_id, declined, 900)),
        ("CardSaleEnded", ended(payment_id, declined)),
    )
    listed((ref, "sale", "50.00"), (undone, "sale", "7.00"), (undone, "void", "7.00"))
    assert found(kiosk, ref, undone, declined) == {ref: (), undone: (), declined: ()}


def test_each_kind_of_difference_is_named(kiosk: Client) -> None:
    missing, short, twice, stranger, lost, hidden = (sold(kiosk, 5000) for _ in range(6))
    gone, charged, refused = reference(), reference(), reference()
    for ref in (gone, charged):
        post(kiosk, ("CardSaleUnknown", sale(uid(), ref, 300, reason="timeout")))
    post(kiosk, ("CardSaleEnded", ended(uid(), refused)))
    stranger = f"X{stranger[1:]}"
    listed(
        (short, "sale", "40.00"), (twice, "sale", "50.00"), (twice, "sale", "50.00"), (stranger, "sale", "1.00"),
        (lost, "sale", "50.00"), (hidden, "Sale", "$50.00"), (charged, "sale", "3.00"), (refused, "sale", "3.00"),
    )  # fmt: skip
    differences = found(kiosk, missing, short, twice, stranger, lost, hidden, gone, charged, refused)
    assert differences == {
        missing: ("booked, but not at the processor",),
        short: ("processor and ledger are not over the same sum",),
        twice: ("processor and ledger are not over the same sum", "charged 2 times at the processor"),
        stranger: ("no kiosk knows this reference",),
        lost: (),
        hidden: (),
        gone: ("unknown at the kiosk: the processor does not have it",),
        charged: ("unknown at the kiosk: the processor has charged it",),
        refused: ("at the processor, but not booked",),
    }


def test_without_a_list_journal_and_ledger_are_compared(kiosk: Client) -> None:
    then = clock.now() - timedelta(days=400)
    ref = reference()
    kiosk.journal.add("CardSaleApproved", approved(uid(), ref, 500), device_time=clock.stamp(then))
    kiosk.post_all()
    rows = reconciling.reconcile(clock.city_date(then), kiosk.kiosk_id)
    assert (rows.covered, rows.differences) == (False, [])
    assert [(row.journal_minor, row.processor_minor, row.ledger_minor) for row in rows.rows] == [(500, None, 500)]


def test_what_two_people_found_paid_agrees(kiosk: Client) -> None:
    refs = [reference(), reference()]
    for ref, way in zip(refs, ("paid", "unpaid"), strict=True):
        post(kiosk, ("CardSaleUnknown", sale(uid(), ref, 300, reason="timeout")))
        memo = item(kiosk, "card-unknown") if way == "paid" else item_of(kiosk, ref)
        resolve(memo, Choice(way, account=new_account(1)))
    listed((refs[0], "sale", "3.00"))
    assert found(kiosk, *refs) == {refs[0]: (), refs[1]: ()}
    listed((refs[1], "sale", "3.00"))
    assert found(kiosk, *refs)[refs[1]] == ("at the processor, but not booked",), "they were wrong"


def item_of(kiosk: Client, ref: str) -> Any:
    from billing.journal.models import SuspenseItem

    return SuspenseItem.objects.get(chain__kiosk=kiosk.kiosk_id, subject=ref)


def test_a_batch_is_held_against_the_ledger_since_the_one_before(kiosk: Client) -> None:
    sold(kiosk, 5000)
    close = {"reference": "B1", "result": "approved", "count": 1, "total_minor": 5000, "reason": ""}
    post(kiosk, ("BatchClosed", close))
    sold(kiosk, 700)
    post(kiosk, ("BatchClosed", close | {"reference": "B2", "result": "unknown", "total_minor": 0}))
    sold(kiosk, 300)
    post(kiosk, ("BatchClosed", close | {"reference": "B3", "total_minor": 1000, "count": 2}))
    sold(kiosk, 900)
    post(kiosk, ("BatchClosed", close | {"reference": "B4", "total_minor": 901}))
    batches = reconciling.reconcile(TODAY, kiosk.kiosk_id).batches
    assert [(one.reference, one.ledger_minor, one.problem) for one in batches] == [
        ("B1", 5000, ""),
        ("B2", 700, "the batch was not closed"),
        ("B3", 1000, ""),
        ("B4", 900, "not the same sum"),
    ]


@pytest.mark.parametrize(("told", "problem"), [(5000, ""), (3000, ""), (4000, "not the same sum")])
def test_a_batch_knows_of_refunds(kiosk: Client, told: int, problem: str) -> None:
    """Some terminals take refunds off their sum, some tell of sales alone."""
    account, payment_id, ref = new_account(5000), uid(), reference()
    bill = bills_of(account)[0]
    body = refund(payment_id, ref, 2000, line(account, bill, 2000))
    post(
        kiosk,
        ("CardSaleApproved", approved(payment_id, ref, 5000)),
        ("PaymentCompleted", completed(payment_id, line(account, bill, 5000))),
        ("RefundStarted", body),
        ("CardRefunded", body),
        ("BatchClosed", {"reference": "B1", "result": "approved", "count": 1, "total_minor": told, "reason": ""}),
    )
    (batch,) = reconciling.reconcile(TODAY, kiosk.kiosk_id).batches
    assert (batch.ledger_minor, batch.refunds, batch.refunded_minor, batch.problem) == (3000, 1, 2000, problem)
    assert "1: −$20.00" in signed_in(reconciler()).get(reverse("reports_cards")).content.decode()


# The processor's file


def test_a_file_is_taken_once_and_overlapping_ones_add_only_what_is_new() -> None:
    refs = [reference() for _ in range(3)]
    head = "reference,amount_minor,date\n"
    rows = [f"{ref},500,2026-11-23\n" for ref in refs]
    first = (head + rows[0] + rows[0] + rows[1]).encode()
    one = processor.take("a.csv", first, reconciler(), clock.now())
    assert (one.lines_kept, one.lines_known) == (3, 0), "two equal lines of one file are two transactions"
    with pytest.raises(BadList, match="uploaded before"):
        processor.take("b.csv", first, reconciler(), clock.now())
    two = processor.take("c.csv", (head + "".join(rows) + rows[0]).encode(), reconciler(), clock.now())
    assert (two.lines_kept, two.lines_known) == (1, 3)
    assert ProcessorLine.objects.filter(reference__in=refs).count() == 4


@pytest.mark.parametrize(
    ("text", "minor"),
    [("12.34", 1234), ("12", 1200), ("12.3", 1230), ("$1,204.50", 120450), ("-5.00", -500), ("(5.00)", -500)],
)
def test_sums_are_read_to_the_cent(text: str, minor: int) -> None:
    (found_line,) = parse(f"ref\tamount\tdate\nA1\t{text}\t11/23/2026\n".encode(), "USD")
    assert (found_line.amount_minor, found_line.currency, str(found_line.processed_on)) == (minor, "USD", "2026-11-23")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "names no column reference and no column date and no column amount"),
        ("reference,date,amount\n", "there is no line in it"),
        ("reference,date,amount\nA1,2026-11-23,1.234\n", "line 2: '1.234' is no amount"),
        ("reference,date,amount\nA1,2026-11-23,1e3\n", "no amount"),
        ("reference,date,amount\nA1,2026-11-23,0.00\n", "an amount of nothing"),
        ("reference,date,amount\nA1,2026-13-23,1.00\n", "is no date"),
        ("reference,date,amount\nA 1,2026-11-23,1.00\n", "'A 1' is no reference"),
        ("reference,date,amount,type\nA1,2026-11-23,1.00,gift\n", "'gift' is no type"),
        ("reference,date,amount,currency\nA1,2026-11-23,1.00,dollars\n", "is no currency"),
        ("reference,date,amount\nA1,2026-11-23,99999999999999.00\n", "too large"),
        ("reference,date,amount\nA1\n", "no amount"),
        ("\x00", "not a text file"),
        ('reference,date,amount\n"A1,2026', "this is no CSV"),
    ],
)
def test_a_file_with_a_bad_line_is_refused_whole(text: str, error: str) -> None:
    before = ProcessorLine.objects.count()
    with pytest.raises(BadList, match=error.replace("(", r"\(")):
        processor.take("x.csv", text.encode(), reconciler(), clock.now())
    assert ProcessorLine.objects.count() == before


def test_a_clerk_uploads_and_sees_what_differs(kiosk: Client) -> None:
    ref, address = sold(kiosk, 5000), reverse("reports_cards")
    browser = signed_in(reconciler())
    bad = SimpleUploadedFile("bad.csv", b"<b>\xff")
    shown = browser.post(address, {"file": bad}, follow=True).content.decode()
    assert "Not taken: this is not a text file in UTF-8." in shown
    good = SimpleUploadedFile("<i>.csv", f"reference,date,amount\n{ref},{TODAY},49.99\n".encode())
    shown = browser.post(address, {"file": good}, follow=True).content.decode()
    assert "1 lines taken" in shown
    assert "&lt;i&gt;.csv" in shown
    shown = browser.get(address, {"day": str(TODAY), "kiosk": kiosk.kiosk_id}).content.decode()
    assert "processor and ledger are not over the same sum" in shown
    assert reverse("admin:journal_cardattempt_change", args=[attempt(kiosk, ref).pk]) in shown
    table = browser.get(address, {"kiosk": kiosk.kiosk_id, "format": "csv"}).content.decode()
    (row,) = [row for row in csv.DictReader(io.StringIO(table)) if row["reference"] == ref]
    assert (row["journal_minor"], row["processor_minor"], row["ledger_minor"]) == ("5000", "4999", "5000")


def test_only_who_may_see_payments_sees_papers_and_only_some_upload(kiosk: Client) -> None:
    nobody, clerk = signed_in(person()), signed_in(proposer())
    for name in ("reports_day", "reports_cards", "reports_periods"):
        assert nobody.get(reverse(name)).status_code == 403
        assert clerk.get(reverse(name)).status_code == 200
        assert "Card sales" in clerk.get(reverse("admin:index")).content.decode()
    file = SimpleUploadedFile("x.csv", f"reference,date,amount\nA1,{TODAY},1.00\n".encode())
    assert clerk.post(reverse("reports_cards"), {"file": file}).status_code == 403
    assert "reports_day" not in nobody.get(reverse("admin:index")).content.decode()


@pytest.mark.parametrize("query", [{"day": "x"}, {"day": "9999-12-31"}, {"day": "0001-01-01"}, {"kiosk": "\x00"}, {}])
@pytest.mark.parametrize("name", ["reports_day", "reports_cards", "reports_periods"])
def test_papers_open_whatever_is_asked(kiosk: Client, name: str, query: dict[str, str]) -> None:
    assert signed_in(proposer()).get(reverse(name), query).status_code == 200


# Day and periods


def test_a_day_by_tender(kiosk: Client) -> None:
    account, payment_id = new_account(9000), uid()
    lines = (line(account, bills_of(account)[0], 8000), line("nobody", "", 200))
    undone = reference()
    post(
        kiosk,
        ("NoteStacked", note(payment_id, 5000)),
        ("CardSaleApproved", approved(payment_id, reference(), 3000)),
        ("CardSaleApproved", approved(payment_id, reference(), 150, leg="fee")),
        ("CardSaleApproved", approved(payment_id, undone, 400)),
        ("CardSaleVoided", void(payment_id, undone, 400)),
        ("CheckTaken", check(payment_id, 1200)),
        ("NotePaidOut", paid_out(payment_id, 1000)),
        ("PaymentCompleted", completed(payment_id, *lines, fee_minor=150, fee_kind="service")),
        ("NoteStacked", note(uid(), 100)),
    )
    (found_day,) = [one for one in days.report(TODAY) if one.name == kiosk.kiosk_id]
    tenders = {part.what: (part.count, part.amount_minor) for part in found_day.tenders}
    assert tenders == {
        "cash in": (2, 5100),
        "cash out (change)": (1, -1000),
        "card sales": (3, 3550),
        "card sales voided": (1, -400),
        "card sales refunded": (0, 0),
        "checks": (1, 1200),
    }
    went = {part.what: part.amount_minor for part in found_day.went}
    assert went == {"bills": 8000, "card fees": 150, "suspense": 200, "payments not complete": 100}
    assert found_day.taken_minor == found_day.placed_minor == 8450
    assert (found_day.receipts, found_day.first_receipt) == (1, f"R-{payment_id[:12]}")
    shown = signed_in(proposer()).get(reverse("reports_day")).content.decode()
    assert f"<h2>{kiosk.kiosk_id}</h2>" in shown
    table = signed_in(proposer()).get(reverse("reports_day"), {"format": "csv"}).content.decode()
    rows = [row for row in csv.DictReader(io.StringIO(table)) if row["kiosk"] == kiosk.kiosk_id]
    assert ("checks", "1200") in {(row["what"], row["amount_minor"]) for row in rows}


def test_checks_stand_beside_the_notes_of_their_period(kiosk: Client) -> None:
    payment_id = uid()
    ticket = {
        "period": 1,
        "notes": [{"value_minor": 2000, "count": 1}, {"value_minor": 500, "count": 1}],
        "total_minor": 2500,
        "doubtful_minor": 0,
        "by": "ann",
        "reason": "swapped",
    }
    post(
        kiosk,
        ("NoteStacked", note(payment_id, 2000)),
        ("NoteStacked", note(payment_id, 500)),
        ("NoteStacked", note(payment_id, 500)),
        ("NotePaidOut", paid_out(payment_id, 500)),
        ("CheckTaken", check(payment_id, 1200, number="77")),
        ("CheckTaken", check(payment_id, 800, cassette_period=2)),
        ("CassettePeriodClosed", ticket),
    )
    second, first = periods.periods(kiosk.kiosk_id)
    assert (first.subject, first.cash_minor, first.checks, first.checks_minor) == (f"{kiosk.kiosk_id}/1", 2500, 1, 1200)
    assert (first.differs_minor, second.ticket, second.checks_minor) == (0, None, 800)
    content = periods.content(first.subject)
    assert dict(content.notes) == {2000: 1, 500: 1}
    assert [(one.number, one.amount_minor, one.last4) for one in content.checks] == [("77", 1200, "6789")]
    browser, address = signed_in(proposer()), reverse("reports_periods")
    assert "$12.00 USD" in browser.get(address, {"kiosk": kiosk.kiosk_id}).content.decode()
    shown = browser.get(address, {"kiosk": kiosk.kiosk_id, "period": first.subject}).content.decode()
    assert "Closed by ann" in shown
    assert "$37.00 USD" in shown, "notes and checks together"
    assert browser.get(address, {"kiosk": kiosk.kiosk_id, "period": "other/1"}).status_code == 404


def test_a_note_of_unknown_value_stands_in_its_period_by_records_and_by_ticket(kiosk: Client) -> None:
    ticket = {"period": 1, "notes": [{"value_minor": 0, "count": 1}, {"value_minor": 500, "count": 1}]}
    ticket |= {"total_minor": 500, "doubtful_minor": 0, "by": "ann", "reason": "swapped"}
    post(
        kiosk,
        ("NoteStacked", note(uid(), 500)),
        ("NoteUnexpected", note("", 0, reason="no_value")),
        ("NoteUnexpected", note("", 0, reason="no_value", cassette_period=2)),
        ("CassettePeriodClosed", ticket),
    )
    other, period = periods.periods(kiosk.kiosk_id)
    assert (other.subject, other.cash_minor, other.unvalued, other.ticket) == (f"{kiosk.kiosk_id}/2", 0, 1, None)
    assert (period.cash_minor, period.differs_minor, period.unvalued) == (500, 0, 1)
    assert dict(periods.content(other.subject).notes) == {0: 1}
    assert dict(periods.content(period.subject).notes) == {0: 1, 500: 1}
    where = {"kiosk": kiosk.kiosk_id, "period": period.subject}
    shown = signed_in(proposer()).get(reverse("reports_periods"), where).content.decode()
    assert '<td class="sum">unknown</td><td class="sum">1</td><td class="sum">1</td>' in shown


def test_a_note_of_unknown_value_is_shown_once_on_whatever_branch(kiosk: Client) -> None:
    """A copy of the kiosk tells of the same note at another place, and of one of its own."""
    same, own = note("", 0, reason="no_value"), note("", 0, reason="no_value")
    post(kiosk, ("SessionOpened", {}), ("NoteUnexpected", same))
    branch = kiosk.journal.copy()
    branch.records[1:] = []
    kiosk.post_journal([branch.add("NoteUnexpected", own), branch.add("NoteUnexpected", same)])
    (period,) = periods.periods(kiosk.kiosk_id)
    assert period.unvalued == 2


def test_a_check_that_nobody_said_went_in_is_listed_by_its_period(kiosk: Client) -> None:
    payment_id = uid()
    asked = [check(payment_id, amount, number=number) for amount, number in ((1200, "77"), (1200, "77"), (800, "78"))]
    for body in asked:
        del body["franked"]
    elsewhere = {**check(payment_id, 500, number="79", cassette_period=2)}
    taken = {**asked[1], "franked": True}
    post(kiosk, *(("CheckAwaited", body) for body in (*asked, asked[2], elsewhere)), ("CheckTaken", taken))
    second, first = periods.periods(kiosk.kiosk_id)
    assert (first.checks, first.checks_minor, first.awaited) == (1, 1200, 2)
    assert (second.checks, second.checks_minor, second.awaited) == (0, 0, 1)
    awaited = periods.content(first.subject).awaited
    assert [(one.number, one.amount_minor, one.again) for one in awaited] == [("77", 1200, True), ("78", 800, False)]
    browser, address = signed_in(proposer()), reverse("reports_periods")
    assert "2 not said to be in" in browser.get(address, {"kiosk": kiosk.kiosk_id}).content.decode()
    shown = browser.get(address, {"kiosk": kiosk.kiosk_id, "period": first.subject}).content.decode()
    assert "not said to have gone in" in shown
    assert "$8.00 USD" in shown
    post(kiosk, ("CheckTaken", {**asked[2], "franked": True}), ("CheckTaken", {**elsewhere, "franked": True}))
    assert [one.awaited for one in periods.periods(kiosk.kiosk_id)] == [0, 1], "taken at last"


def test_each_epoch_has_its_own_ticket(kiosk: Client, server: str) -> None:
    from billing.kiosks.models import Kiosk

    again = enrolled(server, Kiosk.objects.get(pk=kiosk.kiosk_id))
    for client, total in ((kiosk, 500), (again, 1000)):
        ticket = {"period": 1, "notes": [], "total_minor": total, "doubtful_minor": 0, "by": "", "reason": "swapped"}
        post(client, ("NoteStacked", note(uid(), total)), ("CassettePeriodClosed", ticket))
    found_periods = {one.subject: one.differs_minor for one in periods.periods(kiosk.kiosk_id)}
    assert found_periods == {f"{kiosk.kiosk_id}/1": 0, f"{kiosk.kiosk_id}/2/1": 0}


# One attempt


def test_everything_about_one_attempt_is_on_its_page(kiosk: Client) -> None:
    account, payment_id, ref, fee = new_account(5000), uid(), reference(), reference()
    undo = void(payment_id, ref, 5000, why="fee_failed")
    kiosk.journal.add("CardSaleStarted", sale(payment_id, ref, 5000, terminal="<b>pax</b>"))
    lost = kiosk.journal.copy()
    post(
        kiosk,
        ("CardSaleApproved", approved(payment_id, ref, 5000)),
        ("CardSaleEnded", ended(payment_id, fee)),
        ("VoidStarted", undo),
        ("VoidUnknown", undo),
        ("PaymentAbandoned", {"payment_id": payment_id, "reason": "declined"}),
    )
    lost.add("CardSaleUnknown", sale(payment_id, ref, 5000, reason="on the copy"))
    assert kiosk.post_journal(lost.records[1:]).status_code == 409
    listed((ref, "sale", "50.00"))
    shown = signed_in(proposer()).get(reverse("admin:journal_cardattempt_change", args=[attempt(kiosk, ref).pk]))
    text = shown.content.decode()
    for part in ("void unknown", "…4242", "04A7B1", "CardSaleApproved", "VoidUnknown", "losing branch", "on the copy",
                 "PaymentAbandoned", "void-unknown", "$50.00 USD", "list.csv", fee, "&lt;b&gt;pax"):  # fmt: skip
        assert part in text, part
    assert str(account.number) not in text
    listing = signed_in(proposer()).get(reverse("admin:journal_cardattempt_changelist"), {"state": "open"})
    assert ref in listing.content.decode()
    assert fee not in listing.content.decode()


@pytest.mark.parametrize("key", ["0", "x", "²", "9" * 30])
def test_an_attempt_that_is_not_there_is_not_found(key: str) -> None:
    address = reverse("admin:journal_cardattempt_change", args=[key])
    assert signed_in(proposer()).get(address).status_code == 404


def test_an_unknown_attempt_is_resolved_on_its_items_page(kiosk: Client) -> None:
    account, payment_id, ref = new_account(5000), uid(), reference()
    chosen = {"session_id": "s", "payment_id": payment_id, "account": account.token, "last4": account.number[-4:]}
    post(kiosk, ("InvoiceChosen", chosen), ("CardSaleUnknown", sale(payment_id, ref, 700, reason="timeout")))
    memo, browser = item(kiosk, "card-unknown"), signed_in(proposer())
    address = reverse("admin:journal_suspenseitem_change", args=[memo.pk])
    shown = browser.get(address).content.decode()
    assert "found paid at the processor" in shown
    assert f'value="{account.number}"' in shown
    assert reverse("admin:journal_cardattempt_change", args=[attempt(kiosk, ref).pk]) in shown
    form = {"step": "propose", "way": "paid", "account": account.number, "why": "in the list of today"}
    assert browser.post(address, form).status_code == 302
    assert json.dumps(ref).strip('"') in browser.get(address).content.decode()
