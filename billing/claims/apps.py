from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ClaimsConfig(AppConfig):
    name = "billing.claims"
    label = "claims"

    def ready(self) -> None:
        from billing.journal import groups

        # The last app of which the groups hold permissions: by its turn all of them are there.
        post_migrate.connect(groups.keep, sender=self)
