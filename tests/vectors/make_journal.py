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
BY_CARD = "0193591c-6f10-7000-8000-000000000004"
UNDONE = "0193591c-6f10-7000-8000-000000000005"
CHECK = "0193591c-6f10-7000-8000-000000000006"
PAYOUT = "0193591c-6f10-7000-8000-000000000007"
PAID_OUT = "0193591c-6f10-7000-8000-000000000008"
SECOND_NOTE = "0193591c-6f10-7000-8000-000000000009"
STRAY_NOTE = "0193591c-6f10-7000-8000-00000000000a"
NAMELESS_NOTE = "0193591c-6f10-7000-8000-00000000000b"
SLIP = {
    "brand": "Visa",
    "last4": "4242",
    "entry": "chip",
    "approval": "A1B2C3",
    "application": "Visa Credit",
    "aid": "A0000000031010",
    "tvr": "0000008000",
    "tsi": "E800",
    "response_code": "00",
    "cryptogram": "5E1F00AABBCCDDEE",
    "verified": "pin",
    "terminal_id": "RB070001",
    "merchant_id": "9399",
    "batch": "17",
    "trace": "000042",
    "host_reference": "H-42",
}


def card(payment: str, reference: str, leg: str, amount_minor: int, **more: Any) -> dict[str, Any]:
    about = {"payment_id": payment, "reference": reference, "leg": leg}
    return {**about, "amount_minor": amount_minor, "currency": "USD", **more}


def void(reference: str, **more: Any) -> dict[str, Any]:
    return {"payment_id": UNDONE, "reference": reference, "of": "RB070100000B", **more}


VOIDED = {"amount_minor": 1000, "currency": "USD"}
NEWEST_BILL = {"account": "num:70112233", "invoice": "INV-9", "amount_minor": 900}


def refund(reference: str, of: str = "RB0701000001", **more: Any) -> dict[str, Any]:
    return {"payment_id": BY_CARD, "reference": reference, "of": of, **more}


def refund_started(reference: str, amount_minor: int, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    about = {"leg": "bill", "of": "RB0701000001", "approved_minor": 4000, "refunded_minor": 0, **more}
    people = {"by": "jmorales", "second": "tchen", "why": "wrong_account"}
    sums = {"amount_minor": amount_minor, "currency": "USD", "lines": lines}
    return refund(reference, **about, **sums, **people, receipt_number="RB-07-1-000002", terminal="RB070001")


def refunded(reference: str, amount_minor: int, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    about = {"leg": "bill", "terminal_ref": "45", "found": False, **more}
    return refund(reference, **about, amount_minor=amount_minor, currency="USD", slip=SLIP, lines=lines)


def stray(note_id: str, channel: int, value_minor: int, reason: str) -> dict[str, Any]:
    about = {"channel": channel, "value_minor": value_minor, "currency": "USD"}
    return {"note_id": note_id, **about, "cassette_period": 1, "reason": reason}


DROPPED = {
    "check_id": CHECK,
    "payment_id": BY_CARD,
    "amount_minor": 1500,
    "currency": "USD",
    "number": "1041",
    "routing": "111000025",
    "account_last4": "6789",
    "cassette_period": 1,
}

# One payment by card with a fee, by check and in cash with change, for bills of two accounts; one that was undone.
TENDERS: list[tuple[str, dict[str, Any], str]] = [
    (
        "InvoiceAdded",
        {
            "payment_id": BY_CARD,
            "account": "num:70112233",
            "last4": "2233",
            "invoices": [{"account": "num:70112233", "invoice": "INV-9", "amount_minor": 900}],
            "balance_minor": 900,
            "live": True,
        },
        "a second account in one payment: booked nowhere",
    ),
    (
        "FeeAgreed",
        {"payment_id": BY_CARD, "rule": "card-2026", "kind": "service", "base_minor": 4000, "fee_minor": 150},
        "booked nowhere",
    ),
    ("CardSaleStarted", card(BY_CARD, "RB0701000001", "bill", 5000, terminal="RB070001"), "booked nowhere"),
    (
        "CardSaleApproved",
        card(BY_CARD, "RB0701000001", "bill", 4000, asked_minor=5000, terminal_ref="42", slip=SLIP, found=False),
        "less than asked for: debit card receivable, credit clearing",
    ),
    ("CardSaleStarted", card(BY_CARD, "RB0701000002", "fee", 150, terminal="RB070001"), "the fee's own leg"),
    (
        "CardSaleUnknown",
        card(BY_CARD, "RB0701000002", "fee", 150, reason="no_answer"),
        "a memo: booked nowhere",
    ),
    (
        "CardSaleApproved",
        card(BY_CARD, "RB0701000002", "fee", 150, asked_minor=150, terminal_ref="43", slip=SLIP, found=True),
        "found by asking: debit card receivable, credit clearing",
    ),
    ("CheckAwaited", DROPPED, "a memo: booked nowhere"),
    ("CheckTaken", {**DROPPED, "franked": True}, "debit checks, credit clearing"),
    (
        "NoteStacked",
        {
            "note_id": SECOND_NOTE,
            "payment_id": BY_CARD,
            "value_minor": 1000,
            "currency": "USD",
            "cassette_period": 1,
            "recovered": False,
        },
        "debit cash, credit clearing",
    ),
    (
        "PayoutStarted",
        {
            "payout_id": PAYOUT,
            "payment_id": BY_CARD,
            "amount_minor": 500,
            "currency": "USD",
            "notes": [{"value_minor": 500, "count": 1}],
            "cassette_period": 1,
            "held": [{"value_minor": 500, "count": 2}],
        },
        "booked nowhere",
    ),
    (
        "NotePaidOut",
        {
            "payout_id": PAYOUT,
            "payment_id": BY_CARD,
            "note_id": PAID_OUT,
            "value_minor": 500,
            "currency": "USD",
            "cassette_period": 1,
        },
        "debit clearing, credit cash",
    ),
    (
        "PayoutEnded",
        {"payout_id": PAYOUT, "payment_id": BY_CARD, "result": "done", "detail": ""},
        "booked nowhere",
    ),
    (
        "PaymentCompleted",
        {
            "payment_id": BY_CARD,
            "session_id": SESSION,
            "receipt_number": "RB-07-1-000002",
            "account": "num:44170934",
            "lines": [
                {"account": "num:44170934", "invoice": "", "amount_minor": 5100},
                {"account": "num:70112233", "invoice": "INV-9", "amount_minor": 900},
            ],
            "notes": [{"note_id": SECOND_NOTE, "value_minor": 1000}],
            "total_minor": 6000,
            "currency": "USD",
            "reason": "met",
            "value_date": "2026-11-23",
            "live": True,
            "cards": [
                {"reference": "RB0701000001", "leg": "bill", "amount_minor": 4000, "brand": "Visa", "last4": "4242"},
                {"reference": "RB0701000002", "leg": "fee", "amount_minor": 150, "brand": "Visa", "last4": "4242"},
            ],
            "checks": [{"check_id": CHECK, "number": "1041", "amount_minor": 1500}],
            "change_minor": 500,
            "fee_minor": 150,
            "fee_kind": "service",
            "fee_rule": "card-2026",
            "completed_at": "2026-11-23T19:42:30.000Z",
        },
        "empties clearing of bills and fee",
    ),
    ("CardSaleStarted", card(UNDONE, "RB070100000A", "bill", 2000, terminal="RB070001"), "booked nowhere"),
    (
        "CardSaleEnded",
        {"payment_id": UNDONE, "reference": "RB070100000A", "leg": "bill", "result": "declined", "reason": "05"},
        "booked nowhere",
    ),
    ("CardSaleStarted", card(UNDONE, "RB070100000B", "bill", 2000, terminal="RB070001"), "booked nowhere"),
    (
        "CardSaleApproved",
        card(UNDONE, "RB070100000B", "bill", 1000, asked_minor=2000, terminal_ref="44", slip=SLIP, found=False),
        "debit card receivable, credit clearing",
    ),
    ("VoidStarted", void("RB070100000C", why="undersized", **VOIDED), "booked nowhere"),
    ("VoidEnded", void("RB070100000C", result="not_started", reason="busy"), "the sale stands: booked nowhere"),
    ("VoidStarted", void("RB070100000D", why="undersized", **VOIDED), "booked nowhere"),
    ("VoidUnknown", void("RB070100000D", reason="line_lost", **VOIDED), "a memo: booked nowhere"),
    (
        "CardSearchEnded",
        {"payment_id": UNDONE, "reference": "RB070100000D", "operation": "void", "by": "Dana"},
        "booked nowhere: the memo stays",
    ),
    ("CardSaleVoided", void("RB070100000D", found=True, **VOIDED), "the reverse of the sale"),
    ("PaymentAbandoned", {"payment_id": UNDONE, "reason": "cancelled"}, "booked nowhere"),
    (
        "BatchClosed",
        {
            "reference": "B2611240530007AC",
            "result": "approved",
            "count": 2,
            "total_minor": 4150,
            "reason": "",
            "business_date": "2026-11-23",
            "by": "",
        },
        "the terminal's end of day, a memo: booked nowhere",
    ),
]

# Of that payment staff refund a part of the card, at the second try, then its fee.
BACK = [NEWEST_BILL, {"account": "num:44170934", "invoice": "", "amount_minor": 600}]
REFUNDS: list[tuple[str, dict[str, Any], str]] = [
    ("RefundStarted", refund_started("RB070100000E", 1500, BACK), "booked nowhere"),
    ("RefundEnded", refund("RB070100000E", result="declined", reason="05"), "nothing was refunded: booked nowhere"),
    ("RefundStarted", refund_started("RB070100000F", 1500, BACK), "booked nowhere"),
    (
        "RefundUnknown",
        refund("RB070100000F", amount_minor=1500, currency="USD", reason="no_answer"),
        "a memo: booked nowhere",
    ),
    (
        "CardRefunded",
        refunded("RB070100000F", 1000, [NEWEST_BILL, {**BACK[1], "amount_minor": 100}], found=True),
        "less than was asked for, found by asking: debit receivable and credit on account, credit card receivable",
    ),
    (
        "RefundStarted",
        refund_started("RB070100000G", 150, [], of="RB0701000002", leg="fee", approved_minor=150),
        "a fee's own leg: booked nowhere",
    ),
    (
        "CardRefunded",
        refunded("RB070100000G", 150, [], of="RB0701000002", leg="fee"),
        "debit fees, credit card receivable",
    ),
]

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
    ("NoteUnexpected", stray(STRAY_NOTE, 4, 1000, "no_open_note"), "debit cash, credit suspense"),
    ("NoteUnexpected", stray(NAMELESS_NOTE, 0, 0, "no_value"), "a note of unknown value, a memo: booked nowhere"),
    *TENDERS,
    *REFUNDS,
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
