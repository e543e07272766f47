"""Goal: no seeded world of residents, devices, networks, disks and power breaks a rule that money depends on.

Method: `./run simulate` in processes of its own: the worlds that broke once, then fresh ones for a bounded time. It
prints their seeds, and for a broken one the command that shows it again.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.living import Life, shrink

ROOT = Path(__file__).resolve().parents[2]
# Not under coverage, which makes worlds half as fast: other tests measure the same rooms.
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
SECONDS = os.environ.get("SIMULATE_SECONDS", "180")


def simulate(*arguments: str, **environment: str) -> str:
    """Run it to its end; fails with what it printed."""
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=400, env=PLAIN | environment, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(420)
def test_the_worlds_that_broke_once_hold() -> None:
    simulate("--corpus", "--workers", "1")


@pytest.mark.timeout(420)
def test_fresh_worlds_hold() -> None:
    said = simulate("--seconds", SECONDS, "--workers", "1")
    assert " 0 broken" in said
    assert "worlds from seed" in said


def test_a_seed_is_one_world() -> None:
    """Neither the process nor the order of sets changes what happens."""
    traces = {simulate("--seed", "71", "--trace", PYTHONHASHSEED=hashes) for hashes in ("1", "2")}
    assert len(traces) == 1
    assert max(map(len, traces)) > 1000


@pytest.mark.parametrize("needed", [(), (3,), (1, 6), (0, 2, 5)])
def test_faults_that_are_not_needed_are_left_out(needed: tuple[int, ...]) -> None:
    def attempt(seed: int, chosen: object) -> Life:
        return Life(seed, 1, 1, 8, "a rule" if set(needed) <= set(chosen) else "")  # type: ignore[call-overload]

    assert shrink(Life(4, 1, 1, 8, "a rule"), attempt) == needed
