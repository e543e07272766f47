"""Planted money bugs: each patch in mutants/ is put into a copy of the sources, where some world must break.

The proof that the worlds would notice. A patch begins with what it plants, as text; no patch makes the program raise
by itself, so what counts as caught is a named rule that does not hold.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.acceptors import FAMILIES, USUAL
from tests.simulation.checks import CHECKS
from tests.simulation.terminals import TERMINALS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "mutants"
SEEDS = 500
ROOMS = ("kiosk", "hardware", "billing", "assets", "tests")


@dataclass(frozen=True)
class Outcome:
    """`worlds` is how many it took; `rule` the one that broke, "" if none did."""

    name: str
    plants: str
    worlds: int
    rule: str

    @property
    def caught(self) -> bool:
        return bool(self.rule) and not self.rule.startswith("raises")


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.patch"))


def plants(name: str) -> str:
    """Return what a patch says that it does: its first line."""
    return (FOLDER / f"{name}.patch").read_text(encoding="utf-8").splitlines()[0]


def family_of(name: str) -> str:
    """Return whose worlds a bug is looked for in: a patch of one protocol begins with its name."""
    family = name.split("-")[0]
    return family if family in (*FAMILIES, *TERMINALS, CHECKS) else USUAL


def fits(name: str) -> str:
    """Return why the patch cannot be put into these sources, "" if it can."""
    done = _git("apply", "--check", str(FOLDER / f"{name}.patch"), cwd=ROOT)
    return done.stderr.strip() if done.returncode else ""


def attempt(name: str, first: int, seeds: int = SEEDS) -> Outcome:
    """Live worlds from `first` on with this bug until one breaks."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        here = Path(folder)
        for room in ROOMS:
            shutil.copytree(ROOT / room, here / room, ignore=shutil.ignore_patterns("__pycache__"))
        done = _git("apply", str(FOLDER / f"{name}.patch"), cwd=here)
        if done.returncode:
            raise RuntimeError(f"{name} does not fit: {done.stderr}")
        command = [sys.executable, "-m", "tests.simulation", "--until-broken", "--seeds", str(seeds)]
        command += ["--from", str(first), "--workers", "1", "--family", family_of(name)]
        ran = subprocess.run(
            command, cwd=here, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(here)}
        )
        try:
            last = json.loads(ran.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            last = {"worlds": 0, "broken": f"raises at its start: {ran.stderr.strip().splitlines()[-1:]}"}
    return Outcome(name, plants(name), last["worlds"], last["broken"])


def attempt_all(wanted: Sequence[str], first: int, workers: int) -> Iterator[Outcome]:
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda name: attempt(name, first), wanted)


def main(argv: Sequence[str]) -> int:
    """Print a table; return 0 if every bug was caught."""
    parser = argparse.ArgumentParser(prog="./run simulate --mutants")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--from", type=int, dest="first", default=secrets.randbits(40))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(argv)
    print(f"worlds from seed {options.first}, at most {SEEDS} a bug", flush=True)
    wanted = options.names or names()
    missed = 0
    for outcome in attempt_all(wanted, options.first, options.workers):
        missed += not outcome.caught
        sign = "caught" if outcome.caught else "MISSED"
        print(f"{sign} in {outcome.worlds:3} worlds  {outcome.plants:66.66}  {outcome.rule}", flush=True)
    print(f"{len(wanted) - missed} of {len(wanted)} caught")
    return 1 if missed else 0


def _git(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # A copy of the sources must not be taken for a part of the repository that it may lie in.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(cwd.parent)}
    return subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=False, env=environment)
