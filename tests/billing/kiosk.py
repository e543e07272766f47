"""The kiosk's side of the wire, written from docs/wire.md alone, and makers of accounts and records."""

import base64
import hashlib
import itertools
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

from billing import clock
from billing.customers import billcode, invoicing
from billing.customers.invoicing import Bill, Charge
from billing.customers.models import Account, Customer, Invoice
from billing.kiosks import enrolment
from billing.kiosks.models import Kiosk

_counter = itertools.count(1)
_PROCESS = secrets.randbelow(9000)


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, private: Ed25519PrivateKey, server: Ed25519PublicKey) -> None:
        self._private, self._server = private, server

    def resolve_private_key(self, key_id: str) -> Any:
        return self._private

    def resolve_public_key(self, key_id: str) -> Any:
        return self._server if key_id == "server" else None


@dataclass
class Journal:
    """A chain of sealed records."""

    kiosk_id: str
    epoch: int
    nonce: str
    key: Ed25519PrivateKey
    records: list[dict[str, str]] = field(default_factory=list)

    @property
    def head(self) -> str:
        return self.records[-1]["hash"] if self.records else self.nonce

    def add(self, kind: str, body: Any, **envelope: Any) -> dict[str, str]:
        """Append a fact and return its record as it goes over the wire."""
        entry = rfc8785.dumps(
            {
                "v": 1,
                "kiosk_id": self.kiosk_id,
                "epoch": self.epoch,
                "seq": len(self.records) + 1,
                "entry_id": f"0193591c-0000-7000-8000-{len(self.records):012d}",
                "kind": kind,
                "device_time": clock.stamp(datetime.now(UTC)),
                "clock_state": "trusted",
                "boot_id": "0" * 32,
                "mono_ms": len(self.records),
                "body": body,
                "prev_hash": self.head,
                **envelope,
            }
        )
        digest = hashlib.sha256(entry).digest()
        signature = base64.b64encode(self.key.sign(digest)).decode()
        self.records.append({"entry": entry.decode(), "hash": digest.hex(), "sig": signature})
        return self.records[-1]

    def copy(self) -> "Journal":
        return Journal(self.kiosk_id, self.epoch, self.nonce, self.key, list(self.records))


@dataclass
class Client:
    """Speaks to the server as one kiosk and one epoch; every answer's signature is checked."""

    url: str
    kiosk_id: str
    epoch: int
    key: Ed25519PrivateKey
    server_key: Ed25519PublicKey
    journal: Journal
    shift: timedelta = timedelta(0)

    def prepare(self, method: str, path: str, json: Any = None, nonce: str = "", **options: Any) -> Any:
        request = requests.Request(method, self.url + path, json=json, **options).prepare()
        request.headers["Kiosk-Epoch"] = str(self.epoch)
        self.sign(request, nonce or secrets.token_hex(16))
        return request

    def sign(self, request: Any, nonce: str) -> None:
        covered = ["@method", "@target-uri", "kiosk-epoch"]
        if request.body:
            body = request.body if isinstance(request.body, bytes) else request.body.encode()
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            request.headers["Content-Digest"] = f"sha-256=:{digest}:"
            covered.insert(2, "content-digest")
        signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ED25519, key_resolver=_Keys(self.key, self.server_key)
        )
        signer.sign(
            request,
            key_id=self.kiosk_id,
            created=datetime.now(UTC) + self.shift,
            nonce=nonce,
            label="kiosk",
            tag="kiosk-v1",
            covered_component_ids=covered,
            use_existing_digest="content-digest" in covered,
        )

    def send(self, request: Any) -> requests.Response:
        with requests.Session() as session:
            response = session.send(request, timeout=30)
        self.check(request, response)
        return response

    def check(self, request: Any, response: requests.Response) -> None:
        verifier = HTTPMessageVerifier(
            signature_algorithm=algorithms.ED25519, key_resolver=_Keys(self.key, self.server_key)
        )
        covered = verifier.verify(response, expect_tag="server-v1")[0].covered_components
        assert set(covered) >= {'"@status"', '"content-digest"', '"request-nonce"'}
        digest = base64.b64encode(hashlib.sha256(response.content).digest()).decode()
        assert covered['"content-digest"'] == f"sha-256=:{digest}:"
        assert f'nonce="{covered[chr(34) + "request-nonce" + chr(34)]}"' in request.headers["Signature-Input"]

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.send(self.prepare("GET", path, **options))

    def post(self, path: str, json: Any) -> requests.Response:
        return self.send(self.prepare("POST", path, json=json))

    def post_journal(self, records: list[dict[str, str]]) -> requests.Response:
        return self.post("/v1/journal", {"records": records})

    def post_all(self) -> list[dict[str, Any]]:
        """Post the whole journal and return the results, which must cover it."""
        results: list[dict[str, Any]] = []
        for start in range(0, len(self.journal.records), 100):
            response = self.post_journal(self.journal.records[start : start + 100])
            assert response.status_code == 200, response.text
            assert "stopped" not in response.json(), response.text
            results += response.json()["results"]
        assert len(results) == len(self.journal.records)
        return results


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def new_kiosk() -> Kiosk:
    number = f"{_PROCESS}-{next(_counter)}"
    return Kiosk.objects.create(pk=f"k-{number}", receipt_prefix=f"K-{number}"[:12])  # type: ignore[no-any-return]


def enrolled(url: str, kiosk: Kiosk | None = None) -> Client:
    """Enrol a kiosk over HTTP, as a technician would."""
    code = enrolment.new_code(kiosk or new_kiosk(), clock.now())
    return enrol_with(url, code, Ed25519PrivateKey.generate())


def enrol_with(url: str, code: str, key: Ed25519PrivateKey) -> Client:
    response = requests.post(f"{url}/v1/enrolments", json={"code": code, "public_key": public(key)}, timeout=30)
    assert response.status_code in (200, 201), response.text
    answer = response.json()
    journal = Journal(answer["kiosk_id"], answer["epoch"], answer["nonce"], key)
    server_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(answer["server_key"]))
    return Client(url, answer["kiosk_id"], answer["epoch"], key, server_key, journal)


def new_account(*bills_minor: int, status: str = "open", name: str = "Jolene Reyes", house: str = "142") -> Account:
    """An account with one bill for each sum, the first past due."""
    serial = _PROCESS * 1000 + next(_counter)
    number = billcode.account_number(f"{serial:07d}")
    today = clock.city_date(clock.now())
    account: Account = Account.objects.create(
        number=number,
        customer=Customer.objects.create(name=name),
        house_number=house,
        street="Maple Street",
        status=status,
        opened_on=today,
    )
    bills = [
        Bill(
            number=f"{_PROCESS * 1000 + next(_counter):07d}",
            account=account,
            kind="utility",
            label="Water",
            issued_on=today - timedelta(days=30),
            due_date=today + timedelta(days=30 * position - 5),
            charges=(Charge("water", "Water", amount),),
        )
        for position, amount in enumerate(bills_minor)
    ]
    if bills:
        invoicing.issue(bills, clock.now())
    return account


def bills_of(account: Account) -> list[Invoice]:
    return list(account.invoices.all())


def uid() -> str:
    return secrets.token_hex(16)


def note(payment_id: str, value_minor: int, **change: Any) -> dict[str, Any]:
    return {
        "note_id": uid(),
        "payment_id": payment_id,
        "value_minor": value_minor,
        "currency": "USD",
        "cassette_period": 1,
        "recovered": False,
        **change,
    }


def line(account: Account | str, invoice: Invoice | str, amount_minor: int) -> dict[str, Any]:
    return {
        "account": account if isinstance(account, str) else account.token,
        "invoice": invoice if isinstance(invoice, str) else invoice.number,
        "amount_minor": amount_minor,
    }


def claim(number: str, **change: Any) -> dict[str, Any]:
    return {
        "claim_number": number,
        "opened_by": "resident",
        "session_id": "s",
        "payment_id": "",
        "account": "",
        "last4": "",
        "what": "not_counted",
        "amount_minor": 2000,
        "currency": "USD",
        "notes": [],
        "notes_said": [{"value_minor": 2000, "count": 1}],
        "when": "now",
        "happened_at": clock.stamp(clock.now()),
        "threatened": False,
        "answer_by": "2100-01-01",
        "language": "en",
        **change,
    }


def completed(payment_id: str, *lines: dict[str, Any], **change: Any) -> dict[str, Any]:
    return {
        "payment_id": payment_id,
        "session_id": "s",
        "receipt_number": f"R-{payment_id[:12]}",
        "account": lines[0]["account"] if lines else "num:0",
        "lines": list(lines),
        "notes": [],
        "total_minor": sum(item["amount_minor"] for item in lines),
        "currency": "USD",
        "reason": "met",
        "value_date": clock.city_date(clock.now()).isoformat(),
        "live": True,
        **change,
    }
