"""The groups of staff: suspense, claims, card sales. A city puts people into them, in the back office."""

from typing import Any

PROPOSE, CONFIRM, ANSWER = "Suspense: propose", "Suspense: confirm", "Claims: answer"
RECONCILE = "Cards: reconcile"
_SEEN = (
    ("journal", ("suspenseitem", "resolution", "resolutionend", "record", "forkrecord", "payment", "cardattempt")),
    ("reports", ("processorlist", "processorline")),
    ("claims", ("claim",)),
    ("customers", ("account", "invoice")),
    ("kiosks", ("kiosk", "chain")),
    ("ledger", ("transaction",)),
)
_MAY = (
    (PROPOSE, "journal", "propose_resolution"),
    (CONFIRM, "journal", "confirm_resolution"),
    (ANSWER, "claims", "change_claim"),
    (RECONCILE, "reports", "add_processorlist"),
)


def keep(**signal: Any) -> None:
    """Make the groups where they are missing. What staff change in them afterwards stays."""
    del signal
    from django.contrib.auth.models import Group, Permission

    for name, app, codename in _MAY:
        group, made = Group.objects.get_or_create(name=name)
        if not made:
            continue
        for label, models in _SEEN:
            views = Permission.objects.filter(
                content_type__app_label=label, codename__in=[f"view_{model}" for model in models]
            )
            group.permissions.add(*views)
        group.permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
