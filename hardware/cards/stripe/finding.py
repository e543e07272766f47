"""Finding a payment or a refund by our reference alone: a process that starts anew knows nothing else.

Lists are exact and come newest first. Search lags, so it counts only for what is older than a day: than the last page
of a list that was not read to its end.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from hardware.cards.stripe import calls
from hardware.cards.stripe.calls import Request
from hardware.cards.stripe.reading import Answer, Intent, Repayment, as_intent, as_list, as_repayment

PAGES_MAX = 10
TRIES = 4
SEARCH_LAG_S = 86_400


@dataclass(frozen=True)
class Wait:
    """Go on after `ms`, or as soon as a Cancel comes."""

    ms: int


@dataclass(frozen=True)
class Found:
    """The thing looked for; without it, `certain` says whether there is none."""

    intent: Intent | None = None
    repayment: Repayment | None = None
    certain: bool = False


Search = Generator[Request | Wait, Answer, Found]


def find_intent(reference: str, gone: Callable[[], bool], poll_ms: int) -> Search:
    after, newest_s = "", 0
    for _ in range(PAGES_MAX):
        page = yield from _page(calls.list_intents(after), gone, poll_ms)
        if page is None:
            return Found()
        items, more = page
        intents = [as_intent(item) for item in items]
        if any(intent is None for intent in intents):
            return Found()  # an item that cannot be read may be the one
        listed = [intent for intent in intents if intent]
        if match := _liveliest([intent for intent in listed if intent.reference == reference]):
            return Found(match)
        if not more:
            return Found(certain=True)
        if not listed:
            return Found()
        newest_s = newest_s or listed[0].created_s
        after = listed[-1].id
        if newest_s - listed[-1].created_s > SEARCH_LAG_S:
            break
    else:
        return Found()
    return (yield from _search(reference, gone, poll_ms))


def _search(reference: str, gone: Callable[[], bool], poll_ms: int) -> Search:
    page = yield from _page(calls.search_intents(reference), gone, poll_ms)
    if page is None:
        return Found()
    intents = [intent for item in page[0] if (intent := as_intent(item)) and intent.reference == reference]
    match = _liveliest(intents)
    return Found(match) if match else Found(certain=not page[0])


def _liveliest(intents: list[Intent]) -> Intent | None:
    """There is one for a reference. Were there more, the one with money is the one to know of."""
    ranks = {"succeeded": 0, "processing": 1, "canceled": 3}
    return min(intents, key=lambda intent: ranks.get(intent.status, 2), default=None)


def find_repayment(reference: str, intent_id: str, gone: Callable[[], bool], poll_ms: int) -> Search:
    """Find a refund among those of a payment, or among all if `intent_id` is ""."""
    after = ""
    for _ in range(PAGES_MAX):
        page = yield from _page(calls.list_refunds(intent_id, after), gone, poll_ms)
        if page is None:
            return Found()
        items, more = page
        repayments = [as_repayment(item) for item in items]
        for repayment in repayments:
            if repayment and repayment.reference == reference:
                return Found(repayment=repayment)
        last = repayments[-1] if repayments else None
        if any(repayment is None for repayment in repayments) or (more and last is None):
            return Found()
        if not more:
            return Found(certain=True)
        after = last.id if last else ""
    return Found()


def _page(
    request: Request, gone: Callable[[], bool], poll_ms: int
) -> Generator[Request | Wait, Answer, tuple[list[dict[str, Any]], bool] | None]:
    for _ in range(TRIES):
        answer = yield request
        if page := as_list(answer.body):
            return page
        if answer.refused or gone():
            return None
        yield Wait(poll_ms)
    return None
