"""Makers of the facts about cards, checks and change, as docs/wire.md has them."""

import itertools
from typing import Any

from tests.billing.kiosk import uid

_numbers = itertools.count(1)
SLIP = {
    "brand": "Visa",
    "last4": "4242",
    "entry": "contactless",
    "approval": "04A7B1",
    "application": "Visa Credit",
    "aid": "A0000000031010",
    "tvr": "0000000000",
    "tsi": "0000",
    "response_code": "00",
    "cryptogram": "8E19ED4BCA5C670A",
    "verified": "no_cvm",
    "terminal_id": "T-0001",
    "merchant_id": "M-77",
    "batch": "12",
    "trace": "000123",
    "host_reference": "632812345678",
}


def reference() -> str:
    return f"K{next(_numbers):06d}{uid()[:6].upper()}"


def sale(payment_id: str, ref: str, amount_minor: int, **change: Any) -> dict[str, Any]:
    """CardSaleStarted; with `reason`, CardSaleUnknown."""
    return {
        "payment_id": payment_id,
        "reference": ref,
        "leg": "bill",
        "amount_minor": amount_minor,
        "currency": "USD",
        "terminal": "pax",
        **change,
    }


def approved(payment_id: str, ref: str, amount_minor: int, **change: Any) -> dict[str, Any]:
    return sale(
        payment_id,
        ref,
        amount_minor,
        **{"asked_minor": amount_minor, "terminal_ref": "17", "slip": SLIP, "found": False, **change},
    )


def ended(payment_id: str, ref: str, result: str = "declined") -> dict[str, Any]:
    return {"payment_id": payment_id, "reference": ref, "leg": "bill", "result": result, "reason": "05"}


def void(payment_id: str, of: str, amount_minor: int, **change: Any) -> dict[str, Any]:
    """VoidStarted, CardSaleVoided, VoidEnded and VoidUnknown alike: the server looks at what it needs."""
    return {
        "payment_id": payment_id,
        "reference": reference(),
        "of": of,
        "amount_minor": amount_minor,
        "currency": "USD",
        "why": "undersized",
        "found": False,
        "reason": "",
        **change,
    }


def refund(payment_id: str, of: str, amount_minor: int, *lines: dict[str, Any], **change: Any) -> dict[str, Any]:
    """RefundStarted, CardRefunded, RefundEnded and RefundUnknown alike: the server looks at what it needs."""
    return {
        "payment_id": payment_id,
        "reference": reference(),
        "of": of,
        "leg": "bill",
        "amount_minor": amount_minor,
        "currency": "USD",
        "terminal": "pax",
        "terminal_ref": "18",
        "slip": SLIP,
        "found": False,
        "lines": list(lines),
        "receipt_number": "R-1",
        "by": "ann",
        "second": "bob",
        "why": "paid_twice",
        "reason": "",
        **change,
    }


def check(payment_id: str, amount_minor: int, **change: Any) -> dict[str, Any]:
    return {
        "check_id": uid(),
        "payment_id": payment_id,
        "amount_minor": amount_minor,
        "currency": "USD",
        "number": "1042",
        "routing": "011000015",
        "account_last4": "6789",
        "cassette_period": 1,
        "franked": True,
        **change,
    }


def paid_out(payment_id: str, value_minor: int, **change: Any) -> dict[str, Any]:
    return {
        "payout_id": uid(),
        "payment_id": payment_id,
        "note_id": uid(),
        "value_minor": value_minor,
        "currency": "USD",
        "cassette_period": 1,
        **change,
    }
