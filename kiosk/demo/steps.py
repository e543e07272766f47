"""What scripted residents and staff can do: hold a bill, touch, put in a note, present a card, swap the cassette."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiosk.demo.processes import DemoFailed
from kiosk.demo.window import Display
from kiosk.demo.world import PIN, SECOND_PIN, World

WAIT_S = 20.0


@dataclass
class Lobby:
    """A world with a display, and where pictures of this journey go."""

    world: World
    display: Display
    screens: Path
    journey: str = ""
    shot: int = 0

    def see(self, what: str, seconds: float = WAIT_S, **wanted: Any) -> dict[str, Any]:
        return self.world.view.wait(f"{self.journey}: {what}", seconds, **wanted)

    def touch(self, intent: str, value: str | None = None) -> None:
        self.display.touch(*self.world.view.target(intent, value, WAIT_S))

    def picture(self, name: str) -> None:
        """Save the display once it shows the newest snapshot."""
        self.shot += 1
        time.sleep(0.15)  # the X server may still be painting what was drawn
        self.display.picture(self.screens / f"{self.journey}-{self.shot:02d}-{name}.png")


Step = Callable[[Lobby], None]


def hold_bill(account: str) -> Step:
    """Hold the account's printed bill to the camera until the kiosk knows it, then take it away."""

    def step(lobby: Lobby) -> None:
        lobby.see("the page that waits", screen="attract")
        lobby.picture("attract")
        camera = lobby.world.twin("camera")
        camera.ask("show", image=str(lobby.world.bill_of(account)))
        lobby.see("the bill", screen="invoice")
        camera.ask("clear")
        lobby.picture("bill")

    return step


def type_account(account: str, house: str) -> Step:
    def step(lobby: Lobby) -> None:
        lobby.see("the page that waits", screen="attract")
        lobby.touch("type_account")
        lobby.see("asking for the number", screen="type_account", field="account")
        _type(lobby, account)
        lobby.see("the number", entry=account)
        lobby.picture("typed")
        lobby.touch("submit")
        lobby.see("asking for the house", field="house")
        _type(lobby, house)
        lobby.see("the house", entry=house)
        lobby.touch("submit")
        lobby.see("the bill", screen="invoice")
        lobby.picture("bill")

    return step


def _type(lobby: Lobby, digits: str) -> None:
    for at in range(len(digits)):
        lobby.touch("key", digits[at])
        lobby.see(
            "the digit", entry=("•" * (at + 1) if lobby.see("the field", 1)["field"] == "pin" else digits[: at + 1])
        )


def _choose(lobby: Lobby, how: str) -> None:
    """Choose the amount. Journeys pay some bills twice, and are asked about it."""
    lobby.touch(how)
    try:
        lobby.see("how to pay", 3, screen="tender")
    except DemoFailed:
        lobby.see("the question about paying twice", screen="repeat")
        lobby.touch("pay_again")


def push(value_minor: int) -> Step:
    """Push a note in without waiting for what becomes of it."""
    return lambda lobby: lobby.world.put_in(value_minor)


def touch(intent: str, value: str | None = None) -> Step:
    return lambda lobby: lobby.touch(intent, value)


def pay_cash(how: str = "pay_full") -> Step:
    """Choose the amount and cash; wait until the slot takes notes."""

    def step(lobby: Lobby) -> None:
        _choose(lobby, how)
        lobby.see("how to pay", screen="tender")
        lobby.picture("tender")
        lobby.touch("pay_cash")
        lobby.see("the cash page", screen="cash")
        lobby.world.twin("acceptor").ask("wait_enabled", timeout_ms=15_000)
        lobby.picture("cash")

    return step


def pay_by_card(how: str = "pay_full") -> Step:
    """Choose the amount and the card; wait until the reader asks for it."""

    def step(lobby: Lobby) -> None:
        _choose(lobby, how)
        lobby.see("how to pay", screen="tender", card=True)
        lobby.picture("tender")
        lobby.touch("pay_card")
        lobby.see("the reader asking", 30, screen="card", card_view__prompt="present_card")
        lobby.picture("card")

    return step


def pay_by_check(line: str, how: str = "pay_full") -> Step:
    """A check for the whole: one misread, then read, its amount typed twice, dropped."""

    def step(lobby: Lobby) -> None:
        _choose(lobby, how)
        owed_minor = lobby.see("how to pay", screen="tender", check=True)["agreed_minor"]
        lobby.picture("tender")
        lobby.touch("pay_check")
        lobby.see("the reader asking", screen="check", check_view__phase="read")
        lobby.picture("reader")
        reader = lobby.world.twin("checks")
        reader.ask("check", line=line.replace("9", "?", 1))
        lobby.see("the misread", notice="check_unreadable")
        reader.ask("check", line=line)
        lobby.see("asking for the amount", check_view__phase="amount")
        _type(lobby, str(owed_minor))
        lobby.picture("amount")
        lobby.touch("submit")
        lobby.see("asking once more", check_view__phase="again", entry="")
        _type(lobby, str(owed_minor))
        lobby.touch("submit")
        try:
            lobby.see("asking for the check", 2, check_view__phase="slot")
        except DemoFailed:  # the city's answer was still on its way, and the page asked to try again
            lobby.touch("submit")
            lobby.see("asking for the check", check_view__phase="slot")
        lobby.picture("slot")
        lobby.world.dropped_minor += owed_minor
        lobby.touch("check_in")

    return step


def present(outcome: str = "approve", **fields: Any) -> Step:
    """Hold a card to the reader."""
    return twin("terminal", "present", outcome=outcome, **fields)


def add_bill(account: str, cents: str) -> Step:
    """Choose a part of the bill on the page, then hold up one more for the same payment."""

    def step(lobby: Lobby) -> None:
        lobby.touch("pay_other")
        lobby.see("asking for the amount", screen="other_amount")
        _type(lobby, cents)
        _choose(lobby, "submit")
        lobby.see("how to pay", screen="tender", may_add=True)
        lobby.touch("add_bill")
        lobby.see("asking for the next bill", screen="type_account")
        camera = lobby.world.twin("camera")
        camera.ask("show", image=str(lobby.world.bill_of(account)))
        lobby.see("the next bill", screen="invoice")
        camera.ask("clear")
        lobby.picture("next-bill")

    return step


def put_in(value_minor: int) -> Step:
    """Put in one note that fits and see it counted."""

    def step(lobby: Lobby) -> None:
        before = lobby.see("money", 1)["payment"] or {"in_minor": 0}
        lobby.world.put_in(value_minor)
        lobby.see("the note counted", payment__in_minor=before["in_minor"] + value_minor)
        lobby.picture(f"in-{value_minor // 100}")

    return step


def put_in_last(value_minor: int) -> Step:
    """Put in the note that meets the bill."""

    def step(lobby: Lobby) -> None:
        lobby.world.put_in(value_minor)
        lobby.see("the end", screen="done")

    return step


def twin(name: str, do: str, **fields: Any) -> Step:
    def step(lobby: Lobby) -> None:
        lobby.world.twin(name).ask(do, **fields)

    return step


def see(what: str, seconds: float = WAIT_S, **wanted: Any) -> Step:
    def step(lobby: Lobby) -> None:
        lobby.see(what, seconds, **wanted)

    return step


def picture(name: str) -> Step:
    return lambda lobby: lobby.picture(name)


def receipt(paid: str, posted: str = "posted", printed: str = "printed") -> Step:
    """See the receipt on screen and paper agree with `paid`, and go."""

    def step(lobby: Lobby) -> None:
        shown = lobby.see("the receipt", screen="done", receipt__printed=printed, receipt__posted=posted)
        lobby.picture("done")
        if printed == "printed":
            text = lobby.world.twin("printer").ask("state")["text"]
            number = shown["receipt"]["number"]
            if number not in text or not re.search(rf"\$\s*{re.escape(paid)}", text):
                raise DemoFailed(f"{lobby.journey}: the paper does not say {paid} and {number}:\n{text}")
        lobby.touch("done")
        lobby.see("the page that waits", screen="attract")

    return step


def receipt_of_what_is_in() -> Step:
    """The receipt says what the twin took, whichever way the note went when its cable was cut."""

    def step(lobby: Lobby) -> None:
        paid_minor = lobby.see("the end", 40, screen="done")["receipt"]["paid_minor"]
        receipt(f"{paid_minor / 100:.2f}")(lobby)

    return step


def receipt_of(*accounts: str) -> Step:
    """One receipt for bills of several accounts: the paper names each, and the whole that was paid."""

    def step(lobby: Lobby) -> None:
        receipt_of_what_is_in()(lobby)
        text = lobby.world.twin("printer").ask("state")["text"]
        missing = [account for account in accounts if account[-4:] not in text]
        if missing:
            raise DemoFailed(f"{lobby.journey}: the paper does not name {', '.join(missing)}:\n{text}")

    return step


def sign_in() -> Step:
    """Staff sign in: the staff door is on the help page."""

    def step(lobby: Lobby) -> None:
        lobby.touch("help")
        lobby.see("help", help_open=True)
        lobby.picture("help")
        lobby.touch("staff")
        lobby.see("the PIN", screen="staff_sign_in")
        _type(lobby, PIN)
        lobby.touch("submit")
        lobby.see("health", screen="staff_health")
        lobby.picture("health")

    return step


def refund_newest() -> Step:
    """Give the card of the newest payment all its money back; a second person agrees. The paper says so."""

    def step(lobby: Lobby) -> None:
        lobby.touch("staff_cards")
        lobby.see("the page of cards", screen="staff_cards", staff__refunds="")
        lobby.picture("cards")
        lobby.touch("staff_refund")
        seen = lobby.see("the newest payments", screen="staff_refund", staff__refund__waiting=False)
        newest = seen["staff"]["refund"]["payments"][0]
        lobby.touch("refund_payment", newest["receipt_number"])
        lobby.see("the payment", staff__refund__step="card")
        lobby.picture("payment")
        lobby.touch("refund_whole", newest["cards"][0]["reference"])
        lobby.see("asking why", staff__refund__step="why")
        lobby.touch("refund_why", "wrong_account")
        lobby.see("asking who agrees", staff__refund__step="sign", field="pin")
        _type(lobby, SECOND_PIN)
        lobby.picture("second")
        lobby.touch("submit")
        lobby.see("the end", 30, screen="staff_refund", staff__refund__result="refunded")
        lobby.see("the slip", staff__refund__printed="printed")
        lobby.picture("refunded")
        text = lobby.world.twin("printer").ask("state")["text"]
        if "REFUND" not in text or newest["receipt_number"] not in text:
            raise DemoFailed(f"{lobby.journey}: the paper does not say the refund:\n{text}")
        # The bill is open again at the city before the next person holds it up.
        lobby.see("the record at the city", staff__unposted=0)
        lobby.touch("sign_out")
        lobby.see("the page that waits", screen="attract")

    return step


def swap_cassette() -> Step:
    def step(lobby: Lobby) -> None:
        period = lobby.see("the period", 1)["staff"]["period"]
        printed = lobby.world.twin("printer").ask("state")["receipts"]
        lobby.touch("swap_cassette")
        lobby.see("the question", screen="staff_swap")
        lobby.picture("swap")
        lobby.touch("confirm")
        lobby.see("the next period", screen="staff_health", staff__period=period + 1)
        lobby.world.twin("printer").ask("wait_receipt", count=printed + 2, timeout_ms=15_000)
        acceptor = lobby.world.twin("acceptor")
        lobby.world.taken_minor += int(acceptor.ask("state")["cassette_minor"])
        for do in ("cassette_out", "empty", "cassette_in"):
            acceptor.ask(do)
        lobby.see("cash back", 30, cash=True)
        lobby.touch("sign_out")
        lobby.see("the page that waits", screen="attract")

    return step


def change_given(note_minor: int, change_minor: int) -> Step:
    """Put in a note that is larger than the bill, take the change out of the slot, and find it on the paper."""

    def step(lobby: Lobby) -> None:
        lobby.see("change offered up to the largest note", screen="cash", change_minor=10_000)
        before = _handed_out(lobby)
        lobby.world.put_in(note_minor)
        lobby.see("change on its way", screen="closing", payment__change_minor=change_minor)
        lobby.picture("change")
        lobby.see("the end", 60, screen="done", receipt__change_minor=change_minor)
        out_minor = _handed_out(lobby) - before
        if out_minor != change_minor:
            raise DemoFailed(f"{lobby.journey}: {out_minor} came out of the slot")
        receipt(f"{(note_minor - change_minor) / 100:.2f}")(lobby)
        text = lobby.world.twin("printer").ask("state")["text"]
        if not re.search(rf"Change given.*{change_minor / 100:.2f}", text):
            raise DemoFailed(f"{lobby.journey}: the paper does not say what came back:\n{text}")

    return step


def _handed_out(lobby: Lobby) -> int:
    handed_out = lobby.world.twin("acceptor").ask("state")["handed_out"]
    return sum(int(value) * count for value, count in handed_out.items())


def steps(*parts: Step) -> Sequence[Step]:
    return parts


def play_steps(lobby: Lobby, parts: Sequence[Step]) -> None:
    for step in parts:
        step(lobby)
