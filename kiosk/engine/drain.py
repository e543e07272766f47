"""`journal drain FILE --config FILE`: send the city what it lacks of a journal that no kiosk runs with any more.

FILE is a journal that was moved away, a file that `journal export` wrote, or one of the archive. It is read and never
changed. Key and enrolment are those it was written under: beside it, one folder up, or where --identity says.
"""

import argparse
import gzip
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.config.load import load
from kiosk.config.model import Config
from kiosk.config.wrong import ConfigWrong
from kiosk.engine.city import session_for
from kiosk.journal import audit, lines
from kiosk.journal.chain import ChainCheck, Expectation
from kiosk.journal.errors import JournalDamaged, JournalInUse
from kiosk.journal.keys import ENROLMENT_NAME, KEY_NAME, Enrolment, KeyUnusable, load_enrolment, load_key
from kiosk.journal.record import MalformedEntry, Record
from kiosk.posting.client import CentralServer
from kiosk.posting.drain import Drain, Drained, NotDrained

ALL_SENT, NOT_ALL, UNUSABLE = 0, 1, 2
Source = Callable[[], Iterator[Record]]


def main(argv: Sequence[str], pause: Callable[[float], None] = time.sleep) -> int:
    """Run the command. Returns 0 when the city holds all, 1 when it cannot get all of it, 2 to try again later."""
    parser = argparse.ArgumentParser(prog="kiosk journal drain", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--identity", type=Path, help=f"the folder of its {ENROLMENT_NAME} and {KEY_NAME}")
    options = parser.parse_args(argv)
    try:
        config = load(options.config)
        folder = options.identity or _folder(options.file, config)
        with _opened(options.file) as source:
            return _drain(source, config, folder, pause)
    except JournalDamaged as damage:
        print(f"damaged: {damage}", file=sys.stderr)
        return NOT_ALL
    except NotDrained as broken:
        print(f"not all was sent: {broken}", file=sys.stderr)
        return UNUSABLE if broken.away else NOT_ALL
    except (ConfigWrong, JournalInUse, KeyUnusable, OSError) as error:
        print(f"cannot send: {error}", file=sys.stderr)
        return UNUSABLE


def _drain(source: Source, config: Config, folder: Path, pause: Callable[[float], None]) -> int:
    enrolment, key = load_enrolment(folder / ENROLMENT_NAME), load_key(folder / KEY_NAME)
    good, damage = _looked_over(source, enrolment, key.public_key(), folder)
    server = CentralServer(config.server.url, enrolment, key, session=session_for(config))
    if good:
        print(_sentence(Drain(server, lambda: islice(source(), good), pause).run()))
    if damage:
        print(f"damaged: {damage}; {good} records before it were sent", file=sys.stderr)
    return NOT_ALL if damage else ALL_SENT


def _looked_over(
    source: Source, enrolment: Enrolment, public_key: Ed25519PublicKey, folder: Path
) -> tuple[int, JournalDamaged | None]:
    """Check every hash, link and signature: the city would freeze a kiosk over a record that is not one.

    Returns how many records are good, and what is wrong with the next.
    """
    chain = ChainCheck(public_key, Expectation(enrolment.kiosk_id, enrolment.epoch, enrolment.nonce), thorough=True)
    count = 0
    try:
        for record in source():
            if not count:
                _require_its_own(record, enrolment, folder)
            if not count and record.seq > 1:
                chain.go_on_after(record.seq - 1, record.envelope().prev_hash)
            chain.take(record)
            count += 1
    except MalformedEntry as error:
        return count, JournalDamaged(f"the entry is unreadable: {error}", 1)
    except JournalDamaged as damage:
        return count, damage
    return count, None


def _require_its_own(record: Record, enrolment: Enrolment, folder: Path) -> None:
    envelope = record.envelope()
    if (envelope.kiosk_id, envelope.epoch) != (enrolment.kiosk_id, enrolment.epoch):
        raise KeyUnusable(
            f"written by {envelope.kiosk_id} in epoch {envelope.epoch}, and {folder} is {enrolment.kiosk_id} in epoch "
            f"{enrolment.epoch}: name the folder with the key of then by --identity"
        )


def _folder(file: Path, config: Config) -> Path:
    places = (file.parent, file.resolve().parent.parent, config.state_dir)
    return next((place for place in places if (place / ENROLMENT_NAME).exists()), config.state_dir)


def _opened(file: Path) -> AbstractContextManager[Source]:
    if file.suffix in (".jsonl", ".gz"):
        return nullcontext(lambda: _lines(file))
    return audit.reading(file)


def _lines(file: Path) -> Iterator[Record]:
    count = 0
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as text:
        try:
            for line in text:
                yield lines.read(line)
                count += 1
        except (lines.NotALine, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise JournalDamaged(f"line {count + 1} is no record: {error}") from error


def _sentence(drained: Drained) -> str:
    lost = f", {drained.branch} kept as a branch that lost" if drained.branch else ""
    return f"the city had {drained.there} of these records and took {drained.taken}{lost}: it has them all"
