"""Taking claims down with the records that open them, and answering them, once."""

from collections.abc import Iterable
from datetime import datetime

from billing.claims import calendar
from billing.claims.models import Claim
from billing.claims.reading import Filed
from billing.customers.models import Account
from billing.customers.statement import open_bills
from billing.journal.records import Record
from billing.kiosks.models import Chain


class NotAnswerable(ValueError):
    """This claim cannot be answered like that; the words say why."""


def take_down(chain: Chain, filed: Iterable[tuple[Record, Filed, bool]], fork: bool, now: datetime) -> None:
    """Keep the claims of these records: (record, claim, is the kiosk's clock in doubt). A repeat changes nothing."""
    fresh = {record.hash: (record, claim, doubtful) for record, claim, doubtful in filed}
    if not fresh:
        return
    held = set(Claim.objects.filter(record_hash__in=fresh).values_list("record_hash", flat=True))
    Claim.objects.bulk_create(_claim(chain, *parts, fork, now) for digest, parts in fresh.items() if digest not in held)


def _claim(chain: Chain, record: Record, filed: Filed, doubtful: bool, fork: bool, now: datetime) -> Claim:
    threatened = filed.threatened or _shut_off_near(filed.account_id)
    by = calendar.answer_by(now, threatened)
    # What a slip promised is kept, unless the clock that promised it was wrong.
    if filed.promised is not None and not doubtful:
        by = min(by, filed.promised)
    return Claim(
        number=filed.number,
        kiosk_id=chain.kiosk_id,
        chain=chain,
        seq=record.seq,
        record_hash=record.hash,
        fork=fork,
        opened_by=filed.opened_by,
        what=filed.what,
        when=filed.when,
        account_id=filed.account_id,
        amount_minor=filed.amount_minor,
        currency=filed.currency,
        session_id=filed.session_id,
        payment_id=filed.payment_id,
        notes=list(filed.notes),
        notes_said=[list(said) for said in filed.notes_said],
        happened_at=filed.happened_at or now,
        opened_at=now,
        threatened=threatened,
        answer_by=by,
    )


def _shut_off_near(account_id: int | None) -> bool:
    """The kiosk knows of a shut-off only while the person's account is on its screen; the books always do."""
    account = Account.objects.filter(pk=account_id).first() if account_id else None
    return account is not None and any(bill.invoice.shut_off for bill in open_bills(account)[0])


def answer(claim: Claim, outcome: str, words: str, by: str, now: datetime) -> None:
    """Close the claim with what was found. Once: a second answer is refused."""
    if outcome not in dict(Claim.OUTCOMES) or not words.strip():
        raise NotAnswerable("say what was found, and how")
    changed = Claim.objects.filter(pk=claim.pk, answered_at=None).update(
        outcome=outcome, words=words.strip()[:300], answered_by=by, answered_at=now
    )
    if changed != 1:
        raise NotAnswerable("this claim is answered already")
