"""Suspense in the back office: evidence, the two persons' forms, the report of age as page, CSV and JSON."""

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing import clock
from billing.claims import evidence as claim_evidence
from billing.claims import keeping
from billing.claims.models import Claim
from billing.journal import ageing, suspense
from billing.journal.evidence import evidence
from billing.journal.models import Resolution, SuspenseItem
from billing.journal.ways import Choice
from billing.kiosks.models import EnrolmentCode
from billing.ledger import balances
from billing.ledger.chart import CREDIT, SUSPENSE
from billing.reports import periods
from tests.billing.kiosk import Client, bills_of, claim, completed, enrolled, line, new_account, note, uid
from tests.billing.staff import confirmer, person, proposer, signed_in
from tests.billing.tenders import reference, sale
from tests.billing.test_suspense import doubt, found_note, missing, resolve, unexpected

AGE = "admin:journal_suspense_age"


def page_of(item: SuspenseItem) -> str:
    return reverse("admin:journal_suspenseitem_change", args=[item.pk])


def text(browser: Browser, address: str, **query: str) -> str:
    answer = browser.get(address, query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_one_clerk_proposes_and_another_books(kiosk: Client) -> None:
    item, account = found_note(kiosk), new_account(5000)
    first, second = signed_in(proposer()), signed_in(confirmer())
    assert "Propose what becomes of it" in text(first, page_of(item))
    assert "Propose what becomes of it" not in text(second, page_of(item))
    form = {"step": "propose", "way": "credit", "account": "1", "why": "on the tape"}
    assert "no account has this number" in first.post(page_of(item), form).content.decode()
    form["account"] = f"{account.number[:4]} {account.number[4:]}"
    assert first.post(page_of(item), form).status_code == 302
    assert "You proposed this" in text(first, page_of(item))
    proposal = suspense.standing(item)
    assert proposal is not None
    confirm = {"step": "confirm", "proposal": str(proposal.pk), "why": "agreed"}
    assert first.post(page_of(item), confirm).status_code == 403
    assert balances.by_subject(SUSPENSE, [item.subject], "USD") == {item.subject: -1000}
    assert second.post(page_of(item), confirm).status_code == 302
    assert balances.by_subject(CREDIT, [account.number], "USD") == {account.number: -1000}
    assert "ended already" in second.post(page_of(item), confirm).content.decode()
    shown = text(first, page_of(item))
    assert "on the tape" in shown
    assert "agreed" in shown
    assert "Confirm and book" not in shown


def test_only_the_proposal_that_was_on_the_page_is_confirmed(kiosk: Client) -> None:
    """Between looking and pressing, the proposal was replaced by another one."""
    item, clerk, browser = found_note(kiosk), proposer(), signed_in(confirmer())
    seen = suspense.propose(item, Choice("credit", account=new_account(1)), clerk, "x", clock.now())
    suspense.withdraw(seen, clerk, "another", clock.now())
    now = suspense.propose(item, Choice("credit", account=new_account(1)), clerk, "y", clock.now())
    answer = browser.post(page_of(item), {"step": "confirm", "proposal": str(seen.pk)})
    assert "ended already" in answer.content.decode()
    other = found_note(kiosk)
    assert "not here" in browser.post(page_of(other), {"step": "confirm", "proposal": str(now.pk)}).content.decode()
    assert suspense.standing(item) == now
    form = {"step": "withdraw", "proposal": str(now.pk), "why": ""}
    assert "say why" in browser.post(page_of(item), form).content.decode()
    assert browser.post(page_of(item), form | {"why": "not convinced"}).status_code == 302
    assert suspense.standing(item) is None


def test_a_person_without_the_group_can_do_nothing(kiosk: Client) -> None:
    item, nobody = found_note(kiosk), signed_in(person())
    assert nobody.get(page_of(item)).status_code == 403
    assert nobody.get(reverse(AGE)).status_code == 403
    form = {"step": "propose", "way": "credit", "account": new_account(1).number, "why": "x"}
    assert nobody.post(page_of(item), form).status_code == 403
    assert signed_in(confirmer()).post(page_of(item), form).status_code == 403
    assert Browser(SERVER_NAME="localhost").post(page_of(item), form).status_code == 302
    assert suspense.standing(item) is None


def test_a_clerk_is_never_deleted_from_the_history(kiosk: Client) -> None:
    item, clerk = found_note(kiosk), proposer()
    suspense.propose(item, Choice("credit", account=new_account(1)), clerk, "x", clock.now())
    chief = get_user_model().objects.create_user(f"chief-{uid()[:8]}", is_staff=True, is_superuser=True)
    answer = signed_in(chief).post(reverse("admin:auth_user_delete", args=[clerk.pk]), {"post": "yes"})
    assert "Cannot delete user" in answer.content.decode()
    assert get_user_model().objects.filter(pk=clerk.pk).exists()


FRAMES = [
    {"at_ms": 900, "until_ms": 5100, "times": 22, "direction": "out", "hex": "02081030781003ff"},
    {"at_ms": 905, "until_ms": 905, "times": 1, "direction": "in", "hex": "020b"},
]


def test_the_evidence_stands_on_one_page(kiosk: Client) -> None:
    account, payment_id = new_account(5000), uid()
    chosen = {"session_id": "s-1", "payment_id": payment_id, "account": account.token, "last4": account.number[-4:]}
    for number in range(30):
        kiosk.journal.add("DeviceFaultSeen", {"device": "printer", "fault": "paper", "detail": f"<b>{number}</b>"},
                          device_time="2026-01-01T00:00:00.000Z")  # fmt: skip
    kiosk.journal.add("InvoiceChosen", chosen)
    memo = doubt(kiosk, 2000, payment_id)
    kiosk.journal.add("FramesKept", {"device": "acceptor", "about": memo.subject, "frames": FRAMES})
    kiosk.journal.add("FramesKept", {"device": "acceptor", "about": "another", "frames": FRAMES})
    kiosk.journal.add("FramesKept", {"device": "acceptor", "about": memo.subject, "frames": [7, {"hex": 5}]})
    twin = found_note(kiosk, 2000)
    known = evidence(memo)
    assert [frame.line for frame in known.frames] == ["H 02 08 10 30 78 10 03 FF", "D 02 0B", "H 5"]
    assert (known.payment_id, known.session_id, known.last4) == (payment_id, "s-1", account.number[-4:])
    assert [record.seq for record in known.records] == list(range(12, 37))
    assert [record.seq for record in known.records if record.here] == [32]
    assert known.near == [twin]
    shown = text(signed_in(proposer()), page_of(memo))
    assert "02 08 10 30 78 10 03 FF" in shown
    assert "&lt;b&gt;20" in shown
    assert f'value="{account.number}"' in shown
    assert f"#{twin.pk}" in shown


def test_records_of_a_quarter_of_an_hour_are_shown(kiosk: Client) -> None:
    at = ["11:40:00", *["11:50:00"] * 40, "12:00:00", *["12:10:00"] * 40, "12:15:01"]
    for number, time in enumerate(at):
        kind, body = ("NoteUnexpected", unexpected(500)) if number == 41 else ("SessionOpened", {"session_id": "s"})
        kiosk.journal.add(kind, body, device_time=f"2026-11-23T{time}.000Z")
    kiosk.post_all()
    (item,) = SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id)
    assert [record.seq for record in evidence(item).records] == list(range(2, 83))


def test_the_losing_branch_is_shown_beside_the_winner(kiosk: Client) -> None:
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    loser = kiosk.journal.copy()
    kiosk.journal.add("SessionOpened", {"session_id": "winner"})
    loser.add("NoteStacked", note("p-1", 1000))
    loser.add("NoteStacked", note("p-2", 500))
    kiosk.post_all()
    kiosk.post_journal(loser.records[1:])
    item = SuspenseItem.objects.get(chain__kiosk=kiosk.kiosk_id, amount_minor=500)
    known = evidence(item)
    assert [(record.seq, record.fork, record.here) for record in known.records] == [
        (1, False, False),
        (2, False, False),
        (2, True, False),
        (3, True, True),
    ]
    assert (known.payment_id, known.period) == ("p-2", "1")
    assert "losing branch" in text(signed_in(proposer()), page_of(item))


@pytest.mark.parametrize("body", [None, [], {"note_id": 5}, "x", {"value_minor": 10**13}])
def test_a_page_opens_whatever_the_record_says(kiosk: Client, body: Any) -> None:
    kiosk.journal.add("NoteStacked", body, device_time="yesterday")
    kiosk.post_all()
    (item,) = SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id)
    assert "closed by words" in text(signed_in(proposer()), page_of(item))


def test_missing_cash_is_offered_what_fits(kiosk: Client) -> None:
    fits, wrong = found_note(kiosk), found_note(kiosk, 500)
    item = missing(kiosk)
    shown = text(signed_in(proposer()), page_of(item))
    assert f'<option value="{fits.pk}">' in shown
    assert f'<option value="{wrong.pk}">' not in shown
    assert "receipted, but not recorded as put in" in shown


def test_a_joined_note_goes_to_the_account_of_the_doubtful_payment(kiosk: Client) -> None:
    account, payment_id = new_account(5000), uid()
    kiosk.journal.add(
        "InvoiceChosen", {"session_id": "s", "payment_id": payment_id, "account": f"num:{account.number}"}
    )
    memo, item = doubt(kiosk, 2000, payment_id), found_note(kiosk, 2000)
    form = {"step": "propose", "way": "join", "other": memo.pk, "account": "", "why": "same note"}
    assert signed_in(proposer()).post(page_of(item), form).status_code == 302
    proposal = suspense.standing(memo)
    assert proposal is not None
    assert (proposal.item, proposal.account) == (item, account)
    shown = text(signed_in(confirmer()), page_of(memo))
    assert "Confirm and book" in shown, "the memo's own page has the same proposal"


def test_an_item_and_the_claim_about_it_name_each_other(kiosk: Client) -> None:
    memo = doubt(kiosk, 2000)
    about = {"notes": [{"note_id": memo.subject, "value_minor": 2000}], "amount_minor": 0}
    for number, change in (("K-C1-1", about), ("K-C1-2", {}), ("K-C1-3", {"amount_minor": 500})):
        kiosk.journal.add("ClaimOpened", claim(number, **change))
    kiosk.post_all()
    known = evidence(memo)
    assert [one.number for one in known.claims] == ["K-C1-1", "K-C1-2"], "its own first, then the same sum"
    browser = signed_in(confirmer())
    addresses = [reverse("admin:claims_claim_change", args=[one.pk]) for one in known.claims]
    shown = text(browser, page_of(memo))
    assert all(f'href="{address}"' in shown for address in addresses)
    assert f'href="{page_of(memo)}"' in text(browser, addresses[0])
    keeping.answer(known.claims[1], "not_found", "seen on the tape", "x", clock.now())
    assert [one.number for one in evidence(memo).claims] == ["K-C1-1"]


def test_a_claims_own_item_is_shown_however_many_are_open(kiosk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    memo = doubt(kiosk, 2000)
    for _ in range(3):
        found_note(kiosk, 500)
    kiosk.journal.add("ClaimOpened", claim("K-C1-1", notes=[{"note_id": memo.subject}]))
    kiosk.post_all()
    monkeypatch.setattr(claim_evidence, "_ITEMS_READ", 2)
    one = Claim.objects.get(kiosk=kiosk.kiosk_id)
    assert claim_evidence.suspense_near(one)[0] == memo


def test_what_confirming_books_is_shown_before(kiosk: Client) -> None:
    item, account = found_note(kiosk, 2000), new_account(2000)
    bill = bills_of(account)[0]
    suspense.propose(item, Choice("invoice", invoice=bill), proposer(), "x", clock.now())
    browser = signed_in(confirmer())
    shown = text(browser, page_of(item))
    assert re.search(rf"receivable</td><td>{bill.number}</td><td[^>]*>-\$20.00 USD", shown)
    other = found_note(kiosk, 2000)
    resolve(other, Choice("invoice", invoice=bill))
    assert "cannot be confirmed: nothing is owed" in text(browser, page_of(item))


@pytest.mark.parametrize(
    "page", ["suspenseitem", "resolution", "resolutionend", "payment", "record", "forkrecord", "cardattempt"]
)
def test_a_longer_list_needs_no_more_queries(kiosk: Client, server: str, page: str) -> None:
    chief = get_user_model().objects.create_user(f"chief-{uid()[:8]}", is_staff=True, is_superuser=True)
    browser, address = signed_in(chief), reverse(f"admin:journal_{page}_changelist")

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            text(browser, address)
        return len(seen)

    def more() -> None:
        other = enrolled(server)
        other.journal.add("SessionOpened", {"session_id": "s"})
        loser = other.journal.copy()
        resolve(found_note(other), Choice("credit", account=new_account(1)))
        suspense.propose(found_note(other), Choice("credit", account=new_account(1)), proposer(), "x", clock.now())
        account, payment_id = new_account(1000), uid()
        other.journal.add("PaymentCompleted", completed(payment_id, line(account, "", 1000)))
        other.journal.add("CardSaleStarted", sale(payment_id, reference(), 1000))
        other.post_all()
        loser.add("NoteStacked", note(uid(), 1000))
        other.post_journal(loser.records[1:])

    more()
    queries()
    before = queries()
    more()
    more()
    assert queries() <= before + 1, "one may save a session"


@pytest.mark.parametrize("value", ["20.00", "20"])
def test_what_a_nameless_note_is_worth_is_typed_on_its_page(kiosk: Client, value: str) -> None:
    kiosk.journal.add("NoteUnexpected", {**note("", 0), "channel": 0, "reason": "no_value"})
    kiosk.post_all()
    memo, account = SuspenseItem.objects.get(chain__kiosk=kiosk.kiosk_id), new_account(1)
    (period,) = periods.periods(kiosk.kiosk_id)
    assert (period.unvalued, period.cash_minor) == (1, 0)
    first, second = signed_in(proposer()), signed_in(confirmer())
    form = {"step": "propose", "way": "counted", "account": account.number, "period": "1", "why": "it was a twenty"}
    for wrong in ("", "0", "-20", "20.001", "1000.01", "nan", "twenty"):
        assert first.post(page_of(memo), {**form, "found": wrong}).status_code == 200, wrong
    assert first.post(page_of(memo), {**form, "found": value}).status_code == 302
    proposal = suspense.standing(memo)
    assert proposal is not None
    assert "$20.00 found at the count" in text(second, page_of(memo))
    assert second.post(page_of(memo), {"step": "confirm", "proposal": str(proposal.pk)}).status_code == 302
    (period,) = periods.periods(kiosk.kiosk_id)
    assert (period.unvalued, period.cash_minor) == (0, 2000)


def test_a_note_that_the_count_booked_is_offered_as_such(kiosk: Client) -> None:
    memo, account = doubt(kiosk, 2000), new_account(1)
    first, second = signed_in(proposer()), signed_in(confirmer())
    item = found_note(kiosk, 2000)
    assert "booked before" not in text(first, page_of(item))
    resolve(memo, Choice("counted", account=account, cash_subject=f"{kiosk.kiosk_id}/1"))
    earlier = Resolution.objects.get(item=memo)
    shown = text(first, page_of(item))
    assert "booked before" in shown
    assert f'<option value="{earlier.pk}">#{memo.pk} note-in-doubt $20.00' in shown
    form = {"step": "propose", "way": "already", "earlier": str(earlier.pk), "why": "same serial"}
    assert first.post(page_of(item), form).status_code == 302
    proposal = suspense.standing(item)
    assert proposal is not None
    confirm = {"step": "confirm", "proposal": str(proposal.pk)}
    assert second.post(page_of(item), confirm).status_code == 302
    assert f"for item #{memo.pk}" in text(first, page_of(memo)), "the memo's page tells of it too"


@pytest.mark.parametrize("key", ["0", "²", "x", "9" * 30])
def test_an_item_that_is_not_there_is_not_found(kiosk: Client, key: str) -> None:
    address = reverse("admin:journal_suspenseitem_change", args=[key])
    assert signed_in(proposer()).get(address).status_code == 404


# Age


def mine(kiosk: Client, days: float = 0) -> list[ageing.Waiting]:
    now = clock.now() + timedelta(days=days, minutes=1)
    return [item for item in ageing.waiting(now) if item.kiosk == kiosk.kiosk_id]


@pytest.mark.parametrize(
    ("days", "band"),
    [
        (0, "0-1 days"),
        (1.9, "0-1 days"),
        (2, "2-7 days"),
        (7.9, "2-7 days"),
        (8, "8-30 days"),
        (30.9, "8-30 days"),
        (31, "over 30 days"),
        (4000, "over 30 days"),
    ],
)
def test_an_item_is_in_the_band_of_its_days(kiosk: Client, days: float, band: str) -> None:
    found_note(kiosk)
    (item,) = mine(kiosk, days)
    assert (item.days, item.band) == (int(days), band)


def test_what_we_hold_and_what_is_missing_do_not_hide_each_other(kiosk: Client) -> None:
    found_note(kiosk, 1000)
    missing(kiosk, 1000)
    doubt(kiosk, 500)
    (now, *later) = ageing.bands(mine(kiosk))
    assert (now.held_minor, now.missing_minor, now.items, now.memos, now.in_doubt_minor) == (1000, -1000, 2, 1, 500)
    assert [(band.items, band.held_minor) for band in later] == [(0, 0)] * 3


def test_the_report_is_a_page_a_table_and_json(kiosk: Client) -> None:
    item, clerk = found_note(kiosk), proposer()
    suspense.propose(item, Choice("credit", account=new_account(1)), clerk, "x", clock.now())
    browser = signed_in(clerk)
    shown = text(browser, reverse(AGE))
    assert f"#{item.pk}</a>" in shown
    rows = list(csv.DictReader(io.StringIO(text(browser, reverse(AGE), format="csv"))))
    (row,) = [row for row in rows if row["id"] == str(item.pk)]
    assert (row["amount_minor"], row["days"], row["waits_for"][:9]) == ("1000", "0", "credit on")
    assert [row["opened"] for row in rows] == sorted(row["opened"] for row in rows)
    report = json.loads(text(browser, reverse(AGE), format="json"))
    money = [found for found in report["items"] if not found["memo"] and found["currency"] == "USD"]
    usd = [band for band in report["bands"] if band["currency"] == "USD"]
    held, gone = (sum(band[name] for band in usd) for name in ("held_minor", "missing_minor"))
    assert held + gone == sum(found["amount_minor"] for found in money)


def test_a_spreadsheet_takes_no_formula(kiosk: Client) -> None:
    item = found_note(kiosk)
    item = SuspenseItem.objects.create(
        chain=item.chain, seq=1, memo=True, reason="-2+3", subject="s", amount_minor=-5, currency="USD",
        opened_at=clock.now()
    )  # fmt: skip
    rows = csv.DictReader(io.StringIO(text(signed_in(proposer()), reverse(AGE), format="csv")))
    (row,) = [row for row in rows if row["id"] == str(item.pk)]
    assert (row["reason"], row["amount_minor"]) == ("'-2+3", "-5")


def test_a_payment_that_was_never_completed_is_listed_after_a_day(kiosk: Client) -> None:
    account, stuck, whole = new_account(5000), uid(), uid()
    for payment_id in (stuck, stuck, whole):
        kiosk.journal.add("NoteStacked", note(payment_id, 500))
    kiosk.journal.add("PaymentCompleted", completed(whole, line(account, bills_of(account)[0], 500)))
    kiosk.post_all()

    def listed(days: float) -> list[ageing.Unfinished]:
        rows = ageing.unfinished(clock.now() + timedelta(days=days))
        return [row for row in rows if row.payment_id in (stuck, whole)]

    assert listed(0.99) == []
    (row,) = listed(3.5)
    assert (row.payment_id, row.kiosk, row.days, row.held_minor, row.receipts) == (stuck, kiosk.kiosk_id, 3, 1000, 0)


def test_who_only_sees_kiosks_lets_none_in(kiosk: Client) -> None:
    """A one-time code opens an epoch in the kiosk's name."""
    address = reverse("admin:kiosks_kiosk_changelist")
    press = {"action": "new_code", "_selected_action": [kiosk.kiosk_id]}
    browser = signed_in(proposer())
    assert browser.get(address).status_code == 200
    browser.post(address, press)
    assert EnrolmentCode.objects.filter(kiosk=kiosk.kiosk_id).count() == 1, "that of its enrolment"
    chief = get_user_model().objects.create_user(f"chief-{uid()[:8]}", is_staff=True, is_superuser=True)
    signed_in(chief).post(address, press)
    assert EnrolmentCode.objects.filter(kiosk=kiosk.kiosk_id).count() == 2
