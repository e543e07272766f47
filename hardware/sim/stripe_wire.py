"""The Stripe twin's door: requests as they come over HTTP, and everything that can happen to them on the way.

Used by the twin's server and, without any socket, by worlds in virtual time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hardware.sim.stripe_account import Account, Refusal

CALLS = ("create", "process", "cancel_action", "cancel_intent", "mark", "look", "list", "refund", "reader", "show")
PAN = "4111 1111 1111 1111"
LEAK = {
    "track_2": "4111111111111111=31112011234567890",
    "note": f"card {PAN} exp 11/31",
    "message": "5500-0000-0000-0004",
    "digits": 4111111111111111,
}


@dataclass(frozen=True)
class Answer:
    """What goes back. `lost`: nothing does, the connection is cut."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    lost: bool = False


LOST = Answer(lost=True)


@dataclass
class Trouble:
    """What happens to the next requests of kind `when` ("" for any): counts, and what lasts until it is changed."""

    when: str = ""
    lose_request: int = 0
    lose_answer: int = 0
    garble: int = 0
    conflict: int = 0
    throttle: int = 0
    fail: int = 0  # HTTP 500 after the work is done
    down: bool = False
    leaky: bool = False
    fragment: bool = False
    slow_ms: int = 0


class Door:
    """Take requests for `account` as HTTP brings them."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.trouble = Trouble()
        self.log: list[str] = []  # the kind of every request that was done

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Do a request. Header names are in lower case."""
        place = urlsplit(target)
        kind = kind_of(method, place.path)
        if self.trouble.down or self._happens("lose_request", kind):
            return LOST
        if not self._admits(headers):
            return _answer(401, Refusal(401, "").body())
        if self._happens("throttle", kind):
            return _answer(429, Refusal(429, "rate_limit").body())
        if self._happens("conflict", kind):
            return _answer(409, Refusal(409, "lock_timeout").body())
        query, form = dict(parse_qsl(place.query)), dict(parse_qsl(body.decode("utf-8", "replace")))
        status, content, replayed = self.account.request(
            method, place.path, query, form, headers.get("idempotency-key", "")
        )
        self.log.append(kind)
        return self._back(kind, status, content, replayed)

    def _back(self, kind: str, status: int, content: dict[str, Any], replayed: bool) -> Answer:
        if self._happens("lose_answer", kind):
            return LOST
        if self._happens("fail", kind):
            return _answer(500, Refusal(500, "", "api_error").body())
        if self.trouble.leaky:
            content = _leaking(content)
        answer = _answer(status, content, replayed)
        if self._happens("garble", kind):
            return Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
        return answer

    def _admits(self, headers: Mapping[str, str]) -> bool:
        given = headers.get("authorization", "")
        wanted = self.account.key
        return given == f"Bearer {wanted}" if wanted else given.startswith("Bearer rk_")

    def _happens(self, what: str, kind: str) -> bool:
        left = getattr(self.trouble, what)
        if not left or self.trouble.when not in ("", kind):
            return False
        setattr(self.trouble, what, left - 1)
        return True


def kind_of(method: str, path: str) -> str:
    """Return which of CALLS a request is; "look" for whatever reads one thing."""
    parts = path.strip("/").split("/")
    if "readers" in parts:
        ends = {"process_payment_intent": "process", "cancel_action": "cancel_action", "set_reader_display": "show"}
        return ends.get(parts[-1], "reader")
    if method == "POST":
        if "refunds" in parts:
            return "refund"
        return "cancel_intent" if parts[-1] == "cancel" else ("create" if len(parts) == 2 else "mark")
    return "list" if len(parts) == 2 or parts[-1] == "search" else "look"


def _answer(status: int, content: dict[str, Any], replayed: bool = False) -> Answer:
    again = (("Idempotent-Replayed", "true"),) if replayed else ()
    return Answer(status, (("Content-Type", "application/json"), *again), json.dumps(content).encode())


def _leaking(content: dict[str, Any]) -> dict[str, Any]:
    """Put card data where no answer has it, in every object of the answer."""
    leaking: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, dict) and name != "metadata":
            leaking[name] = _leaking(value)
        elif isinstance(value, list):
            leaking[name] = [_leaking(item) if isinstance(item, dict) else item for item in value]
        elif name in ("application_preferred_name", "failure_message", "authorization_code", "label"):
            leaking[name] = PAN
        else:
            leaking[name] = value
    return leaking | LEAK
