"""How the tests read the books of a kiosk that takes cards: the ledger, open items and attempts."""

from typing import Any

from billing import clock
from billing.journal import ageing, suspense
from billing.journal.models import CardAttempt, SuspenseItem
from billing.journal.ways import Choice
from billing.ledger import balances
from billing.ledger.chart import CARD
from tests.billing.kiosk import Client
from tests.billing.staff import confirmer, proposer


def balance(account: str, subject: str) -> int:
    return balances.by_subject(account, [subject], "USD").get(subject, 0)


def owed(kiosk: Client, ref: str) -> int:
    """What the acquirer owes for one attempt."""
    return balance(CARD, f"{kiosk.kiosk_id}/{ref}")


def waiting(kiosk: Client) -> list[tuple[str, int, bool]]:
    items = SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id, resolved_at=None).order_by("pk")
    return list(items.values_list("reason", "amount_minor", "memo"))


def item(kiosk: Client, reason: str) -> SuspenseItem:
    return SuspenseItem.objects.get(chain__kiosk=kiosk.kiosk_id, reason=reason)  # type: ignore[no-any-return]


def post(kiosk: Client, *facts: tuple[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Post these records behind the journal, twice, and return what became of them."""
    for kind, body in facts:
        kiosk.journal.add(kind, body)
    kiosk.post_all()
    return [(one["disposition"], one["reason"]) for one in kiosk.post_all()[-len(facts) :]]


def attempt(kiosk: Client, ref: str) -> CardAttempt:
    return CardAttempt.objects.get(kiosk=kiosk.kiosk_id, reference=ref)  # type: ignore[no-any-return]


def resolve(held: SuspenseItem, choice: Choice) -> None:
    proposal = suspense.propose(held, choice, proposer(), "seen at the processor", clock.now())
    suspense.confirm(proposal, confirmer(), "", clock.now())


def agree(kiosk: Client) -> bool:
    """Do the open items of this kiosk agree with the ledger's suspense?"""
    subjects = set(SuspenseItem.objects.filter(chain__kiosk=kiosk.kiosk_id).values_list("subject", flat=True))
    return not [found for found in ageing.differences() if found.subject in subjects]
