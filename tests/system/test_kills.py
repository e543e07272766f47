"""Goal: wherever the engine is killed, not a cent is lost, invented or doubled, and the next resident can pay.

Method: a twentieth of what `./run simulate --kills` does, drawn anew in each run; KILLS_SEED repeats one. Each case
says the command that repeats it alone.
"""

import os
import random
from typing import Any

import pytest
import requests

from kiosk.demo.journeys import JOURNEYS
from kiosk.demo.world import TERMINAL_KEY
from tests.simulation.kill_lobby import KillWorld
from tests.simulation.kills import MOMENTS, Bench, Case, Sweep, Violated, check, power_cut_s

pytestmark = pytest.mark.xdist_group("kills")

APPENDS = 10  # about as many as a journey has; what is more hits the next resident
SHARE = 20


def drawn(seed: int) -> list[Case]:
    """Return a twentieth of all cases; every third with the acceptor's power, some killed twice."""
    chance = random.Random(seed)
    every = [(name, at, moment) for name in JOURNEYS for at in range(1, APPENDS + 1) for moment in MOMENTS]
    cases = []
    for number, (name, at, moment) in enumerate(chance.sample(every, len(every) // SHARE)):
        cut_s = power_cut_s(seed, name, at, moment) if number % 3 == 0 else None
        cases.append(Case(name, at, moment, cut_s, again_at=chance.choice((1, 2, 3)) if number % 3 == 1 else 0))
    return cases


@pytest.mark.timeout(300)
def test_no_kill_costs_a_cent() -> None:
    seed = int(os.environ.get("KILLS_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"KILLS_SEED={seed}")
    with Sweep(2, seed) as sweep:
        outcomes = sweep.run(drawn(seed))
    assert [outcome.why for outcome in sweep.failures] == [], "the commands above repeat them"
    assert [outcome.case.command(seed) for outcome in outcomes if not outcome.killed] == [], "nothing was killed"


@pytest.mark.timeout(120)
def test_a_charge_that_the_journal_does_not_know_is_found() -> None:
    """The sweep's own look at cards can fail: a sale that no kiosk asked for, and one that was given back unasked."""
    bench = Bench()
    try:
        bench.open()
        assert bench.run(Case("card-approved")).why == ""
        world, records = bench.world, bench.world.journal()
        taken = world.batch_minor()
        payment = _charge(world, 1_234)
        with pytest.raises(Violated, match=f"the terminal took {taken + 1_234} from cards, the journal says {taken}"):
            check(world, records)
        _api(world, "refunds", payment_intent=payment)
        check(world, records)
        [sale] = _approved(records)
        _api(world, "refunds", payment_intent=sale["terminal_ref"])
        with pytest.raises(Violated, match=f"the terminal took {taken - sale['amount_minor']} from cards"):
            check(world, records)
    finally:
        bench.close()


def _charge(world: KillWorld, amount_minor: int) -> str:
    """Let somebody else charge a card at the kiosk's reader; return the payment's name."""
    kind = {"payment_method_types[]": "card_present", "capture_method": "automatic"}
    payment = _api(world, "payment_intents", amount=str(amount_minor), currency="usd", **kind)["id"]
    _api(world, "terminal/readers/tmr_LobbyReader01/process_payment_intent", payment_intent=payment)
    terminal, taken = world.twin("terminal"), world.batch_minor()
    terminal.ask("present", outcome="approve")
    world.wait_until("the charge", lambda: world.batch_minor() == taken + amount_minor, 20)
    return str(payment)


def _approved(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record["entry"]["body"] for record in records if record["kind"] == "CardSaleApproved"]


def _api(world: KillWorld, what: str, **form: str) -> dict[str, Any]:
    """Ask the card service as another client of the same account."""
    url = f"http://127.0.0.1:{world.terminal_port}/v1/{what}"
    answer = requests.post(url, data=form, headers={"Authorization": f"Bearer {TERMINAL_KEY}"}, timeout=10)
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body
