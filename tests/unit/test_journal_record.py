"""Entry bytes, hash and signature against the vectors that the server must pass too."""

import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain import facts
from kiosk.journal import acknowledgement, record
from kiosk.journal.chain import ChainCheck, Expectation, check
from kiosk.journal.errors import JournalDamaged
from kiosk.journal.ids import uuid7
from kiosk.journal.witness import Seen

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "journal.json").read_text())
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["kiosk_seed"]))
SERVER_KEY = Ed25519PublicKey.from_public_bytes(b64decode(VECTORS["server_public_key"]))
EXPECT = Expectation(VECTORS["kiosk_id"], VECTORS["epoch"], VECTORS["nonce"])
MOMENT = record.Moment("0193591c-6f11-7000-8000-000000000001", "2026-11-23T19:42:01.123Z", "trusted", "5f" * 16, 1)


def envelope_of(content: dict[str, Any]) -> record.Envelope:
    moment = record.Moment(**{name: content[name] for name in record.Moment.__dataclass_fields__})
    names = ("kiosk_id", "epoch", "seq", "kind", "body", "prev_hash")
    return record.Envelope(moment=moment, **{name: content[name] for name in names})


def an_envelope(**changes: Any) -> record.Envelope:
    empty = record.Envelope("rb-07", 1, 1, "SessionOpened", MOMENT, {"session_id": "s"}, "0" * 64)
    return replace(empty, **changes)


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda vector: vector["what"])
def test_a_sealed_record_has_the_agreed_bytes(vector: dict[str, Any]) -> None:
    sealed = record.seal(envelope_of(vector["fields"]), KEY)
    assert record.to_wire(sealed) == {name: vector[name] for name in ("entry", "hash", "sig")}


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda vector: vector["what"])
def test_the_agreed_bytes_come_apart_again(vector: dict[str, Any]) -> None:
    assert record.from_wire(vector).envelope() == envelope_of(vector["fields"])


def test_the_agreed_chain_is_good_and_its_facts_are_ours() -> None:
    records = [record.from_wire(vector) for vector in VECTORS["records"]]
    ack = VECTORS["acknowledgement"]
    seen = Seen(len(records), records[-1].hash, ack["text"], ack["sig"])
    report = check(records, seen, ChainCheck(KEY.public_key(), EXPECT, thorough=True), SERVER_KEY)
    assert report.ok, report.reason
    assert report.acked_seq == len(records)
    known = [entry for entry in (sealed.envelope() for sealed in records) if entry.kind in facts.KINDS]
    assert {entry.kind for entry in known} >= {"NoteStacked", "PaymentCompleted", "JournalPruned"}
    for entry in known:
        ours = facts.body(entry.fact())
        assert ours == ours | entry.body, "a field of the record is not ours"
        assert ours == entry.body or entry.kind == "PaymentCompleted", "only older payments lack fields"


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: vector["what"])
def test_what_the_server_refuses_the_chain_refuses(vector: dict[str, Any]) -> None:
    chain = ChainCheck(KEY.public_key(), EXPECT, thorough=True)
    for good in VECTORS["records"]:
        chain.take(record.from_wire(good))
    with pytest.raises((JournalDamaged, record.MalformedEntry)):
        chain.take(record.from_wire(vector["record"]))


def test_the_agreed_acknowledgement_is_read_and_an_edited_one_is_not() -> None:
    text, sig = VECTORS["acknowledgement"]["text"], VECTORS["acknowledgement"]["sig"]
    ack = acknowledgement.read(text, sig, SERVER_KEY)
    head = len(VECTORS["records"])
    assert (ack.kiosk_id, ack.epoch, ack.head_seq) == ("rb-07", 1, head)
    with pytest.raises(acknowledgement.NotAnAcknowledgement, match="not signed"):
        acknowledgement.read(text.replace(f'"head_seq":{head}', f'"head_seq":{head + 1}'), sig, SERVER_KEY)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"kiosk_id":"a","epoch":1,"head_seq":"6","head_hash":"","server_time":""}']
)
def test_an_unreadable_acknowledgement_is_refused(text: str) -> None:
    with pytest.raises(acknowledgement.NotAnAcknowledgement):
        acknowledgement.read(text, "", None)


def test_a_head_below_zero_is_refused() -> None:
    text = '{"kiosk_id":"a","epoch":1,"head_seq":-1,"head_hash":"","server_time":""}'
    with pytest.raises(acknowledgement.NotAnAcknowledgement, match="head_seq"):
        acknowledgement.read(text, "", None)


def test_an_entry_over_the_limit_is_not_sealed() -> None:
    room = record.ENTRY_LIMIT - len(record.seal(an_envelope(body={"x": ""}), KEY).entry)
    assert len(record.seal(an_envelope(body={"x": "a" * room}), KEY).entry) == record.ENTRY_LIMIT
    with pytest.raises(record.EntryTooLarge):
        record.seal(an_envelope(body={"x": "a" * (room + 1)}), KEY)


@pytest.mark.parametrize("amount", [2**53, float("nan"), object()])
def test_what_json_cannot_carry_exactly_is_not_sealed(amount: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        record.seal(an_envelope(body={"amount_minor": amount}), KEY)


def test_an_unknown_clock_state_is_not_sealed() -> None:
    with pytest.raises(ValueError, match="clock state"):
        record.seal(an_envelope(moment=replace(MOMENT, clock_state="perhaps")), KEY)


@pytest.mark.parametrize("field", ["v", "kiosk_id", "epoch", "seq", "kind", "body", "prev_hash", "mono_ms", "boot_id"])
def test_an_entry_with_a_wrong_field_is_malformed(field: str) -> None:
    content = json.loads(record.seal(an_envelope(), KEY).entry)
    for wrong in (None, True, [], "7" if field in ("v", "epoch", "seq", "mono_ms", "body") else 7):
        with pytest.raises(record.MalformedEntry):
            record.parse(json.dumps(content | {field: wrong}).encode())
    del content[field]
    with pytest.raises(record.MalformedEntry):
        record.parse(json.dumps(content).encode())


@given(st.binary(max_size=60))
def test_noise_is_malformed_and_nothing_worse(noise: bytes) -> None:
    with pytest.raises(record.MalformedEntry):
        record.parse(noise)
    assert record.is_canonical(noise) in (True, False)


def test_deep_nesting_is_malformed() -> None:
    deep = b"[" * 100_000
    with pytest.raises(record.MalformedEntry):
        record.parse(deep)
    assert not record.is_canonical(deep)


@pytest.mark.parametrize("content", [{}, {"entry": 7, "hash": "", "sig": ""}, {"entry": "{}", "hash": "", "sig": "?"}])
def test_what_is_no_record_does_not_come_off_the_wire(content: dict[str, Any]) -> None:
    with pytest.raises(record.MalformedEntry):
        record.from_wire(content)


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_uuid7_sorts_by_time_and_says_what_it_is(unix_ms: int, some: bytes, other: bytes) -> None:
    text = uuid7(unix_ms, some)
    assert text[14] == "7"
    assert text[19] in "89ab"
    assert int(text.replace("-", "")[:12], 16) == unix_ms
    if unix_ms:
        assert uuid7(unix_ms - 1, other) < text


@pytest.mark.parametrize(("unix_ms", "random"), [(-1, bytes(10)), (2**48, bytes(10)), (0, bytes(9))])
def test_uuid7_refuses_what_does_not_fit(unix_ms: int, random: bytes) -> None:
    with pytest.raises(ValueError, match=r"48 bits|10 random"):
        uuid7(unix_ms, random)
