"""`./run simulate`: seeded worlds around the shipped kiosk, each looked at after every step.

./run simulate [--seeds N | --seconds S] [--from SEED] [--workers N] [--family NAME]
                                                                       fresh seeds, or those from SEED on
./run simulate --seed SEED [--only PLACES] [--trace]                     one world again, with all or some of its faults
./run simulate --corpus                                                  the worlds that once broke
./run simulate --mutants [NAME...]                                       planted bugs: each must break a world
./run simulate --kills ...                                               the real process killed at every commit
./run simulate --power-cuts ...                                          the journal on a disk that loses power
"""

import argparse
import json
import os
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.simulation import server_state
from tests.simulation.acceptors import FAMILIES, USUAL
from tests.simulation.checks import CHECKS
from tests.simulation.living import Life, Seeds, faults_of, live, live_all, shrink
from tests.simulation.terminals import TERMINALS

CORPUS = Path(__file__).parent / "corpus.txt"
SHRINK_MOST = 3  # broken worlds that are shrunk; more of them seldom say more


def main(argv: Sequence[str]) -> int:
    """Return 0 if every rule held in every world."""
    if argv and argv[0] == "--kills":
        from tests.simulation import kills

        return kills.main(argv[1:])
    if argv and argv[0] == "--power-cuts":
        from tests.simulation import power_cuts

        return power_cuts.main(argv[1:])
    if argv and argv[0] == "--mutants":
        from tests.simulation import mutations

        return mutations.main(argv[1:])
    options = _options(argv)
    if options.seed is not None:
        return _one(options)
    if options.corpus:
        print("the worlds that once broke")
        return _many(corpus(), options.workers, options.family)
    first = secrets.randbits(40) if options.first is None else options.first
    print(f"worlds from seed {first}", flush=True)
    if options.until_broken:
        return _until_broken(Seeds(first, options.seeds), options.family)
    count = 0 if options.seconds else options.seeds
    return _many(Seeds(first, count, options.seconds), options.workers, options.family)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run simulate", description=__doc__, usage=argparse.SUPPRESS)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--from", type=int, dest="first")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--only", type=_places)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument(
        "--family",
        choices=sorted({*FAMILIES, *TERMINALS, CHECKS}),
        default=USUAL,
        help="acceptor or terminal, or checks",
    )
    parser.add_argument("--corpus", action="store_true")
    parser.add_argument("--until-broken", action="store_true", help="stop at the first, and say so as JSON")
    return parser.parse_args(argv)


def _places(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part)


def corpus() -> list[int]:
    """Return the seeds that were found once; a line is a seed and what it showed."""
    lines = CORPUS.read_text(encoding="utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def _one(options: argparse.Namespace) -> int:
    server_state.prepare()
    life = live(options.seed, options.only, print if options.trace else None, options.family)
    print(f"{life.broken}: {life.detail}" if life.broken else "every rule held")
    return 1 if life.broken else 0


def _many(seeds: Seeds | Sequence[int], workers: int, family: str) -> int:
    began = time.monotonic()
    lived: list[Life] = []
    broken: list[Life] = []
    for life in live_all(seeds, workers, family):
        lived.append(life)
        if life.broken:
            broken.append(life)
            print(f"BROKEN in world {life.seed}: {life.broken}: {life.detail}", flush=True)
            if len(broken) <= SHRINK_MOST:
                _explain(life)
    seconds = time.monotonic() - began
    visits, hours = sum(life.visits for life in lived), sum(life.virtual_ms for life in lived) / 3_600_000
    print(
        f"{len(lived)} worlds, {visits} sessions, {hours:.1f} hours of their time in {seconds:.0f} s:"
        f" {visits * 60 / max(seconds, 0.001):.0f} sessions a minute on {workers} processes, {len(broken)} broken"
    )
    return 1 if broken else 0


def _until_broken(seeds: Seeds, family: str) -> int:
    server_state.prepare()
    broken, lived = "", 0
    for seed in seeds.share(0, 1):
        lived += 1
        broken = live(seed, family=family).broken
        if broken:
            break
    print(json.dumps({"worlds": lived, "broken": broken}))
    return 1 if broken else 0


def _explain(life: Life) -> None:
    """Say how to see it again, with no more faults than it needs."""
    from tests.simulation.isolation import apart

    few = apart(shrink, life)
    places = ",".join(map(str, few))
    family = "" if life.family == USUAL else f" --family {life.family}"
    print(f"  again: ./run simulate --seed {life.seed}{family} --only '{places}' --trace", flush=True)
    for fault in apart(faults_of, life.seed, few, life.family):
        print(f"    {fault}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
