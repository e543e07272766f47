"""Addresses: the API for kiosks, the back office for staff."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.generic import RedirectView

from billing.api.v1 import api
from billing.reports import views

admin.site.site_header = "City billing"
admin.site.site_title = "City billing"
admin.site.index_title = "Accounts, kiosks and ledger"
admin.site.index_template = "reports/index.html"


def _alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("healthz", _alive),
    path("v1/", api.urls),
    *views.urls,
    path("admin/", admin.site.urls),
]
