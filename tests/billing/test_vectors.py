"""The bytes that kiosk and server agree on: tests/vectors/journal.json."""

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from billing import clock
from billing.api.money import receipt_code
from billing.journal.appending import acknowledgement
from billing.journal.models import Quarantined
from billing.journal.models import Record as StoredRecord
from billing.journal.records import Malformed, Wire, check
from billing.kiosks.models import Chain, Kiosk
from billing.state import server_key
from tests.billing.kiosk import Client, Journal
from tests.vectors import make_journal

VECTORS: dict[str, Any] = json.loads(Path(make_journal.__file__).with_name("journal.json").read_text(encoding="utf-8"))
RECORDS = VECTORS["records"]
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["kiosk_seed"]))


def wire(record: dict[str, Any]) -> dict[str, str]:
    return {name: record[name] for name in ("entry", "hash", "sig")}


@pytest.fixture
def client(server: str, request: pytest.FixtureRequest) -> Client:
    """The vectors' kiosk, with a fresh epoch row for each test: the vectors fix id, epoch, key and nonce."""
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:  # the chain of the test before this one: its records cannot be deleted
        cursor.execute("UPDATE kiosks_chain SET epoch = epoch + 100 WHERE kiosk_id = %s", [VECTORS["kiosk_id"]])
    kiosk, _ = Kiosk.objects.get_or_create(pk=VECTORS["kiosk_id"], defaults={"receipt_prefix": "RB-07"})
    nonce = VECTORS["nonce"]
    Chain.objects.create(
        kiosk=kiosk,
        epoch=VECTORS["epoch"],
        public_key=VECTORS["kiosk_public_key"],
        nonce=nonce,
        head_hash=nonce,
        enrolled_at=clock.now(),
    )
    pinned = server_key(settings.STATE).public_key()
    return Client(server, kiosk.pk, 1, KEY, pinned, Journal(kiosk.pk, 1, nonce, KEY))


def test_the_generator_makes_the_same_bytes() -> None:
    path = Path(make_journal.__file__).with_name("journal.json")
    assert path.read_bytes() == make_journal.text().encode()


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r["what"])
def test_good_records_are_read(record: dict[str, Any]) -> None:
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(VECTORS["kiosk_public_key"]))
    read = check(Wire(**wire(record)), public, VECTORS["kiosk_id"], VECTORS["epoch"])
    assert (read.seq, read.kind, read.body) == tuple(record["fields"][name] for name in ("seq", "kind", "body"))


MALFORMED = [case for case in VECTORS["bad"] if case["problem"] == "malformed"]


@pytest.mark.parametrize("case", MALFORMED, ids=lambda c: c["what"])
def test_bad_records_are_not_read(case: dict[str, Any]) -> None:
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(VECTORS["kiosk_public_key"]))
    with pytest.raises(Malformed):
        check(Wire(**case["record"]), public, VECTORS["kiosk_id"], VECTORS["epoch"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seq": 0}, "envelope"),
        ({"v": 2}, "envelope"),
        ({"kind": "k" * 61}, "envelope"),
        ({"mono_ms": True}, "envelope"),
        ({"epoch": 2}, "not-this-journal"),
        ({"body": "x" * 33000}, "too-long"),
    ],
)
def test_an_envelope_out_of_bounds_is_not_read(change: dict[str, Any], why: str) -> None:
    record = make_journal.seal(rfc8785.dumps({**RECORDS[0]["fields"], **change}))
    with pytest.raises(Malformed, match=why):
        check(Wire(**record), KEY.public_key(), VECTORS["kiosk_id"], VECTORS["epoch"])


def test_an_envelope_without_a_body_is_not_read() -> None:
    fields = {name: value for name, value in RECORDS[0]["fields"].items() if name != "body"}
    with pytest.raises(Malformed, match="envelope"):
        check(Wire(**make_journal.seal(rfc8785.dumps(fields))), KEY.public_key(), VECTORS["kiosk_id"], 1)


def test_good_records_are_kept_byte_for_byte(client: Client) -> None:
    response = client.post_journal([wire(record) for record in RECORDS])
    assert response.status_code == 200
    assert [result["outcome"] for result in response.json()["results"]] == ["created"] * len(RECORDS)
    page = client.get("/v1/kiosks/rb-07/records?after=0").json()
    assert page == {"records": [wire(record) for record in RECORDS], "next": None}


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda c: c["what"])
def test_bad_records_meet_their_problem(client: Client, case: dict[str, Any]) -> None:
    assert client.post_journal([wire(record) for record in RECORDS]).status_code == 200
    stored = StoredRecord.objects.filter(chain__kiosk=client.kiosk_id, chain__epoch=1).count()
    response = client.post_journal([case["record"]])
    problem = response.json()
    assert (response.status_code, problem["type"]) == (case["status"], f"/problems/{case['problem']}")
    assert response.headers["Content-Type"] == "application/problem+json"
    if "expected_seq" in case:
        assert problem["expected_seq"] == case["expected_seq"]
    if case["problem"] == "malformed":
        assert json.loads(Quarantined.objects.order_by("-pk").first().raw) == case["record"]
    assert StoredRecord.objects.filter(chain__kiosk=client.kiosk_id, chain__epoch=1).count() == stored
    frozen = client.get("/v1/kiosks/rb-07/head").json()["frozen"]
    assert frozen == ("" if case["problem"] == "journal-gap" else case["problem"])


def test_acknowledgement_and_receipt_code() -> None:
    text = json.loads(VECTORS["acknowledgement"]["text"])
    chain = Chain(
        kiosk_id=text["kiosk_id"], **{n: text[n] for n in ("epoch", "head_seq", "head_hash", "ledger_txn_id")}
    )
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["server_seed"]))
    now = datetime.fromisoformat(text["server_time"])
    assert acknowledgement(chain, now, key) == VECTORS["acknowledgement"]
    receipt = VECTORS["receipt"]
    assert receipt_code(receipt["number"], receipt["payment_id"], receipt["total_minor"]) == receipt["code"]
