"""Write journal.json: what kiosk and server agree on, made with neither of them.

Run from the repository root: `python tests/vectors/make_journal.py`. The same bytes come out every time.
"""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KIOSK_SEED = bytes(range(32))
OTHER_SEED = bytes(range(32, 64))
SERVER_SEED = bytes(range(64, 96))
KIOSK_ID, EPOCH = "rb-07", 1
NONCE = hashlib.sha256(b"lobby-kiosk test enrolment").hexdigest()
BOOT = "5f0c7a1e9b3d4c2f8a6e1d0b7c9f2e34"
PAYMENT = "0193591c-6f10-7000-8000-000000000001"
SESSION = "0193591c-6f10-7000-8000-000000000002"
NOTE = "0193591c-6f10-7000-8000-000000000003"
RECEIPT = "RB-07-1-000001"

FACTS: list[tuple[str, dict[str, Any], str]] = [
    ("KioskStarted", {"version": "0.1.0", "reason": "boot"}, "first of the chain: prev_hash is the nonce"),
    (
        "NoteStackRequested",
        {
            "note_id": NOTE,
            "payment_id": PAYMENT,
            "channel": 5,
            "value_minor": 2000,
            "currency": "USD",
            "cassette_period": 1,
        },
        "booked nowhere",
    ),
    (
        "NoteStacked",
        {
            "note_id": NOTE,
            "payment_id": PAYMENT,
            "value_minor": 2000,
            "currency": "USD",
            "cassette_period": 1,
            "recovered": False,
        },
        "debit cash, credit clearing",
    ),
    (
        "PaymentCompleted",
        {
            "payment_id": PAYMENT,
            "session_id": SESSION,
            "receipt_number": RECEIPT,
            "account": "num:44170934",
            "lines": [{"account": "num:44170934", "invoice": "", "amount_minor": 2000}],
            "notes": [{"note_id": NOTE, "value_minor": 2000}],
            "total_minor": 2000,
            "currency": "USD",
            "reason": "stopped",
            "value_date": "2026-11-23",
            "live": False,
        },
        "empties clearing",
    ),
    (
        "DeviceFaultSeen",
        {"device": "printer", "fault": "other", "detail": 'Señal débil: "papel" \\ €5 \u2028 \U0001f5a8\ttab \u0007'},
        "text beyond ASCII, an astral character, escapes",
    ),
    (
        "JournalPruned",
        {"from_seq": 1, "to_seq": 2, "last_hash": "3c" * 32, "archive_sha256": "a7" * 32},
        "booked nowhere; the server keeps every record",
    ),
    (
        "MediumDistrusted",
        {"reason": "city_ahead", "lost_from_seq": 3, "records": 40},
        "booked nowhere; no new money until enrolled anew",
    ),
    (
        "FramesKept",
        {
            "device": "acceptor",
            "about": NOTE,
            "frames": [
                {"at_ms": 900, "until_ms": 5100, "times": 22, "direction": "out", "hex": "02081030781003ff"},
                {"at_ms": 905, "until_ms": 905, "times": 1, "direction": "in", "hex": "020b"},
            ],
        },
        "evidence about a note, booked nowhere",
    ),
    (
        "ClaimOpened",
        {
            "claim_number": "RB-07-C1-000001",
            "opened_by": "kiosk",
            "session_id": SESSION,
            "payment_id": PAYMENT,
            "account": "num:44170934",
            "last4": "0934",
            "what": "note_in_doubt",
            "amount_minor": 2000,
            "currency": "USD",
            "notes": [{"note_id": NOTE, "value_minor": 2000}],
            "notes_said": [{"value_minor": 2000, "count": 1}],
            "when": "now",
            "happened_at": "2026-11-23T19:42:05.123Z",
            "threatened": False,
            "answer_by": "2026-11-25",
            "language": "en",
        },
        "a memo: booked nowhere",
    ),
    (
        "ClaimSlipEnded",
        {"claim_number": "RB-07-C1-000001", "outcome": "confirmed", "reason": ""},
        "booked nowhere",
    ),
    (
        "FactOfTomorrow",
        {"\U0001f600": 1, "\ufb33": 2, "z": [True, None, {"b": -1, "a": 9007199254740991}], "": "empty key"},
        "unknown kind: kept; keys sort by UTF-16 code units",
    ),
]


def seal(entry: bytes, seed: bytes = KIOSK_SEED) -> dict[str, str]:
    """Return the record of `entry` as it goes over the wire."""
    digest = hashlib.sha256(entry).digest()
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(digest)
    return {"entry": entry.decode(), "hash": digest.hex(), "sig": base64.b64encode(signature).decode()}


def fields(seq: int, kind: str, body: dict[str, Any], prev_hash: str) -> dict[str, Any]:
    return {
        "v": 1,
        "kiosk_id": KIOSK_ID,
        "epoch": EPOCH,
        "seq": seq,
        "entry_id": f"0193591c-6f11-7000-8000-{seq:012d}",
        "kind": kind,
        "device_time": f"2026-11-23T19:42:{seq:02d}.123Z",
        "clock_state": "trusted",
        "boot_id": BOOT,
        "mono_ms": 1000 * seq,
        "body": body,
        "prev_hash": prev_hash,
    }


def chain() -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for seq, (kind, body, what) in enumerate(FACTS, start=1):
        content = fields(seq, kind, body, records[-1]["hash"] if records else NONCE)
        records.append({"what": what, "fields": content, **seal(rfc8785.dumps(content))})
    return records


def bad(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return records sent after the whole chain, and the problem each must meet."""
    last, third = records[-1], records[2]
    head = len(records)
    following = fields(head + 1, "SessionOpened", {"session_id": SESSION}, last["hash"])
    good = seal(rfc8785.dumps(following))
    flipped = base64.b64encode(bytes(b ^ 1 for b in base64.b64decode(good["sig"]))).decode()
    spaced = json.dumps(following, sort_keys=True).encode()
    doubled = rfc8785.dumps(following).replace(b'"v":1}', b'"v":1,"v":1}')
    other_note = {**third["fields"], "body": {**third["fields"]["body"], "value_minor": 10000}}

    def case(what: str, record: dict[str, str], status: int, problem: str, **more: int) -> dict[str, Any]:
        return {"what": what, "record": record, "status": status, "problem": problem, **more}

    def sealed(**change: Any) -> dict[str, str]:
        return seal(rfc8785.dumps({**following, **change}))

    gap = head + 1
    return [
        case("text edited after hashing", {**good, "entry": good["entry"].replace(SESSION, NOTE)}, 400, "malformed"),
        case("signature with its bits turned", {**good, "sig": flipped}, 400, "malformed"),
        case("signed by another key", seal(rfc8785.dumps(following), OTHER_SEED), 400, "malformed"),
        case("signature not base64", {**good, "sig": "§"}, 400, "malformed"),
        case("not JSON", seal(b'{"v":1,'), 400, "malformed"),
        case("not an object", seal(b"[1]"), 400, "malformed"),
        case("JSON, but not in RFC 8785 form", seal(spaced), 400, "malformed"),
        case("a key given twice", seal(doubled), 400, "malformed"),
        case("another kiosk's record", sealed(kiosk_id="rb-08"), 400, "malformed"),
        case("seq is a string", sealed(seq=str(gap)), 400, "malformed"),
        case("one record left out", sealed(seq=head + 2), 409, "journal-gap", expected_seq=gap),
        case("same place, other content", seal(rfc8785.dumps(other_note)), 409, "journal-fork", expected_seq=3),
        case("follows another record", sealed(prev_hash=third["hash"]), 409, "journal-fork", expected_seq=head),
    ]


def public(seed: bytes) -> str:
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()).decode()


def acknowledgement(head: dict[str, Any]) -> dict[str, str]:
    text = rfc8785.dumps(
        {
            "kiosk_id": KIOSK_ID,
            "epoch": EPOCH,
            "head_seq": head["fields"]["seq"],
            "head_hash": head["hash"],
            "ledger_txn_id": 2,
            "server_time": "2026-11-23T19:42:30.000Z",
        }
    )
    signature = Ed25519PrivateKey.from_private_bytes(SERVER_SEED).sign(text)
    return {"text": text.decode(), "sig": base64.b64encode(signature).decode()}


def vectors() -> dict[str, Any]:
    records = chain()
    proof = hashlib.sha256(f"{RECEIPT}|{PAYMENT}|2000".encode()).digest()
    return {
        "kiosk_id": KIOSK_ID,
        "epoch": EPOCH,
        "nonce": NONCE,
        "kiosk_seed": KIOSK_SEED.hex(),
        "kiosk_public_key": public(KIOSK_SEED),
        "server_seed": SERVER_SEED.hex(),
        "server_public_key": public(SERVER_SEED),
        "records": records,
        "bad": bad(records),
        "acknowledgement": acknowledgement(records[-1]),
        "receipt": {
            "number": RECEIPT,
            "payment_id": PAYMENT,
            "total_minor": 2000,
            "code": base64.b32encode(proof).decode()[:10],
        },
    }


def text() -> str:
    return json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("journal.json").write_text(text(), encoding="utf-8")
