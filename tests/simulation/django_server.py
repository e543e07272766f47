"""The whole server of one world in ten: real views over WSGI, on a real SQLite file, spoken to by the real client."""

import atexit
import io
import os
import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.models import Sum
from requests.adapters import BaseAdapter

from billing import clock
from billing.customers import invoicing
from billing.customers.invoicing import Bill, Charge
from billing.customers.models import Account, City, Customer
from billing.kiosks.models import Chain, Kiosk
from billing.ledger.models import Entry
from billing.wsgi import application
from kiosk.journal.keys import Enrolment, public_key_text
from kiosk.journal.record import Record
from kiosk.posting import outcomes
from kiosk.posting.client import CentralServer
from tests.simulation.households import TODAY, Household
from tests.simulation.timeline import Timeline

MEMORY = Path("/dev/shm")
URL = "http://127.0.0.1"


class DjangoServer:
    """As `central.Central`. One at a time in a process: Django has one database."""

    def __init__(
        self,
        timeline: Timeline,
        enrolment: Enrolment,
        key: Ed25519PrivateKey,
        households: Sequence[Household],
        kiosk_time: Callable[[], float],
    ) -> None:
        """`kiosk_time` gives Unix seconds by the kiosk's own clock, which may be years off."""
        self._enrolment = enrolment
        self._head_seq: int | None = 0  # None: it may have moved
        clock.now = lambda: timeline.utc  # type: ignore[assignment]
        _copy(_template(), _database())
        City.objects.create(name=enrolment.city)
        kiosk = Kiosk.objects.create(pk=enrolment.kiosk_id, receipt_prefix=enrolment.receipt_prefix)
        Chain.objects.create(
            kiosk=kiosk,
            epoch=enrolment.epoch,
            public_key=public_key_text(key),
            nonce=enrolment.nonce,
            head_hash=enrolment.nonce,
            enrolled_at=timeline.utc,
        )
        for house in households:
            _move_in(house, timeline.utc)
        session = requests.Session()
        session.trust_env = False
        session.mount(URL, _Door())
        self._client = CentralServer(URL, enrolment, key, kiosk_time, session)

    # What kiosks ask

    def post_journal(self, records: Sequence[Record]) -> outcomes.PostOutcome:
        self._head_seq = None
        return self._client.post_journal(records)

    def head(self) -> outcomes.HeadSeen | outcomes.Failure:
        return self._client.head()

    def heartbeat(
        self, boot_id: str, counter: int, health: Mapping[str, Any]
    ) -> outcomes.HeartbeatTaken | outcomes.Failure:
        return self._client.heartbeat(boot_id, counter, health)

    def resolve(self, *, scan: str = "", number: str = "", check: str = "") -> outcomes.LookUpOutcome:
        return self._client.resolve(scan=scan, number=number, check=check)

    # What its operators do, and what is looked at

    @property
    def head_seq(self) -> int:
        if self._head_seq is None:
            self._head_seq = int(self._chain().head_seq)
        return self._head_seq

    def entries(self, after_seq: int) -> list[bytes]:
        rows = self._chain().records.filter(seq__gt=after_seq).order_by("seq")
        return [entry.encode() for entry in rows.values_list("entry", flat=True)]

    def balances(self) -> Counter[tuple[str, str]]:
        rows = Entry.objects.values_list("account", "subject").annotate(total=Sum("amount_minor"))
        return Counter({(account, subject): total for account, subject, total in rows if total})

    def backup(self) -> object:
        copy = MEMORY / f"simulated-backup-{os.getpid()}-{secrets.token_hex(4)}"
        atexit.register(copy.unlink, missing_ok=True)
        _copy(_database(), copy)
        return copy

    def restore(self, backup: object) -> None:
        assert isinstance(backup, Path)
        _copy(backup, _database())
        self._head_seq = None

    def close_account(self, number: str) -> None:
        Account.objects.filter(number=number).update(status="closed")

    def _chain(self) -> Chain:
        chain: Chain = Chain.objects.get(kiosk=self._enrolment.kiosk_id, epoch=self._enrolment.epoch)
        return chain


def _move_in(house: Household, at: datetime) -> None:
    account = Account.objects.create(
        number=house.number,
        token=house.token,
        customer=Customer.objects.create(name="Jolene Reyes"),
        house_number=house.house_number,
        street="Maple Street",
        checks_refused=house.checks_refused,
        opened_on=TODAY,
    )
    invoicing.issue(
        [
            Bill(
                number=bill.number,
                account=account,
                kind="utility",
                label="Water",
                issued_on=TODAY,
                due_date=bill.due,
                charges=(Charge("water", "Water", bill.amount_minor),),
            )
            for bill in house.bills
        ],
        at,
    )


class _Door(BaseAdapter):
    """Carries a request of the kiosk's client to the server's WSGI application in the same process."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        del options
        parts = urlsplit(str(request.url))
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "RAW_URI": target,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
        }
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
        told: list[tuple[str, list[tuple[str, str]]]] = []
        answer = application(environ, lambda status, headers, error=None: told.append((status, headers)))
        content = b"".join(answer)
        answer.close()
        status, headers = told[0]
        response = requests.Response()
        response.status_code = int(status.split()[0])
        response.headers.update(headers)
        response.raw = urllib3.HTTPResponse(io.BytesIO(content), preload_content=False)
        response.request = request
        return response

    def close(self) -> None:
        pass


def _database() -> Path:
    return Path(settings.DATABASES["default"]["NAME"])


def _copy(source: Path, target: Path) -> None:
    """Put the whole of one database in place of another."""
    connection.close()
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@cache
def _template() -> Path:
    """The empty, migrated database, made once a process; with the server's key, which kiosks pin."""
    call_command("migrate", verbosity=0, interactive=False)
    template = MEMORY / f"simulated-template-{os.getpid()}"
    atexit.register(template.unlink, missing_ok=True)
    _copy(_database(), template)
    return template
