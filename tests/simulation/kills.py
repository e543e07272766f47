"""The engine killed at every append of every journey of the demo, started again, and the books compared each time.

    ./run simulate --kills [--power --seed N] [--again-at N] [--journey NAME] [--at N] [--moment journal.append]

A kill comes right before or right after an append. Then the kiosk recovers, the next resident pays, and notes in the
twin = journal = ledger and suspense, with notes in doubt as the only difference that may be; cards charged at the
terminal = journal = ledger without any difference; checks in the journal = ledger; every record is at the server once
and in order. With --power the acceptor loses its power with the kiosk, a moment later or earlier in its movement as
the seed says.
"""

import argparse
import os
import queue
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kiosk.demo.cli import by_card, by_check, cash_in
from kiosk.demo.journeys import ACCEPTOR_OF, JOURNEYS
from kiosk.demo.processes import DemoFailed
from tests.simulation.kill_lobby import NEXT_RESIDENT, Died, KillLobby, KillWorld, play

MOMENTS = ("journal.before_append", "journal.append")
MORE_MOMENTS = (*MOMENTS, "command")
WORLDS = 2
OWN = "ebds"  # the lobby's acceptor
FAILURES_MAX = 5
PROGRESS = 25  # cases between two lines that say how far it is
SETTLE_S = 30.0
POWER_CUT_S_MAX = 0.25  # the acceptor's twin moves a note in less
SIGKILLED = -9
DARK = ("power-cut-while-stacking",)  # journeys in which the acceptor loses power without a kill


class Violated(Exception):
    """What must always be true is not."""


@dataclass(frozen=True)
class Case:
    """Kill at the `at`-th time of `moment` in the journey or, if it is over by then, in the next resident's payment.

    0 kills nowhere. `power_cut_s`: how long after the kill the acceptor's power goes. `again_at`: the engine that
    recovers is killed too, at that append of its own.
    """

    journey: str
    at: int = 0
    moment: str = "journal.append"
    power_cut_s: float | None = None
    again_at: int = 0

    def command(self, seed: int) -> str:
        """Return the command that repeats it."""
        power = f" --power --seed {seed}" if self.power_cut_s is not None else ""
        twice = f" --again-at {self.again_at}" if self.again_at else ""
        return f"./run simulate --kills --journey {self.journey} --at {self.at} --moment {self.moment}{twice}{power}"


@dataclass
class Outcome:
    """What came of a case. `appends` is how often its moment came in the journey, known when nothing was killed."""

    case: Case
    killed: bool = False
    appends: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)  # facts that it added to the journal
    why: str = ""


class Bench:
    """One world, used for one case after the other. A world whose books are wrong is of no further use."""

    def __init__(self) -> None:
        self._base = Path(tempfile.mkdtemp(prefix="kills-"))
        self.world = KillWorld(self._base)
        self._lobby = KillLobby(self.world)
        self._known = 0  # records that were there before the case

    def open(self) -> None:
        """Bring the world up, with a note in the cassette: an empty one would not be swapped."""
        self.world.start(bills=1)
        self.world.at_rest()
        self.world.bill_all()
        play(self._lobby, "the first resident", NEXT_RESIDENT)

    def close(self, keep: Path | None = None) -> None:
        """Stop everything; `keep` is where logs and journal of a failure are left."""
        self.world.stop()
        if keep is not None:
            for part in ("logs", "kiosk"):
                shutil.copytree(self._base / part, keep / part, dirs_exist_ok=True)
        shutil.rmtree(self._base, ignore_errors=True)

    def run(self, case: Case) -> Outcome:
        """Play the case to its end. The outcome says what was violated, if anything."""
        began = time.monotonic()
        outcome = Outcome(case)
        try:
            self._play(case, outcome)
        except (DemoFailed, Died, Violated) as failed:
            outcome.why = f"{type(failed).__name__}: {failed}"
        outcome.seconds = time.monotonic() - began
        return outcome

    def _play(self, case: Case, outcome: Outcome) -> None:
        world = self.world
        acceptor = ACCEPTOR_OF.get(case.journey, OWN)
        if acceptor != world.acceptor:
            world.exchange_acceptor(acceptor)
        world.fill_store()
        world.bill_all()
        world.at_rest()
        world.power_cut_s = case.power_cut_s
        counted = world.base / "count"
        counted.unlink(missing_ok=True)
        world.order(f"{case.moment}:{case.at}:kill" if case.at else f"{case.moment}:0:count={counted}")
        try:
            play(self._lobby, case.journey, JOURNEYS[case.journey])
            outcome.appends = int(counted.read_text(encoding="ascii")) if counted.exists() else 0
            play(self._lobby, "the next resident", NEXT_RESIDENT)
        except Died:
            outcome.killed = True
            self._recover(f"{case.moment}:{case.again_at}:kill" if case.again_at else "")
        finally:
            world.order("")
        records = self._settled()
        outcome.kinds = Counter(record["kind"] for record in records[self._known :])
        self._known = len(records)
        check(world, records)
        if case.power_cut_s is None and case.journey not in DARK and (unsure := _unsure(outcome)):
            raise Violated(f"{unsure} though the acceptor always had power")

    def _recover(self, failpoint: str) -> None:
        """Start the engine again, however often it is killed, and let the next resident pay."""
        try:
            self._start_again(failpoint)
            self._settled()
            self.world.bill_all()
            play(self._lobby, "the next resident", NEXT_RESIDENT)
        except Died:
            self._recover("")

    def _start_again(self, failpoint: str) -> None:
        """Bury the engine, put everything right as a caretaker would, and start it, until it takes payments again."""
        world = self.world
        code = world.bury()
        if code != SIGKILLED or world.orders.exists():  # the failpoint takes its orders away before it kills
            raise Violated(f"the engine ended by itself with {code}")
        world.repair()
        if world.power_cut_s is not None:
            (world.base / "run" / "acceptor.toggle").unlink(missing_ok=True)  # a reboot empties the run directory
        world.order(failpoint)
        try:
            world.start_kiosk()
            world.at_rest()
        except DemoFailed:
            world.require_life()
            raise

    def _settled(self) -> list[dict[str, Any]]:
        """Return the journal once the server has all of it and every receipt was printed or given up."""
        records: list[dict[str, Any]] = []

        def settled() -> bool:
            self.world.require_life()
            records[:] = self.world.journal()
            posted = self.world.rows("SELECT COUNT(*) FROM journal_record")
            return posted == [(len(records),)] and not _unprinted(records)

        self.world.wait_until("all records to be posted and all receipts to be printed", settled, SETTLE_S)
        return records


def _unsure(outcome: Outcome) -> str:
    """Return the facts of the case that say that the kiosk does not know where a note belongs."""
    return " and ".join(kind for kind in ("NoteInDoubt", "NoteUnexpected") if outcome.kinds[kind])


# What must be true of a kiosk at rest


def check(world: KillWorld, records: list[dict[str, Any]]) -> None:
    """Hold twin, journal and server against each other. Raises Violated with everything that does not agree."""
    money = [*_notes(world, records), *_cards(world, records), *_checks(world, records), *_payments(records)]
    wrong = [*money, *_server(world, records), *_ledger(world, records)]
    if wrong:
        raise Violated("; ".join(wrong))


def _bodies(records: Iterable[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [record["entry"]["body"] for record in records if record["kind"] in kinds]


def _sum(bodies: Iterable[dict[str, Any]], name: str = "value_minor") -> int:
    return sum(body[name] for body in bodies)


def _unprinted(records: list[dict[str, Any]]) -> list[str]:
    ended = {body["receipt_number"] for body in _bodies(records, "ReceiptPrinted", "ReceiptFailed")}
    numbers = [body["receipt_number"] for body in _bodies(records, "PaymentCompleted")]
    return [number for number in numbers if number not in ended]


def _notes(world: KillWorld, records: list[dict[str, Any]]) -> list[str]:
    held = world.held_minor()
    booked = cash_in(records)
    doubtful = _sum(_bodies(records, "NoteInDoubt"))
    if booked <= held <= booked + doubtful:
        return []
    return [f"the twin holds {held}, the journal {booked} and {doubtful} in doubt"]


def _cards(world: KillWorld, records: list[dict[str, Any]]) -> list[str]:
    charged, approved, owed = world.batch_minor(), by_card(records), world.receivable_minor()
    if charged == approved == owed:
        return []
    return [f"the terminal took {charged} from cards, the journal says {approved}, the ledger {owed}"]


def _checks(world: KillWorld, records: list[dict[str, Any]]) -> list[str]:
    """Only the person knows whether a check was dropped: the journal and the ledger must say the same of those told."""
    taken, owed = by_check(records), world.checks_minor()
    awaited = sum(body["amount_minor"] for body in _bodies(records, "CheckAwaited"))
    if taken == owed and taken <= awaited:
        return []
    return [f"the journal says {taken} by check of {awaited} asked for, the ledger {owed}"]


def _payments(records: list[dict[str, Any]]) -> list[str]:
    wrong = []
    paid: defaultdict[str, int] = defaultdict(int)
    for body in _bodies(records, "NoteStacked"):
        paid[body["payment_id"]] += body["value_minor"]
    for body in _bodies(records, "CardSaleApproved"):
        paid[body["payment_id"]] += body["amount_minor"]
    for body in _bodies(records, "CardSaleVoided"):
        paid[body["payment_id"]] -= body["amount_minor"]
    for body in _bodies(records, "CheckTaken"):
        paid[body["payment_id"]] += body["amount_minor"]
    for body in _bodies(records, "NotePaidOut"):
        paid[body["payment_id"]] -= body["value_minor"]
    for body in _bodies(records, "PaymentCompleted"):
        paid[body["payment_id"]] -= body["total_minor"]
    wrong += [f"payment {payment}: {left} paid and not completed" for payment, left in paid.items() if left]
    numbers = [int(body["receipt_number"][-6:]) for body in _bodies(records, "PaymentCompleted")]
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append(f"receipts are numbered {numbers}")
    return wrong


def _server(world: KillWorld, records: list[dict[str, Any]]) -> list[str]:
    wrong = []
    if world.rows("SELECT seq, hash FROM journal_record ORDER BY id") != [
        (record["seq"], record["hash"]) for record in records
    ]:
        wrong.append("the server's records are not those of the kiosk, once and in order")
    for table in ("journal_forkrecord", "journal_quarantined"):
        ((count,),) = world.rows(f"SELECT COUNT(*) FROM {table}")
        if count:
            wrong.append(f"{count} rows in {table}")
    return wrong


def _ledger(world: KillWorld, records: list[dict[str, Any]]) -> list[str]:
    wrong = []
    sums = dict(world.rows("SELECT account_id, SUM(amount_minor) FROM ledger_entry GROUP BY account_id"))
    unexpected = _sum(_bodies(records, "NoteUnexpected"))
    booked = cash_in(records)
    if sums.get("cash", 0) != booked:
        wrong.append(f"the ledger's cash is {sums.get('cash', 0)}, the journal's {booked}")
    if -sums.get("suspense", 0) != unexpected:
        wrong.append(f"suspense is {-sums.get('suspense', 0)}, unexpected notes {unexpected}")
    if sum(sums.values()):
        wrong.append(f"debits and credits differ by {sum(sums.values())}")
    open_clearing = world.rows(
        "SELECT subject, SUM(amount_minor) FROM ledger_entry WHERE account_id = 'clearing' "
        "GROUP BY subject HAVING SUM(amount_minor) <> 0"
    )
    if open_clearing:
        wrong.append(f"clearing is not empty: {open_clearing}")
    return wrong


# All cases on all worlds


class Sweep:
    """Runs cases on several worlds at once. A world in which something was violated is replaced by a new one."""

    def __init__(self, worlds: int, seed: int, keep: Path | None = None) -> None:
        self._seed = seed
        self._keep = keep
        self._free: queue.SimpleQueue[Bench] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open: set[Bench] = set()
        self._worlds = worlds
        self._over = False
        self.failures: list[Outcome] = []

    def __enter__(self) -> "Sweep":
        try:
            with ThreadPoolExecutor(self._worlds) as pool:
                for bench in pool.map(lambda _: self._new(), range(self._worlds)):
                    self._free.put(bench)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *why: object) -> None:
        for bench in list(self._open):
            bench.close()

    def _new(self) -> Bench:
        bench = Bench()
        with self._lock:
            self._open.add(bench)
        bench.open()
        return bench

    def run(self, cases: Sequence[Case]) -> list[Outcome]:
        outcomes = []
        with ThreadPoolExecutor(self._worlds) as pool:
            try:
                for outcome in pool.map(self._one, cases):
                    outcomes.append(outcome)
                    if len(outcomes) % PROGRESS == 0:
                        print(f"  {len(outcomes)} of {len(cases)}", flush=True)
            except BaseException:  # stopped by a person: the pool would go on to the last case
                self._over = True
                raise
        return outcomes

    def _one(self, case: Case) -> Outcome:
        if self._over or len(self.failures) >= FAILURES_MAX:
            return Outcome(case, why="not run")
        bench = self._free.get()
        outcome = bench.run(case)
        if unsure := _unsure(outcome):
            print(f"{unsure}: {case.command(self._seed)}", flush=True)
        if outcome.why:
            self._say(outcome)
            with self._lock:
                self._open.discard(bench)
            bench.close(self._keep)
            bench = self._new()
        self._free.put(bench)
        return outcome

    def _say(self, outcome: Outcome) -> None:
        self.failures.append(outcome)
        print(f"FAILED {outcome.why}\n  again: {outcome.case.command(self._seed)}", flush=True)


def cases_of(
    counts: dict[str, int], moments: Sequence[str], power: bool = False, seed: int = 0, again_at: int = 0
) -> list[Case]:
    """Return a case for each append of each journey, at each moment."""
    cases = []
    for journey, appends in counts.items():
        for at in range(1, appends + 1):
            for moment in moments:
                cut_s = power_cut_s(seed, journey, at, moment) if power else None
                cases.append(Case(journey, at, moment, cut_s, again_at))
    return cases


def power_cut_s(seed: int, journey: str, at: int, moment: str) -> float:
    """Return when after a kill the acceptor's power goes; the same for a case that is repeated alone."""
    return random.Random(f"{seed}/{journey}/{at}/{moment}").uniform(0, POWER_CUT_S_MAX)


def table(clean: list[Outcome], kills: list[Outcome]) -> str:
    """Return one line a journey."""
    lines = [f"{'journey':28} {'appends':>7} {'kills':>6} {'missed':>6} {'doubt':>6} {'unexp.':>6} {'seconds':>8}"]
    for outcome in clean:
        mine = [one for one in kills if one.case.journey == outcome.case.journey]
        killed = sum(one.killed for one in mine)
        lines.append(
            f"{outcome.case.journey:28} {outcome.appends:7} {killed:6} {len(mine) - killed:6}"
            f" {sum(one.kinds['NoteInDoubt'] for one in mine):6}"
            f" {sum(one.kinds['NoteUnexpected'] for one in mine):6} {sum(one.seconds for one in mine):8.1f}"
        )
    killed = sum(one.killed for one in kills)
    lines.append(f"{'all':28} {sum(one.appends for one in clean):7} {killed:6} {len(kills) - killed:6}")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))  # so that nothing is left running
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"kills: seed {seed}, {options.worlds} worlds", flush=True)
    began = time.monotonic()
    journeys, moments = options.journey or list(JOURNEYS), options.moment or MOMENTS
    with Sweep(options.worlds, seed, options.keep) as sweep:
        if options.at is None:
            clean = sweep.run([Case(journey, moment=moments[0]) for journey in journeys])
            counts = {outcome.case.journey: outcome.appends for outcome in clean}
        else:
            clean, counts = [], dict.fromkeys(journeys, options.at)
        cases = cases_of(counts, moments, options.power, seed, options.again_at)
        kills = sweep.run([case for case in cases if options.at in (None, case.at)])
    print(table(clean, kills))
    bad = len(sweep.failures)
    print(f"{len(kills)} cases in {time.monotonic() - began:.0f} s, {bad or 'no'} failed")
    return 1 if bad else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run simulate --kills", description=__doc__)
    parser.add_argument("--journey", action="append", choices=sorted(JOURNEYS), help="only this one; may be repeated")
    parser.add_argument("--at", type=int, help="only this append")
    parser.add_argument("--moment", action="append", choices=MORE_MOMENTS, help="only this moment")
    parser.add_argument("--again-at", type=int, default=0, help="kill the engine that recovers too, at this append")
    parser.add_argument("--power", action="store_true", help="the acceptor loses its power with the kiosk")
    parser.add_argument("--seed", type=int, help="of when the acceptor's power goes; drawn and printed if not given")
    parser.add_argument("--worlds", type=int, default=min(WORLDS, os.cpu_count() or 1), help="at the same time")
    parser.add_argument("--keep", type=Path, help="where logs and journal of a failure are left")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
