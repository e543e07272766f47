"""Goal: wherever the engine is killed, not a cent is lost, invented or doubled, and the next resident can pay.

Method: a twentieth of what `./run simulate --kills` does, drawn anew in each run; KILLS_SEED repeats one. Each case
says the command that repeats it alone.
"""

import os
import random

import pytest

from kiosk.demo.journeys import JOURNEYS
from tests.simulation.kills import MOMENTS, Case, Sweep, power_cut_s

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
