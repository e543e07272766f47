"""Resolving what waits for staff: one person proposes, another confirms, and only then the ledger posts.

Each step is a row of its own that is never changed. The database refuses a confirmation by the proposer, a second one,
and one whose money does not leave suspense; it resolves the items in the statement that confirms.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from billing import clock
from billing.journal import ways
from billing.journal.models import BookedNote, BookedTender, Resolution, ResolutionEnd, SuspenseItem
from billing.journal.ways import Choice, NotPlaceable
from billing.ledger import posting
from billing.ledger.models import Transaction
from billing.ledger.posting import Draft, Line

_PROPOSE, _CONFIRM = "journal.propose_resolution", "journal.confirm_resolution"


class NotAllowed(PermissionError):
    """This person may not take this step; the words say why."""


def propose(item: SuspenseItem, choice: Choice, by: Any, why: str, now: datetime) -> Resolution:
    """Write down what `by` thinks becomes of the item. Nothing moves."""
    if not by.has_perm(_PROPOSE):
        raise NotAllowed("you may not propose")
    if not why.strip():
        raise NotPlaceable("say why")
    with transaction.atomic():
        held = _locked(item.pk, choice.other and choice.other.pk)
        _require_open(held)
        if standing(*held):
            raise NotPlaceable("another proposal stands for this item")
        proposal: Resolution = Resolution.objects.create(
            item=item,
            other=choice.other,
            way=choice.way,
            account=choice.account,
            invoice=choice.invoice,
            earlier=choice.earlier,
            cash_subject=choice.cash_subject,
            found_minor=choice.found_minor or None,
            summary=_summary(ways.outcome(item, choice), why),
            why=why.strip(),
            proposed_by=by,
            proposed_at=now,
        )
    return proposal


def confirm(proposal: Resolution, by: Any, why: str, now: datetime) -> ResolutionEnd:
    """Post what was proposed and resolve its items, in one transaction, once."""
    if not by.has_perm(_CONFIRM):
        raise NotAllowed("you may not confirm")
    if by.pk == proposal.proposed_by_id:
        raise NotAllowed("another person has to confirm")
    try:
        with transaction.atomic():
            earlier = proposal.earlier and proposal.earlier.item_id
            held = _locked(proposal.item_id, proposal.other_id, earlier)
            _require_standing(proposal)
            _require_open([item for item in held if item.pk != earlier])
            posted = _post(proposal, now)
            end: ResolutionEnd = ResolutionEnd.objects.create(
                resolution=proposal, outcome="confirmed", by=by, at=now, why=why.strip(), transaction=posted
            )
    except IntegrityError as error:
        # Met only when a kiosk's record booked the same note in this moment, or by hands at the database.
        raise NotPlaceable("something else was booked in this moment: look again") from error
    return end


def withdraw(proposal: Resolution, by: Any, why: str, now: datetime) -> ResolutionEnd:
    """Take a proposal back, or refuse it. Its proposer may, and whoever may confirm."""
    if by.pk != proposal.proposed_by_id and not by.has_perm(_CONFIRM):
        raise NotAllowed("this is another person's proposal")
    if not why.strip():
        raise NotPlaceable("say why")
    with transaction.atomic():
        _locked(proposal.item_id, proposal.other_id)
        _require_standing(proposal)
        end: ResolutionEnd = ResolutionEnd.objects.create(
            resolution=proposal, outcome="withdrawn", by=by, at=now, why=why.strip()
        )
    return end


def preview(proposal: Resolution) -> tuple[Line, ...]:
    """Return the lines that confirming `proposal` would post now. NotPlaceable if it could not be."""
    with transaction.atomic():
        return _outcome(proposal).lines


def standing(*items: SuspenseItem) -> Resolution | None:
    """Return the proposal that waits for a second person and concerns any of `items`."""
    keys = [item.pk for item in items]
    waiting = Resolution.objects.filter(Q(item__in=keys) | Q(other__in=keys), end=None)
    first: Resolution | None = waiting.select_related("proposed_by", "item", "other").first()
    return first


def all_standing() -> list[Resolution]:
    """Return every proposal that waits for a second person, oldest first."""
    return list(Resolution.objects.filter(end=None).order_by("pk"))


def history(item: SuspenseItem) -> list[Resolution]:
    """Return every proposal that concerns the item, oldest first, ended or not."""
    concerned = Resolution.objects.filter(Q(item=item) | Q(other=item) | Q(earlier__item=item))
    return list(concerned.select_related("proposed_by", "end", "end__by", "end__transaction").order_by("pk"))


def _post(proposal: Resolution, now: datetime) -> Transaction | None:
    """Post the lines as they are now: an invoice may have been paid since it was proposed."""
    item, result = proposal.item, _outcome(proposal)
    if result.note_id:
        BookedNote.objects.create(kiosk_id=item.chain.kiosk_id, note_id=result.note_id)
    if result.tender:
        what, name, payment_id = result.tender
        BookedTender.objects.create(
            kiosk_id=item.chain.kiosk_id,
            what=what,
            name=name,
            payment_id=payment_id,
            amount_minor=item.amount_minor,
            fork=False,
        )
    if not result.lines:
        return None
    day = clock.city_date(now)
    draft = Draft(f"suspense/{item.pk}", f"Proposal {proposal.pk}", item.currency, day, result.lines)
    return posting.post([draft], now)[0]


def _outcome(proposal: Resolution) -> ways.Outcome:
    choice = Choice(
        proposal.way,
        proposal.other,
        proposal.account,
        proposal.invoice,
        proposal.cash_subject,
        proposal.earlier,
        proposal.found_minor or 0,
    )
    return ways.outcome(proposal.item, choice)


def _summary(result: ways.Outcome, why: str) -> str:
    return (result.summary if result.lines else f"{result.summary}: {why.strip()}")[:200]


def _locked(*keys: int | None) -> list[SuspenseItem]:
    """Lock the items, in one order, so that two confirmations wait for each other and never deadlock."""
    return list(SuspenseItem.objects.select_for_update().filter(pk__in=[key for key in keys if key]).order_by("pk"))


def _require_open(items: list[SuspenseItem]) -> None:
    if any(item.resolved_at for item in items):
        raise NotPlaceable("this item is resolved already")


def _require_standing(proposal: Resolution) -> None:
    if ResolutionEnd.objects.filter(resolution=proposal).exists():
        raise NotPlaceable("this proposal has ended already")
