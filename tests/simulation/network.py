"""What lies between kiosk and server: requests lost, answers lost, late, repeated, out of order, or nothing at all."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from kiosk.journal.record import Record
from kiosk.posting import outcomes
from kiosk.posting.client import MONEY_TIMEOUT_S, READ_TIMEOUT_S
from tests.simulation.central import Central
from tests.simulation.timeline import Timeline

_Answer = TypeVar("_Answer")
WAYS = ("lose_request", "lose_answer", "late", "repeat")


class Network:
    """The server as the poster reaches it. After each question `lag_ms` tells how long its answer took.

    `weather` says what happens to one question in how many (by way); `down` loses all of them.
    """

    def __init__(self, central: Central, timeline: Timeline, chance: random.Random) -> None:
        self.central = central
        self.down = False
        self.serving = True  # the server's process runs
        self.weather: dict[str, float] = {}
        self.usual_ms = self.slow_ms = chance.choice((0, 0, 0, 400, 2_000))  # beside the line itself
        self.lag_ms = 0
        self._timeline = timeline
        self._chance = chance

    def post_journal(self, records: Sequence[Record]) -> outcomes.PostOutcome:
        return self._ask(lambda: self.central.post_journal(records), MONEY_TIMEOUT_S)

    def head(self) -> outcomes.HeadSeen | outcomes.Failure:
        return self._ask(self.central.head, READ_TIMEOUT_S)

    def heartbeat(
        self, boot_id: str, counter: int, health: Mapping[str, Any]
    ) -> outcomes.HeartbeatTaken | outcomes.Failure:
        return self._ask(lambda: self.central.heartbeat(boot_id, counter, health), READ_TIMEOUT_S)

    def resolve(self, *, scan: str = "", number: str = "", check: str = "") -> outcomes.LookUpOutcome:
        found = self._ask(lambda: self.central.resolve(scan=scan, number=number, check=check), READ_TIMEOUT_S)
        return outcomes.Away(found.reason) if isinstance(found, outcomes.Unavailable) else found

    def _ask(self, question: Callable[[], _Answer], patience_s: float) -> _Answer | outcomes.Unavailable:
        patience_ms = int(patience_s * 1000)
        if self.down:
            self.lag_ms = self._chance.choice((20, patience_ms))  # refused at once, or swallowed
            return outcomes.Unavailable("no answer")
        if not self.serving:
            self.lag_ms = 30
            return outcomes.Unavailable("status 502")
        self.lag_ms = patience_ms
        happens = [way for way in WAYS if self._chance.random() < self.weather.get(way, 0)]
        if "lose_request" in happens:
            return outcomes.Unavailable("the request was lost")
        if "late" in happens:
            self._again(question, patience_ms)
            return outcomes.Unavailable("the request is still on its way")
        if "repeat" in happens:
            self._again(question, 0)
        answer = question()
        if "lose_answer" in happens:
            return outcomes.Unavailable("the answer was lost")
        self.lag_ms = self._chance.randrange(15, 120) + self.slow_ms
        if self.lag_ms > patience_ms:
            self.lag_ms = patience_ms
            return outcomes.Unavailable("the answer came too late")
        return answer

    def _again(self, question: Callable[[], Any], at_least_ms: int) -> None:
        """The same question reaches the server later, when nobody waits for its answer any more."""

        def arrive() -> None:
            if self.serving:
                question()

        self._timeline.after(at_least_ms + self._chance.randrange(50, 20_000), arrive)
