"""The journal on a disk whose power is cut again and again, at any operation.

./run simulate --power-cuts [--count N] [--seed N | --world SEED/NUMBER] [--control normal|lying]

A committed record is one whose append returned, or that was read after a start: it may have been posted. It has to be
there ever after, in the journal or in its archive; the append under way has to be there whole or not at all; what was
acknowledged before a checkpoint stays acknowledged, a fold stays kept; and every start finds a chain and a witness that
fit. The two controls have to lose records.
"""

import argparse
import itertools
import random
import secrets
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.domain.facts import Fact, JournalPruned, NoteStacked, SessionOpened
from kiosk.journal import database
from kiosk.journal.acknowledgement import Acknowledgement, read
from kiosk.journal.errors import JournalDamaged, JournalUnwritable
from kiosk.journal.record import Moment, Record
from kiosk.journal.store import Journal
from tests.simulation.disk import Disk, PowerLost

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SERVER = Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96)))
COUNT = 3000
_CUTS_MAX = 12  # in one world
_KILLS = 0.25  # of the process alone, among the cuts
_REACH = (12, 40, 160)  # operations until the next cut, at most


class Wrong(Exception):
    """The journal broke a promise."""


@dataclass
class Outcome:
    """What became of some worlds: committed records that were gone, and every broken promise by its world's seed."""

    cuts: int = 0
    records: int = 0
    lost: int = 0
    wrong: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Outcome") -> None:
        self.cuts += other.cuts
        self.records += other.records
        self.lost += other.lost
        self.wrong |= other.wrong


class World:
    """One journal on one disk, and what has to be true of it."""

    def __init__(self, chance: random.Random, *, honest: bool = True) -> None:
        self._chance = chance
        self.disk = Disk(chance, honest=honest)
        self._faults = chance.choice((0, 5, 30))
        self._number = 0
        self._journal: Journal | None = None
        self._committed: list[str] = []
        self._under_way: list[Fact] = []
        self._acked = self._acked_durably = self._folded = 0
        self.lost = 0

    @property
    def journal(self) -> Journal:
        assert self._journal is not None
        return self._journal

    @property
    def records(self) -> int:
        return len(self._committed)

    def live(self) -> None:
        """Start the kiosk and let it work until it dies at `disk.cut_at`. Raises Wrong, with the power still on."""
        try:
            while True:
                self.restart()
                with suppress(JournalUnwritable):
                    while True:
                        self.act()
        except JournalDamaged as damage:
            raise Wrong(f"refused: {damage}") from damage
        except PowerLost:
            self.die()

    def restart(self) -> None:
        """Die if alive, and start with the faults of the disk mended."""
        self.die()
        try:
            self.start()
        except JournalUnwritable as error:
            raise Wrong(f"does not start: {error}") from error

    def start(self) -> None:
        """Open the journal and hold it against what was promised. Now and then no fold can be read."""
        reads = self._chance.random() < 0.8
        try:
            self._journal = Journal.open(
                self.disk.folder / "journal.db",
                key=KEY,
                kiosk_id="rb-07",
                epoch=1,
                nonce="ab" * 32,
                server_key=SERVER.public_key(),
                medium=self.disk.medium,
                believe=lambda fold: reads,
            )
            found = list(self.journal.walk())
        except JournalDamaged as damage:
            if damage.reason.startswith("cut off"):
                self.lost = self.records - damage.seq + 1
            raise Wrong(f"refused: {damage}") from damage
        hashes = [record.hash for record in found]
        if hashes[: self.records] != self._committed:
            self.lost = self.records - sum(map(str.__eq__, hashes, self._committed))
            raise Wrong(f"lost: {self.lost} of {self.records} committed records")
        if facts_of(found[self.records :]) not in ([], self._under_way):
            raise Wrong(f"not whole: {len(hashes) - self.records} records of {len(self._under_way)} under way")
        if not self._acked_durably <= self.journal.acked_seq <= self._acked:
            raise Wrong(f"acknowledged {self.journal.acked_seq}, not {self._acked_durably} to {self._acked}")
        self._committed, self._under_way = hashes, []
        if reads:
            self._hold_folds()

    def _hold_folds(self) -> None:
        for fold in self.journal.folds:
            if (fold.hash, fold.body) != (self._committed[fold.seq - 1], {"sum": fold.seq}):
                raise Wrong(f"the fold of record {fold.seq} is of other records")
        newest = self.journal.folds[0].seq if self.journal.folds else 0
        if newest < self._folded:
            raise Wrong(f"folded up to {newest}, not {self._folded}")
        self._folded = newest

    def die(self) -> None:
        """The process ends without a word."""
        self.disk.crash()
        if self._journal:
            with suppress(PowerLost):
                self._journal.close()
            self._journal = None
        self.disk.full_after, self.disk.fail_sync = None, False

    def act(self) -> None:
        money = (self.append, self.acknowledge)
        tidying = (self.checkpoint, self.fold, self.tidy, self.prune, self.reopen, self.restart)
        weights = (60, 15, 10, 5, 15, 10, 5, 5, self._faults)
        self._chance.choices((*money, *tidying, self.fault), weights)[0]()

    def append(self) -> None:
        self._append([self._fact() for _ in range(self._chance.randint(1, 5))])

    def _append(self, facts: list[Fact]) -> None:
        self._under_way = facts
        made = self.journal.append([(fact, self._moment()) for fact in self._under_way])
        self._committed += [record.hash for record in made]
        self._under_way = []

    def acknowledge(self) -> None:
        if not self.records:
            return
        seq = self._chance.choice((self.records, self._chance.randint(max(1, self.journal.acked_seq), self.records)))
        self._acked = max(seq, self._acked)
        self.journal.acknowledge(acknowledgement(seq, self._committed[seq - 1]))

    def checkpoint(self) -> None:
        acked = self.journal.acked_seq
        self.journal.checkpoint()
        self._acked_durably = acked

    def fold(self) -> None:
        if self.records:
            self.journal.keep_fold(1, {"sum": self.records})
            self._folded = self.records

    def tidy(self) -> None:
        for act in (self.acknowledge, self.fold, self.file_away, self.prune):
            act()

    def file_away(self) -> None:
        """Write old records to the archive, and put on record that they go."""
        span = self.journal.prunable(self._chance.randint(1, 12), "9")
        if span is None:
            return
        parts = self.journal.archive(span)
        try:
            while True:
                next(parts)
        except StopIteration as end:
            label = end.value
        except OSError:  # the journal is as before
            return
        self._append([JournalPruned(label.from_seq, label.to_seq, label.last_hash, label.sha256)])

    def prune(self) -> None:
        self.journal.prune(self._chance.randint(1, 6))

    def reopen(self) -> None:
        acked = self.journal.acked_seq
        self.journal.close()
        self._journal = None
        self._acked_durably = acked
        self.start()

    def fault(self) -> None:
        """The disk fills up, or fails a sync: the journal says so at one of its next acts."""
        if self._chance.random() < 0.5:
            self.disk.fail_sync = True
        else:
            self.disk.full_after = self._chance.randrange(200_000)

    def end(self) -> None:
        """What is there after the last cut is whole, and the journal goes on working."""
        self.restart()
        for act in (self.append, self.checkpoint, self.append, self.reopen):
            act()
        report = self.journal.verify()
        if not report.ok or report.head_seq != self.records:
            raise Wrong(f"verified {report.head_seq} of {self.records}: {report.reason}")
        self.journal.close()

    def _fact(self) -> Fact:
        self._number += 1
        if self._chance.random() < 0.1:
            return SessionOpened("s" * self._chance.randrange(9000))  # longer than a page
        return NoteStacked(f"note-{self._number}", "payment", 2000, "USD", 1, False)

    def _moment(self) -> Moment:
        return Moment(f"entry-{self._number}", "2026-11-23T19:42:07.123Z", "trusted", "5f" * 16, self._number)


def facts_of(records: list[Record]) -> list[Fact]:
    return [record.envelope().fact() for record in records]


def acknowledgement(seq: int, digest: str) -> Acknowledgement:
    content = {"kiosk_id": "rb-07", "epoch": 1, "head_seq": seq, "head_hash": digest}
    text = rfc8785.dumps(content | {"ledger_txn_id": 1, "server_time": "2026-11-23T19:42:30.000Z"})
    return read(text.decode(), b64encode(SERVER.sign(text)).decode(), SERVER.public_key())


def walk(seed: str, *, honest: bool = True, cuts_max: int = _CUTS_MAX) -> Outcome:
    """One world: cut its power up to `cuts_max` times, or until a promise is broken."""
    chance = random.Random(seed)
    world = World(chance, honest=honest)
    outcome = Outcome()
    try:
        cuts = min(chance.randint(1, _CUTS_MAX), cuts_max)
        while outcome.cuts < cuts:
            world.disk.cut_at = world.disk.operations + chance.randrange(chance.choice(_REACH))
            world.live()
            if chance.random() < _KILLS:
                continue  # the process alone died: what it wrote is still in memory
            world.disk.power_cut()
            outcome.cuts += 1
        world.end()
    except Wrong as wrong:
        outcome.wrong[seed] = str(wrong)
        with suppress(JournalUnwritable):  # a broken file may not even close
            world.die()
    finally:
        world.disk.close()
    outcome.records, outcome.lost = world.records, world.lost
    return outcome


def walks(seed: int, count: int, *, honest: bool = True) -> Outcome:
    """Worlds until their power was cut `count` times."""
    outcome = Outcome()
    for number in itertools.count():
        if outcome.cuts >= count or len(outcome.wrong) >= count:
            return outcome
        outcome.add(walk(f"{seed}/{number}", honest=honest, cuts_max=count - outcome.cuts))
    raise AssertionError


@contextmanager
def synchronous_normal() -> Iterator[None]:
    """The first control: SQLite is asked to sync the log at a checkpoint alone. No kiosk can be told to do so."""
    kept = database._PROMISES
    database._PROMISES = tuple(
        ("synchronous", "NORMAL", 1) if promise[0] == "synchronous" else promise for promise in kept
    )
    try:
        yield
    finally:
        database._PROMISES = kept


def main(argv: list[str]) -> int:
    """Cut, tell the figures, and return 1 if a promise was broken; of a control, if none was."""
    parser = argparse.ArgumentParser(prog="./run simulate --power-cuts")
    parser.add_argument("--count", type=int, default=COUNT, help="power cuts")
    parser.add_argument("--seed", type=int, default=None, help="of all worlds; fresh if not given")
    parser.add_argument("--world", metavar="SEED/NUMBER", help="one world alone, as a failure names it")
    parser.add_argument(
        "--control", choices=("normal", "lying"), help="synchronous=NORMAL, or a disk that ignores sync"
    )
    options = parser.parse_args(argv)
    seed = secrets.randbelow(1 << 32) if options.seed is None else options.seed
    honest = options.control != "lying"
    began = time.monotonic()
    with synchronous_normal() if options.control == "normal" else nullcontext():
        run = partial(walk, options.world) if options.world else partial(walks, seed, options.count)
        outcome = run(honest=honest)
    print(f"seed {options.world or seed}: {outcome.cuts} power cuts, {outcome.records} records, ", end="")
    print(f"{outcome.lost} lost, {len(outcome.wrong)} worlds wrong, {time.monotonic() - began:.1f} s")
    control = f" --control {options.control}" if options.control else ""
    for world, reason in itertools.islice(outcome.wrong.items(), 20):
        print(f"  {reason}\n    ./run simulate --power-cuts --world {world}{control}")
    return int(bool(outcome.wrong) != bool(options.control))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
