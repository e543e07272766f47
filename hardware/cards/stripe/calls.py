"""The requests that the machine makes (survey section 2). Nothing here has seen a card.

Every request that creates something carries an Idempotency-Key made of our reference: a request that a proxy repeats
does nothing twice.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from hardware.cards.contract import Refund, Sale, Void

Form = tuple[tuple[str, str], ...]

ANSWER_MS = 10_000  # for a look or a small change
HAND_OVER_MS = 30_000  # the API answers when the reader has answered it
PAGE = 100  # what one page of a list holds at most

_IDS = re.compile(r"(?:pi|re|tmr|ch)_[A-Za-z0-9]{4,80}")


@dataclass(frozen=True)
class Request:
    """One HTTP request. `path` includes the query; `key` is the Idempotency-Key, "" for none."""

    method: str
    path: str
    form: Form = ()
    key: str = ""
    timeout_ms: int = ANSWER_MS


@dataclass(frozen=True)
class Call:
    """A request to make now; its `Reply` has the same number."""

    number: int
    request: Request


@dataclass(frozen=True)
class Reply:
    """What came back. `status` 0: nothing, or not all of it. `replayed`: the API had answered this key before."""

    number: int
    status: int = 0
    body: bytes = field(default=b"", repr=False)
    replayed: bool = False


def is_id(text: str, kind: str) -> bool:
    """Return whether `text` is an id of this kind ("pi", "re", ...), fit to stand in a path."""
    return text.startswith(f"{kind}_") and _IDS.fullmatch(text) is not None


def reader(reader_id: str) -> Request:
    return Request("GET", f"/v1/terminal/readers/{reader_id}")


def create_intent(sale: Sale, reader_id: str) -> Request:
    form = (
        ("amount", str(sale.amount_minor)),
        ("currency", sale.currency.lower()),
        ("payment_method_types[]", "card_present"),
        ("capture_method", "automatic"),
        ("metadata[reference]", sale.reference),
        ("metadata[reader]", reader_id),
    )
    return Request("POST", "/v1/payment_intents", form, key=sale.reference)


def process_intent(reader_id: str, intent: str, reference: str) -> Request:
    """Hand the payment to the reader: the one request of a sale from which money can move. It is never repeated."""
    path = f"/v1/terminal/readers/{reader_id}/process_payment_intent"
    return Request("POST", path, (("payment_intent", intent),), f"{reference}-process", HAND_OVER_MS)


def cancel_action(reader_id: str) -> Request:
    return Request("POST", f"/v1/terminal/readers/{reader_id}/cancel_action")


def show(reader_id: str, lines: tuple[str, ...]) -> Request:
    """Show lines as a cart without a price: the API knows no other text."""
    form: list[tuple[str, str]] = [("type", "cart"), ("cart[currency]", "usd"), ("cart[total]", "0")]
    for at, line in enumerate(lines):
        item = f"cart[line_items][{at}]"
        form += [(f"{item}[description]", line), (f"{item}[amount]", "0"), (f"{item}[quantity]", "1")]
    return Request("POST", f"/v1/terminal/readers/{reader_id}/set_reader_display", tuple(form))


def intent(intent_id: str) -> Request:
    return Request("GET", f"/v1/payment_intents/{intent_id}?expand[]=latest_charge")


def cancel_intent(intent_id: str) -> Request:
    """After this nothing can be charged by it any more; refused once it is charged."""
    return Request("POST", f"/v1/payment_intents/{intent_id}/cancel", (("expand[]", "latest_charge"),))


def mark_journalled(intent_id: str) -> Request:
    """Write beside the payment that the kiosk's journal has it, for those who reconcile."""
    return Request("POST", f"/v1/payment_intents/{intent_id}", (("metadata[journalled]", "yes"),))


def create_refund(order: Void | Refund, intent_id: str) -> Request:
    form = [
        ("payment_intent", intent_id),
        ("metadata[reference]", order.reference),
        ("metadata[of]", order.of),
        ("expand[]", "charge"),
    ]
    if isinstance(order, Refund):
        form.append(("amount", str(order.amount_minor)))  # a void is whole
    return Request("POST", "/v1/refunds", tuple(form), key=order.reference, timeout_ms=HAND_OVER_MS)


def refund(refund_id: str) -> Request:
    return Request("GET", f"/v1/refunds/{refund_id}?expand[]=charge")


def list_intents(after: str) -> Request:
    return _listed("/v1/payment_intents", {}, after)


def list_refunds(intent_id: str, after: str) -> Request:
    return _listed("/v1/refunds", {"payment_intent": intent_id} if intent_id else {}, after)


def search_intents(reference: str) -> Request:
    """Search lags behind by minutes, in bad times by an hour: only for what is older than every list."""
    query = quote(f'metadata["reference"]:"{reference}"', safe="")
    return Request("GET", f"/v1/payment_intents/search?query={query}")


def _listed(path: str, fields: dict[str, str], after: str) -> Request:
    query = {"limit": str(PAGE)} | fields | ({"starting_after": after} if after else {})
    return Request("GET", f"{path}?{urlencode(query)}")
