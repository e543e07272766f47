"""Stripe: the requests as the survey lists them, and answers as the public pages show them."""

import json
from pathlib import Path
from typing import Any

import pytest

from hardware.cards.contract import Refund, Sale, Slip, Void
from hardware.cards.stripe import Reply, calls
from hardware.cards.stripe.driver import read_key
from hardware.cards.stripe.reading import (
    FORBIDDEN,
    as_intent,
    as_list,
    as_reader,
    as_repayment,
    read,
)

READER = "tmr_FDOt2wlRZEdpd7"
INTENT = "pi_3MtwBwLkdIwHu7ix28a3tqPa"


def reply(status: int, body: Any, **fields: Any) -> Reply:
    return Reply(1, status, json.dumps(body).encode() if not isinstance(body, bytes) else body, **fields)


def error(status: int, **fields: str) -> Reply:
    return reply(status, {"error": fields})


# Requests


def test_create() -> None:
    request = calls.create_intent(Sale("LK7A00000001", 5318), READER)
    assert (request.method, request.path, request.key) == ("POST", "/v1/payment_intents", "LK7A00000001")
    assert dict(request.form) == {
        "amount": "5318",
        "currency": "usd",
        "payment_method_types[]": "card_present",
        "capture_method": "automatic",
        "metadata[reference]": "LK7A00000001",
        "metadata[reader]": READER,
    }


def test_process() -> None:
    request = calls.process_intent(READER, INTENT, "LK7A00000001")
    assert (request.method, request.path) == ("POST", f"/v1/terminal/readers/{READER}/process_payment_intent")
    assert request.form == (("payment_intent", INTENT),)
    assert request.key == "LK7A00000001-process"


def test_looks_and_cancels() -> None:
    assert calls.reader(READER).path == f"/v1/terminal/readers/{READER}"
    assert calls.intent(INTENT).path == f"/v1/payment_intents/{INTENT}?expand[]=latest_charge"
    assert calls.cancel_action(READER).path == f"/v1/terminal/readers/{READER}/cancel_action"
    assert calls.cancel_intent(INTENT).path == f"/v1/payment_intents/{INTENT}/cancel"
    assert calls.list_intents(INTENT).path == f"/v1/payment_intents?limit=100&starting_after={INTENT}"
    assert calls.list_refunds(INTENT, "").path == f"/v1/refunds?limit=100&payment_intent={INTENT}"
    search = calls.search_intents("LK7A00000001").path
    assert search == "/v1/payment_intents/search?query=metadata%5B%22reference%22%5D%3A%22LK7A00000001%22"


def test_money_back() -> None:
    void = calls.create_refund(Void("V1", "LK7A00000001", 5318, INTENT), INTENT)
    assert (void.method, void.path, void.key) == ("POST", "/v1/refunds", "V1")
    assert "amount" not in dict(void.form)
    refund = dict(calls.create_refund(Refund("R1", "LK7A00000001", 1000, INTENT), INTENT).form)
    assert (refund["amount"], refund["metadata[reference]"], refund["metadata[of]"]) == ("1000", "R1", "LK7A00000001")


def test_lines() -> None:
    form = dict(calls.show(READER, ("Thank you", "Goodbye")).form)
    assert form["type"] == "cart"
    assert form["cart[line_items][1][description]"] == "Goodbye"


# Answers


@pytest.mark.parametrize(
    ("status", "action", "shown"),
    [
        ("in_progress", None, "in_progress"),
        ("succeeded", None, "succeeded"),
        ("failed", "customer_canceled", "failed"),
        ("failed", None, "failed"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_reader(status: str, action: str | None, shown: str, whole: bool) -> None:
    body = {
        "id": READER,
        "object": "terminal.reader",
        "action": {
            "failure_code": action,
            "failure_message": None,
            "process_payment_intent": {"payment_intent": {"id": INTENT} if whole else INTENT},
            "status": status,
            "type": "process_payment_intent",
        },
        "device_sw_version": "2.44.1.0",
        "device_type": "verifone_ux700",
        "livemode": False,
        "serial_number": "123-456-789",
        "status": "online",
    }
    reader = as_reader(read(reply(200, body)).body)
    assert reader is not None
    assert (reader.action, reader.intent, reader.online, reader.live) == (shown, INTENT, True, False)
    assert reader.failure == (action or ("failed" if status == "failed" else ""))
    assert (reader.model, reader.serial, reader.firmware) == ("verifone_ux700", "123-456-789", "2.44.1.0")
    idle = as_reader(body | {"action": None, "status": None})
    assert idle is not None
    assert (idle.action, idle.intent, idle.online) == ("", "", False)


CHARGE = {
    "id": "ch_3MmlLrLkdIwHu7ix0snN0B15",
    "object": "charge",
    "status": "succeeded",
    "payment_method_details": {
        "card_present": {
            "brand": "mastercard",
            "last4": "9969",
            "read_method": "contact_emv",
            "receipt": {
                "account_type": "credit",
                "application_cryptogram": "FD23DE9A53706C39",
                "application_preferred_name": "Stripe Credit",
                "authorization_code": None,
                "authorization_response_code": "5A33",
                "cardholder_verification_method": "offline_pin",
                "dedicated_file_name": "A0000000041010",
                "terminal_verification_results": "8080008000",
                "transaction_status_information": "6800",
            },
        },
        "type": "card_present",
    },
}


def test_a_paid_intent() -> None:
    body = {
        "id": INTENT,
        "object": "payment_intent",
        "amount": 2000,
        "amount_received": 2000,
        "created": 1680800504,
        "currency": "usd",
        "last_payment_error": None,
        "latest_charge": CHARGE,
        "livemode": True,
        "metadata": {"reference": "LK7A00000001"},
        "status": "succeeded",
    }
    intent = as_intent(read(reply(200, body)).body)
    assert intent is not None
    assert intent.paid
    assert (intent.reference, intent.received_minor, intent.currency, intent.declined) == (
        "LK7A00000001",
        2000,
        "USD",
        "",
    )
    assert intent.slip == Slip(
        brand="Mastercard",
        last4="9969",
        entry="chip",
        application="Stripe Credit",
        aid="A0000000041010",
        tvr="8080008000",
        tsi="6800",
        response_code="5A33",
        cryptogram="FD23DE9A53706C39",
        verified="pin",
        host_reference="ch_3MmlLrLkdIwHu7ix0snN0B15",
    )
    by_name = as_intent(body | {"latest_charge": "ch_3MmlLrLkdIwHu7ix0snN0B15"})
    assert by_name is not None
    assert by_name.slip == Slip()
    for wrong in ({"object": "refund"}, {"id": "pi_"}, {"id": "pi_../../x"}, {"id": 7}, {"status": None}):
        assert as_intent(body | wrong) is None
    for unpaid in (
        {"amount_received": 0},
        {"amount_received": "2000"},
        {"amount_received": -1},
        {"status": "processing"},
    ):
        intent = as_intent(body | unpaid)
        assert intent is not None
        assert not intent.paid


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({"code": "card_declined", "decline_code": "lost_card", "type": "card_error"}, "lost_card"),
        ({"code": "expired_card"}, "expired_card"),
        ({"type": "card_error"}, "declined"),
    ],
)
def test_declines(found: dict[str, str], code: str) -> None:
    body = {"id": INTENT, "object": "payment_intent", "status": "requires_payment_method", "last_payment_error": found}
    intent = as_intent(body)
    assert intent is not None
    assert intent.declined == code
    later = as_intent(body | {"last_payment_error": None, "latest_charge": {"status": "failed", "failure_code": code}})
    assert later is not None
    assert later.declined == code


def test_a_refund_and_a_list() -> None:
    body = {"id": "re_1Nispe2eZvKYlo2Cd31jOCgZ", "object": "refund", "amount": 1000, "status": "succeeded"}
    repayment = as_repayment(body | {"metadata": {"reference": "V1"}, "charge": CHARGE})
    assert repayment is not None
    assert (repayment.reference, repayment.amount_minor, repayment.slip.last4) == ("V1", 1000, "9969")
    assert as_repayment(body | {"amount": 0}) is None
    assert as_repayment(body | {"amount": ""}) is None
    assert as_list({"object": "list", "data": [body, 7], "has_more": False}) == ([body], False)
    assert as_list({"object": "search_result", "data": [], "has_more": True}) == ([], True)
    for page in (
        {},
        {"object": "list"},
        {"object": "list", "data": {}, "has_more": False},
        {"object": "list", "data": []},
    ):
        assert as_list(page) is None


@pytest.mark.parametrize(
    "silent",
    [
        Reply(1),
        Reply(1, 0, b'{"id": 1}'),
        reply(200, b""),
        reply(200, b'{"id": "pi_'),
        reply(200, b"[1]"),
        reply(200, b"[" * 100_000),
        reply(200, b"\xff\xfe"),
        reply(204, b""),
        reply(302, {"id": 1}),
        reply(500, {"error": {"type": "api_error"}}),
        reply(502, b"<html>"),
        error(409, type="invalid_request_error", code="lock_timeout"),
        error(409, type="invalid_request_error"),
        error(409, type="idempotency_error", code="idempotency_key_in_use"),
        error(429, code="rate_limit"),
        error(408),
        error(400, type="api_error"),
        reply(404, b"not found"),
    ],
)
def test_what_says_nothing_of_the_outcome(silent: Reply) -> None:
    assert read(silent).silent


@pytest.mark.parametrize("status", [400, 402, 404, 409])
def test_refusals_of_the_reader_whatever_the_status(status: int) -> None:
    for code in ("terminal_reader_busy", "terminal_reader_offline", "terminal_reader_timeout"):
        answer = read(error(status, type="invalid_request_error", code=code))
        assert answer.code == code
        assert not answer.done


def test_other_refusals() -> None:
    assert read(error(400, type="idempotency_error")).code == "idempotency_error"
    assert read(error(404, type="invalid_request_error", code="resource_missing")).code == "resource_missing"
    assert read(reply(401, b"")).code == read(reply(403, b"?")).code == FORBIDDEN


# Card data


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "card 378282246310005!",
        ";4111111111111111=3111201",
        "6011000990139424123456",
        "PAN4111111111111111x",
    ],
)
def test_card_numbers_are_seen(text: str) -> None:
    body = {"id": INTENT, "object": "payment_intent", "status": "x", "note": text, "n": [text, {"m": text}], text: 1}
    answer = read(reply(200, body))
    assert answer.body == {
        "id": INTENT,
        "object": "payment_intent",
        "status": "x",
        "note": None,
        "n": [None, {"m": None}],
    }
    assert text not in repr(answer)
    assert read(error(400, code=text)).silent


@pytest.mark.parametrize(
    "text", ["4111111111111112", "411111111111", "2026-11-23 18:30", INTENT, "A0000006200620x"[:14]]
)
def test_other_numbers_are_kept(text: str) -> None:
    body = {"receipt": {"dedicated_file_name": text}}
    assert read(reply(200, body)).body == body


def test_numbers_and_known_fields_of_cards_are_dropped() -> None:
    body = {"a": 4111111111111111, "b": 1680800504, "exp_month": 11, "cardholder_name": "DOE/JANE", "fingerprint": "x"}
    assert read(reply(200, body)).body == {"a": None, "b": 1680800504}


# The key


def test_the_key_is_a_restricted_one_that_not_everybody_can_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("rk_live_abc\n")
    path.chmod(0o640)
    assert read_key(path) == "rk_live_abc"
    path.chmod(0o644)
    with pytest.raises(ValueError, match="everybody"):
        read_key(path)
    path.chmod(0o600)
    for wrong in ("sk_live_abc", "", "rk_live abc", "rk_\nX-Header: 1"):
        path.write_text(wrong)
        with pytest.raises(ValueError, match="restricted"):
            read_key(path)
