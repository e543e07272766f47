"""Look-ups for a resident at the kiosk: masked, and paced against guessing."""

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Query, Router, Status

from billing import clock
from billing.api import schemas
from billing.api.exchange import Sender
from billing.api.problems import Problem
from billing.customers import lookup, quotes, rules
from billing.customers.models import Account
from billing.customers.statement import statement
from billing.kiosks.models import Kiosk

router = Router(tags=["Look-up"])
_PROBLEMS = {
    401: schemas.ProblemOut,
    403: schemas.ProblemOut,
    404: schemas.ProblemOut,
    422: schemas.ProblemOut,
}


@router.get(
    "/accounts:resolve",
    response={200: schemas.AccountOut, 429: schemas.ProblemOut, **_PROBLEMS},
    operation_id="resolveAccount",
)
def resolve(
    request: HttpRequest,
    scan: Annotated[str | None, Query(max_length=400)] = None,
    number: Annotated[str | None, Query(max_length=40)] = None,
    check: Annotated[str | None, Query(max_length=40)] = None,
) -> dict[str, object]:
    """Find an account by the code on its bill, or by its number and the house number."""
    kiosk, now = _reader(request), clock.now()
    try:
        if scan is not None:
            account = lookup.by_scan(scan, kiosk.pk, now)
        elif number is not None and check is not None:
            account = lookup.by_number(number, check, kiosk.pk, now)
        else:
            errors = [{"pointer": "/scan", "code": "scan-or-number-and-check"}]
            raise Problem("validation", members={"errors": errors})
    except lookup.NotFound:
        raise Problem("account-not-found") from None
    except lookup.SlowDown as error:
        raise Problem("slow-down", members={"retry_after_s": error.retry_after_s}) from None
    return statement(account, now)


@router.get("/accounts/{token}/invoices", response={200: schemas.InvoicesOut, **_PROBLEMS}, operation_id="listInvoices")
def invoices(request: HttpRequest, token: Annotated[schemas.Token, Path()]) -> dict[str, object]:
    """The account's open bills, oldest first."""
    _reader(request)
    return {"invoices": statement(_account(token), clock.now())["invoices"]}


@router.post("/quotes", response={201: schemas.QuoteOut, **_PROBLEMS}, operation_id="quote")
def make_quote(request: HttpRequest, payload: schemas.QuoteIn) -> Status[dict[str, object]]:
    """Say what a sum would settle and cost, whether it was just paid, and how long that holds."""
    _reader(request)
    now = clock.now()
    try:
        quote = quotes.quote(_account(payload.account), payload.amount_minor, payload.tender, now)
    except quotes.NotQuotable as error:
        raise Problem("validation", members={"errors": [{"pointer": f"/{error.field}", "code": error.code}]}) from None
    content = {
        "quote_id": str(quote.quote_id),
        "rule": rules.rule_of(clock.city_date(now)).name,
        "lines": quote.lines,
        "repeats": quotes.repeats(quote, now),
        "fee_minor": 0,
        "total_minor": quote.amount_minor,
        "fee_schedule_version": quote.fee_schedule_version,
        "expires_at": clock.stamp(quote.expires_at),
        "offline_ok": True,
    }
    return Status(201, content)


def _reader(request: HttpRequest) -> Kiosk:
    """Return the kiosk, if it may look accounts up. (A suspended one may still post.)"""
    sender: Sender = request.auth
    if sender.kiosk.suspended:
        raise Problem("kiosk-suspended")
    return sender.kiosk


def _account(token: str) -> Account:
    account: Account | None = Account.objects.select_related("customer").filter(token=token).first()
    if account is None:
        raise Problem("account-not-found")
    return account
