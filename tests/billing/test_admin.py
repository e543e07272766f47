"""The back office: every list and page opens, the ledger cannot be edited, codes are handed out once."""

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client as Browser
from django.urls import reverse

from billing import clock
from billing.customers.models import ApplicationRule, City, TenderLimit
from billing.journal import suspense
from billing.journal.models import SuspenseItem
from billing.journal.ways import Choice
from billing.kiosks import enrolment
from billing.kiosks.models import Chain, EnrolmentCode
from billing.ledger import posting
from billing.ledger.chart import COUNTER, CREDIT
from billing.ledger.models import Entry, LedgerAccount, Transaction
from billing.ledger.posting import Draft, Line
from billing.reports import processor
from tests.billing.kiosk import Client, bills_of, claim, completed, line, new_account, note, uid
from tests.billing.tenders import reference, sale


@pytest.fixture
def browser() -> Iterator[Browser]:
    user, _ = get_user_model().objects.get_or_create(username="clerk", is_staff=True, is_superuser=True)
    browser = Browser(SERVER_NAME="localhost")
    browser.force_login(user)
    yield browser
    browser.logout()


@pytest.fixture
def busy(kiosk: Client) -> Client:
    """A kiosk with something of everything."""
    City.objects.get_or_create(name="Riverbend")
    ApplicationRule.objects.get_or_create(valid_from="2026-01-01", name="shut-off-first", order="shut_off")
    TenderLimit.objects.get_or_create(tender="card", valid_from="2026-01-01", payment_minor=250_000)
    account, payment_id = new_account(2000, 1000), uid()
    kiosk.journal.add("NoteStacked", note(payment_id, 5000))
    kiosk.journal.add("PaymentCompleted", completed(payment_id, line(account, bills_of(account)[0], 2000)))
    kiosk.journal.add("NoteInDoubt", note(payment_id, 100))
    kiosk.journal.add("ClaimOpened", claim("K-C1-000001", account=account.token))
    kiosk.journal.add("CardSaleStarted", sale(payment_id, reference(), 700))
    fork = kiosk.journal.copy()
    kiosk.journal.add("SessionOpened", {"session_id": "s"})
    fork.add("NoteStacked", note(payment_id, 500))
    kiosk.post_all()
    kiosk.post_journal(fork.records[5:])
    kiosk.post_journal([{**fork.records[5], "sig": ""}])
    lines = (Line(COUNTER, "x", 700), Line(CREDIT, account.number, -700))
    posting.post([Draft(uid(), "deposit", "USD", clock.city_date(clock.now()), lines)], clock.now())
    reader = get_user_model().objects.get_or_create(username="reader")[0]
    line_of = f"reference,date,amount\n{uid()[:12].upper()},2026-11-23,12.00\n"
    processor.take("list.csv", line_of.encode(), reader, clock.now())
    memo = SuspenseItem.objects.get(chain__kiosk=kiosk.kiosk_id, reason="note-in-doubt")
    people = get_user_model().objects
    first, second = (people.get_or_create(username=name, is_superuser=True)[0] for name in ("first", "second"))
    proposal = suspense.propose(memo, Choice("words"), first, "was returned", clock.now())
    suspense.confirm(proposal, second, "", clock.now())
    return kiosk


def _ours() -> list[type]:
    return [model for model in admin.site._registry if model.__module__.startswith("billing.")]


def test_every_list_and_page_opens(browser: Browser, busy: Client) -> None:
    assert len(_ours()) >= 16
    for model in _ours():
        meta = model._meta  # type: ignore[attr-defined]
        base = f"admin:{meta.app_label}_{meta.model_name}"
        listing = browser.get(reverse(f"{base}_changelist"))
        assert listing.status_code == 200, model
        newest = model.objects.order_by("-pk").first()  # type: ignore[attr-defined]
        assert newest is not None, model
        page = browser.get(reverse(f"{base}_change", args=[newest.pk]))
        assert page.status_code == 200, model
    for state in ("open", "proposed", "resolved"):
        assert browser.get(reverse("admin:journal_suspenseitem_changelist"), {"state": state}).status_code == 200


@pytest.mark.parametrize("model", [LedgerAccount, Transaction, Entry])
def test_the_ledger_has_no_door_here(browser: Browser, busy: Client, model: type) -> None:
    meta = model._meta  # type: ignore[attr-defined]
    base, row = f"admin:{meta.app_label}_{meta.model_name}", model.objects.first()  # type: ignore[attr-defined]
    assert browser.get(reverse(f"{base}_add")).status_code == 403
    assert browser.post(reverse(f"{base}_change", args=[row.pk]), {}).status_code == 403
    assert browser.post(reverse(f"{base}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403


def test_a_new_code_is_shown_once_and_lets_a_kiosk_in(browser: Browser, kiosk: Client) -> None:
    form = {"action": "new_code", "_selected_action": [kiosk.kiosk_id]}
    page = browser.post(reverse("admin:kiosks_kiosk_changelist"), form, follow=True)
    (code,) = re.findall(r"\b(?:[2-9A-Z]{4}-){2}[2-9A-Z]{4}\b", page.content.decode())
    assert EnrolmentCode.objects.get(digest=enrolment._digest(code)).kiosk_id == kiosk.kiosk_id
    assert code not in browser.get(reverse("admin:kiosks_kiosk_changelist")).content.decode()


@pytest.mark.parametrize(
    ("frozen", "said"), [("journal-fork", "its storage was copied"), ("malformed", "frozen: malformed")]
)
def test_a_frozen_kiosk_is_seen(browser: Browser, kiosk: Client, frozen: str, said: str) -> None:
    Chain.objects.filter(kiosk=kiosk.kiosk_id).update(frozen=frozen)
    page = browser.get(reverse("admin:kiosks_kiosk_changelist"), {"q": kiosk.kiosk_id})
    assert said in page.content.decode()


def test_strangers_see_nothing() -> None:
    answer = Browser(SERVER_NAME="localhost").get(reverse("admin:ledger_entry_changelist"))
    assert (answer.status_code, "/admin/login/" in answer["Location"]) == (302, True)
