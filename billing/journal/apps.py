from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "billing.journal"
    label = "journal"
