from django.apps import AppConfig


class KiosksConfig(AppConfig):
    name = "billing.kiosks"
    label = "kiosks"
