"""Goal: the worlds notice planted money bugs, so that worlds in which nothing breaks mean something.

Method: every patch of mutants/ still fits these sources and says what it plants; one, drawn afresh, is put into a copy
of them, and a world has to break by a named rule. `./run simulate --mutants` tries all of them.
"""

import random
import secrets

import pytest

from tests.simulation import mutations

NAMES = mutations.names()


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 25


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_bug_fits_the_sources(name: str) -> None:
    assert mutations.plants(name)
    assert mutations.fits(name) == ""


@pytest.mark.timeout(300)
def test_a_planted_bug_breaks_a_world() -> None:
    seed = secrets.randbits(40)
    name = random.Random(seed).choice(NAMES)
    print(f"./run simulate --mutants {name} --from {seed}")
    outcome = mutations.attempt(name, seed, seeds=1500)  # one in a hundred worlds may be enough for some
    assert outcome.caught, outcome
