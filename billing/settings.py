"""Django settings, all from the environment.

BILLING_STATE     directory of the database, the server key and the session secret
BILLING_DATABASE  postgresql://user:password@host:port/name, the host also as a percent-encoded socket directory;
                  SQLite in the state directory if not given
BILLING_HOSTS     host names, comma separated, under which the server is reached
BILLING_TLS_PROXY "1" when a proxy ends TLS and sets X-Forwarded-Proto
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from billing.state import session_secret

STATE = Path(os.environ.get("BILLING_STATE", "billing-state")).resolve()
# A thread keeps its connection from request to request: opening one costs as much as posting fifty records, and
# closing SQLite's last one moves its whole log.
_KEPT = {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}


def _database(url: str) -> dict[str, Any]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": STATE / "billing.sqlite3",
            **_KEPT,
            # IMMEDIATE: a posting takes the write lock before it reads the head it will move.
            # FULL: an acknowledgement is a promise that survives a power cut.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(f"BILLING_DATABASE: {parts.scheme!r} is not postgresql")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.netloc.rpartition("@")[2].partition(":")[0]),
        "PORT": str(parts.port or ""),
        **_KEPT,
    }


SECRET_KEY = session_secret(STATE)
DEBUG = False
ALLOWED_HOSTS = os.environ.get("BILLING_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
if os.environ.get("BILLING_TLS_PROXY") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "billing.ledger",
    "billing.customers",
    "billing.kiosks",
    "billing.journal",
    "billing.reports",
    "billing.claims",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "billing.api.exchange.SignedExchange",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "billing.urls"
WSGI_APPLICATION = "billing.wsgi.application"
DATABASES = {"default": _database(os.environ.get("BILLING_DATABASE", ""))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic step: the only static files are the admin's own
LANGUAGE_CODE = "en-us"
TIME_ZONE = os.environ.get("BILLING_TIME_ZONE", "America/Chicago")
USE_TZ = True
APPEND_SLASH = True
CURRENCY = "USD"
CASH_REPORT_MINOR = 10_000_00  # cash of one day for one account that has to be reported: staff take it, not a kiosk
# 100 records of 32 KiB, doubled by escaping inside JSON, and some room.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"billing": {"handlers": ["stderr"], "level": "INFO"}},
}
