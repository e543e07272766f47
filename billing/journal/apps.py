from django.apps import AppConfig
from django.db.models.signals import post_migrate


class JournalConfig(AppConfig):
    name = "billing.journal"
    label = "journal"

    def ready(self) -> None:
        from billing.journal import groups

        post_migrate.connect(groups.keep, sender=self)
