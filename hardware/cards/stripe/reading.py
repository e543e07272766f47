"""What an answer of the API says: read defensively, and washed of everything that could be card data.

The washing comes before anything else looks at an answer: no object of this room has ever held a card number, an
expiry date or a name (architecture, rule 14).
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from hardware.cards.contract import Slip
from hardware.cards.masking import holds_card_number
from hardware.cards.stripe.calls import Reply, is_id

BODY_BYTES_MAX = 4_000_000
TEXT_MAX = 64

_AID = re.compile(r"A0000[0-9A-F]{5,27}")  # half of them are thirteen digits behind an A
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CARD_DATA = frozenset(
    {"number", "exp_month", "exp_year", "cvc", "cardholder_name", "fingerprint", "iin", "emv_auth_data", "track_1"}
    | {"track_2", "generated_card", "billing_details", "receipt_email", "customer", "client_secret"}
)

_BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "eftpos",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}
_ENTRIES = {
    "contact_emv": "chip",
    "contactless_emv": "contactless",
    "contactless_magstripe_mode": "contactless",
    "magnetic_stripe_track2": "swipe",
    "magnetic_stripe_fallback": "fallback",
}
_VERIFIED = {
    "offline_pin": "pin",
    "offline_pin_and_signature": "pin",
    "online_pin": "pin",
    "on_device": "device",
    "cdcvm": "device",
    "signature": "signature",
    "none": "none",
    "no_cvm": "none",
    "approval": "none",
}


@dataclass(frozen=True)
class Answer:
    """`body` if the API did it, `code` if it refused; neither if nobody can say what became of the request."""

    body: dict[str, Any] = field(default_factory=dict, repr=False)
    code: str = ""
    replayed: bool = False

    @property
    def done(self) -> bool:
        return bool(self.body)

    @property
    def refused(self) -> bool:
        return bool(self.code)

    @property
    def silent(self) -> bool:
        return not self.body and not self.code


SILENCE = Answer()
FORBIDDEN = "key_refused"

# Refusals that say nothing about what the request did, or an earlier one like it.
_UNDECIDED = frozenset({"lock_timeout", "idempotency_key_in_use", "rate_limit", "api_error"})


def read(reply: Reply) -> Answer:
    """Return what a reply says. A conflict, a fault of the API and half an answer all say nothing."""
    body = _parsed(reply.body) if reply.status else {}
    if 200 <= reply.status < 300:
        return Answer(body, replayed=reply.replayed) if body else SILENCE
    if reply.status in (401, 403):
        return Answer(code=FORBIDDEN)
    if not 400 <= reply.status < 500 or reply.status in (408, 429):
        return SILENCE
    error = _mapping(body, "error")
    code = _word(error, "code") or _word(error, "type")
    if code in _UNDECIDED or (reply.status == 409 and not code.startswith("terminal_reader_")):
        return SILENCE
    return Answer(code=code)


@dataclass(frozen=True)
class Intent:
    """A payment intent. `received_minor` is what was charged; `declined` why the last card was refused, "" if none."""

    id: str
    reference: str
    status: str
    received_minor: int
    currency: str
    live: bool
    created_s: int
    declined: str
    slip: Slip

    @property
    def paid(self) -> bool:
        return self.status == "succeeded" and self.received_minor > 0

    @property
    def dropped(self) -> bool:
        return self.status == "canceled"


@dataclass(frozen=True)
class Reader:
    """A reader. `action` is in_progress, succeeded, failed or ""; `intent` the payment that it is about, "" if none."""

    id: str
    model: str
    serial: str
    firmware: str
    online: bool
    live: bool
    action: str
    intent: str
    failure: str


@dataclass(frozen=True)
class Repayment:
    """A refund, which is what a void is here too."""

    id: str
    reference: str
    status: str
    amount_minor: int
    slip: Slip


def as_intent(body: dict[str, Any]) -> Intent | None:
    """Return the payment intent, None if it is none that can be believed."""
    charge = _mapping(body, "latest_charge")
    error = _mapping(body, "last_payment_error")
    intent = Intent(
        _word(body, "id"),
        _word(_mapping(body, "metadata"), "reference"),
        _word(body, "status"),
        _whole(body, "amount_received"),
        _word(body, "currency").upper(),
        body.get("livemode") is True,
        _whole(body, "created"),
        _declined(error, charge),
        _slip(charge),
    )
    believable = body.get("object") == "payment_intent" and is_id(intent.id, "pi") and intent.status
    return intent if believable else None


def as_reader(body: dict[str, Any]) -> Reader | None:
    """Return the reader, None if it is none that can be believed."""
    action = _mapping(body, "action")
    kind = _word(action, "type")
    reader = Reader(
        _word(body, "id"),
        _text(body, "device_type"),
        _text(body, "serial_number"),
        _text(body, "device_sw_version"),
        body.get("status") == "online",
        body.get("livemode") is True,
        "" if kind == "set_reader_display" else _word(action, "status"),
        _reference_to(_mapping(action, kind).get("payment_intent")),
        _word(action, "failure_code") or ("failed" if action.get("status") == "failed" else ""),
    )
    return reader if body.get("object") == "terminal.reader" and is_id(reader.id, "tmr") else None


def as_repayment(body: dict[str, Any]) -> Repayment | None:
    """Return the refund, None if it is none that can be believed."""
    repayment = Repayment(
        _word(body, "id"),
        _word(_mapping(body, "metadata"), "reference"),
        _word(body, "status"),
        _whole(body, "amount"),
        _slip(_mapping(body, "charge")),
    )
    believable = body.get("object") == "refund" and is_id(repayment.id, "re") and repayment.status
    return repayment if believable and repayment.amount_minor > 0 else None  # a refund of nothing is none


def as_list(body: dict[str, Any]) -> tuple[list[dict[str, Any]], bool] | None:
    """Return the items of a page and whether more follow, None if it is no page."""
    items = body.get("data")
    if body.get("object") not in ("list", "search_result") or not isinstance(items, list):
        return None
    if not isinstance(body.get("has_more"), bool):
        return None
    return [item for item in items if isinstance(item, dict)], body["has_more"]


# Card data


def _washed(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {
            key: _washed(item, key)
            for key, item in value.items()
            if key not in _CARD_DATA and not holds_card_number(str(key))
        }
    if isinstance(value, list):
        return [_washed(item, name) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if name == "dedicated_file_name" and isinstance(value, str) and _AID.fullmatch(value):
        return value
    return None if holds_card_number(str(value)) else value


def _parsed(raw: bytes) -> dict[str, Any]:
    if len(raw) > BODY_BYTES_MAX:
        return {}
    try:
        body = _washed(json.loads(raw))
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


# Fields


def _slip(charge: dict[str, Any]) -> Slip:
    card = _mapping(_mapping(charge, "payment_method_details"), "card_present")
    receipt = _mapping(card, "receipt")
    last4 = _text(card, "last4")
    brand = _text(card, "brand")
    return Slip(
        brand=_BRANDS.get(brand, "" if brand == "unknown" else brand),
        last4=last4 if re.fullmatch(r"\d{4}", last4, re.ASCII) else "",
        entry=_ENTRIES.get(_text(card, "read_method"), ""),
        approval=_text(receipt, "authorization_code") or _text(charge, "authorization_code"),
        application=_text(receipt, "application_preferred_name"),
        aid=_text(receipt, "dedicated_file_name"),
        tvr=_text(receipt, "terminal_verification_results"),
        tsi=_text(receipt, "transaction_status_information"),
        response_code=_text(receipt, "authorization_response_code"),
        cryptogram=_text(receipt, "application_cryptogram"),
        verified=_VERIFIED.get(_text(receipt, "cardholder_verification_method"), ""),
        terminal_id=_text(card, "reader"),
        host_reference=_word(charge, "id"),
    )


def _declined(error: dict[str, Any], charge: dict[str, Any]) -> str:
    if error:
        return _word(error, "decline_code") or _word(error, "code") or "declined"
    if charge.get("status") == "failed":
        return _word(charge, "failure_code") or "declined"
    return ""


def _mapping(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) and len(value) <= TEXT_MAX and value.isprintable() else ""


def _word(body: dict[str, Any], name: str) -> str:
    value = _text(body, name)
    return value if _WORD.fullmatch(value) else ""


def _whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _reference_to(value: Any) -> str:
    """Return the id of what may be given whole or by its id alone."""
    text = value.get("id") if isinstance(value, dict) else value
    return text if isinstance(text, str) and is_id(text, "pi") else ""
