"""Scripted residents: a journey is a list of steps (steps.py).

Beside paying they do what befalls a lobby: pull a cable, cut the power, take out the paper, unplug the network.
"""

from collections.abc import Sequence

from kiosk.demo.steps import (
    Lobby,
    Step,
    add_bill,
    change_given,
    hold_bill,
    pay_by_card,
    pay_by_check,
    pay_cash,
    picture,
    play_steps,
    present,
    push,
    put_in,
    put_in_last,
    receipt,
    receipt_of,
    receipt_of_what_is_in,
    refund_newest,
    see,
    sign_in,
    steps,
    swap_cassette,
    touch,
    twin,
    type_account,
)
from kiosk.demo.world import RECYCLER

JOURNEYS: dict[str, Sequence[Step]] = {
    # Its bill is open again for the next one.
    "refund": steps(
        hold_bill("10293843"),
        pay_by_card(),
        present(),
        see("the end", 30, screen="done"),
        receipt_of_what_is_in(),
        sign_in(),
        refund_newest(),
    ),
    "exact-cash": steps(hold_bill("10293843"), pay_cash(), put_in(2000), put_in_last(500), receipt("25.00")),
    "part-payment": steps(
        hold_bill("33182072"),
        pay_cash(),
        put_in(2000),
        touch("stop"),
        see("the question", screen="review"),
        picture("review"),
        touch("confirm"),
        receipt("20.00"),
    ),
    "overpayment": steps(
        hold_bill("44170934"), pay_cash(), put_in(2000), put_in(2000), put_in_last(2000), receipt("60.00")
    ),
    "cancel-before-money": steps(
        hold_bill("22031454"), pay_cash(), touch("back"), see("the page that waits", screen="attract")
    ),
    "walk-away": steps(
        hold_bill("55264188"),
        pay_cash(),
        put_in(5000),
        see("the idle question", 60, screen="cash", idle_left_s=3),
        picture("idle"),
        see("the end", 60, screen="done"),
        receipt("50.00"),
    ),
    "spanish": steps(
        see("the page that waits", screen="attract"),
        touch("language", "es"),
        see("Spanish", language="es"),
        picture("inicio"),
        type_account("22031454", "1731"),
        pay_cash(),
        put_in(5000),
        put_in_last(1000),
        receipt("60.00"),
    ),
    "offline-then-back": steps(
        twin("network", "down"),
        see("offline", 30, online=False),
        hold_bill("99678526"),
        pay_cash(),
        put_in(2000),
        touch("stop"),
        see("the question", screen="review"),
        touch("confirm"),
        receipt("20.00", posted="queued"),
        twin("network", "up"),
        see("online again", 60, online=True),
    ),
    "power-cut-while-stacking": steps(
        hold_bill("88567417"),
        pay_cash(),
        put_in(5000),
        twin("acceptor", "power_cut_at", when="stacking"),
        push(2000),
        see("the acceptor gone", 30, cash=False),
        picture("cut"),
        twin("acceptor", "power_on"),
        see("the note counted", 60, payment__in_minor=7000, cash=True),
        touch("stop"),
        see("the question", screen="review"),
        touch("confirm"),
        receipt("70.00"),
    ),
    "cable-pulled-in-escrow": steps(
        hold_bill("11789633"),
        pay_cash(),
        put_in(1000),
        push(2000),
        twin("acceptor", "wait_state", state="escrowed", timeout_ms=5_000),
        twin("acceptor", "cable_out"),
        see("the acceptor gone", 30, cash=False),
        picture("pulled"),
        twin("acceptor", "cable_in"),
        twin("acceptor", "wait_state", path_minor=0, escrow_minor=0, timeout_ms=30_000),
        see("cash again", 60, cash=True, screen="cash"),
        touch("stop"),
        see("the question", screen="review"),
        touch("confirm"),
        receipt_of_what_is_in(),
    ),
    "paper-out": steps(
        twin("printer", "paper_out"),
        see("no paper", 30, printer=False),
        hold_bill("55264188"),
        pay_cash(),
        put_in(2000),
        touch("stop"),
        see("the question", screen="review"),
        touch("confirm"),
        receipt("20.00", printed="unavailable"),
        twin("printer", "paper_ok"),
        see("paper again", 30, printer=True),
    ),
    "card-approved": steps(
        hold_bill("99678526"), pay_by_card(), present(), see("the end", 30, screen="done"), receipt_of_what_is_in()
    ),
    "card-declined": steps(
        hold_bill("88567417"),
        pay_by_card(),
        present("generic_decline"),
        see("the choice again", 30, screen="tender", notice="card_declined"),
        picture("declined"),
        touch("pay_cash"),
        put_in(1000),
        touch("stop"),
        see("the question", screen="review"),
        touch("confirm"),
        receipt("10.00"),
    ),
    "cash-then-card": steps(
        hold_bill("88567417"),
        pay_cash(),
        put_in(1000),
        touch("pay_card"),
        see("the reader asking", 30, screen="card", card_view__prompt="present_card"),
        picture("rest"),
        present(),
        see("the end", 30, screen="done"),
        receipt_of_what_is_in(),
    ),
    "cart": steps(
        hold_bill("55264188"),
        add_bill("11789633", "1200"),
        pay_by_card(),
        present(),
        see("the end", 30, screen="done"),
        receipt_of("55264188", "11789633"),
    ),
    "card-lost-then-found": steps(
        hold_bill("55264188"),
        pay_by_card(),
        twin("terminal", "down", on=True),
        present(),
        see("the question what became of it", 60, screen="card", card_view__phase="checking"),
        picture("checking"),
        twin("terminal", "down", on=False),
        see("the end", 60, screen="done"),
        receipt_of_what_is_in(),
    ),
    "check": steps(
        hold_bill("33182072"),
        pay_by_check("T111000025T 123456789U 1045"),
        see("the end", 30, screen="done"),
        receipt_of_what_is_in(),
    ),
    "cassette-swap": steps(see("the page that waits", screen="attract"), sign_in(), swap_cassette()),
    "change-given": steps(hold_bill("60482155"), pay_cash(), change_given(5000, 1500)),
}

# Journeys that need another acceptor than the lobby's own.
ACCEPTOR_OF = {"change-given": RECYCLER}


def play(lobby: Lobby, name: str) -> None:
    """Play one journey to its end. Raises DemoFailed at the first step that does not go as it should."""
    lobby.journey, lobby.shot = name, 0
    needed = ACCEPTOR_OF.get(name, lobby.world.acceptor)
    if needed != lobby.world.acceptor:
        lobby.world.exchange_acceptor(needed)
        lobby.see("the page that waits", 60, screen="attract", cash=True)
    play_steps(lobby, JOURNEYS[name])
