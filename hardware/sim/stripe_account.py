"""The Stripe twin's behaviour: an account with payment intents and refunds, and one reader with a person before it.

No socket and no clock: `request` answers what a host asks, `step` lets time pass. What the public pages leave open is
a field of `Settings`. The account is the processor's and survives everything; the reader can lose power.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from hardware.sim.stripe_cards import CARDS, OUTCOMES, charge, refused

Form = dict[str, str]
Json = dict[str, Any]

MOMENTS = ("waiting", "reading", "before_authorising", "after_authorising")
PAGE_MAX = 100
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")


@dataclass(frozen=True)
class Settings:
    """Times in milliseconds. The lower block holds what the public pages do not say, or say differently."""

    reader: str = "tmr_LobbyReader01"
    serial: str = "WSC513101234567"
    model: str = "verifone_ux700"
    firmware: str = "2.44.1.0"
    live: bool = True
    read_ms: int = 1_200
    authorise_ms: int = 1_500
    offline_after_ms: int = 120_000
    start_s: int = 1_795_000_000
    error_status: int = 400  # of terminal_reader_busy and the like
    cancel_while_authorising: bool = False  # whether cancel_action is taken then
    cancelled_action: str = "none"  # or "failed": what the reader's action is after cancel_action
    shows_processing: bool = True  # the intent says "processing" while the issuer is asked
    error_survives_cancel: bool = False
    reader_wait_ms: int = 0  # after which the reader itself gives up; 0: never
    refund_pending_ms: int = 0
    speed: float = 1.0


class Refusal(Exception):
    """An error answer: HTTP status, type and code."""

    def __init__(self, status: int, code: str, kind: str = "invalid_request_error", saved: bool = True) -> None:
        super().__init__(code)
        self.status, self.code, self.kind, self.saved = status, code, kind, saved

    def body(self) -> Json:
        # An idempotency conflict has a type alone.
        return {
            "error": {"type": self.kind, "message": f"twin: {self.code}"} | ({"code": self.code} if self.code else {})
        }


@dataclass
class Store:
    """What the processor keeps: newest last."""

    intents: list[Json] = field(default_factory=list)
    refunds: list[Json] = field(default_factory=list)
    keys: dict[str, Json] = field(default_factory=dict)
    elapsed_ms: int = 0

    def to_json(self) -> Json:
        return asdict(self)

    @staticmethod
    def from_json(content: Json) -> "Store":
        return Store(**content)


class Account:
    """`request` is the API, `present`, `leave` and the like are the person and the engineer at the reader."""

    def __init__(self, settings: Settings | None = None, store: Store | None = None) -> None:
        self.settings = settings or Settings()
        self.store = store or Store()
        self.powered = True
        self.connected = True
        self.unseen_ms = 0  # for how long the reader has been away
        self.busy = False
        self.key = ""  # the only key that is right; "": any restricted one
        self.false_timeouts = 0
        self.refused_refund = ""  # the next refund is refused with this code
        self.slow_ms = 0  # more time at the issuer
        self.die_at = ""
        self.auto = ""  # what every person does, "" for nothing
        self.action: Json | None = None
        self.phase = ""  # waiting, reading, authorising, or "" without a payment
        self.display: list[str] = []
        self._phase_ms = 0
        self._card: tuple[str, str, int] = ("visa", "approve", 0)

    # The person

    def present(self, outcome: str = "approve", card: str = "visa", amount_minor: int = 0) -> None:
        """Hold a card to the reader. ValueError if it asks for none."""
        if outcome not in OUTCOMES or card not in CARDS:
            raise ValueError(f"no such outcome or card: {outcome}, {card}")
        if self.phase != "waiting" or not self.powered:
            raise ValueError("the reader asks for no card")
        self._card = (card, outcome, amount_minor)
        self._enter("reading")

    def leave(self) -> None:
        """Press the reader's cancel key. ValueError if it asks for no card."""
        if self.phase != "waiting" or not self.powered:
            raise ValueError("there is nothing to cancel")
        self._fail("customer_canceled")

    def power_cut(self) -> None:
        """The reader loses power. The processor does not know it yet, and an issuer that was asked still answers."""
        self.powered, self.unseen_ms = False, 0
        if self.phase != "authorising":
            self.phase = ""

    def power_on(self) -> None:
        if not self.powered:
            self.powered, self.unseen_ms = True, 0
            self._wake("reader_restarted")

    def set_connected(self, on: bool) -> None:
        """Take the reader's network away, as seen after the two minutes, or give it back."""
        self.connected = on
        self.unseen_ms = 0 if on else self.settings.offline_after_ms
        if on and not self.phase:
            self._wake("connection_error")

    def _wake(self, code: str) -> None:
        """The reader is back and does nothing of what it was told before."""
        if self.phase != "authorising" and self.action and self.action["status"] == "in_progress":
            self._fail(code)

    @property
    def online(self) -> bool:
        return (self.powered and self.connected) or self.unseen_ms < self.settings.offline_after_ms

    def step(self, dt_ms: int) -> None:
        """Let time pass."""
        left = dt_ms
        while left > 0:
            due = self._due_ms()
            now = left if due is None else min(left, max(1, due))
            self._pass(now)
            left -= now

    def _due_ms(self) -> int | None:
        limits = {
            "waiting": self.settings.reader_wait_ms or None,
            "reading": int(self.settings.read_ms / self.settings.speed),
            "authorising": int(self.settings.authorise_ms / self.settings.speed) + self.slow_ms,
        }
        limit = limits.get(self.phase)
        return None if limit is None else limit - self._phase_ms

    def _pass(self, dt_ms: int) -> None:
        self.store.elapsed_ms += dt_ms
        if not (self.powered and self.connected):
            self.unseen_ms += dt_ms
        for refund in self.store.refunds:
            if refund["status"] == "pending" and self._now_ms() >= refund["twin_due_ms"]:
                refund["status"] = "succeeded"
        if not self.phase:
            return
        self._phase_ms += dt_ms
        due = self._due_ms()
        if due is not None and due <= 0:
            self._phase_over()
        elif self.phase == "waiting" and self.auto:
            self._act(self.auto)

    def _act(self, what: str) -> None:
        self.leave() if what == "cancel" else self.present(what)

    def _phase_over(self) -> None:
        if self.phase == "waiting":
            self._fail("collection_timed_out")
        elif self.phase == "reading":
            self._start_authorising()
        else:
            self._authorised()

    def _start_authorising(self) -> None:
        if self._died("before_authorising"):
            return
        intent = self._intent_of_action()
        if not self.connected:
            self._fail("connection_error")
        elif intent["status"] != "requires_payment_method":
            self._fail("payment_intent_unexpected_state")
        else:
            if self.settings.shows_processing:
                intent["status"] = "processing"
            self._enter("authorising")

    def _authorised(self) -> None:
        """The issuer has answered: the account knows it whether or not the reader ever hears."""
        intent = self._intent_of_action()
        card, outcome, amount_minor = self._card
        if outcome in ("approve", "partial"):
            received = (
                min(amount_minor or intent["amount"] // 2, intent["amount"])
                if outcome == "partial"
                else intent["amount"]
            )
            intent["status"], intent["amount_received"] = "succeeded", received
            intent["latest_charge"] = charge(self._number(), intent, card, self.settings.reader)
            if not self._died("after_authorising") and self._speaks():
                self._finish("succeeded")
        else:
            intent["status"] = "requires_payment_method"
            intent["latest_charge"] = charge(self._number(), intent, card, self.settings.reader, outcome)
            intent["last_payment_error"] = refused(outcome)
            if self._speaks():
                self._fail("card_declined")
        self.phase = ""

    def _speaks(self) -> bool:
        """Return whether the reader can tell how it ended."""
        return self.powered and self.connected

    def _died(self, moment: str) -> bool:
        if self.die_at != moment:
            return False
        self.die_at = ""
        self.power_cut()
        return True

    def _enter(self, phase: str) -> None:
        self.phase, self._phase_ms = phase, 0
        if phase != "authorising" and self._died(phase):
            self.phase = ""

    def _fail(self, code: str) -> None:
        self._finish("failed")
        if self.action:
            self.action |= {"failure_code": code, "failure_message": f"twin: {code}"}

    def _finish(self, status: str) -> None:
        self.phase = ""
        if self.action:
            self.action["status"] = status

    def _intent_of_action(self) -> Json:
        assert self.action is not None
        return self._intent(self.action["process_payment_intent"]["payment_intent"])

    # The API

    def request(self, method: str, path: str, query: Form, form: Form, key: str = "") -> tuple[int, Json, bool]:
        """Do one request. Return the HTTP status, the body, and whether it is the saved answer to this key."""
        print_of_it = {"path": path, "form": form}
        if key and method == "POST" and (kept := self.store.keys.get(key)):
            if kept["print"] != print_of_it:
                return 400, Refusal(400, "", "idempotency_error").body(), False
            return kept["status"], json.loads(kept["body"]), True
        try:
            status, body, saved = 200, self._route(method, path)(query | form), True
        except Refusal as refusal:
            status, body, saved = refusal.status, refusal.body(), refusal.saved
        if key and method == "POST" and saved:
            self.store.keys[key] = {"print": print_of_it, "status": status, "body": json.dumps(body)}
        return status, json.loads(json.dumps(body)), False

    def _route(self, method: str, path: str) -> Callable[[Form], Json]:
        reader = f"/v1/terminal/readers/{self.settings.reader}"
        routes: dict[tuple[str, str], Callable[[Form], Json]] = {
            ("GET", reader): lambda form: self._reader(),
            ("POST", f"{reader}/process_payment_intent"): self._process,
            ("POST", f"{reader}/cancel_action"): self._cancel_action,
            ("POST", f"{reader}/set_reader_display"): self._show,
            ("POST", "/v1/payment_intents"): self._create,
            ("GET", "/v1/payment_intents"): lambda form: self._page(self.store.intents, form),
            ("GET", "/v1/payment_intents/search"): self._search,
            ("POST", "/v1/refunds"): self._refund,
            ("GET", "/v1/refunds"): self._list_refunds,
        }
        if route := routes.get((method, path)):
            return route
        parts = re.fullmatch(r"/v1/(payment_intents|refunds)/(\w+)(/cancel)?", path)
        if parts is None:
            raise Refusal(404, "resource_missing", saved=False)
        kind, name, cancel = parts.groups()
        if kind == "refunds" and method == "GET":
            return lambda form: self._expanded_refund(self._find(self.store.refunds, name), form)
        if kind == "payment_intents" and method == "POST" and cancel:
            return lambda form: self._cancel_intent(self._intent(name), form)
        if kind == "payment_intents" and not cancel:
            act = self._update if method == "POST" else self._expanded
            return lambda form: act(self._intent(name), form)
        raise Refusal(404, "resource_missing", saved=False)

    def _create(self, form: Form) -> Json:
        amount = form.get("amount", "")
        if not amount.isdigit() or int(amount) < 50 or form.get("payment_method_types[]") != "card_present":
            raise Refusal(400, "parameter_invalid_integer", saved=False)
        intent: Json = {
            "id": f"pi_Twin{self._number():06d}",
            "object": "payment_intent",
            "amount": int(amount),
            "amount_received": 0,
            "capture_method": form.get("capture_method", "automatic_async"),
            "created": self._now_ms() // 1_000,
            "currency": form["currency"],
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": self.settings.live,
            "metadata": _metadata(form),
            "status": "requires_payment_method",
        }
        self.store.intents.append(intent)
        return self._expanded(intent, {})

    def _process(self, form: Form) -> Json:
        intent = self._intent(form.get("payment_intent", ""))
        if not self.online:
            raise Refusal(self.settings.error_status, "terminal_reader_offline")
        if not (self.powered and self.connected):
            raise Refusal(self.settings.error_status, "terminal_reader_timeout")
        if self.busy or self.phase in ("reading", "authorising"):
            raise Refusal(self.settings.error_status, "terminal_reader_busy")
        if intent["status"] != "requires_payment_method":
            raise Refusal(400, "intent_invalid_state")
        self.action = {
            "failure_code": None,
            "failure_message": None,
            "process_payment_intent": {"payment_intent": intent["id"]},
            "status": "in_progress",
            "type": "process_payment_intent",
        }
        self._enter("waiting")
        if self.false_timeouts:
            self.false_timeouts -= 1
            raise Refusal(self.settings.error_status, "terminal_reader_timeout")
        return self._reader()

    def _cancel_action(self, form: Form) -> Json:
        if not (self.powered and self.connected):
            raise Refusal(self.settings.error_status, "terminal_reader_offline")
        if self.phase == "authorising" and not self.settings.cancel_while_authorising:
            raise Refusal(self.settings.error_status, "terminal_reader_busy")
        self.display = []
        if self.phase in ("waiting", "reading"):
            self._fail("canceled_by_merchant")
        if self.settings.cancelled_action == "none" and self.phase == "":
            self.action = None
        return self._reader()

    def _show(self, form: Form) -> Json:
        if self.phase:
            raise Refusal(self.settings.error_status, "terminal_reader_busy")
        lines = [form.get(f"cart[line_items][{at}][description]", "") for at in range(10)]
        self.display = [line for line in lines if line]
        self.action = {"type": "set_reader_display", "status": "in_progress", "set_reader_display": {"type": "cart"}}
        return self._reader()

    def _cancel_intent(self, intent: Json, form: Form) -> Json:
        if self.phase == "authorising" and self.action and self._intent_of_action() is intent:
            raise Refusal(409, "lock_timeout")
        if intent["status"] not in OPEN:
            raise Refusal(400, "payment_intent_unexpected_state")
        intent["status"] = "canceled"
        if not self.settings.error_survives_cancel:
            intent["last_payment_error"] = None
        return self._expanded(intent, form)

    def _update(self, intent: Json, form: Form) -> Json:
        intent["metadata"] |= _metadata(form)
        return self._expanded(intent, form)

    def _search(self, form: Form) -> Json:
        wanted = re.fullmatch(r'metadata\["reference"\]:"(\w+)"', form.get("query", ""))
        if wanted is None:
            raise Refusal(400, "parameter_invalid", saved=False)
        found = [item for item in self.store.intents if item["metadata"].get("reference") == wanted[1]]
        return {"object": "search_result", "data": [self._expanded(item, {}) for item in found], "has_more": False}

    def _refund(self, form: Form) -> Json:
        intent = self._intent(form.get("payment_intent", ""))
        if intent["status"] != "succeeded":
            raise Refusal(400, "charge_not_captured")
        if self.refused_refund:
            code, self.refused_refund = self.refused_refund, ""
            raise Refusal(400, code)
        left = intent["amount_received"] - self.refunded_minor(intent["id"])
        amount = int(form.get("amount", left))
        if left <= 0:
            raise Refusal(400, "charge_already_refunded")
        if not 0 < amount <= left:
            raise Refusal(400, "amount_too_large")
        due_ms = self._now_ms() + self.settings.refund_pending_ms
        refund: Json = {
            "id": f"re_Twin{self._number():06d}",
            "object": "refund",
            "amount": amount,
            "charge": intent["latest_charge"]["id"],
            "created": self._now_ms() // 1_000,
            "currency": intent["currency"],
            "metadata": _metadata(form),
            "payment_intent": intent["id"],
            "status": "pending" if self.settings.refund_pending_ms else "succeeded",
            "twin_due_ms": due_ms,
            "twin_whole": "amount" not in form,  # of all that is left: so the kiosk voids
        }
        self.store.refunds.append(refund)
        return self._expanded_refund(refund, form)

    def refunded_minor(self, intent_id: str) -> int:
        kept = ("succeeded", "pending")
        ours = (item for item in self.store.refunds if item["payment_intent"] == intent_id and item["status"] in kept)
        return sum(item["amount"] for item in ours)

    def ledger(self) -> list[Json]:
        """Return all money that moved: sales by their reference, and what was given back."""
        sales = [
            {
                "kind": "sale",
                "reference": item["metadata"].get("reference", ""),
                "amount_minor": item["amount_received"],
            }
            for item in self.store.intents
            if item["status"] == "succeeded"
        ]
        backs = [
            {"kind": "refund", "reference": item["metadata"].get("reference", ""), "amount_minor": item["amount"]}
            for item in self.store.refunds
            if item["status"] in ("succeeded", "pending")
        ]
        return sales + backs

    def _list_refunds(self, form: Form) -> Json:
        wanted = form.get("payment_intent")
        return self._page([item for item in self.store.refunds if wanted in (None, item["payment_intent"])], form)

    # Answers

    def _reader(self) -> Json:
        return {
            "id": self.settings.reader,
            "object": "terminal.reader",
            "action": self.action,
            "device_sw_version": self.settings.firmware,
            "device_type": self.settings.model,
            "label": "Lobby",
            "livemode": self.settings.live,
            "serial_number": self.settings.serial,
            "status": "online" if self.online else "offline",
        }

    def _expanded(self, intent: Json, form: Form) -> Json:
        latest = intent["latest_charge"]
        whole = form.get("expand[]") == "latest_charge" or latest is None
        return intent | {"latest_charge": latest if whole else latest["id"]}

    def _expanded_refund(self, refund: Json, form: Form) -> Json:
        shown = {name: value for name, value in refund.items() if not name.startswith("twin_")}
        if form.get("expand[]") == "charge":
            shown["charge"] = self._intent(refund["payment_intent"])["latest_charge"]
        return shown

    def _page(self, items: list[Json], form: Form) -> Json:
        newest_first = items[::-1]
        names = [item["id"] for item in newest_first]
        start = names.index(form["starting_after"]) + 1 if form.get("starting_after") in names else 0
        size = min(int(form.get("limit", 10)), PAGE_MAX)
        shown = [
            self._expanded(item, {}) if item["object"] == "payment_intent" else self._expanded_refund(item, {})
            for item in newest_first[start : start + size]
        ]
        return {"object": "list", "data": shown, "has_more": start + size < len(newest_first)}

    def _intent(self, name: str) -> Json:
        return self._find(self.store.intents, name)

    def _find(self, items: list[Json], name: str) -> Json:
        for item in items:
            if item["id"] == name:
                return item
        raise Refusal(404, "resource_missing")

    def _number(self) -> int:
        return len(self.store.intents) * 3 + len(self.store.refunds) + 1

    def _now_ms(self) -> int:
        return self.settings.start_s * 1_000 + self.store.elapsed_ms


def _metadata(form: Form) -> Form:
    return {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
