"""The two groups of staff that resolve suspense. A city puts different people into them, in the back office."""

from typing import Any

PROPOSE, CONFIRM = "Suspense: propose", "Suspense: confirm"
_SEEN = (
    ("journal", ("suspenseitem", "resolution", "resolutionend", "record", "forkrecord", "payment")),
    ("customers", ("account", "invoice")),
    ("ledger", ("transaction",)),
)


def keep(**signal: Any) -> None:
    """Make the groups where they are missing. What staff change in them afterwards stays."""
    del signal
    from django.contrib.auth.models import Group, Permission

    for name, codename in ((PROPOSE, "propose_resolution"), (CONFIRM, "confirm_resolution")):
        group, made = Group.objects.get_or_create(name=name)
        if not made:
            continue
        for label, models in _SEEN:
            views = Permission.objects.filter(
                content_type__app_label=label, codename__in=[f"view_{model}" for model in models]
            )
            group.permissions.add(*views)
        group.permissions.add(Permission.objects.get(content_type__app_label="journal", codename=codename))
