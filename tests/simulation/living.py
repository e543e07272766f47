"""Living through worlds: one, or many on several processes; and finding the fewest faults that still break one."""

import gc
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

from tests.simulation import server_state
from tests.simulation.acceptors import USUAL

COLLECT_EVERY = 10  # worlds are full of circles


@dataclass(frozen=True)
class Life:
    """What became of a world: `broken` names the rule that did not hold, "" if all did."""

    seed: int
    visits: int
    virtual_ms: int
    drawn: int  # faults in the seed's list
    broken: str = ""
    detail: str = ""
    family: str = USUAL


def live(
    seed: int,
    chosen: Sequence[int] | None = None,
    trace: Callable[[str], None] | None = None,
    family: str = USUAL,
) -> Life:
    """Live one world. A bug that raises is a broken rule like any other. `server_state.prepare` comes before."""
    from tests.simulation.violation import Violation
    from tests.simulation.world import World

    world = World(seed, chosen, trace, family)
    broken = detail = ""
    try:
        world.run()
    except Violation as violation:
        broken, detail = violation.name, violation.detail
    except Exception as error:  # noqa: BLE001 whatever the kiosk raises is what we look for
        broken, detail = f"raises {type(error).__name__}", _where(error)
    return Life(seed, world.visits, world.timeline.now_ms, world.drawn, broken, detail, family)


def _where(error: Exception) -> str:
    place, at = "", error.__traceback__
    while at is not None:
        place, at = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}", at.tb_next
    return f"{error} ({place})"


def faults_of(seed: int, chosen: Sequence[int], family: str = USUAL) -> list[str]:
    """Return the faults at these places of the seed's list, in words."""
    from tests.simulation.world import World

    world = World(seed, chosen, family=family)
    world.disk.close()
    return [str(fault) for fault in world.faults]


@dataclass(frozen=True)
class Seeds:
    """Seeds from `first` on: `count` of them, or as many as begin within `seconds`."""

    first: int
    count: int = 0
    seconds: float = 0

    def share(self, rank: int, of: int, clock: Callable[[], float] = time.monotonic) -> Iterator[int]:
        """Yield every `of`-th seed from the `rank`-th on."""
        end = clock() + self.seconds
        at = rank
        while at < self.count if self.count else clock() < end:
            yield self.first + at
            at += of


def live_all(seeds: Seeds | Sequence[int], workers: int, family: str = USUAL) -> Iterator[Life]:
    """Live all worlds on `workers` processes, and give each life as it ends."""
    context = multiprocessing.get_context("spawn")
    lives: Any = context.SimpleQueue()
    processes = [context.Process(target=_work, args=(seeds, rank, workers, lives, family)) for rank in range(workers)]
    for process in processes:
        process.start()
    working = len(processes)
    while working:
        life = lives.get()
        if life is None:
            working -= 1
        else:
            yield life
    for process in processes:
        process.join()


def _work(seeds: Seeds | Sequence[int], rank: int, workers: int, lives: Any, family: str) -> None:
    server_state.prepare()
    gc.disable()
    try:
        ours = seeds.share(rank, workers) if isinstance(seeds, Seeds) else seeds[rank::workers]
        for count, seed in enumerate(ours):
            lives.put(live(seed, family=family))
            if count % COLLECT_EVERY == 0:
                gc.collect()
    finally:
        lives.put(None)


def shrink(life: Life, attempt: Callable[[int, Sequence[int]], Life] | None = None) -> tuple[int, ...]:
    """Return the places of the fewest faults of the seed's list with which the same rule still breaks.

    Halves are left out first, then single ones, until none can be spared; lists of up to three are tried whole.
    """
    chosen = tuple(range(life.drawn))
    attempt = attempt or partial(live, family=life.family)

    def breaks(some: Sequence[int]) -> bool:
        return attempt(life.seed, some).broken == life.broken

    if not breaks(chosen):
        return chosen
    for few in ((), *combinations(chosen, 1)):
        if breaks(few):
            return tuple(few)
    size = len(chosen) // 2
    while size:
        for start in range(0, len(chosen), size):
            rest = chosen[:start] + chosen[start + size :]
            if breaks(rest):
                chosen = rest
                break
        else:
            size //= 2
    return chosen
