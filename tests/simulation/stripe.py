"""A Stripe reader in virtual time: the shipped machine against the twin's account, over a network that fails.

A request may get lost, be late, or come twice; its answer may get lost, be half of one, or be an error of the server.
"""

import random
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hardware.cards import contract
from hardware.cards.stripe import Call, Reply
from hardware.sim.stripe_account import Account, Settings
from hardware.sim.stripe_wire import CALLS, Door, Trouble
from tests.protocol.stripe_line import REFUSALS, refunded, standing
from tests.protocol.terminal_bench import Twin
from tests.simulation.till import CardLine

if TYPE_CHECKING:
    from tests.simulation.host import Host
    from tests.simulation.till import Till

WAY_MS = 40  # of a request, and of an answer
HESITATION_MS = 800  # until the person holds the card to it
KINDS = ("lose_request", "lose_answer", "garble", "conflict", "throttle", "fail")
DYING = {"card": "waiting", "host": "before_authorising", "booked": "after_authorising"}
MONEY_CALLS = ("process", "process", "refund", "refund", "refund", "refund")
LATE_MS = (500, 9_000, 200_000)
# A refund that is later than 80 s is nobody's: its connection was reset, or the API has given it up.
LATE_REFUND_MS = (500, 9_000, 79_000)


class StripeTwin(Twin):
    """Account and reader. `late` is how many requests of which kind come late, `twice` how many come again."""

    def __init__(self, settings: Settings) -> None:
        self.account = Account(settings)
        self.door = Door(self.account)
        self.late: tuple[str, int] = ("", 0)
        self.twice = 0
        self._plans: deque[tuple[str, dict[str, int]]] = deque()
        self._asked = ""  # the payment for which the person has acted, or stands there
        self._left_ms = 0

    # The reader and who stands before it

    def power_on(self) -> None:
        self.account.power_on()

    def power_cut(self) -> None:
        self.account.power_cut()

    def power_cut_at(self, when: str) -> None:
        self.account.die_at = DYING[when] if when else ""

    def customer(self, does: str, **more: Any) -> None:
        self._plans.append((does, more))

    def returns(self, does: str, host_ms: int = 300) -> None:
        """How long its issuer takes nobody waits for: a refund is pending meanwhile."""
        del host_ms
        self.account.refused_refund = REFUSALS[does]

    def customer_waits(self) -> bool:
        return self.account.phase == "waiting"

    def busy(self) -> bool:
        return bool(self.account.phase)

    def step(self, dt_ms: int) -> None:
        account = self.account
        account.step(dt_ms)
        if account.phase != "waiting" or not account.powered or account.action is None:
            return
        payment = account.action["process_payment_intent"]["payment_intent"]
        if payment != self._asked:
            self._asked, self._left_ms = payment, HESITATION_MS
        elif self._left_ms > 0:
            self._left_ms -= dt_ms
            if self._left_ms <= 0:
                self._act()

    def _act(self) -> None:
        does, more = self._plans.popleft() if self._plans else ("approve", {})
        self.account.slow_ms = more.get("host_ms", 0)
        match does:
            case "walk_away":
                pass
            case "cancel":
                self.account.leave()
            case "decline":
                self.account.present("generic_decline")
            case _:
                self.account.present(does, amount_minor=more.get("part_minor", 0))

    # The books

    def standing(self) -> list[int]:
        return standing(self.account)

    def refunded(self) -> list[tuple[str, int]]:
        return refunded(self.account)

    def references(self) -> list[str]:
        return [line["reference"] for line in self.account.ledger() if line["kind"] == "sale"]

    def made(self) -> int:
        return len(self.references())

    def journalled(self) -> list[str]:
        """Return the sales of which the kiosk wrote beside the payment that its journal has them."""
        metadata = [intent["metadata"] for intent in self.account.store.intents]
        return [beside["reference"] for beside in metadata if "journalled" in beside]

    def batches_closed(self) -> int:
        return 0

    # The network

    def trouble(self, chance: random.Random) -> None:
        kind = chance.choice((*KINDS, "late", "late", "twice", "away", "busy", "false"))
        when, count = chance.choice(("", *CALLS, *MONEY_CALLS)), chance.choice((1, 1, 2, 5, 40))
        if kind in KINDS:
            self.door.trouble = Trouble(when=when, **{kind: count})
        elif kind == "late":
            self.late = (chance.choice(("create", "process", "cancel_action", "cancel_intent", "refund")), count)
        elif kind == "twice":
            self.twice = count
        elif kind == "away":
            self.account.set_connected(False)
        elif kind == "busy":
            self.account.busy = True
        else:
            self.account.false_timeouts = count

    def mend(self) -> None:
        self.door.trouble, self.late, self.twice = Trouble(), ("", 0), 0
        self.account.busy, self.account.false_timeouts = False, 0
        self.account.set_connected(True)

    # There is no line of its own

    def feed(self, data: bytes) -> None:
        raise AssertionError("it has no line")

    def take(self) -> list[bytes]:
        return []

    def connected(self) -> None:
        pass

    def disconnected(self) -> None:
        pass


class StripeLine(CardLine):
    """The shipped machine of one process, and the driver's threads: calls, their replies, and time."""

    def __init__(self, host: "Host", till: "Till", twin: StripeTwin) -> None:
        super().__init__(host, till)
        self._twin = twin
        self._chance = till.world.chance_of(f"calls {till.world.timeline.now_ms}")

    def start(self) -> None:
        self.codec.opened(self._now())

    def unplugged(self) -> None:
        """The network is gone, which only its silence tells."""

    def plugged_in(self) -> None:
        pass

    def serve(self) -> None:
        made, events = self.codec.tick(self._now())
        self._hear(events)
        for call in made:
            self._send(call)

    def due_ms(self) -> int | None:
        due: int = self.codec.due_ms()
        return due

    def _hear(self, heard: list[contract.Event]) -> None:
        for event in heard:
            if isinstance(event, contract.Lost):
                self._patience.lost()
            self._tell(event)

    # Calls

    def _send(self, call: Call) -> None:
        if not self._passes():
            self._after(
                self._chance.choice((WAY_MS, call.request.timeout_ms)), partial(self._bring, Reply(call.number))
            )
        elif (late_ms := self._late_ms(call)) > 0:
            self._after(late_ms, partial(self._handle, call))
            self._after(call.request.timeout_ms, partial(self._bring, Reply(call.number)))
        else:
            self._after(WAY_MS, partial(self._arrive, call))

    def _late_ms(self, call: Call) -> int:
        from hardware.sim.stripe_wire import kind_of

        kind, left = self._twin.late
        if not left or kind_of(call.request.method, call.request.path.partition("?")[0]) != kind:
            return 0
        self._twin.late = (kind, left - 1)
        return self._chance.choice(LATE_REFUND_MS if kind == "refund" else LATE_MS)

    def _arrive(self, call: Call) -> None:
        reply = self._handle(call)
        if self._twin.twice:
            self._twin.twice -= 1
            self._after(self._chance.choice((1, 3_000, 20_000)), partial(self._handle, call))
        if reply.status == 0 or not self._passes():
            wait_ms = self._chance.choice((WAY_MS, call.request.timeout_ms))
            self._after(wait_ms, partial(self._bring, Reply(call.number)))
        else:
            self._after(WAY_MS, partial(self._bring, reply))

    def _handle(self, call: Call) -> Reply:
        """The API does it, whoever waits for the answer."""
        request, twin = call.request, self._twin
        headers = {"authorization": "Bearer rk_live_twin"} | ({"idempotency-key": request.key} if request.key else {})
        known = set(twin.journalled())
        answer = twin.door.handle(request.method, request.path, headers, urlencode(request.form).encode())
        for reference in set(twin.journalled()) - known:
            self.till.world.card_watch.told(reference)
        return Reply(call.number, answer.status, answer.body, ("Idempotent-Replayed", "true") in answer.headers)

    def _bring(self, reply: Reply) -> None:
        if self.host.alive:
            self._hear(self.codec.answer(reply, self._now()))

    def _passes(self) -> bool:
        return self.till.plugged and bool(self.till.carried(b"?"))

    def _after(self, ms: int, act: Any) -> None:
        self.till.world.timeline.after(ms, act)
