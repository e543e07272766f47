"""While a claim on an account is open, its service is not shut off."""

from billing.claims.models import Claim
from billing.customers.models import Account


def is_held(account: Account) -> bool:
    return bool(Claim.objects.filter(account=account, answered_at=None).exists())
