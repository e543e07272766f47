"""The door for money, and the public check of a receipt."""

import base64
import hashlib
import hmac
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest
from ninja import Path, Router

from billing import clock
from billing.api import schemas
from billing.api.exchange import Sender
from billing.api.problems import Problem
from billing.journal import appending
from billing.journal.models import Payment
from billing.journal.placing import Stop
from billing.journal.records import Wire
from billing.state import server_key

router = Router(tags=["Money"])


@router.post(
    "/journal",
    response={
        200: schemas.JournalOut,
        400: schemas.ProblemOut,
        401: schemas.ProblemOut,
        409: schemas.ProblemOut,
        413: schemas.ProblemOut,
        422: schemas.ProblemOut,
        503: schemas.ProblemOut,
    },
    operation_id="postJournal",
    exclude_none=True,
)
def journal(request: HttpRequest, payload: schemas.JournalIn) -> dict[str, object]:
    """Append records in order and post what they book.

    Appending, posting and moving the head are one transaction. Repeating a batch changes nothing. A record that is
    authentic and next in its chain is always taken; what it names wrongly is booked to suspense.
    """
    sender: Sender = request.auth
    now = clock.now()
    wires = [Wire(record.entry, record.hash, record.sig) for record in payload.records]
    try:
        answer = appending.append(sender.kiosk, wires, now, sender.chain)
    except appending.Collision:
        raise Problem("busy", members={"retry_after_s": 1}) from None
    if answer.stop and (not answer.results or answer.chain is None):
        raise _refused(answer.stop, answer.kept_seq)
    assert answer.chain is not None
    content: dict[str, object] = {
        "results": [vars(result) for result in answer.results],
        "acknowledgement": appending.acknowledgement(answer.chain, now, server_key(settings.STATE)),
        "frozen": answer.chain.frozen,
    }
    if answer.stop:
        content["stopped"] = {"type": f"/problems/{answer.stop.type}", "expected_seq": answer.stop.expected_seq}
    return content


@router.post(
    "/receipts/{number}:verify",
    auth=None,
    response={200: schemas.ReceiptOut, 422: schemas.ProblemOut},
    operation_id="verifyReceipt",
    exclude_none=True,
)
def verify(
    request: HttpRequest, number: Annotated[str, Path(max_length=40)], payload: schemas.ReceiptCodeIn
) -> dict[str, object]:
    """Say whether a receipt is genuine. Nothing is told to someone who has not the code."""
    given = payload.code.strip().upper()
    payments = Payment.objects.filter(receipt_number=number) if "\x00" not in number else ()
    for payment in payments:
        code = receipt_code(payment.receipt_number, payment.payment_id, payment.total_minor)
        if hmac.compare_digest(code.encode(), given.encode(errors="replace")):
            return {
                "valid": True,
                "total_minor": payment.total_minor,
                "currency": payment.currency,
                "value_date": payment.value_date.isoformat(),
                "posted": True,
            }
    return {"valid": False, "posted": False}


def receipt_code(number: str, payment_id: str, total_minor: int) -> str:
    """Return the verification code of a receipt (docs/wire.md, "Receipt numbers")."""
    proof = hashlib.sha256(f"{number}|{payment_id}|{total_minor}".encode()).digest()
    return base64.b32encode(proof).decode()[:10]


def _refused(stop: Stop, kept_seq: int) -> Problem:
    if stop.type == "malformed":
        return Problem("malformed", stop.why, {"seq": stop.expected_seq})
    kept = {"kept_seq": kept_seq} if kept_seq else {}
    return Problem(stop.type, members={"expected_seq": stop.expected_seq, **kept})
